"""Which landed rows stand: under every way in which a delivery takes the place of earlier ones, now and as of then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from polku.authority import sealing
from polku.errors import Exit, Refusal
from polku.research import landed, storage
from tests.polku.parties import PERSONS, SPELLS, Parties, contract, small_study

ANNA, BORIS = "010190-999W", "131052-900W"
Period = tuple[date, date]
IN_2022, IN_2023 = (date(2022, 1, 1), date(2022, 12, 31)), (date(2023, 1, 1), date(2023, 12, 31))


class World(Parties):
    def land_spells(self, extracted_on: date, period: Period, *spells: str) -> str:
        """One delivery of spells `case;hetu;start`; the id it landed under."""
        self.write("jobs", SPELLS.file, ["tapaus;hetu;alku;selite", *(f"{spell};" for spell in spells)])
        folder, authority = self.extract("jobs"), self.root.authority("jobs")
        self.send(sealing.seal(self.study, "jobs", folder, authority, self.root.trust, extracted_on, period))
        [(delivery, outcome)] = self.land().items()
        assert outcome is None
        return delivery

    def starts(self, as_of: str | None = None) -> list[str]:
        """First days of the spells that stand."""
        root = replace(self.root, as_of=as_of)
        rows = landed.standing(root, "jobs", self.study.contracts["jobs"].tables[0])
        if rows is None:
            return []
        with storage.connect(root) as con:
            found = con.execute(f"select started_on from {rows} order by all").fetchall()
        return [day.isoformat() for (day,) in found]


def world_that_replaces(path: Path, what: str) -> World:
    spells = replace(SPELLS, replaces=what, period_by="started_on" if what == "period" else None)
    return World(path, small_study(contract("persons", PERSONS), contract("jobs", spells)))


def two_years(path: Path, what: str) -> World:
    """Two yearly deliveries, the second without one spell of its year and without anything of the year before."""
    world = world_that_replaces(path, what)
    world.land_spells(date(2024, 1, 15), (IN_2022[0], IN_2023[1]), f"1;{ANNA};2022-05-01", f"2;{BORIS};2023-02-01")
    world.land_spells(date(2024, 3, 15), IN_2023, f"3;{ANNA};2023-07-01")
    return world


@pytest.mark.parametrize(
    ("what", "standing"),
    [
        ("rows", ["2022-05-01", "2023-02-01", "2023-07-01"]),
        ("period", ["2022-05-01", "2023-07-01"]),
        ("all", ["2023-07-01"]),
    ],
)
def test_a_delivery_takes_the_place_of_what_its_contract_says(tmp_path: Path, what: str, standing: list[str]) -> None:
    assert two_years(tmp_path, what).starts() == standing


@pytest.mark.parametrize("what", ["rows", "period", "all"])
def test_what_was_known_then_stands_then(tmp_path: Path, what: str) -> None:
    world = two_years(tmp_path, what)
    before = ["2022-05-01", "2023-02-01"]
    assert world.starts("2024-03-14") == before
    assert world.starts("jobs-20240115-0001") == before
    assert world.starts("2024-03-15") == world.starts("jobs-20240315-0002") == world.starts()
    assert world.starts("2024-01-14") == []


def test_a_delivery_that_never_landed_is_no_time(tmp_path: Path) -> None:
    world = two_years(tmp_path, "rows")
    with pytest.raises(Refusal) as refusal:
        world.starts("jobs-20300101-0009")
    assert refusal.value.exit is Exit.USAGE
