"""What a register delivers one time after the other adds up to what it knows in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from polku.contracts.model import Contract, Table
from polku.studies import Study
from polku.twin.deliveries import Extract, delivered, schedule
from polku.twin.registers import REGISTERS
from polku.twin.registers.frame import Frame
from polku.twin.world import World

Row = tuple[Any, ...]


def rows_of(frame: Frame) -> list[Row]:
    """Rows as tuples of texts; true persons left out."""
    columns = [values.astype(str).tolist() for values in frame.columns.values()]
    return list(zip(*columns, strict=True))


def key_of(frame: Frame, table: Table) -> list[int]:
    names = list(frame.columns)
    return [names.index(table.column(name).source) for name in table.natural_key]


def standing(frames: list[Frame], extracts: tuple[Extract, ...], table: Table) -> dict[Row, Row]:
    """By natural key the row that stands after the deliveries, as the platform decides (`landed.standing`, and
    `latest_rows` of the staging models), written down anew."""
    by_key: dict[Row, Row] = {}
    names = list(frames[0].columns)
    key = key_of(frames[0], table)
    end = next((names.index(table.column(last).source) for _, last in table.ordered), None)
    for frame, extract in zip(frames, extracts, strict=True):
        if table.replaces == "all":
            by_key = {}
        elif table.replaces == "period" and extract.number > 1:
            placed = names.index(table.column(str(table.period_by)).source)
            by_key = {k: r for k, r in by_key.items() if not f"{extract.first}" <= r[placed] <= f"{extract.last}"}
        seen: dict[Row, Row] = {}
        for row in rows_of(frame):
            here = tuple(row[i] for i in key)
            if end is None or here not in seen or row[end] < seen[here][end]:
                seen[here] = row
        by_key |= seen
    if table.withdrawn:
        gone = names.index(table.column(table.withdrawn).source)
        by_key = {k: row for k, row in by_key.items() if row[gone] != "True"}
    return by_key


def deliver(
    frame: Frame, table: Table, contract: Contract, world: World
) -> tuple[list[Frame], tuple[Extract, ...], Counter[str]]:
    extracts = schedule(world.study, replace(contract, tables=(table,)))
    done = list(delivered(frame, table, contract, world.people, extracts, np.random.default_rng(1)))
    return [rows for rows, _ in done], extracts, sum((kinds for _, kinds in done), Counter())


def test_after_the_last_delivery_stands_what_the_register_knows_in_the_end(study: Study, world: World) -> None:
    """All but rows that the register had to forget before the first extract."""
    for register, contract in study.contracts.items():
        frames = REGISTERS[register](world)
        for table in contract.tables:
            parts, extracts, _ = deliver(frames[table.name], table, contract, world)
            kept = remembered(frames[table.name], table, contract, extracts[0])
            assert standing(parts, extracts, table) == standing([kept], extracts[:1], table), (register, table.name)


def remembered(frame: Frame, table: Table, contract: Contract, extract: Extract) -> Frame:
    if table.purged_by is None:
        return frame
    days = frame.columns[table.column(table.purged_by).source]
    return frame.rows(~(days + 31 * int(contract.purge_after_months or 0) < np.datetime64(extract.made_on)))


@pytest.fixture(scope="module")
def spells(study: Study, world: World) -> tuple[Frame, Table, Contract]:
    contract = study.contracts["ura"]
    return REGISTERS["ura"](world)["employment_spells"], contract.table("employment_spells"), contract


@pytest.mark.parametrize("replaces", ["rows", "period", "all"])
def test_every_way_to_replace_ends_in_the_truth(
    spells: tuple[Frame, Table, Contract], world: World, replaces: str
) -> None:
    frame, table, contract = spells
    table = replace(table, replaces=replaces)
    parts, extracts, kinds = deliver(frame, table, contract, world)
    assert standing(parts, extracts, table) == standing([frame], extracts[:1], table)
    assert kinds["wrong_at_first"] > 0
    assert (kinds["deleted_later"] > 0) == (replaces != "rows")
    first, second, third = (len(part) for part in parts)
    if replaces == "all":
        assert first < second < third
    else:
        assert max(second, third) < (0.3 if replaces == "rows" else 0.5) * first


def test_a_withdrawal_takes_back_what_a_delivery_of_rows_cannot_leave_out(
    spells: tuple[Frame, Table, Contract], world: World
) -> None:
    frame, table, contract = spells
    taken_back = replace(table.columns[0], source="mitatoity", name="is_withdrawn", type="boolean", domain=None)
    table = replace(
        table, replaces="rows", period_by=None, columns=(*table.columns, taken_back), withdrawn="is_withdrawn"
    )
    frame = Frame(frame.person, frame.columns | {"mitatoity": np.zeros(len(frame), dtype=bool)})
    parts, extracts, kinds = deliver(frame, table, contract, world)
    assert kinds["deleted_later"] > 0
    assert kinds["withdrawn"] == sum(int(part.columns["mitatoity"].sum()) for part in parts) > 0
    assert standing(parts, extracts, table) == standing([frame], extracts[:1], table)


def test_an_extract_knows_nothing_of_later_days(spells: tuple[Frame, Table, Contract], world: World) -> None:
    frame, table, contract = spells
    parts, extracts, _ = deliver(frame, table, contract, world)
    open_end = np.datetime64(contract.file_format.open_ends[0], "D")
    for part, extract in zip(parts, extracts, strict=True):
        today = np.datetime64(extract.made_on)
        assert (part.columns["tappvh"] <= today).all()
        ends = part.columns["tppvm"]
        assert ((ends <= today) | (ends == open_end)).all()
    # A spell that was open comes again with its end.
    opened = {(p, s) for p, s, e in _spells(parts[0]) if e == open_end}
    closed = {(p, s) for p, s, e in _spells(parts[1]) if e < open_end}
    assert len(opened & closed) > 20


def _spells(frame: Frame) -> list[tuple[int, np.datetime64, np.datetime64]]:
    return list(zip(frame.person.tolist(), frame.columns["tappvh"], frame.columns["tppvm"], strict=True))


def test_what_depends_on_the_end_is_open_with_it(study: Study, world: World) -> None:
    contract = study.contracts["koski"]
    parts, extracts, _ = deliver(
        REGISTERS["koski"](world)["study_rights"], contract.table("study_rights"), contract, world
    )
    first = parts[0]
    still = np.isnat(first.columns["paattymispaiva"])
    assert still.sum() > 10
    # A clerk may have closed one of those that go on, until that is found out.
    assert (first.columns["viimeisin_tila"][still] == "lasna").mean() > 0.9
    assert np.isnat(first.columns["vahvistus_paiva"][still]).all()
    assert (first.columns["alkamispaiva"] <= np.datetime64(extracts[0].made_on)).all()


def test_only_registers_that_replace_periods_speak_of_less_than_everything(study: Study) -> None:
    contract = study.contracts["kela"]
    assert {extract.first.year for extract in schedule(study, contract)} == {1900}
    by_period = replace(contract, tables=tuple(replace(t, replaces="period") for t in contract.tables))
    periods = [(f"{e.first}", f"{e.last}", f"{e.made_on}") for e in schedule(study, by_period)]
    assert periods == [
        ("1900-01-01", "2022-12-31", "2023-03-16"),
        ("2021-12-01", "2023-12-31", "2024-03-15"),
        ("2022-12-01", "2024-12-31", "2025-11-16"),
    ]


def test_a_register_delivers_nothing_of_a_time_before_it_existed(study: Study) -> None:
    assert [(e.number, e.made_on.year, e.first.year) for e in schedule(study, study.contracts["koto_aj"])] == [
        (1, 2025, 1900)
    ]
