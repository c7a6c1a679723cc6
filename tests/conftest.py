"""What holds for every test: property tests have no deadline, for a busy machine is no fault of the code."""

import os
from collections.abc import Iterator
from pathlib import Path

# Before numpy: of two test processes with two threads each, the threads wait for each other at full speed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

from polku.demo import play
from polku.layout import DataRoot
from polku.studies import load_study
from tests.once import made_once
from tests.postgres import Postgres, cluster

settings.register_profile("polku", deadline=None)
settings.load_profile("polku")

SMALL_STUDY = "mvad"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole paths come first: of the processes of `make test`, none may be left with a long file at the end.

    Those of the larger study before those of the smaller one, which are first by name: both nights are then made at
    the same time, and nobody waits for one that another process makes.
    """
    items.sort(key=lambda item: str(item.path) if item.get_closest_marker("pipeline") else "", reverse=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL; each process of a session has one of its own."""
    with cluster() as running:
        yield running


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root of the small study in whose inbox every delivery waits; made once in a session, to be copied."""

    def make(folder: Path) -> None:
        play(DataRoot(SMALL_STUDY, folder), load_study(SMALL_STUDY), persons=0, seed=0, say=lambda text: None)

    return made_once(tmp_path_factory, f"{SMALL_STUDY}_waiting", make)
