"""Free text leaves under a policy or not at all, and names nobody of the delivery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from polku.contracts.model import Column, Table
from polku.errors import Exit, Refusal
from tests.polku.parties import PERSONS, Parties, contract, small_study

HEADER = "hetu;syntymapaiva;kieli;asia;huomio;nimi;osoite;puhelin"
NAMELESS = "kielikurssi sujui hyvin, A2 suoritettu 12.3.2020"


def table(policy: str) -> Table:
    return replace(
        PERSONS,
        columns=(
            *PERSONS.columns,
            Column("asia", "case_key", "identifier", "ties cases", domain="persons.case"),
            Column("huomio", "remark", "text", "test", free_text=policy),
        ),
        never={"nimi": "a name", "osoite": "an address", "puhelin": "a number"},
        identifying=("nimi", "osoite", "puhelin"),
    )


def parties(folder: Path, policy: str) -> Parties:
    return Parties(folder, small_study(contract("persons", table(policy))))


def lines(*remarks: str, language: str = "fi") -> list[str]:
    persons = ["010190-999W", "131052-900W", "290200A901C", "290296-9026", "311299X903B", "010185-9501", "150605B987M"]
    names = [
        "Aho Ilmari",
        "Virtanen Maija",
        "M\xe4kel\xe4-Ng Li",
        "Korhonen Eero",
        "Nieminen Aino",
        "Lund Bo",
        "Roos Ida",
    ]
    return [
        HEADER,
        *(
            f"{persons[i]};01.01.1990;{language};OSK-10{i:02d};{remark};{names[i]};"
            f"Kuusikatu {i} A 12, 02600;040 123 456{i}"
            for i, remark in enumerate(remarks)
        ),
    ]


NAMING = {
    "ilmari kertoi": "own first name",
    "tapasin AHON, aho oli v\xe4synyt": "own surname of three letters",
    "soittanut virtanen": "surname of another row",
    "M\xc4KELA tuli": "accents do not hide a name",
    "ma\u0308kela\u0308-ng": "nor how they are encoded",
    "\uff36irtanen k\xe4vi": "full-width letter",
    "Virta\u00adnen k\xe4vi": "soft hyphen",
    "muutti (Kuusikatu 5)": "street",
    "asia osk-1000, kesken": "own case number",
    "0401234560": "own telephone number",
    "010190-999W": "own identity code",
    "ks. 290200A901C": "code of another",
    "matti@example.org": "e-mail",
    "FI21 1234 5600 0007 85": "account",
}


@pytest.mark.parametrize("remark", NAMING, ids=list(NAMING.values()))
def test_a_text_that_names_somebody_is_emptied_and_counted(tmp_path: Path, remark: str) -> None:
    world = parties(tmp_path, "redact")
    world.write("persons", "persons.csv", lines(remark, NAMELESS, "Metsä ja li", ""))
    delivery = world.deliver("persons")
    rows = world.read(delivery)["persons"]
    assert sorted(str(row["remark"]) for row in rows) == sorted(["None", NAMELESS, "Metsä ja li", "None"])
    world.write("persons", "persons.csv", lines(remark, NAMELESS, "Metsä ja li", ""))
    report = world.seal("persons")
    assert report.tables[0].redacted == {"remark": 1}
    assert report.manifest.tables[0].redacted == {"remark": "1-9"}


@pytest.mark.parametrize("remark", NAMING, ids=list(NAMING.values()))
def test_a_text_that_names_somebody_stops_a_delivery_that_keeps_it(tmp_path: Path, remark: str) -> None:
    world = parties(tmp_path, "keep_after_scan")
    world.write("persons", "persons.csv", lines(remark, NAMELESS, NAMELESS))
    with pytest.raises(Refusal) as caught:
        world.seal("persons")
    refusal = caught.value
    assert (refusal.exit, refusal.column, refusal.row_no) == (Exit.IDENTIFIER_IN_DATA, "huomio", 2)
    assert not any(word.lower() in str(refusal).lower() for word in ("ilmari", "virtanen", "kuusikatu", "999W", "osk-"))
    assert not list((world.root.authority("persons") / "sealed").iterdir())


@pytest.mark.parametrize("policy", ["redact", "keep_after_scan"])
def test_a_text_that_names_nobody_leaves_as_it_is(tmp_path: Path, policy: str) -> None:
    world = parties(tmp_path, policy)
    world.write("persons", "persons.csv", lines(NAMELESS))
    (row,) = world.read(world.deliver("persons"))["persons"]
    assert row["remark"] == NAMELESS
    assert "nimi" not in row


def test_what_a_refused_row_says_is_not_counted(tmp_path: Path) -> None:
    world = parties(tmp_path, "redact")
    bad = lines("Virtanen k\xe4vi")[1].replace("010190-999W", "010190-999L")
    world.write("persons", "persons.csv", [*lines(NAMELESS, NAMELESS), bad])
    assert world.seal("persons").manifest.tables[0].redacted == {}


def test_a_code_may_be_a_name_of_somebody_but_not_of_the_row_itself(tmp_path: Path) -> None:
    world = parties(tmp_path, "redact")
    world.write("persons", "persons.csv", lines(NAMELESS, NAMELESS, language="roos"))
    assert world.seal("persons").manifest.tables[0].rows == 2
    world.write("persons", "persons.csv", lines(NAMELESS, NAMELESS, language="Maija"))
    with pytest.raises(Refusal) as caught:
        world.seal("persons")
    assert (caught.value.exit, caught.value.column, caught.value.row_no) == (Exit.IDENTIFIER_IN_DATA, "kieli", 3)


def test_free_text_is_not_kept_where_nobody_can_be_looked_for_in_it(tmp_path: Path) -> None:
    world = parties(tmp_path, "redact")
    world.write("persons", "persons.csv", [line.rsplit(";", 1)[0] for line in lines(NAMELESS)])
    with pytest.raises(Refusal) as caught:
        world.seal("persons")
    assert (caught.value.exit, caught.value.column) == (Exit.EXTRACT_BREAKS_CONTRACT, "puhelin")
