"""What judging may bring into a process."""

from __future__ import annotations

import subprocess
import sys

from polku.layout import CHECKOUT


def test_great_expectations_is_loaded_in_a_process_that_has_no_file() -> None:
    """As one of Dagster's daemon: with pyspark installed it ended in the middle of landing, without any error."""
    load = "import expectations, great_expectations; import sys; print('loaded', 'pyspark.sql' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", load], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.stdout == "loaded False\n", done.stderr[-2000:]
