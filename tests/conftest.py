"""What holds for every test: property tests have no deadline, for a busy machine is no fault of the code."""

import os

# Before numpy: of two test processes with two threads each, the threads wait for each other at full speed.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("polku", deadline=None)
settings.load_profile("polku")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole paths come first: of the two processes of `make test`, none may be left with a long file at the end."""
    items.sort(key=lambda item: item.get_closest_marker("pipeline") is None)
