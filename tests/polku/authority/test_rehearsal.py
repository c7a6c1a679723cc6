"""A dry run: it says what sealing would, all at once, and leaves no trace."""

from __future__ import annotations

import csv
import stat
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from polku.authority.rehearsal import Rehearsal, rehearse
from polku.authority.sealing import seal
from polku.errors import Exit, Refusal
from polku.exchange.keys import token_key_path
from tests.polku.parties import EXTRACTED_ON, PERIOD, PERSONS, SPELLS, Parties, contract, small_study

HEADER = "hetu;syntymapaiva;kieli;nimi"
GOOD = [HEADER, "010190-999W;01.01.1990;fi;Matti", " 131052-900w;13.10.1952;sv;Maija"]
BAD = ["010190-999L;01.01.1990;fi;A", "010190999W;huu;fi;B"]
SPELL_HEADER = "tapaus;hetu;alku;selite"


@pytest.fixture
def parties(tmp_path: Path) -> Parties:
    made = Parties(tmp_path, small_study(contract("both", PERSONS, SPELLS, bad_row_limit=0.3)))
    made.write("both", "persons.csv", GOOD)
    made.write("both", "spells.csv", [SPELL_HEADER, "1;010190-999W;01.01.2019;hello"])
    return made


def order(parties: Parties, period: tuple[date, date] = PERIOD) -> tuple:
    authority = parties.root.authority("both")
    return parties.study, "both", authority / "extract", authority, parties.root.trust, EXTRACTED_ON, period


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def wrong_code(parties: Parties) -> None:
    parties.write("both", "persons.csv", [*GOOD, *BAD])


def stray_code(parties: Parties) -> None:
    parties.write("both", "spells.csv", [SPELL_HEADER, "1;010190-999W;01.01.2019;vaimo 131052-900W"])


def no_file(parties: Parties) -> None:
    (parties.extract("both") / "persons.csv").unlink()


def no_column(parties: Parties) -> None:
    parties.write("both", "spells.csv", ["tapaus;hetu;alku", "1;010190-999W;01.01.2019"])


def no_grant(parties: Parties) -> None:
    token_key_path(parties.root.authority("both"), "1").unlink()


def no_trust(parties: Parties) -> None:
    parties.root.trust.unlink()


def broken_ledger(parties: Parties) -> None:
    seal(*order(parties))
    ledger = parties.root.authority("both") / "ledger.sqlite"
    ledger.write_bytes(ledger.read_bytes().replace(b'"register":"both"', b'"register":"bots"'))


FAULTS = {
    Exit.EXTRACT_BREAKS_CONTRACT: [wrong_code, no_column],
    Exit.IDENTIFIER_IN_DATA: [stray_code],
    Exit.EXTRACT_MISSING: [no_file],
    Exit.KEY_UNUSABLE: [no_grant, no_trust],
    Exit.LEDGER_BROKEN: [broken_ledger],
}
CASES = [(exit_, spoil) for exit_, spoils in FAULTS.items() for spoil in spoils]


@pytest.mark.parametrize(("exit_", "spoil"), CASES)
def test_it_ends_as_the_real_run_and_writes_nothing(
    parties: Parties, exit_: Exit, spoil: Callable[[Parties], None]
) -> None:
    spoil(parties)
    before = snapshot(parties.path)
    found = rehearse(*order(parties))
    assert snapshot(parties.path) == before
    with pytest.raises(Refusal) as caught:
        seal(*order(parties))
    assert exit_ == found.refusals[0].exit == caught.value.exit
    assert str(found.refusals[0]) == str(caught.value)


def test_a_sound_extract_is_told_in_the_same_counts(parties: Parties) -> None:
    before = snapshot(parties.path)
    found = rehearse(*order(parties))
    assert snapshot(parties.path) == before
    report = seal(*order(parties))
    assert found.refusals == []
    assert found.delivery_id == report.delivery_id
    assert tuple(found.tables) == report.tables


def test_everything_is_said_at_once(parties: Parties) -> None:
    for spoil in (no_grant, wrong_code, stray_code):
        spoil(parties)
    assert exits(rehearse(*order(parties))) == [
        Exit.KEY_UNUSABLE, Exit.EXTRACT_BREAKS_CONTRACT, Exit.IDENTIFIER_IN_DATA,
    ]  # fmt: skip


def test_every_column_with_an_identifier_is_named(parties: Parties) -> None:
    parties.write("both", "persons.csv", [*GOOD, "290200A901C;29.02.2000;a@b.fi;X"])
    stray_code(parties)
    found = rehearse(*order(parties))
    assert [(refusal.file, refusal.column) for refusal in found.refusals] == [
        ("persons.csv", "kieli"), ("spells.csv", "selite"),
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_does_not_hide_the_others(parties: Parties) -> None:
    no_file(parties)
    found = rehearse(*order(parties))
    assert [table.table.name for table in found.tables] == ["spells"]


def test_days_that_cannot_be_are_said_with_the_rest(parties: Parties) -> None:
    no_grant(parties)
    found = rehearse(*order(parties, (PERIOD[1], PERIOD[0])))
    assert exits(found) == [Exit.USAGE, Exit.KEY_UNUSABLE]


def test_the_grant_that_has_not_arrived_is_named(parties: Parties) -> None:
    no_grant(parties)
    assert "grant" in str(rehearse(*order(parties)).refusals[0])


def test_an_extract_can_be_tried_before_there_is_any_key(parties: Parties, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    study, register, extract, *_ = order(parties)
    found = rehearse(study, register, extract, nowhere, nowhere / "trust.json", EXTRACTED_ON, PERIOD)
    assert exits(found) == [Exit.KEY_UNUSABLE]
    assert [table.rows_kept for table in found.tables] == [2, 1]
    assert not nowhere.exists()


def test_the_list_has_rows_and_reasons_and_no_value(parties: Parties, tmp_path: Path) -> None:
    wrong_code(parties)
    listed = tmp_path / "refused.csv"
    found = rehearse(*order(parties), listed)
    with listed.open(encoding="utf-8") as file:
        assert [tuple(row.values()) for row in csv.DictReader(file)] == [
            ("persons.csv", "4", "hetu", "hetu_check_character"),
            ("persons.csv", "5", "hetu", "hetu_no_separator"),
            ("persons.csv", "5", "syntymapaiva", "date_form"),
        ]
    assert stat.S_IMODE(listed.stat().st_mode) == 0o600
    said = f"{found}{listed.read_text(encoding='utf-8')}"
    assert not any(value in said for value in ("010190", "131052", "huu", "Matti"))


def exits(found: Rehearsal) -> list[Exit]:
    return [refusal.exit for refusal in found.refusals]
