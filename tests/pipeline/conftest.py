"""The whole path as its users run it: `polku demo`, then `python -m orchestration.nightly`, in real processes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from polku.layout import CHECKOUT, DataRoot
from polku.research import storage
from tests.once import made_once

PERSONS = 600


@dataclass(frozen=True)
class Platform:
    """A data folder of its own, and the commands run in it."""

    base: Path
    study: str

    @property
    def root(self) -> DataRoot:
        return DataRoot(self.study, self.base / self.study)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the checkout, in a process with this data folder."""
        return self.python("-m", *command, **environment)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Python in the checkout, with this data folder."""
        home = self.base / "dagster"
        home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CHECKOUT / "dagster.yaml", home / "dagster.yaml")
        env = os.environ | {
            "POLKU_DATA": str(self.base),
            "POLKU_STUDY": self.study,
            "DAGSTER_HOME": str(home),
            "DO_NOT_TRACK": "1",
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env=env | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,  # of a process that hangs: a night on Spark takes ten minutes on a slow machine
        )

    def demo(self, persons: int = PERSONS) -> subprocess.CompletedProcess[str]:
        return self.run("polku", "demo", "--study", self.study, "--persons", str(persons))

    def nightly(self) -> subprocess.CompletedProcess[str]:
        return self.run("orchestration.nightly")

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Rows from the analysts' snapshot."""
        with storage.connect(self.root) as con:
            storage.attach(con, self.root, self.root.marts, "marts_db", read_only=True)
            con.execute("use marts_db.marts")
            return con.execute(sql).fetchall()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Platform]:
    """A study whose night has succeeded; made once in a session. Tests must not change it."""

    def finish(study: str) -> Platform:
        def make(base: Path) -> None:
            platform = Platform(base, study)
            for done in (platform.demo(), platform.nightly()):
                assert done.returncode == 0, done.stderr[-4000:]

        return Platform(made_once(tmp_path_factory, study, make), study)

    return finish


@pytest.fixture
def copy_of(finished: Callable[[str], Platform], tmp_path: Path) -> Callable[[str], Platform]:
    """A finished study in a folder of its own, to be spoilt."""

    def copy(study: str) -> Platform:
        source = finished(study)
        shutil.copytree(source.root.path, tmp_path / study, symlinks=True)
        return Platform(tmp_path, study)

    return copy
