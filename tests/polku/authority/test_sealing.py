"""Sealing: what leaves an authority, what stays, and what stops everything."""

from __future__ import annotations

import csv
import stat
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.authority import sealing
from polku.authority.row_map import source_row, source_rows
from polku.contracts.model import FileFormat
from polku.errors import Exit, Refusal
from polku.exchange.keys import LINKAGE
from polku.exchange.ledger import Ledger
from polku.exchange.package import Package
from polku.exchange.payload import Payload
from tests.polku.parties import PERSONS, SPELLS, Parties, contract, small_study

HEADER = "hetu;syntymapaiva;kieli;nimi"
GOOD = [HEADER, "010190-999W;01.01.1990;fi;Matti", "131052-900W;13.10.1952;sv;Maija", "290200A901C;29.02.2000;;X"]


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    return Parties(tmp_path)


def refusal_of(parties: Parties, register: str = "persons") -> Refusal:
    with pytest.raises(Refusal) as caught:
        parties.seal(register)
    assert not list((parties.root.authority(register) / "sealed").glob("*"))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def test_only_named_columns_leave(parties: Parties) -> None:
    parties.write("persons", "persons.csv", GOOD)
    report = parties.seal("persons")
    assert report.manifest.tables[0].columns == ("person_key", "birth_month", "language_code")
    assert report.tables[0].dropped == ("nimi",)


def test_the_manifest_says_where_the_rows_are_from(parties: Parties) -> None:
    parties.write("persons", "persons.csv", GOOD)
    manifest = parties.seal("persons").manifest
    assert (manifest.source, manifest.filed_by, manifest.legal_basis) == ("persons system", "text", ("Act",))
    assert manifest.tables[0].rows == 3


def test_packages_are_private_and_hold_nothing_readable(parties: Parties) -> None:
    parties.write("persons", "persons.csv", GOOD)
    report = parties.seal("persons")
    for part in (report.id_part, report.data_part):
        assert stat.S_IMODE(part.stat().st_mode) == 0o600
        for secret in (b"010190", b"999W", b"Matti", b"1990-01", b"language_code"):
            assert secret not in part.read_bytes()


def test_refused_rows_stay_and_are_listed_without_values(parties: Parties) -> None:
    bad = ["010190-999L;01.01.1990;fi;A", "010190999W;huu;fi;B", "290296-9026;1.13.1996;fi;C"]
    parties.write("persons", "persons.csv", [*GOOD, *bad])
    report = parties.seal("persons")
    assert report.manifest.tables[0].rows == 3
    assert report.tables[0].refused == {"date_form": 2, "hetu_check_character": 1, "hetu_no_separator": 1}
    assert report.quarantine is not None
    with report.quarantine.open(encoding="utf-8") as file:
        listed = [(int(row["row_no"]), row["column"], row["reason"]) for row in csv.DictReader(file)]
    assert listed == [
        (5, "hetu", "hetu_check_character"),
        (6, "hetu", "hetu_no_separator"),
        (6, "syntymapaiva", "date_form"),
        (7, "syntymapaiva", "date_form"),
    ]
    assert stat.S_IMODE(report.quarantine.stat().st_mode) == 0o600
    assert not any(word in report.quarantine.read_text() for word in ("010190", "290296", "huu", "1996"))


def test_respelled_identifiers_are_counted(parties: Parties) -> None:
    parties.write("persons", "persons.csv", [HEADER, " 010190\u2013999w;01.01.1990;fi;A", *GOOD[2:]])
    assert parties.seal("persons").tables[0].rows_respelled == 1


def test_an_identifier_in_a_row_that_stays_stops_nothing(parties: Parties) -> None:
    parties.write("persons", "persons.csv", [*GOOD, "010190-999L;01.01.1990;a@b.fi;A"])
    assert parties.seal("persons").tables[0].refused == {"hetu_check_character": 1}


def test_rows_of_a_person_stay_together_and_their_order_says_nothing(parties: Parties) -> None:
    persons = ["010190-999W", "131052-900W", "290200A901C", "290296-9026", "311299X903B", "010185-9501", "150605B987M"]
    lines = [f"{i};{person};01.01.2019;{i}" for i, person in enumerate(persons * 3)]
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", *lines])
    rows = parties.read(parties.deliver("jobs"))["spells"]
    changes = sum(one["person_key"] != next_["person_key"] for one, next_ in pairwise(rows))
    assert changes == len(persons) - 1
    assert [row["note"] for row in rows] != sorted((str(row["note"]) for row in rows), key=int)


def test_the_linkage_unit_gets_identifiers_of_rows_that_leave_and_of_no_others(parties: Parties) -> None:
    twice = ["131052-900W;01.01.1990;fi;A", "131052-900W;huu;fi;B"]
    parties.write("persons", "persons.csv", [*GOOD[:2], *twice, "290296-9026;huu;fi;C"])
    report = parties.seal("persons")
    parties.send(report)
    with Package.verify(report.id_part, parties.trust().signers) as package:
        keys = parties.trust().own(LINKAGE, parties.root.linkage)
        (sent,) = (rows.read_all() for _, rows in Payload(package.open(keys.opening), "id part").tables())
    assert sent.num_rows == 2
    assert sent["handle"].to_pylist() == sorted(sent["handle"].to_pylist())


def test_too_many_refused_rows_refuse_the_delivery(parties: Parties) -> None:
    parties.write("persons", "persons.csv", [*GOOD[:2], *(f"{i};01.01.1990;fi;A" for i in range(2))])
    with pytest.raises(Refusal) as caught:
        parties.seal("persons")
    assert (caught.value.exit, caught.value.file, caught.value.row_no) == (
        Exit.EXTRACT_BREAKS_CONTRACT,
        "persons.csv",
        3,
    )
    assert Ledger(parties.root.authority("persons") / "ledger.sqlite").entries() == []


@pytest.mark.parametrize(
    ("lines", "exit_", "column", "row_no"),
    [
        pytest.param(["hetu;kieli", "010190-999W;fi"], Exit.EXTRACT_BREAKS_CONTRACT, "syntymapaiva", None, id="lacks"),
        pytest.param(["hetu;hetu;syntymapaiva;kieli"], Exit.EXTRACT_BREAKS_CONTRACT, "hetu", None, id="twice"),
        pytest.param([*GOOD, "010190-999W;01.01.1990"], Exit.EXTRACT_BREAKS_CONTRACT, None, 5, id="short row"),
        pytest.param([*GOOD, 'x;"y;z;w'], Exit.EXTRACT_BREAKS_CONTRACT, None, 5, id="open quote"),
        pytest.param([], Exit.EXTRACT_BREAKS_CONTRACT, "hetu", None, id="empty"),
        pytest.param([*GOOD, "290296-9026;01.01.1990;290296-9026;A"], Exit.IDENTIFIER_IN_DATA, "kieli", 5, id="hetu"),
        pytest.param([*GOOD, "290296-9026;01.01.1990;a@b.fi;A"], Exit.IDENTIFIER_IN_DATA, "kieli", 5, id="email"),
    ],
)
def test_refusals_say_where_and_never_what(
    parties: Parties, lines: list[str], exit_: Exit, column: str | None, row_no: int | None
) -> None:
    parties.write("persons", "persons.csv", lines)
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.register, refusal.file) == (exit_, "persons", "persons.csv")
    assert (refusal.column, refusal.row_no) == (column, row_no)
    assert not any(value in str(refusal) for value in ("010190", "290296", "1990", "a@b", "y;z"))


def test_a_missing_file_is_refused(parties: Parties) -> None:
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.file) == (Exit.EXTRACT_MISSING, "persons.csv")


def test_a_file_in_another_encoding_is_refused(parties: Parties) -> None:
    parties.write("persons", "persons.csv", [*GOOD, "290296-9026;01.01.1990;\xe5;A"], encoding="iso-8859-1")
    refusal = refusal_of(parties)
    assert (refusal.exit, refusal.row_no) == (Exit.EXTRACT_BREAKS_CONTRACT, 5)


@pytest.mark.parametrize(
    ("encoding", "text"), [("utf-8", "\ufeff"), ("utf-8", ""), ("iso-8859-1", "")], ids=["bom", "utf-8", "latin"]
)
def test_files_are_read_in_the_encoding_of_the_contract(tmp_path: Path, encoding: str, text: str) -> None:
    made = contract("persons", PERSONS, file_format=FileFormat(encoding=encoding, date_formats=("%d.%m.%Y",)))
    parties = Parties(tmp_path, small_study(made))
    lines = [text + HEADER, "010190-999W;01.01.1990;p\xe4\xe4;X"]
    parties.write("persons", "persons.csv", lines, encoding=encoding)
    (row,) = parties.read(parties.deliver("persons"))["persons"]
    assert row["language_code"] == "p\xe4\xe4"


def test_sentinel_dates_are_no_dates(parties: Parties) -> None:
    parties.write("persons", "persons.csv", [HEADER, "010190-999W;11.11.2222;fi;A", "290296-9026;;fi;A"])
    rows = parties.read(parties.deliver("persons"))["persons"]
    assert [row["birth_month"] for row in rows] == [None, None]


def test_values_travel_as_they_were_written(parties: Parties) -> None:
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", '0012;010190-999W;1.2.2019;" a ""b"" "'])
    (row,) = parties.read(parties.deliver("jobs"))["spells"]
    assert (row["started_on"], row["note"]) == ("1.2.2019", ' a "b" ')


def test_the_row_map_leads_back_to_the_file(parties: Parties) -> None:
    lines = [f";010190-999W;01.01.2019;{i}" for i in range(2, 30)]
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku;selite", *lines])
    delivery = parties.deliver("jobs")
    notes = {row["row_no"]: row["note"] for row in parties.read(delivery)["spells"]}
    path = parties.root.authority("jobs") / "sealed" / f"{delivery.delivery_id}.spells.rows.arrow"
    assert {number: str(source_row(path, number)) for number in notes} == notes
    assert list(map(str, source_rows(path).to_pylist())) == [notes[number] for number in sorted(notes)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for absent in (0, len(notes) + 1):
        with pytest.raises(Refusal) as caught:
            source_row(path, absent)
        assert (caught.value.exit, caught.value.row_no) == (Exit.USAGE, absent)
    assert list(notes.values()) != sorted(notes.values(), key=int)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["010190-999W", "010190Y999W", " 290200a901c", "010190-999L", "", "x"]),
            st.sampled_from(["01.01.1990", "1990-01-01", "", "huu"]),
            st.text(st.characters(codec="utf-8", exclude_characters='\r\n";\0', exclude_categories=["Cs"]), max_size=5),
        ),
        max_size=12,
    )
)
def test_every_row_leaves_once_or_is_listed(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    parties = Parties(tmp_path_factory.mktemp("w"), small_study(contract("persons", PERSONS, bad_row_limit=1.0)))
    parties.write("persons", "persons.csv", [HEADER, *(f"{h};{b};{note};n" for h, b, note in rows)])
    report = parties.seal("persons")
    listed = set()
    if report.quarantine:
        with report.quarantine.open(encoding="utf-8") as file:
            listed = {row["row_no"] for row in csv.DictReader(file)}
    usable = [r for r in rows if r[0] not in ("010190-999L", "x") and r[1] != "huu"]
    assert report.manifest.tables[0].rows == len(usable)
    assert len(listed) == len(rows) - len(usable)


def test_a_second_delivery_names_the_first_as_its_predecessor(parties: Parties) -> None:
    parties.write("persons", "persons.csv", GOOD)
    first, second = parties.seal("persons"), parties.seal("persons")
    assert (first.delivery_id, second.delivery_id) == ("persons-20240701-0001", "persons-20240701-0002")
    entries = Ledger(parties.root.authority("persons") / "ledger.sqlite").entries()
    assert b'"previous":"' + entries[0].digests["data"].encode() in second.data_part.read_bytes()


@pytest.mark.parametrize("step", ["write_payload", "screen", "refuse_identifiers"])
def test_killed_while_sealing_leaves_no_package(parties: Parties, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    parties.write("persons", "persons.csv", GOOD)
    with monkeypatch.context() as patched:
        patched.setattr(sealing, step, _killed)
        with pytest.raises(KeyboardInterrupt):
            parties.seal("persons")
    assert not list((parties.root.authority("persons") / "sealed").iterdir())
    assert parties.seal("persons").delivery_id == "persons-20240701-0001"


def test_killed_before_the_ledger_knows_takes_the_parts_back(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    parties.write("persons", "persons.csv", GOOD)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record", _killed)
        with pytest.raises(KeyboardInterrupt):
            parties.seal("persons")
    assert not list((parties.root.authority("persons") / "sealed").glob("*.hpkg"))
    assert parties.seal("persons").delivery_id == "persons-20240701-0001"


def test_killed_after_the_ledger_knows_finishes_next_time(parties: Parties, monkeypatch: pytest.MonkeyPatch) -> None:
    parties.write("persons", "persons.csv", GOOD)
    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "record", _then_killed(Ledger.record))
        with pytest.raises(KeyboardInterrupt):
            parties.seal("persons")
    sealed = parties.root.authority("persons") / "sealed"
    assert not list(sealed.glob("[!.]*.hpkg"))
    parties.seal("persons")
    assert sorted(path.name for path in sealed.glob("*.data.hpkg")) == [
        "persons-20240701-0001.data.hpkg",
        "persons-20240701-0002.data.hpkg",
    ]


def test_a_study_of_other_keys_is_refused(parties: Parties) -> None:
    with pytest.raises(Refusal) as caught:
        parties.seal("persons", replace(parties.study, code="other"))
    assert caught.value.exit is Exit.KEY_UNUSABLE


def test_a_column_that_a_study_omits_may_be_missing(tmp_path: Path) -> None:
    study = replace(small_study(contract("jobs", SPELLS)), omitted={("jobs", "spells"): frozenset({"note"})})
    parties = Parties(tmp_path, study)
    parties.write("jobs", "spells.csv", ["tapaus;hetu;alku", "1;010190-999W;01.01.2019"])
    (row,) = parties.read(parties.deliver("jobs"))["spells"]
    assert set(row) == {"row_no", "case_key", "person_key", "started_on"}


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def _then_killed(step: Callable[..., None]) -> Callable[..., None]:
    def both(*args: object) -> None:
        step(*args)
        raise KeyboardInterrupt

    return both
