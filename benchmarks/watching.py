"""Watches a process and all that it starts: when it had used how much, so that its stages can be told apart.

Belongs here: samples of a running process, and what was used between two moments. Does not belong here: which stages
there are (`scale`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from run import CHECKOUT

EVERY_SECONDS = 0.5
_TICKS, _PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """One moment (seconds since the epoch): CPU seconds since the start, memory of all processes and spilled bytes."""

    at: float
    cpu_seconds: float
    memory: int
    spilled: int


@dataclass(frozen=True)
class Use:
    """What a stage took. `peak_mib` is of all processes together, what they share counted for each of them."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float
    spilled_mib: float

    def with_(self, other: Use) -> Use:
        """Both, one after the other."""
        return Use(
            self.wall_seconds + other.wall_seconds,
            self.cpu_seconds + other.cpu_seconds,
            max(self.peak_mib, other.peak_mib),
            max(self.spilled_mib, other.spilled_mib),
        )


NOTHING = Use(0, 0, 0, 0)


@dataclass(frozen=True)
class Watched:
    """The samples of a process that has ended, oldest first."""

    samples: list[Sample]

    def between(self, first: float, last: float) -> Use:
        """What was used from one moment to another."""
        times = [sample.at for sample in self.samples]
        within = self.samples[max(bisect_left(times, first) - 1, 0) : bisect_right(times, last) + 1]
        return Use(
            last - first,
            self._cpu_at(last) - self._cpu_at(first),
            max(sample.memory for sample in within) / 2**20,
            max(sample.spilled for sample in within) / 2**20,
        )

    def whole(self) -> Use:
        """From the first sample to the last."""
        return self.between(self.samples[0].at, self.samples[-1].at)

    def _cpu_at(self, moment: float) -> float:
        """Between two samples as if it grew evenly, so that stages shorter than the time between them add up."""
        after = min(bisect_right([sample.at for sample in self.samples], moment), len(self.samples) - 1)
        one, two = self.samples[max(after - 1, 0)], self.samples[after]
        if two.at == one.at:
            return two.cpu_seconds
        share = min(max((moment - one.at) / (two.at - one.at), 0), 1)
        return one.cpu_seconds + share * (two.cpu_seconds - one.cpu_seconds)


def watch(command: list[str], spill: Path) -> Watched:
    """Run a command to its end; stops the benchmark when it fails. `spill` is where its spill files are."""
    started = Sample(time.time(), 0.0, 0, 0)
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    samples = [started]
    while process.poll() is None:
        samples.append(_sample(process.pid, spill, samples[-1].cpu_seconds))
        time.sleep(EVERY_SECONDS)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return Watched(samples)


def _sample(root: int, spill: Path, before: float) -> Sample:
    """CPU time never falls: that of a process which has just ended is its parent's only from the next moment on."""
    ticks, pages = 0, 0
    for fields in _tree(root):
        # User and system time of the process, and of those of its children that have ended and been waited for.
        ticks += sum(fields[11:15])
        pages += fields[21]
    return Sample(time.time(), max(ticks / _TICKS, before), pages * _PAGE, _size(spill))


def _tree(root: int) -> Iterator[list[int]]:
    """What the system says of a process and its descendants: the fields of /proc/PID/stat from the state (0) on."""
    known: dict[int, list[int]] = {}
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, *numbers = (folder / "stat").read_text(encoding="ascii").rpartition(") ")[2].split()
            known[int(folder.name)] = [ord(state), *map(int, numbers)]
            children.setdefault(int(numbers[0]), []).append(int(folder.name))
    waiting = [root]
    for pid in waiting:
        waiting += children.get(pid, [])
        if pid in known:
            yield known[pid]


def _size(folder: Path) -> int:
    """Bytes of the files in a folder, some of which may just be going."""
    size = 0
    with suppress(FileNotFoundError):
        for file in folder.iterdir():
            with suppress(FileNotFoundError):
                size += file.stat().st_size
    return size
