"""Measures landing: one delivery from its sealed packages through its gates into landing, in rows per CPU second.

Belongs here: preparing the delivery, timing the steps. Does not belong here: sealing (`seal`), identities alone
(`modes --linking`), any assertion about speed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from multiprocessing import Process
from pathlib import Path

from modes import prepare, relay_step, seal_step
from seal import study

from polku.exchange.parts import RELAY
from polku.layout import DataRoot


def send(root: DataRoot, rows: int, persons: int) -> None:
    """Everything up to the inbox of the research platform."""
    prepare(root, rows, persons, RELAY, stretched=False)
    seal_step(root)
    relay_step(root)


def land(root: DataRoot, rows: int) -> None:
    """What is measured: verify, open, give keys, read by contract, judge, commit. Imports are not counted."""
    import great_expectations.expectations  # noqa: F401 - once for all deliveries of a night

    from expectations import judge_landing
    from polku.research import intake, landing, opening

    made, spent = study(twin=False), {"judging": 0.0}

    def judge(staged: landing.Staged) -> None:
        started = time.process_time()
        verdicts = [verdict for table in judge_landing(root, staged).values() for verdict in table]
        spent["judging"] = time.process_time() - started
        if not all(verdict.passed for verdict in verdicts):
            raise SystemExit("a gate is closed")

    (delivery,) = opening.pending(root, made)
    started = time.process_time()
    with opening.open_delivery(root, made, delivery) as opened:
        for _, reader in opened.tables():
            for _ in reader:
                pass
    spent["opening alone, every identifier new"] = time.process_time() - started
    started = time.process_time()
    intake.take(root, made, delivery, judge)
    spent["landing, gates included"] = time.process_time() - started
    for what, seconds in spent.items():
        print(f"{what:36} {seconds:6.2f} s CPU  {rows / seconds / 1e6:6.2f} M rows per CPU second", flush=True)


def main() -> None:
    """Prepare a delivery and land it, each in a process of its own."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/landing.py --rows 1000000 --runs 3")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--persons", type=int, default=6_000)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    for _ in range(args.runs):
        with tempfile.TemporaryDirectory() as folder:
            root = DataRoot("", Path(folder))
            for step in ((send, root, args.rows, args.persons), (land, root, args.rows)):
                process = Process(target=step[0], args=step[1:])
                process.start()
                process.join()


if __name__ == "__main__":
    main()
