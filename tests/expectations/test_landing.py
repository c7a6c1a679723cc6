from __future__ import annotations

from collections.abc import Callable

import pytest

from expectations import judge_landing
from polku.layout import DataRoot
from polku.research.landing import Staged

PLANTED = "010199-999X"

Stage = Callable[..., Staged]


def test_a_good_delivery_opens_both_gates(root: DataRoot, staged: Stage) -> None:
    contract, identifiers = judge_landing(root, staged())["spells"]
    assert (contract.name, contract.passed, contract.failures) == ("matches_contract", True, ())
    assert (identifiers.name, identifiers.passed, identifiers.failures) == ("free_of_identifiers", True, ())
    assert contract.checked == 14
    assert identifiers.checked == 3  # state_code, office_code, remark


@pytest.mark.parametrize(
    ("column", "sql", "failure"),
    [
        (
            "person_key",
            "if(row_no < 4, null, person_key)",
            "ura.spells.person_key: never missing: 3 of 100 rows break it",
        ),
        (
            "delivery_id",
            "if(row_no = 7, 'ura-20200101-0001', delivery_id)",
            "ura.spells.delivery_id: this delivery's name: 1 of 100 rows break it",
        ),
        ("row_no", "if(row_no = 2, 1, row_no)", "ura.spells.row_no: no row is there twice: 1 of 100 rows break it"),
        (
            "ended_on",
            "if(row_no = 7, date '2001-01-01', ended_on)",
            "ura.spells.ended_on: not before started_on: 1 of 100 rows break it",
        ),
        (
            "amount_eur",
            "if(row_no = 7, 1000.01, amount_eur)::decimal(14,2)",
            "ura.spells.amount_eur: within the contract's range: 1 of 100 rows break it",
        ),
        (
            "benefit_month",
            "if(row_no = 7, date '2020-03-02', benefit_month)",
            "ura.spells.benefit_month: always the first day of a month: 1 of 100 rows break it",
        ),
        (
            "state_code",
            "if(row_no = 7, '2', state_code)",
            "ura.spells.state_code: a code of the list states: 1 of 100 rows break it",
        ),
        (
            "state_code",
            "if(row_no = 7, '9', state_code)",
            "ura.spells.state_code: a code that was valid on started_on: 1 of 100 rows break it",
        ),
        (
            "amount_eur",
            "amount_eur::double",
            "ura.spells: the columns are the contract's 11, in their types: 1 of 11 rows break it",
        ),
    ],
)
def test_a_broken_rule_is_named_and_counted(root: DataRoot, staged: Stage, column: str, sql: str, failure: str) -> None:
    contract, identifiers = judge_landing(root, staged(**{column: sql}))["spells"]
    assert failure in contract.failures
    assert contract.could_judge
    assert not contract.passed
    assert identifiers.passed


def test_a_lost_row_closes_the_gate(root: DataRoot, staged: Stage) -> None:
    contract, _ = judge_landing(root, staged(rows=101))["spells"]
    rule = "ura.spells: as many rows are here as were read and kept the contract (101)"
    assert contract.failures == (f"{rule}: 1 of 100 rows break it",)


def test_an_identifier_is_found_and_never_repeated(
    root: DataRoot,
    staged: Stage,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    planted = staged(office_code=f"if(row_no = 5, '{PLANTED}', office_code)", amount_eur="'not a number'")
    contract, identifiers = judge_landing(root, planted)["spells"]
    assert [failure.split(":")[0] for failure in identifiers.failures] == ["ura.spells.office_code"]
    assert not contract.could_judge  # a range of texts
    told = "".join((repr(contract), repr(identifiers), *capfd.readouterr(), caplog.text))
    assert PLANTED not in told
    assert "not a number" not in told


def test_free_text_is_searched_again_on_arrival(root: DataRoot, staged: Stage) -> None:
    planted = staged(remark=f"if(row_no = 5, 'ks. {PLANTED} ja muut', remark)")
    contract, identifiers = judge_landing(root, planted)["spells"]
    assert contract.passed
    assert [failure.split(":")[0] for failure in identifiers.failures] == ["ura.spells.remark"]


def test_a_file_that_cannot_be_read_is_not_judged(root: DataRoot, staged: Stage) -> None:
    delivery = staged()
    delivery.tables[0].file.write_bytes(b"PAR1" + PLANTED.encode() + b"PAR1")
    verdicts = judge_landing(root, delivery)["spells"]
    assert [verdict.could_judge for verdict in verdicts] == [False, False]
    assert PLANTED not in repr(verdicts)
