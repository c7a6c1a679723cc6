"""Each rule of the protection switched off by itself: the gate, which shares no code with it, must close."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from expectations import Verdict, attack_amounts, judge_release
from expectations.amounts import dominated
from polku.disclosure import Policy, ReleaseSpec, load_policy, protect, protect_alike, protect_release
from polku.disclosure.primary import unsafe_amounts, without_amounts
from polku.disclosure.primary.rules import Rule
from polku.disclosure.protection import release as protection
from polku.disclosure.protection import sums
from polku.layout import DataRoot
from polku.research import storage
from polku.research.contributions import unsafe_amounts_of
from tests.polku.disclosure import known
from tests.polku.disclosure.protection.test_alike import FIRST, SECOND, marts
from tests.polku.disclosure.protection.test_alike import POLICY as FIVE

RULE = load_policy("fi_study_v1")
SHARES = ReleaseSpec("shares", ("month", "state"), "persons", measures=("share",), additive=("state",))
EXITS = replace(known.EXITS, measures=("share",))


def shares(**counts: int) -> pd.DataFrame:
    rows = [(date(2020, 1, 1), state, n, n / sum(counts.values())) for state, n in counts.items()]
    return pd.DataFrame(rows, columns=["month", "state", "persons", "share"])


def exits(*years: tuple[int, int, int]) -> pd.DataFrame:
    """Of the leavers of each year those at work, and the others; and all years together."""
    together = (None, sum(y[1] for y in years), sum(y[2] for y in years))
    rows = [
        (year, outcome, leavers, n, n / leavers)
        for year, leavers, at_work in (*years, together)
        for outcome, n in (("at_work", at_work), ("else", leavers - at_work))
    ]
    return pd.DataFrame(rows, columns=["year", "outcome", "leavers", "persons", "share"])


def judged(table: pd.DataFrame, spec: ReleaseSpec, protected_by: Policy = RULE) -> set[str]:
    """The checks that fail on a table that was protected by this policy, with the rules of the study's own."""
    made = protect_release({spec.name: (table, spec)}, protected_by)
    verdicts = judge_release({spec.name: (made.tables[spec.name], spec)}, RULE, made.certificates, {}, {})
    return {verdict.name for verdict in verdicts[spec.name] if not verdict.passed}


ORDINARY = shares(employed=400, student=60, pension=40, other=12, abroad=3)
LEAVERS = exits((2020, 60, 20), (2021, 70, 30), (2022, 55, 25))


@pytest.mark.parametrize(("table", "spec"), [(ORDINARY, SHARES), (LEAVERS, EXITS)])
def test_the_gate_opens_with_every_rule(table: pd.DataFrame, spec: ReleaseSpec) -> None:
    assert judged(table, spec) == set()


def test_without_the_threshold() -> None:
    assert judged(ORDINARY, SHARES, replace(RULE, threshold=1)) == {"cells_large_enough"}


def test_without_protected_zeros() -> None:
    table = shares(employed=400, student=60, pension=40, other=12, abroad=0)
    assert "cells_large_enough" in judged(table, SHARES, replace(RULE, protect_zeros=False))


def test_without_complements() -> None:
    outcomes = ReleaseSpec("outcomes", ("outcome",), "persons", base="observed", base_by=("outcome",))
    table = pd.DataFrame({"outcome": ["at_work"], "observed": [60], "persons": [57]})
    assert judged(table, outcomes) == set()
    assert judged(table, outcomes, replace(RULE, protect_complements=False)) == {"cells_large_enough"}


def test_without_further_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_more(figures: sums.Figures, primary: set, others: set, policy: Policy, kept: object = ()) -> sums.Hidden:
        return sums.Hidden(primary | others, [])

    monkeypatch.setattr(protection, "hide_more", none_more)
    assert {"cells_not_recoverable", "gaps_have_proof"} <= judged(ORDINARY, SHARES)


def test_without_the_rule_on_sums_of_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "_for_few_persons", lambda *_: set())
    table = shares(employed=400, student=60, pension=4, other=2, abroad=3)
    assert "cells_large_enough" in judged(table, SHARES)


def test_without_hidden_bases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "_hidden_bases", lambda *_: set())
    table = exits((2020, 8, 3), (2021, 70, 30), (2022, 55, 25))
    assert "cells_large_enough" in judged(table, EXITS)


def test_without_hiding_cells_of_the_same_persons_alike() -> None:
    tables, who = marts(FIRST, SECOND)
    made = protect_release(tables, FIVE)
    protected = {name: (table, tables[name][1]) for name, table in made.tables.items()}
    verdicts = judge_release(protected, FIVE, made.certificates, who, {})
    failed = [(name, verdict.name) for name, its in verdicts.items() for verdict in its if not verdict.passed]
    assert failed == [("may", "same_persons_hidden_alike")]
    made = protect_alike(tables, who, FIVE, {}, {})
    protected = {name: (table, tables[name][1]) for name, table in made.tables.items()}
    assert all(v.passed for its in judge_release(protected, FIVE, made.certificates, who, {}).values() for v in its)


# ------------------------------------------------------------------------------------------------------------- amounts
AMOUNTS = ReleaseSpec(
    "amounts",
    ("outcome",),
    "persons",
    base="observed",
    base_by=("outcome",),
    measures=("mean_eur",),
    members="int_list_amount_members",
    amounts={"mean_eur": "amount_eur"},
)
PAID = {
    "dominance(1,75)": [1000.0, *[20.0] * 11],
    "dominance(2,90)": [500.0, 500.0, *[9.0] * 11],
    "p(15)": [1000.0, 200.0, *[14.0] * 10],
    "all_equal": [100.0] * 12,
    "none of them": [100.0 + 10 * i for i in range(12)],
}
"""Amounts of twelve persons or more that break one rule alone, by the name of the rule."""
SAID = {
    "dominance(1,75)": "the 1 largest have more than 75 %",
    "dominance(2,90)": "the 2 largest have more than 90 %",
    "p(15)": "the second largest knows the largest within 15 %",
    "all_equal": "all who have an amount have the same",
}


def judged_amounts(protected_by: Policy, root: DataRoot) -> Verdict:
    """The verdict on means of these amounts, after amounts were hidden by this policy; 40 more persons have nothing."""
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse")
        con.execute("create schema warehouse.intermediate")
        con.execute(
            "create table warehouse.intermediate.int_list_amount_members "
            "(outcome varchar, person_key bigint, is_counted boolean, amount_eur decimal(14, 2))"
        )
        for outcome, amounts in PAID.items():
            rows = [(outcome, person, amount > 0, amount) for person, amount in enumerate([*amounts, *[0.0] * 40])]
            con.executemany("insert into warehouse.intermediate.int_list_amount_members values (?, ?, ?, ?)", rows)
        con.execute("detach warehouse")
    mart = pd.DataFrame(
        [(o, len(a) + 40, len(a), sum(a) / (len(a) + 40)) for o, a in PAID.items()],
        columns=["outcome", "observed", "persons", "mean_eur"],
    )
    unsafe = unsafe_amounts_of(root, [AMOUNTS], protected_by)["amounts"]
    table = protect(without_amounts(mart, AMOUNTS, unsafe), AMOUNTS, RULE)
    assert (table["status"] == "ok").all(), "the amount alone is hidden"
    attacks = attack_amounts(root, {"amounts": (table, AMOUNTS)}, RULE)
    (verdict,) = judge_release({}, RULE, pd.DataFrame(), {}, {}, attacks)["amounts"]
    return verdict


def test_the_gate_opens_with_every_rule_of_amounts(tmp_path: Path) -> None:
    verdict = judged_amounts(RULE, DataRoot("test", tmp_path))
    assert (verdict.name, verdict.passed, verdict.failures) == ("amounts_not_dominated", True, ())


@pytest.mark.parametrize("rule", SAID)
def test_without_a_rule_of_amounts(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the rule and the cell by its code; no figure."""
    numbers = RULE.rules
    without = {
        "dominance(1,75)": replace(numbers, dominance=((2, 90.0),)),
        "dominance(2,90)": replace(numbers, dominance=((1, 75.0),)),
        "p(15)": replace(numbers, p_percent=None),
        "all_equal": numbers,
    }
    if rule == "all_equal":
        monkeypatch.setattr("polku.disclosure.primary.rules.all_equal", lambda: Rule("all_equal", "false"))
    verdict = judged_amounts(replace(RULE, rules=without[rule]), DataRoot("test", tmp_path))
    assert [f for f in verdict.failures if " at " in f] == [f"mean_eur at outcome={rule}: {SAID[rule]}"]


def test_without_the_rules_of_amounts_a_loss_counts_as_much_as_a_gain(tmp_path: Path) -> None:
    """Who had to pay back contributes, though the person is not counted in the cell."""
    members = pd.DataFrame({"outcome": "o", "person_key": range(13), "amount_eur": [-5000.0, *[20.0] * 12]})
    table = pd.DataFrame({"outcome": ["o"], "observed": [60], "persons": [12], "mean_eur": [-79.0]})
    with duckdb.connect() as con:
        con.register("members", members)
        found = dominated(con, table, AMOUNTS, "members", RULE)
        assert {"the 1 largest have more than 75 %"} <= {finding.why for finding in found}
        assert unsafe_amounts(con, AMOUNTS, "members", RULE) == {"mean_eur": {("o",)}}
