"""State sequences of the models against published figures, and against plain Python for any set of sequences.

Published: the mvad data (712 persons) in Gabadinho, Ritschard, Mueller and Studer (2011), Analyzing and Visualizing
State Sequences in R with TraMineR, Journal of Statistical Software 40(4), for the 70 months September 1993 to June
1999, weighted (of the 72 recorded months they leave out the first two; so does study mvad). Mean times are printed
there as pictures alone and transitions not at all, so these are recomputed from the same spells by numpy, by the
formulas of TraMineR's seqmeant (serr = TRUE), seqtransn and seqient.

Belongs here: what the models of sequences must give. Does not belong here: the rest of the way from a delivery
(`tests/pipeline/test_mvad.py`).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.layout import CHECKOUT
from tests.dbt_project.conftest import Built
from tests.dbt_project.sql_of_models import Warehouse

MVAD = CHECKOUT / "examples" / "mvad"
MODELS = ("int_build_sequence_spells", "int_list_sequence_members")
MARTS = ("sequence_mean_time", "sequence_entropy", "sequence_complexity", "sequence_frequency")
STATES = {
    "EM": "employed",
    "FE": "vocational_education",
    "HE": "higher_education",
    "JL": "unemployed",
    "SC": "general_education",
    "TR": "in_service",
}
OF_URA = {"1": "EM", "2": "JL", "7": "TR"}
OF_KOSKI = {"ammatillinenkoulutus": "FE", "korkeakoulutus": "HE", "lukiokoulutus": "SC"}
MONTHS = pd.date_range("2018-09-01", periods=70, freq="MS")
ENTRY = 2018 * 12 + 8
People = list[tuple[str, Decimal, list[str]]]  # group, weight, state in each month since entry


class Sequences:
    """The models of sequences over invented or recast persons."""

    def __init__(self, built: Built) -> None:
        self._warehouse = Warehouse(
            built, [*(f"intermediate.{model}" for model in MODELS), *(f"marts.{mart}" for mart in MARTS)]
        )

    def of(self, people: People) -> Sequences:
        """All persons enter in the same month and are observed in each of the months given."""
        rows = [
            (key, key % 8, ENTRY + month, state)
            for key, (_, _, states) in enumerate(people)
            for month, state in enumerate(states)
        ]
        months = pd.DataFrame(rows, columns=["person_key", "shard", "month_index", "state_code"])
        self._warehouse.frame("marts.person_month", months.assign(is_observed=True, is_at_risk=True))
        cohort = [(key, group, f"{MONTHS[0]:%Y-%m-%d}", weight) for key, (group, weight, _) in enumerate(people)]
        columns = {"person_key": "bigint", "group_code": "varchar", "entry_month": "date", "weight": "decimal(14, 4)"}
        self._warehouse.table("marts.cohort", columns, cohort)
        study = {"months_after": "integer", "rule_set_code": "varchar", "month_rule_code": "varchar"}
        window = len(people[0][2])
        self._warehouse.table("staging.stg_reference__study", study, [(window - 1, "statfin_v1", "last_day")])
        self._warehouse.make()
        return self

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query; `{spells}` is the model of spells, marts go by their names."""
        names = {mart: f"warehouse.marts.{mart}" for mart in MARTS}
        return self._warehouse.query(sql.format(spells="warehouse.intermediate.int_build_sequence_spells", **names))

    def close(self) -> None:
        self._warehouse.close()


@pytest.fixture(scope="module")
def sequences(built: Built) -> Iterator[Sequences]:
    found = Sequences(built)
    yield found
    found.close()


# ------------------------------------------------------------------------------------------------ published figures
def delivered(name: str) -> list[dict[str, str]]:
    with (MVAD / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.fixture(scope="module")
def young() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """State (TraMineR's short name) by person and month, and weight by person, read from the recast spells."""
    weights = {row["hetu"]: float(row["paino"]) for row in delivered("osaamiskeskus_asiakkaat.csv")}
    at = {code: number for number, code in enumerate(weights)}
    states = np.full((len(at), len(MONTHS)), "", dtype="<U2")
    jobs = [(r["hetu"], OF_URA[r["tyok1"]], r["tappvh"], r["tppvm"]) for r in delivered("ura_ytyoll.csv")]
    studies = delivered("koski_opiskeluoikeusjaksot.csv")
    lessons = [(r["hetu"], OF_KOSKI[r["koulutusmuoto"]], r["alku"], r["loppu"]) for r in studies]
    for person, state, start, end in [*jobs, *lessons]:
        states[at[person], (pd.Timestamp(start) <= MONTHS) & (pd.Timestamp(end) >= MONTHS)] = state
    assert (states != "").all()
    return states, np.array(list(weights.values()))


@pytest.fixture(scope="module")
def mvad(sequences: Sequences, young: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> Sequences:
    states, weights = young
    return sequences.of(
        [
            ("client", Decimal(str(weight)), [STATES[state] for state in row])
            for row, weight in zip(states, weights, strict=True)
        ]
    )


def test_most_frequent_sequences_are_the_printed_ones(mvad: Sequences) -> None:
    """Section 5.2, seqtab(mvad.seq, tlim = 1:4): weighted counts and percentages, states with their months."""
    rows = mvad.query(
        """
        with spelled as (
            select person_key, min(weight) as weight,
                string_agg(state_code || '/' || duration_months, '-' order by spell_number) as spelled
            from {spells} group by person_key
        )
        select spelled, round(sum(weight)), round(100 * sum(weight) / (select sum(weight) from spelled), 1), count(*)
        from spelled group by spelled order by sum(weight) desc limit 4
        """
    )
    assert [(name, float(count), float(percent)) for name, count, percent, _ in rows] == [
        ("general_education/24-higher_education/46", 33, 4.7),
        ("general_education/25-higher_education/45", 25, 3.5),
        ("in_service/22-employed/48", 18, 2.5),
        ("employed/70", 15, 2.1),
    ]
    # The text: unweighted, employment in all 70 months is the most frequent and has 7 % of the 712 persons.
    assert [round(100 * persons / 712) for name, _, _, persons in rows if name == "employed/70"] == [7]


def test_entropies_are_the_printed_ones(mvad: Sequences) -> None:
    """Section 6.2, seqstatd(mvad.seq[, 1:8]): [Entropy index], September 1993 to April 1994."""
    rows = mvad.query("select weighted_entropy from {sequence_entropy} order by months_since_entry limit 8")
    assert [str(entropy) for (entropy,) in rows] == ["0.72", "0.73", "0.73", "0.74", "0.75", "0.76", "0.77", "0.77"]


def test_months_of_the_first_persons_are_the_printed_ones(mvad: Sequences) -> None:
    """Section 7.1, seqistatd(mvad.seq[1:4, ])."""
    rows = mvad.query(
        "select person_key, state_code, sum(duration_months) from {spells} where person_key < 4"
        " group by all order by all"
    )
    assert [(person, state, int(months)) for person, state, months in rows] == [
        (0, "employed", 68),
        (0, "in_service", 2),
        (1, "higher_education", 34),
        (1, "vocational_education", 36),
        (2, "employed", 10),
        (2, "in_service", 24),
        (2, "unemployed", 2),
        (2, "vocational_education", 34),
        (3, "employed", 14),
        (3, "in_service", 47),
        (3, "unemployed", 9),
    ]


def mean_and_error(x: np.ndarray[Any, Any], w: np.ndarray[Any, Any]) -> tuple[float, float]:
    """TraMineR's seqmeant with serr = TRUE."""
    mean = (w * x).sum() / w.sum()
    variance = (w * (x - mean) ** 2).sum() * w.sum() / (w.sum() ** 2 - (w**2).sum())
    return float(mean), float(np.sqrt(variance / w.sum()))


def test_mean_times_are_those_of_numpy(
    mvad: Sequences, young: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
) -> None:
    states, weights = young
    rows = mvad.query(
        "select state_code, months, mean_months, standard_error_months, weighted_mean_months,"
        " weighted_standard_error_months from {sequence_mean_time}"
    )
    expected = {}
    for short, name in STATES.items():
        months = (states == short).sum(axis=1)
        figures = (*mean_and_error(months, np.ones(712)), *mean_and_error(months, weights))
        expected[name] = [months.sum(), *(pytest.approx(figure, abs=0.00006) for figure in figures)]
    assert {row[0]: [float(figure) for figure in row[1:]] for row in rows} == expected
    assert sum(row[4] for row in rows) == pytest.approx(Decimal(70), abs=Decimal("0.001"))


def test_transitions_and_longitudinal_entropy_are_those_of_numpy(
    mvad: Sequences, young: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
) -> None:
    states, weights = young
    transitions = (states[:, 1:] != states[:, :-1]).sum(axis=1)
    parts = np.array([(states == short).mean(axis=1) for short in STATES])
    entropies = -(parts * np.log(np.where(parts > 0, parts, 1))).sum(axis=0) / np.log(6)
    (row,) = mvad.query(
        "select cohort_persons, persons, mean_transitions, standard_error_transitions, weighted_mean_transitions,"
        " weighted_standard_error_transitions, mean_entropy, weighted_mean_entropy from {sequence_complexity}"
    )
    means = [*mean_and_error(transitions, np.ones(712)), *mean_and_error(transitions, weights)]
    assert [float(figure) for figure in row] == [
        712,
        712,
        *(pytest.approx(mean, abs=0.00006) for mean in means),
        pytest.approx(entropies.mean(), abs=0.006),
        pytest.approx(np.average(entropies, weights=weights), abs=0.006),
    ]


# --------------------------------------------------------------------------------------------- any set of sequences
def people() -> st.SearchStrategy[People]:
    """Up to 30 persons of one window, many of whom share a path."""
    weight = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(3)])
    groups = st.sampled_from(["client", "never_client"])
    return st.integers(1, 5).flatmap(
        lambda window: st.lists(
            st.tuples(groups, weight, st.lists(st.sampled_from(["a", "b", "c"]), min_size=window, max_size=window)),
            min_size=1,
            max_size=30,
        )
    )


@settings(max_examples=25, deadline=None)
@given(people())
def test_spells_are_runs_and_figures_agree_with_each_other(sequences: Sequences, persons: People) -> None:
    found = sequences.of(persons)
    spells = found.query(
        "select person_key, state_code, duration_months from {spells} order by person_key, spell_number"
    )
    runs = [
        (key, state, len(list(run))) for key, (_, _, states) in enumerate(persons) for state, run in groupby(states)
    ]
    assert spells == runs
    window = len(persons[0][2])
    for (total,) in found.query("select sum(weighted_mean_months) from {sequence_mean_time} group by group_code"):
        assert float(total) == pytest.approx(window, abs=0.001)
    entropies = found.query("select entropy, weighted_entropy from {sequence_entropy}")
    assert all(entropy is None or 0 <= entropy <= 1 for row in entropies for entropy in row)


@settings(max_examples=25, deadline=None)
@given(people(), st.integers(0, 20))
def test_no_path_of_fewer_than_ten_persons_is_named(sequences: Sequences, persons: People, copies: int) -> None:
    persons = [*persons, *[persons[0]] * copies]
    found = sequences.of(persons).query("select group_code, sequence_code, persons from {sequence_frequency}")
    paths = Counter((group, "-".join(state for state, _ in groupby(states))) for group, _, states in persons)
    named = {path for (_, path), count in paths.items() if count >= 10}
    assert {code for _, code, _ in found} - {"rarer_sequences"} == named
    expected: Counter[tuple[str, str]] = Counter()
    for (group, path), count in paths.items():
        expected[group, path if path in named else "rarer_sequences"] += count
    assert {(group, code): count for group, code, count in found if count} == dict(expected)


@settings(max_examples=25, deadline=None)
@given(people())
def test_no_count_tells_how_few_were_never_in_a_state(sequences: Sequences, persons: People) -> None:
    found = sequences.of(persons).query("select group_code, state_code, persons_at_least from {sequence_mean_time}")
    ever = Counter((group, state) for group, _, states in persons for state in set(states))
    size = Counter(group for group, _, _ in persons)
    assert {(group, state): count for group, state, count in found} == {
        (group, state): min(ever[group, state], max(size[group] - 10, 0)) for group, state, _ in found
    }
