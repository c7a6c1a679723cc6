"""Measures the nightly run and sealing as whole processes: CPU seconds, wall seconds, peak memory.

Belongs here: what `make bench` prints. Does not belong here: any assertion about speed; figures go into
benchmarks/README.md with the command, the date and the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ROWS_AGAIN = 500
"""Rows of each file of the delivery that comes after the first night."""


@dataclass(frozen=True)
class Measurement:
    """One process and all that it started: CPU and wall in seconds, peak memory of the largest process in MiB."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.wall_seconds:6.1f} s wall  {self.cpu_seconds:6.1f} s CPU  {self.peak_mib:6.0f} MiB peak"


def measure(command: list[str], environment: dict[str, str]) -> Measurement:
    """Run a command to its end; stops the benchmark when it fails."""
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=CHECKOUT, env=os.environ | environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Measurement(usage.ru_utime + usage.ru_stime, time.monotonic() - started, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure one study from extracts to release, in a folder of its own."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/run.py --persons 6000 --runs 3")
    parser.add_argument("--study", default="espoo_skills_centre")
    parser.add_argument("--persons", type=int, default=6000, help="size of the synthetic twin")
    parser.add_argument("--runs", type=int, default=3, help="nightly runs, each on a fresh copy of the sealed packages")
    parser.add_argument("--register", default="kela", help="who delivers again for the last night")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        environment = {"POLKU_DATA": str(base / "data"), "POLKU_STUDY": args.study, "DO_NOT_TRACK": "1"}
        demo = [sys.executable, "-m", "polku", "demo", "--study", args.study, "--persons", str(args.persons)]
        print(f"{args.study}, {args.persons} persons, {os.cpu_count()} cores")
        print(f"twin, keys, sealing, relay   {measure(demo, environment)}")
        shutil.copytree(base / "data", base / "sealed")
        for run in range(args.runs):
            shutil.rmtree(base / "data")
            shutil.copytree(base / "sealed", base / "data")
            home = base / "data" / "dagster"
            home.mkdir()
            shutil.copyfile(CHECKOUT / "dagster.yaml", home / "dagster.yaml")
            nightly = [sys.executable, "-m", "orchestration.nightly"]
            print(f"nightly, everything new, {run + 1}   {measure(nightly, environment | {'DAGSTER_HOME': str(home)})}")
        night = environment | {"DAGSTER_HOME": str(home)}
        print(f"nightly, nothing new         {measure(nightly, night)}")
        if not (CHECKOUT / "examples" / args.study).is_dir():
            truth = [sys.executable, "benchmarks/truth.py", "--study", args.study]
            subprocess.run(truth, cwd=CHECKOUT, env=os.environ | environment, check=True)
        deliver_again(base / "data" / args.study / "authorities" / args.register / "extract")
        measure(demo, environment)
        print(f"nightly, one new delivery    {measure(nightly, night)}")


def deliver_again(extract: Path) -> None:
    """Have a register deliver again: the first rows of each of its last files, as a small correction would be."""
    last = max((path for path in extract.iterdir() if path.is_dir()), default=extract)
    for path in last.glob("*.csv"):
        lines = path.read_bytes().split(b"\n")
        path.write_bytes(b"\n".join(lines[: ROWS_AGAIN + 1]) + b"\n")


if __name__ == "__main__":
    main()
