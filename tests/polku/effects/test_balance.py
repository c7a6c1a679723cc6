"""The table of the balance, reckoned by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from polku.effects.balance import SCORE, covariate_balance
from polku.effects.comparing import compare
from polku.effects.design import design_of
from polku.effects.plan import MAHALANOBIS, Comparison
from polku.errors import Exit, Refusal

PERSONS = {1: ("client", 30, "work"), 2: ("client", 40, "family"), 3: ("client", 50, None)} | {
    key: ("never_client", age, ground)
    for key, age, ground in [
        (4, 20, "work"),
        (5, 40, "work"),
        (6, 60, "family"),
        (7, None, "work"),
        (8, 30, "other"),
        (9, 50, "family"),
    ]
}


def mart() -> pd.DataFrame:
    rows = []
    for key, (group, age, ground) in PERSONS.items():
        if age is not None:
            rows.append((key, group, "age_years", float(age), None))
        if ground is not None:
            rows.append((key, group, "ground", None, ground))
        rows.append((key, group, "unused", 1.0, None))
    return pd.DataFrame(
        rows, columns=["person_key", "group_code", "covariate_code", "value_number", "value_code"]
    ).astype({"value_number": float})


def balance(
    rows: pd.DataFrame, *covariates: str, method: str = "propensity", replacement: bool = False
) -> pd.DataFrame:
    return covariate_balance(compare(rows, Comparison(covariates, method, replacement)))


def test_what_is_not_known_is_a_value_of_its_own() -> None:
    design = design_of(mart(), Comparison(("age_years", "ground")))
    assert design.treated.tolist() == [True] * 3 + [False] * 6
    assert list(design.values) == [
        ("age_years", ""),
        ("age_years", "unknown"),
        *(("ground", level) for level in ("family", "other", "unknown", "work")),
    ]
    assert design.values["age_years", ""].tolist() == [30, 40, 50, 20, 40, 60, 0, 30, 50]
    assert design.values["age_years", "unknown"].tolist() == [0, 0, 0, 0, 0, 0, 1, 0, 0]
    assert design.values["ground", "unknown"].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert design.varying.shape == (9, 6)


def test_differences_are_in_standard_deviations_of_the_clients() -> None:
    known = mart()[lambda rows: rows.covariate_code == "age_years"]
    table = balance(known, "age_years")
    [age] = table[(table.stage_code == "unmatched") & (table.covariate_code == "age_years")].to_dict("records")
    assert (age["persons_client"], age["persons_other"]) == (3, 5)
    assert (age["mean_client"], age["mean_other"]) == (40, 40)
    assert age["standardised_difference"] == 0
    # Variances 100 of 30, 40, 50 and 250 of 20, 40, 60, 30, 50.
    assert age["variance_ratio"] == pytest.approx(100 / 250)
    assert age["is_balanced"] is True
    [score] = table[(table.stage_code == "matched") & (table.covariate_code == SCORE)].to_dict("records")
    assert (score["persons_client"], score["persons_other"]) == (3, 3)


def test_a_share_has_the_spread_of_a_yes_or_no_and_no_ratio() -> None:
    rows = mart()[lambda rows: rows.covariate_code == "ground"]
    table = balance(rows[rows.value_code != "other"], "ground")
    [work] = table[(table.stage_code == "unmatched") & (table.level_code == "work")].to_dict("records")
    # Of clients 1 of 2 (spread one half), of the others 3 of 5.
    assert work["standardised_difference"] == pytest.approx((1 / 2 - 3 / 5) / 0.5)
    assert pd.isna(work["variance_ratio"])
    assert work["is_balanced"] is False


def test_who_has_a_value_that_the_other_group_lacks_is_left_out_and_the_rest_compared() -> None:
    """Person 8 has another ground than every client, client 3 is the only one whose ground is not known."""
    compared = compare(mart(), Comparison(("ground",)))
    assert compared.design.persons[compared.supported].tolist() == [1, 2, 4, 5, 6, 7, 9]
    assert compared.share_matched == pytest.approx(2 / 3)
    table = covariate_balance(compared)
    assert set(table[table.stage_code == "unmatched"].persons_client) == {2, 3}
    assert set(table[table.stage_code == "matched"].persons_client) == {2}


def test_groups_that_a_number_tells_apart_have_nobody_matched_by_a_score() -> None:
    rows = pd.DataFrame(
        [(key, "client" if key < 4 else "never_client", "age_years", 10.0 * key, None) for key in range(1, 8)],
        columns=mart().columns,
    )
    table = balance(rows, "age_years")
    assert table.stage_code.tolist() == ["unmatched", "matched"]
    assert table.persons_client.tolist() == [3, 0]
    assert not table.is_balanced.any()
    assert balance(rows, "age_years", method=MAHALANOBIS, replacement=True).persons_other.tolist() == [4, 1]


def test_groups_that_share_no_value_have_nobody_matched() -> None:
    rows = pd.DataFrame(
        [(key, group, "ground", None, group) for key, group in enumerate(("client", "never_client") * 3)],
        columns=mart().columns,
    )
    table = balance(rows, "ground")
    assert table[table.stage_code == "matched"].persons_client.tolist() == [0, 0]


def test_where_all_clients_are_the_same_others_are_alike_only_when_they_are_so_too() -> None:
    rows = pd.DataFrame(
        [(key, "client", "age_years", 40.0, None) for key in (1, 2)]
        + [(key, "never_client", "age_years", age, None) for key, age in enumerate((30.0, 40.0, 40.0, 60.0), 3)],
        columns=mart().columns,
    )
    table = balance(rows, "age_years")
    ages = {row["stage_code"]: row for row in table[table.covariate_code == "age_years"].to_dict("records")}
    assert ages["unmatched"]["mean_other"] == 42.5
    assert pd.isna(ages["unmatched"]["standardised_difference"])
    assert ages["unmatched"]["is_balanced"] is False
    assert (ages["matched"]["mean_other"], ages["matched"]["standardised_difference"]) == (40, 0)
    assert ages["matched"]["is_balanced"] is True


def test_nobody_to_compare_with_is_refused() -> None:
    rows = mart()
    for empty in (rows[rows.group_code == "client"], rows[rows.group_code == "never_client"]):
        with pytest.raises(Refusal, match="groups is empty") as refusal:
            balance(empty, "age_years")
        assert refusal.value.exit is Exit.NO_COMPARISON
    with pytest.raises(Refusal, match="`sex_code` is not known of anybody"):
        balance(rows, "age_years", "sex_code")
