"""How a finished version on a share is read, and what happens to one that is not whole. No Spark is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research import shared_tables, storage
from polku.research.cluster import Cluster
from polku.research.shared_tables import Version


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return DataRoot("mvad", tmp_path / "mvad")


@pytest.fixture
def share(tmp_path: Path) -> Path:
    return tmp_path / "share"


def version(share: Path, name: str, persons: int) -> Version:
    """A version with one mart, as Spark would leave it."""
    made = Version(Cluster("127.0.0.1", 1, "polku", share), "mvad", name)
    folder = made.folder / "marts" / "person"
    folder.mkdir(parents=True)
    with storage.connect(DataRoot("mvad", share.parent / "mvad")) as con:
        con.execute(f"copy (select range as person_key from range({persons})) to '{folder}/part-0.parquet'")
    return made


def persons_of(root: DataRoot) -> int:
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        return int(con.execute("select count(*) from warehouse.marts.person").fetchall()[0][0])


def test_a_version_is_read_when_it_is_published(root: DataRoot, share: Path) -> None:
    shared_tables.publish(root, version(share, "v20260101000000", 3), [("marts", "person")])
    assert persons_of(root) == 3
    shared_tables.publish(root, version(share, "v20260102000000", 4), [("marts", "person")])
    assert persons_of(root) == 4


def test_a_version_that_lacks_a_table_is_not_published(root: DataRoot, share: Path) -> None:
    shared_tables.publish(root, version(share, "v20260101000000", 3), [("marts", "person")])
    later = version(share, "v20260102000000", 4)
    with pytest.raises(Refusal, match=r"marts\.cohort .* not on the share") as refusal:
        shared_tables.publish(root, later, [("marts", "person"), ("marts", "cohort")])
    assert refusal.value.exit is Exit.ENGINE_UNREACHABLE
    assert persons_of(root) == 3


def test_only_versions_are_removed(share: Path) -> None:
    now, before = version(share, "v20260102000000", 4), version(share, "v20260101000000", 3)
    (share / "mvad" / "notes").mkdir()
    (now.folder / "landing").mkdir()
    said: list[str] = []
    shared_tables.remove_others(now, said.append)
    assert not before.folder.exists()
    assert {path.name for path in now.folder.iterdir()} == {"marts"}
    assert (share / "mvad" / "notes").exists()
    assert "drop schema if exists mvad__v20260101000000__marts cascade" in said
    assert "drop schema if exists mvad__v20260102000000__marts cascade" not in said
