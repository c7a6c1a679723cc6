"""Protects, checks and attacks tables of amounts of drawn firms as whole processes.

Belongs here: what benchmarks/README.md says of `polku protect --value`. Does not belong here: assertions about speed.
Firms are drawn: skewed over towns and branches, turnover log-normal by size class, a tenth of them in holdings.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from run import measure

POLKU = [sys.executable, "-m", "polku"]
SIZES = {"F1": (20, 4, 12, 4, 3_000), "F2": (40, 5, 20, 4, 20_000)}
"""Towns, regions, branches, groups of branches, firms; three size classes besides."""


def drawn(towns: int, regions: int, branches: int, groups: int, firms: int) -> tuple[pd.DataFrame, dict[str, object]]:
    """Records of firms and the dimensions."""
    rng = np.random.default_rng(1)
    town = rng.choice(towns, firms, p=rng.dirichlet(np.full(towns, 0.6)))
    branch = rng.choice(branches, firms, p=rng.dirichlet(np.full(branches, 0.6)))
    size = rng.choice(3, firms, p=[0.7, 0.2, 0.1])
    holding = np.where(rng.random(firms) < 0.1, rng.integers(0, firms // 20, firms).astype(str), "")
    turnover = np.rint(rng.lognormal(3 + 1.2 * size, 1.3)).clip(1).astype(int)
    columns = {"town": town, "branch": branch, "size": size, "firm": np.arange(firms), "holding": holding}
    trees = {
        name: {
            "Total": [f"{name}s {group}" for group in range(above)],
            **{f"{name}s {group}": [str(code) for code in range(group, below, above)] for group in range(above)},
        }
        for name, below, above in (("town", towns, regions), ("branch", branches, groups))
    }
    dims: dict[str, object] = {**{name: {"tree": tree} for name, tree in trees.items()}, "size": {}}
    return pd.DataFrame({**columns, "turnover": turnover}), dims


def main() -> None:
    """Print one line of the table in benchmarks/README.md for each table and level."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    heads = "table", "firms", "level", "cells", "unsafe", "hidden for others", "protect CPU s, MiB", "check", "audit"
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    with tempfile.TemporaryDirectory() as temporary:
        for name, size in SIZES.items():
            folder = Path(temporary) / name
            folder.mkdir()
            records, dims = drawn(*size)
            records.to_csv(folder / "firms.csv", index=False)
            (folder / "dims.json").write_text(json.dumps(dims), encoding="utf-8")
            for level in ("A0", "A3"):
                print(_measured(name, level, folder, dims, len(records)), flush=True)


def _measured(name: str, level: str, folder: Path, dims: dict[str, object], firms: int) -> str:
    out, where = folder / level, ["--dims", str(folder / "dims.json")]
    given = [
        "--table",
        str(folder / "firms.csv"),
        "--value",
        "turnover",
        "--contributor",
        "firm",
        "--holding",
        "holding",
    ]
    rules = ["--threshold", "3", "--p", "10"]
    protect = measure([*POLKU, "protect", *given, *where, *rules, "--level", level, "--out", str(out)], {})
    check = measure([*POLKU, "protect", "--check", str(out), *where], {})
    spec = {"dims": dims, "tables": [{"file": f"{level}/published.csv", "count": "turnover"}]}
    (folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    attack = measure([*POLKU, "audit", str(folder / "spec.json")], {})
    facts = json.loads((out / "manifest.json").read_text())
    hidden, others = facts["cells_hidden"], facts["cells_hidden_only_for_others"]
    return (
        f"| {name} | {firms:,} | {level} | {facts['cells']:,} | {hidden - others:,} | {others:,} | "
        f"{protect.cpu_seconds:.1f}, {protect.peak_mib:.0f} | {check.cpu_seconds:.1f} | {attack.cpu_seconds:.1f} |"
    )


if __name__ == "__main__":
    main()
