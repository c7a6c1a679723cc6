"""Runs one target under the coverage-guided fuzzer atheris; see README.md in this folder.

Belongs here: starting the fuzzer. Does not belong here: what it calls (`targets`).
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["polku", "tests.fuzz.targets"]):
    from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    """The target's name, then libFuzzer's own arguments; the first folder of these receives the corpus."""
    name, *arguments = sys.argv[1:]
    for number, seed in enumerate(seeds(name)):
        for folder in [Path(a) for a in arguments if not a.startswith("-")][:1]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
