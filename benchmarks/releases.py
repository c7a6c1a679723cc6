"""Measure thirty nightly releases of a register that changes: what is held back, and what all of them give away.

`python benchmarks/releases.py [--nights 30] [--persons 3000] [--seed 1]`; figures belong into `README.md` beside it.

Belongs here: the measures and their printing. Does not belong here: the register and its releases (`nights`).
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.nights import TABLES, Night, Register, released_nights
from polku.disclosure import Policy, load_policy, recover_between
from polku.disclosure.ledger.decision import Verdict


@dataclass(frozen=True)
class Measured:
    """Shares are of all cells of all nights after the first, also of those that were `held_whole` by the gate.

    `recovered` are hidden figures, of any release, that all releases together give away.
    """

    releases: int
    nothing_new: int
    held_whole: int
    held: float
    unchanged: float
    changed: float
    hidden: float
    days_behind: float
    few_told_apart: int
    few_told_apart_without_ledger: int
    recovered: int


def recovered(nights: Sequence[Night], policy: Policy) -> int:
    """Hidden figures of any release that follow from all that were released on these nights."""
    public = [night.public[-1] for night in nights if night.is_released]
    return sum(len(recover_between(public[:last], TABLES, policy)) for last in range(1, len(public) + 1))


def few_told_apart(nights: Sequence[Night], threshold: int, *, ledger: bool) -> int:
    """Pairs of public figures of one cell between which at least one and fewer than the threshold entered or left.

    By the true members. Without `ledger`: of the figures that would be public if each night were released by itself.
    """
    found = 0
    for name in TABLES:
        shown: dict[str, list[frozenset[int]]] = {}
        for night in nights:
            states = night.outcome.tables[name].states
            fresh = (states.since == states.since.max()) & night.outcome.tables[name].begins
            told = (fresh | (not ledger)) & ~states.is_gap
            for key in states.keys[told]:
                shown.setdefault(key, []).append(night.members[name].get(key, frozenset()))
        for figures in shown.values():
            found += sum(0 < len(a ^ b) < threshold for i, a in enumerate(figures) for b in figures[i + 1 :])
    return found


def measured(nights: Sequence[Night], policy: Policy) -> Measured:
    """All measures."""
    later = [concluded for night in nights[1:] for concluded in night.outcome.tables.values()]
    verdicts = np.concatenate([concluded.verdict for concluded in later])
    behind = [
        (np.datetime64(night.day) - concluded.states.as_of[~concluded.states.is_gap]).astype(int)
        for night in nights[1:]
        for concluded in night.outcome.tables.values()
    ]
    return Measured(
        releases=sum(night.is_released for night in nights),
        nothing_new=sum(not night.outcome.is_new for night in nights),
        held_whole=sum(night.outcome.is_new and not night.is_released for night in nights),
        held=float((verdicts == Verdict.HELD).mean()),
        unchanged=float((verdicts == Verdict.UNCHANGED).mean()),
        changed=float((verdicts == Verdict.CHANGED).mean()),
        hidden=float(np.concatenate([concluded.states.is_gap for concluded in later]).mean()),
        days_behind=float(np.concatenate(behind).mean()),
        few_told_apart=few_told_apart(nights, policy.threshold, ledger=True),
        few_told_apart_without_ledger=few_told_apart(nights, policy.threshold, ledger=False),
        recovered=recovered(nights, policy),
    )


def main() -> None:
    """Play the nights and print the measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--persons", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--changes", type=float, default=1.0, help="times the usual arrivals, departures, corrections")
    args = parser.parse_args()
    register = Register(
        np.random.default_rng(args.seed), args.persons, 6 * args.changes, 4 * args.changes, 5 * args.changes, 0.3
    )
    policy = load_policy("fi_study_v1")
    with tempfile.TemporaryDirectory() as folder:
        nights = list(released_nights(Path(folder) / "ledger", args.nights, register, policy))
    found = measured(nights, policy)
    for name, value in vars(found).items():
        print(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")
    print(f"{'cpu_seconds':32} {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.1f}")


if __name__ == "__main__":
    main()
