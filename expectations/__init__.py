"""What must be true of data before it is written: the gates at landing, on cohort and marts, and at release.

Belongs here: rules, stated with Great Expectations, and their verdicts. Does not belong here: what
happens after a verdict (`assets/`), and rules about meaning (dbt tests). Nothing here imports
great_expectations before something is judged: the import takes seconds.
"""

import sys

from expectations.amounts import attack_amounts
from expectations.groups import judge_groups
from expectations.inexact import attack_inexact
from expectations.landing import judge_landing
from expectations.marts import judge_marts
from expectations.release import judge_recoverable_together, judge_release, judge_with_earlier
from expectations.verdict import Verdict

__all__ = [
    "Verdict",
    "attack_amounts",
    "attack_inexact",
    "judge_groups",
    "judge_landing",
    "judge_marts",
    "judge_recoverable_together",
    "judge_release",
    "judge_with_earlier",
]

# Where pyspark is installed, great_expectations imports it; and pyspark ends a process that was not started from a
# file, as those of Dagster's daemon are, because it takes it for a test of its own. Nothing is judged on Spark.
sys.modules.setdefault("pyspark", None)  # type: ignore[arg-type]
