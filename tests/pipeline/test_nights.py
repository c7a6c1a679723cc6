"""One night after another: what is corrected later, what was known before, and what a night leaves as it was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from polku.exchange.ledger import Ledger
from polku.research.snapshot import digests
from tests.pipeline.test_bad_input import next_delivery, state_of

pytestmark = pytest.mark.pipeline

QUESTION = "select * from state_share_by_month order by all"


def shorten_one_spell(path: Path) -> None:
    """The register corrects the end of the first spell that lasted into another year."""
    header, *rows = [line.split(";") for line in path.read_text(encoding="utf-8").splitlines()]
    start, end = header.index("tappvh"), header.index("tppvm")
    long = next(row for row in rows if row[start][:4] < row[end][:4])
    long[end] = f"{long[start][:4]}-12-31"
    path.write_text("".join(f"{';'.join(row)}\n" for row in [header, *rows]), encoding="utf-8")


@pytest.fixture(scope="module")
def corrected(finished: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[str, Any]]:
    """A study in which one register has corrected a spell, and what its marts said before."""
    source = finished("mvad")
    base = tmp_path_factory.mktemp("corrected")
    shutil.copytree(source.root.path, base / "mvad", symlinks=True)
    platform = type(source)(base, "mvad")
    before = {"digests": digests(platform.root), "csv": csv_of(platform), "last": last_delivery(platform)}
    next_delivery(platform, "ura", shorten_one_spell)
    assert platform.nightly().returncode == 0
    return platform, before


def csv_of(platform: Any, *as_of: str) -> str:
    asked = platform.run("polku", "query", "--study", platform.study, *as_of, "--csv", QUESTION)
    assert asked.returncode == 0, asked.stderr
    return str(asked.stdout)


def last_delivery(platform: Any) -> str:
    return Ledger(platform.root.ledger).accepted()[-1].delivery_id


def test_a_correction_changes_the_marts_and_only_of_the_person(corrected: tuple[Any, dict[str, Any]]) -> None:
    platform, before = corrected
    after = digests(platform.root)
    assert after["person_month"] != before["digests"]["person_month"]
    assert after["cohort"] == before["digests"]["cohort"]


def test_what_was_known_before_can_be_rebuilt_to_the_byte(corrected: tuple[Any, dict[str, Any]]) -> None:
    platform, before = corrected
    today = digests(platform.root)
    made = platform.run("orchestration.as_of", before["last"])
    assert made.returncode == 0, made.stderr
    assert digests(replace(platform.root, as_of=before["last"])) == before["digests"]
    assert csv_of(platform, "--as-of", before["last"]) == before["csv"]
    assert before["digests"]["person_month"][1] in made.stdout
    assert digests(platform.root) == today


def test_a_night_without_news_writes_no_table_and_clears_up_after_a_killed_one(
    corrected: tuple[Any, dict[str, Any]],
) -> None:
    platform, _ = corrected
    before, warehouse = state_of(platform), platform.root.warehouse.stat().st_mtime_ns
    new = platform.root.marts.with_suffix(".duckdb.new")
    new.write_bytes(platform.root.marts.read_bytes()[:4096])
    platform.root.incoming.mkdir(parents=True, exist_ok=True)
    (platform.root.incoming / "half.parquet").write_bytes(b"half")
    assert state_of(platform) == before
    night = platform.nightly()
    assert night.returncode == 0
    assert not new.exists()
    assert list(platform.root.incoming.rglob("*")) == []
    assert "emitted no result" not in night.stderr
    assert platform.root.warehouse.stat().st_mtime_ns == warehouse
    published = {path: digest for path, digest in state_of(platform).items() if "published" in path}
    assert published == {path: digest for path, digest in before.items() if "published" in path}


def test_a_time_at_which_nothing_was_known_is_refused(corrected: tuple[Any, dict[str, Any]]) -> None:
    platform, _ = corrected
    for time in ("2001-01-01", "ura-20010101-0001", "yesterday"):
        asked = platform.run("orchestration.as_of", time)
        assert asked.returncode == 2, asked.stdout
        assert asked.stderr
