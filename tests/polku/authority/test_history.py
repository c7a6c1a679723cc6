"""An old file sealed as a new one, and half a file, are noticed: both would look like people who stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from polku.authority import sealing
from polku.authority.rehearsal import rehearse
from polku.contracts.model import Table
from polku.errors import Exit, Refusal
from tests.polku.parties import EXTRACTED_ON, PERIOD, SERVICES, Parties, contract, small_study

LATER = EXTRACTED_ON + timedelta(days=30)
LONGER = (PERIOD[0], EXTRACTED_ON)
QUARTER = (date(2024, 7, 1), date(2024, 7, 31))


def world(path: Path, table: Table = SERVICES) -> Parties:
    return Parties(path, small_study(contract("services", table)))


def lines(rows: int, first: int = 0) -> Iterable[str]:
    return ["numero;alku", *(f"{no:08};01.02.2020" for no in range(first, first + rows))]


def seal(
    parties: Parties, rows: int, on: date = EXTRACTED_ON, period: tuple[date, date] = PERIOD, *, confirmed: bool = False
) -> sealing.SealReport:
    parties.write("services", "services.csv", lines(rows))
    folder = parties.root.authority("services")
    return sealing.seal(
        parties.study, "services", folder / "extract", folder, parties.root.trust, on, period, confirmed=confirmed
    )


def refused(parties: Parties, rows: int, on: date = EXTRACTED_ON, period: tuple[date, date] = PERIOD) -> Refusal:
    with pytest.raises(Refusal) as caught:
        seal(parties, rows, on, period)
    assert "--confirmed" in caught.value.advice
    assert caught.value.exit is Exit.EXTRACT_BREAKS_CONTRACT
    return caught.value


@pytest.mark.parametrize(("on", "period"), [(LATER, PERIOD), (EXTRACTED_ON, LONGER)])
def test_the_same_file_under_another_day_is_refused(tmp_path: Path, on: date, period: tuple[date, date]) -> None:
    parties = world(tmp_path)
    first = seal(parties, 30)
    assert f"those of {first.delivery_id}" in refused(parties, 30, on, period).what
    assert seal(parties, 30, on, period, confirmed=True).delivery_id.endswith("-0002")


def test_the_same_file_under_the_same_day_says_nothing_new_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parties = world(tmp_path)
    first = seal(parties, 30)
    seal(parties, 30)
    assert f"the files are those of {first.delivery_id}" in caplog.text


def test_an_old_file_is_noticed_after_others_too(tmp_path: Path) -> None:
    parties = world(tmp_path)
    first = seal(parties, 30)
    seal(parties, 31, LATER)
    assert f"those of {first.delivery_id}" in refused(parties, 30, LATER).what


def test_fewer_than_half_of_the_rows_are_refused(tmp_path: Path) -> None:
    parties = world(tmp_path)
    first = seal(parties, 31)
    refusal = refused(parties, 15, LATER, LONGER)
    assert f"15 rows, fewer than half of the 31 of {first.delivery_id}" in refusal.what
    assert refusal.file == "services.csv"
    seal(parties, 15, LATER, LONGER, confirmed=True)
    seal(parties, 8, LATER, LONGER)  # of 15 rows chance makes 8


def test_half_of_the_rows_and_few_rows_pass(tmp_path: Path) -> None:
    parties = world(tmp_path)
    for rows in (38, 19, 3):
        seal(parties, rows, LATER, LONGER)


def test_a_shorter_period_may_have_fewer_rows_unless_it_replaces_everything(tmp_path: Path) -> None:
    parties = world(tmp_path / "rows")
    seal(parties, 100)
    seal(parties, 5, LATER, QUARTER)
    parties = world(tmp_path / "all", replace(SERVICES, replaces="all"))
    seal(parties, 100)
    assert "fewer than half" in refused(parties, 5, LATER, QUARTER).what


def test_an_empty_file_is_the_same_every_time(tmp_path: Path) -> None:
    parties = world(tmp_path)
    seal(parties, 0)
    seal(parties, 0, LATER)


def test_a_dry_run_says_the_same(tmp_path: Path) -> None:
    parties = world(tmp_path)
    seal(parties, 30)
    refusal = refused(parties, 30, LATER)
    folder = parties.root.authority("services")
    order = (parties.study, "services", folder / "extract", folder, parties.root.trust, LATER, PERIOD)
    assert [str(each) for each in rehearse(*order).refusals] == [str(refusal)]
    assert not rehearse(*order, confirmed=True).refusals
