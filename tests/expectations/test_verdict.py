from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

from expectations import Verdict
from polku.layout import CHECKOUT


@pytest.mark.parametrize(
    ("verdict", "passed"),
    [
        (Verdict("plausible", 3), True),
        (Verdict("plausible", 3, ("a rule is broken",)), False),
        (Verdict("plausible", 3, (), could_judge=False), False),
    ],
)
def test_only_a_judged_and_unbroken_gate_is_open(verdict: Verdict, passed: bool) -> None:
    assert verdict.passed is passed


def test_an_error_is_told_by_its_kind_only() -> None:
    verdict = Verdict.not_judged("plausible", duckdb.ConversionException("could not convert 010199-999X"))
    assert verdict.failures == ("nothing could be judged (ConversionException)",)
    assert not verdict.passed


def test_importing_the_gates_does_not_import_great_expectations() -> None:
    code = "import sys, expectations; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0
