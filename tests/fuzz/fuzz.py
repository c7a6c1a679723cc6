#!/usr/bin/env python
"""Runs one target under the coverage-guided fuzzer atheris; see README.md in this folder.

Belongs here: starting the fuzzer. Does not belong here: what it calls (`targets`).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["polku", "tests.fuzz.targets"]):
    from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    """Arguments are libFuzzer's own; the target stands in TARGET, since libFuzzer starts this file anew to merge."""
    target = os.environ["TARGET"]
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(seeds(target)):
            Path(folder, str(number)).write_bytes(seed)
        atheris.Setup([*sys.argv, folder], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
