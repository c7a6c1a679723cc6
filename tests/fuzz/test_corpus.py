"""The fuzzer's corpus as a regression test: every input that ever taught it something, or broke something."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, seeds

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_is_read_or_refused(target: str) -> None:
    inputs = [*seeds(target), *(path.read_bytes() for path in sorted((CORPUS / target).iterdir()))]
    assert len(inputs) > 10
    for data in inputs:
        TARGETS[target](data)


def test_the_corpus_is_small() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert len(files) < 400
    assert sum(path.stat().st_size for path in files) < 1 << 20
