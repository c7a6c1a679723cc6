"""Spends a finished study's night once more on a Spark cluster of this machine, and compares every row with DuckDB's.

Belongs here: what benchmarks/README.md says of Spark. Does not belong here: what must hold of every change, which
tests/pipeline/test_engines.py asserts of a small study. Run after `make nightly`; needs Java:
    python benchmarks/engines.py --lose-a-worker
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from polku.layout import CHECKOUT, DataRoot
from tests.pipeline.cluster import Running, cluster
from tests.pipeline.two_engines import differences

MADE_BY_A_NIGHT = ("marts.duckdb", "warehouse.duckdb", "built", "release", "release_ledger", "published")
TABLES_BEFORE_THE_LOSS = 20


def main() -> None:
    """Print how long it took, and which tables and released files differ."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/engines.py --lose-a-worker")
    parser.add_argument("--study", default="espoo_skills_centre")
    parser.add_argument("--lose-a-worker", action="store_true", help="kill one of the two in the middle of the night")
    args = parser.parse_args()
    source = DataRoot.of(args.study)
    with tempfile.TemporaryDirectory() as folder:
        base, share, place = (Path(folder) / name for name in ("data", "share", "cluster"))
        for each in (share, place):
            each.mkdir()
        root = DataRoot(args.study, base / args.study)
        shutil.copytree(source.path, root.path, symlinks=True)
        for name in MADE_BY_A_NIGHT:
            made = root.path / name
            shutil.rmtree(made) if made.is_dir() else made.unlink()
        with cluster(place) as running:
            seconds = night(root, running, share, lose_a_worker=args.lose_a_worker)
        print(f"a night on Spark: {seconds:.0f} s wall")
        print(f"tables that differ (rows): {differences(source, root) or 'none'}")
        print(f"released files that differ: {different_files(source, root) or 'none'}")


def night(root: DataRoot, running: Running, share: Path, *, lose_a_worker: bool) -> float:
    """Seconds of the nightly run; where it is asked for, a worker is killed when some tables are there."""
    root.engine_settings("spark").write_text(
        f'host = "127.0.0.1"\nport = {running.thrift_port}\nshare = "{share}"\nshare_is_encrypted = true\n',
        encoding="utf-8",
    )
    home = root.path.parent / "dagster"
    home.mkdir()
    shutil.copyfile(CHECKOUT / "dagster.yaml", home / "dagster.yaml")
    where = {"POLKU_DATA": str(root.path.parent), "POLKU_STUDY": root.study, "DAGSTER_HOME": str(home)}
    ended = Event()

    def lose() -> None:
        while len(list(share.glob("*/*/intermediate/*"))) < TABLES_BEFORE_THE_LOSS:
            if ended.wait(1):
                return
        running.workers[0].kill()
        print(f"a worker was killed when {TABLES_BEFORE_THE_LOSS} tables were there", flush=True)

    if lose_a_worker:
        Thread(target=lose, daemon=True).start()
    began = time.perf_counter()
    command = [sys.executable, "-m", "orchestration.nightly"]
    subprocess.run(command, cwd=CHECKOUT, env=os.environ | where | {"POLKU_ENGINE": "spark"}, check=True)
    ended.set()
    return time.perf_counter() - began


def different_files(one: DataRoot, other: DataRoot) -> list[str]:
    """Names of released tables whose bytes are not the same."""
    of_one, of_other = (
        {path.name: path.read_bytes() for path in (root.published / "current").glob("*.csv")} for root in (one, other)
    )
    return sorted(name for name in of_one | of_other if of_one.get(name) != of_other.get(name))


if __name__ == "__main__":
    main()
