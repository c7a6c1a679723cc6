"""Two studies built at the same time in lakes of one PostgreSQL: every table is that of DuckDB's own file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection as Connection

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import lake, storage
from tests.pipeline.conftest import Platform
from tests.pipeline.two_engines import differences
from tests.postgres import Postgres

pytestmark = pytest.mark.pipeline

STUDIES = ("mvad", "matchit614")


@pytest.fixture(scope="module")
def services(postgres: Postgres) -> dict[str, str]:
    """The environment in which libpq finds the lakes' database."""
    postgres.database(lake.SERVICE)
    return {"PGSERVICEFILE": str(postgres.services)}


@pytest.fixture(scope="module")
def on_lake(
    finished: Callable[[str], Platform], services: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Platform]:
    """Both studies after a night on the engine `ducklake`, which two processes spent side by side."""
    # Each in a folder of its own: two processes cannot make the tables of one new DAGSTER_HOME at once.
    platforms = {study: Platform(tmp_path_factory.mktemp(study), study) for study in STUDIES}
    for platform in platforms.values():
        shutil.copytree(finished(platform.study).root.path, platform.root.path, symlinks=True)
    with ThreadPoolExecutor() as together:
        nights = [
            together.submit(platform.run, "orchestration.nightly", POLKU_ENGINE="ducklake", **services)
            for platform in platforms.values()
        ]
    for night in nights:
        assert night.result().returncode == 0, night.result().stderr[-4000:]
    return platforms


@pytest.fixture
def con(services: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Connection]:
    monkeypatch.setenv("PGSERVICEFILE", services["PGSERVICEFILE"])
    with storage.connect(DataRoot("another", tmp_path / "another")) as con:
        yield con


@pytest.mark.parametrize("study", STUDIES)
def test_every_table_is_the_same_row_by_row(
    finished: Callable[[str], Platform], on_lake: dict[str, Platform], study: str
) -> None:
    assert differences(finished(study).root, on_lake[study].root) == {}


@pytest.mark.parametrize("study", STUDIES)
def test_rows_are_in_encrypted_files_alone_and_nothing_replaced_is_kept(
    on_lake: dict[str, Platform], postgres: Postgres, study: str
) -> None:
    [(inlined,)] = postgres.rows(lake.SERVICE, f"select count(*) from {study}.ducklake_inlined_data_tables")
    assert inlined == 0, "rows in the catalog"
    files = postgres.rows(lake.SERVICE, f"select path, encryption_key is not null from {study}.ducklake_data_file")
    assert len(files) > 20
    assert all(encrypted for _, encrypted in files)
    on_disk = {path.name: path.read_bytes() for path in on_lake[study].root.lake.rglob("*.parquet")}
    assert set(on_disk) == {name for name, _ in files}
    assert not [name for name, content in on_disk.items() if b"person_key" in content]
    [(snapshots,)] = postgres.rows(lake.SERVICE, f"select count(*) from {study}.ducklake_snapshot")
    assert snapshots == 1


def test_a_night_without_its_catalog_is_refused_at_once_and_changes_nothing(
    on_lake: dict[str, Platform], tmp_path: Path
) -> None:
    platform = on_lake["mvad"]
    before = {path: path.read_bytes() for path in (platform.root.marts, platform.root.warehouse)}
    down = tmp_path / "pg_service.conf"
    down.write_text(f"[{lake.SERVICE}]\nhost={tmp_path}\nuser=polku\npassword=of-the-test-alone\n", encoding="utf-8")
    done = platform.run("orchestration.nightly", POLKU_ENGINE="ducklake", PGSERVICEFILE=str(down))
    assert done.returncode == Exit.ENGINE_UNREACHABLE
    assert "No such file or directory" in done.stderr
    assert "of-the-test-alone" not in done.stderr
    assert {path: path.read_bytes() for path in before} == before


def test_tables_that_were_built_and_are_not_there_are_not_published(con: Connection, tmp_path: Path) -> None:
    root = DataRoot("another", tmp_path / "another")
    with pytest.raises(Refusal) as refused:
        lake.publish(root, [("marts", "person")])
    assert refused.value.exit is Exit.ENGINE_UNREACHABLE
    assert not root.warehouse.exists()


def test_the_lake_of_another_data_root_is_refused(con: Connection, tmp_path: Path) -> None:
    lake.attach(con, DataRoot("shared", tmp_path / "mine"), "mine")
    with pytest.raises(Refusal) as refused:
        lake.attach(con, DataRoot("shared", tmp_path / "theirs"), "theirs")
    assert refused.value.exit is Exit.ENGINE_UNUSABLE
