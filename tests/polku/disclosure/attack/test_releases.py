"""What all releases together give away, though each is safe by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polku.disclosure import ReleaseSpec, recover_between
from polku.disclosure.attack.remembered import with_codes_as_text
from polku.disclosure.ledger.cell_file import PublicRelease
from polku.disclosure.ledger.decision import Decision, Verdict
from tests.polku.disclosure.attack import nights
from tests.polku.disclosure.attack.nights import SPECS, history
from tests.polku.disclosure.strategies import policy

RULE = policy(5, complements=False)
A, B, C, D = (set(range(start, start + size)) for start, size in ((0, 13), (50, 17), (100, 40), (200, 60)))
MORE = {letter: set(range(start, start + 30)) for letter, start in (("a", 300), ("b", 330), ("c", 360))}
SECONDARY = "secondary"
ONE_MORE = 399


def told(releases: list[PublicRelease], specs: dict[str, ReleaseSpec] = SPECS) -> list[tuple[str, str]]:
    return [(finding.cell, finding.why) for finding in recover_between(releases, specs, RULE)]


def three_pairs() -> list[PublicRelease]:
    """a and b, then b and c, then a and c are hidden together; whoever is published has changed by thirty persons."""
    return history(
        5,
        ({"a": A, "b": B, "c": C, "d": D}, {"a": SECONDARY, "b": SECONDARY}),
        ({"a": A | MORE["a"], "b": B, "c": C | MORE["c"], "d": D}, {"b": SECONDARY, "c": SECONDARY}),
        ({"a": A, "b": B | MORE["b"], "c": C | MORE["c"], "d": D}, {"a": SECONDARY, "c": SECONDARY}),
    )


def test_three_releases_give_away_what_no_two_of_them_do() -> None:
    releases = three_pairs()
    for two in combinations(releases, 2):
        assert told(list(two)) == []
    found = dict(told(releases))
    assert set(found) == {"area=a of 2026-03-03", "area=b of 2026-03-02", "area=c of 2026-03-03"}
    why = found["area=b of 2026-03-02"]
    for day in (1, 2, 3):
        assert f"[areas.persons at all of 2026-03-0{day}]" in why
    assert "[areas.persons at area=a of 2026-03-02]" in why


def test_no_figure_of_a_hidden_cell_is_in_a_message() -> None:
    for _, why in told(three_pairs()):
        numbers = {word.strip("[]") for word in why.replace("-0", " ").split()}
        assert not numbers & {str(len(cell)) for cell in (A, B, C | MORE["c"])}


def test_a_gap_that_is_published_while_the_same_persons_are_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without sticky gaps: the second release shows what the first one hid."""

    def free(*args: object) -> Decision:
        made = decide(*args)  # type: ignore[arg-type]
        return replace(made, verdict=made.verdict * 0 + Verdict.CHANGED)

    decide = nights.decide
    cells = {"a": A, "b": B, "c": C, "d": D}
    first = history(5, (cells, {"a": SECONDARY, "b": SECONDARY}))
    assert told([*first, nights.released(cells, {}, first, 5)]) == []
    monkeypatch.setattr(nights, "decide", free)
    found = told([*first, nights.released(cells, {}, first, 5)])
    shown = "the table areas of 2026-03-02 shows it"
    assert found == [("area=a of 2026-03-01", shown), ("area=b of 2026-03-01", shown)]


def test_a_figure_that_few_persons_tell_from_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without holding back: one person more is in `c`."""

    def at_once(*args: object) -> Decision:
        made = decide(*args)  # type: ignore[arg-type]
        return replace(made, verdict=made.verdict * 0 + Verdict.CHANGED)

    decide = nights.decide
    first = history(5, ({"a": A, "b": B, "c": C, "d": D}, {}))
    cells = {"a": A, "b": B, "c": C | {ONE_MORE}, "d": D}
    assert told([*first, nights.released(cells, {"c": SECONDARY, "all": SECONDARY}, first, 5)]) == []
    monkeypatch.setattr(nights, "decide", at_once)
    found = told([*first, nights.released(cells, {}, first, 5)])
    few = "fewer persons than the policy asks for tell it from that of 2026-03-01"
    assert ("area=c of 2026-03-02", few) in found
    assert ("area=all of 2026-03-02", few) in found


def test_a_held_figure_that_the_others_of_its_night_give_away() -> None:
    """Nothing was hidden for its sake: `a` is held back, but its total and all others are new."""
    cells = {"a": A | {ONE_MORE}, "b": B | MORE["b"], "c": C | MORE["c"], "d": D}
    first = history(5, ({"a": A, "b": B, "c": C, "d": D}, {}))
    releases = [*first, nights.released(cells, {}, first, 5)]
    ((cell, why),) = told(releases)
    assert cell == "area=a of 2026-03-02"
    assert set(why.split(" - ")) == {
        "[areas.persons at all of 2026-03-02]",
        "[areas.persons at area=d of 2026-03-01]",
        "[areas.persons at area=b of 2026-03-02]",
        "[areas.persons at area=c of 2026-03-02]",
    }


def one_more_in_a_gap() -> list[PublicRelease]:
    """One person enters the hidden `a`; `b` is hidden and the same; `c`, `d` and all are new, and free."""
    gaps = {"a": SECONDARY, "b": SECONDARY}
    cells = {"a": A, "b": B, "c": C, "d": D}
    later = {"a": A | {ONE_MORE}, "b": B, "c": C | MORE["c"], "d": D | MORE["a"]}
    return history(5, (cells, gaps), (later, gaps))


def test_how_much_a_hidden_figure_has_changed_is_given_away_though_the_figure_is_not() -> None:
    ((cell, why),) = told(one_more_in_a_gap())
    assert cell == "area=a of 2026-03-02"
    assert why.startswith("its change since 2026-03-01 is ")
    assert "[areas.persons at all of 2026-03-01]" in why
    assert "[areas.persons at all of 2026-03-02]" in why


def test_what_was_given_away_before_is_not_laid_at_tonights_door() -> None:
    releases = three_pairs()
    cells = {"a": A, "b": B | MORE["b"], "c": C | MORE["c"], "d": D | MORE["a"]}
    fourth = nights.released(cells, {"a": SECONDARY, "c": SECONDARY}, releases, 5)
    assert told([*releases, fourth]) == []


def test_a_number_that_was_held_back_may_be_shown_when_enough_persons_tell_it_from_all_that_were() -> None:
    """One more, and then ten more in `c`; on the third night the same as on the second but for another area."""
    first = {"a": A, "b": B, "c": C, "d": D}
    one = first | {"c": C | {ONE_MORE}}
    releases = history(5, (first, {}), (one, {"c": SECONDARY, "all": SECONDARY}))
    assert told(releases) == []
    many = first | {"c": C | {ONE_MORE} | MORE["a"], "d": D | MORE["b"]}
    releases.append(nights.released(many, {}, releases, 5))
    assert told(releases) == []


def test_a_table_that_is_declared_in_another_form_now_is_not_read() -> None:
    renamed = replace(SPECS["areas"], dimensions=("place",), additive=("place",), total_code={"place": "all"})
    assert told(three_pairs(), {"areas": renamed}) == []
    assert told(three_pairs(), {}) == []


def test_codes_are_compared_as_the_ledger_spells_them() -> None:
    by_day = replace(SPECS["areas"], total_code={"area": date(2026, 1, 1)}, structural_zeros=({"area": None},))
    assert with_codes_as_text(by_day).total_code == {"area": "2026-01-01"}
    assert with_codes_as_text(by_day).structural_zeros == ({"area": None},)


# ------------------------------------------------------------------------------------------ trying every pair of tables
AREAS = ("a", "b", "c")
HIGHEST = 9
Number = tuple[str, frozenset[int]]
"""A cell with the same persons in it is one number, whatever the release."""


@st.composite
def two_nights(draw: st.DrawFn) -> list[PublicRelease]:
    """Areas of up to four persons; of any of them nobody, some or all are others on the second night."""
    first = {area: frozenset(range(10 * i, 10 * i + draw(st.integers(0, 4)))) for i, area in enumerate(AREAS)}
    second = {
        area: first[area] if draw(st.booleans()) else frozenset(range(10 * i + 2, 10 * i + 2 + draw(st.integers(0, 4))))
        for i, area in enumerate(AREAS)
    }
    made: list[PublicRelease] = []
    for cells in (first, second):
        hidden = draw(st.sets(st.sampled_from(AREAS)))
        gaps = {area: "primary" if len(cells[area]) < 3 else SECONDARY for area in hidden}
        made.append(nights.released(cells, gaps, made, 3))
        NIGHTS[made[-1].day] = cells | {"all": frozenset().union(*cells.values())}
    return made


NIGHTS: dict[date, dict[str, frozenset[int]]] = {}
"""Who was in which area on the nights of the last case drawn."""


def exact(releases: list[PublicRelease]) -> tuple[set[Number], dict[Number, date]]:
    """Numbers that have one value in all tables that agree with the releases; hidden ones with their last night."""
    ends: dict[Number, tuple[int, int]] = {}
    hidden: dict[Number, date] = {}
    for release in releases:
        for row in release.cells.to_pylist():
            area = json.loads(row["cell"])[0]
            number, figure = (area, NIGHTS[release.day][area]), row["figures"][0]
            begun = row["since"] == release.no
            low, high = ends.get(number, (0, 3 * HIGHEST if area == "all" else HIGHEST))
            if begun and figure is not None:
                low = high = int(figure)
            elif begun and row["status"] == "primary":
                high = min(high, 2)
            elif begun:
                low = max(low, 3)
            ends[number] = low, high
            if figure is None or low < high:
                hidden[number] = release.day
    inner = [number for number in ends if number[0] != "all"]
    seen: dict[Number, set[int]] = {number: set() for number in ends}
    for values in product(*(range(ends[number][0], ends[number][1] + 1) for number in inner)):
        table = dict(zip(inner, values, strict=True))
        for release in releases:
            cells = NIGHTS[release.day]
            total, value = ("all", cells["all"]), sum(table[area, cells[area]] for area in AREAS)
            if table.setdefault(total, value) != value or not ends[total][0] <= value <= ends[total][1]:
                break
        else:
            for number, value in table.items():
                seen[number].add(value)
    return {number for number, values in seen.items() if len(values) == 1}, hidden


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(two_nights())
def test_two_releases_give_away_what_only_one_pair_of_tables_explains(releases: list[PublicRelease]) -> None:
    before, _ = exact(releases[:1])
    known, hidden = exact(releases)
    expected = {f"area={number[0]} of {hidden[number]}" for number in (known - before) & set(hidden)}
    found = {
        finding.cell
        for finding in recover_between(releases, SPECS, policy(3, complements=False))
        if not finding.why.startswith(("its change", "fewer persons"))
    }
    assert found == expected
