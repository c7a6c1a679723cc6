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
from tests.pipeline.cluster import Running, cluster, write_settings
from tests.pipeline.two_engines import SINGLES, differences, different_files, unbuilt_copy

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
        root = unbuilt_copy(source, base)
        with cluster(place) as running:
            seconds = night(root, running, share, lose_a_worker=args.lose_a_worker)
        print(f"a night on Spark: {seconds:.0f} s wall")
        print(f"tables that differ (rows): {differences(source, root, SINGLES) or 'none'}")
        print(f"released files that differ: {different_files(source, root) or 'none'}")


def night(root: DataRoot, running: Running, share: Path, *, lose_a_worker: bool) -> float:
    """Seconds of the nightly run; where it is asked for, a worker is killed when some tables are there."""
    write_settings(root, running.thrift_port, share)
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


if __name__ == "__main__":
    main()
