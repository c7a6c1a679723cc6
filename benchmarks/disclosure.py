"""Protects, checks and attacks tables of counts as whole processes, beside the peers' figures for the same tables.

Belongs here: what benchmarks/README.md says of `polku protect` and `polku audit`. Does not belong here: any assertion
about speed. The tables S, M1, M and L2 are synthetic; a table of a million cells with L2's share of small ones is drawn
here.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from run import measure

HIERARCHIES = {"muni": "region", "origin": "group", "sex": None, "status": None}
POLKU = [sys.executable, "-m", "polku"]


def dimensions_of(table: Path) -> dict[str, object]:
    """The dimensions of an inner table: municipality in region, origin in group, sex, and status where there is one."""
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    status = len({row["status"] for row in rows}) > 1
    found: dict[str, object] = {}
    for name, group in HIERARCHIES.items():
        if name == "status" and not status:
            continue
        parts: dict[str, dict[str, None]] = {}
        for row in rows if group else ():
            parts.setdefault(row[group], {})[row[name]] = None
        tree = {"Total": sorted(parts), **{code: sorted(below) for code, below in parts.items()}}
        found[name] = {"total": "Total", **({"tree": tree} if group else {})}
    return found


def drawn(folder: Path, towns: int = 3150, regions: int = 60) -> Path:
    """Inner cells of a table of 982,566 cells; sizes of towns are log-normal, counts Poisson."""
    rng = np.random.default_rng(1)
    origin = np.array([40, 8, 5, 3, 3, 2, 2, 1.5, 1.2, 1.5, 1, 1.2])
    status = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    sizes = rng.lognormal(9.6, 1.0, towns)
    counts = rng.poisson(
        sizes[:, None, None, None] * (origin / origin.sum())[:, None, None] * 0.5 * status[None, None, None, :],
        (towns, 12, 2, 5),
    )
    file = folder / "million_inner.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        write = csv.writer(out, lineterminator="\n").writerow
        write(["muni", "region", "origin", "group", "sex", "status", "freq"])
        for (m, o, s, t), count in np.ndenumerate(counts):
            write([f"m{m:04d}", f"R{m % regions:02d}", f"o{o:02d}", f"G{o % 4}", f"s{s}", f"t{t}", count])
    return file


def main() -> None:
    """Print one line of the table in benchmarks/README.md for each table and level."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, required=True, help="folder of S_inner.csv ... L_inner.csv")
    parser.add_argument("--million", action="store_true", help="the table of a million cells as well")
    args = parser.parse_args()
    print("| table | level | cells | small | hidden for others | protect CPU s, MiB | check CPU s | audit CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        tables = {name: args.tables / f"{name}_inner.csv" for name in ("S", "M1", "M", "L2")}
        if args.million:
            tables["million"] = drawn(folder)
        for name, inner in tables.items():
            own = dimensions_of(inner)
            dims = folder / f"{name}.json"
            dims.write_text(json.dumps(own), encoding="utf-8")
            for level in ("A0", "A1", "A2") if name != "million" else ("A1",):
                print(_measured(name, level, inner, dims, list(own), folder / f"{name}_{level}"), flush=True)


def _measured(name: str, level: str, inner: Path, dims: Path, names: list[str], out: Path) -> str:
    words = ["--dims", str(dims), "--threshold", "5", "--level", level, "--out", str(out)]
    protect = measure([*POLKU, "protect", "--table", str(inner), *words], {})
    check = measure([*POLKU, "protect", "--check", str(out), "--dims", str(dims)], {})
    spec = {"dims": json.loads(dims.read_text()), "tables": [{"file": "published.csv", "dims": names}]}
    (out / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    attack = measure([*POLKU, "audit", str(out / "spec.json"), "--level", "A0" if level == "A0" else "A1"], {})
    facts = json.loads((out / "manifest.json").read_text())
    hidden, others = facts["cells_hidden"], facts["cells_hidden_only_for_others"]
    return (
        f"| {name} | {level} | {facts['cells']:,} | {hidden - others:,} | {others:,} | "
        f"{protect.cpu_seconds:.1f}, {protect.peak_mib:.0f} | {check.cpu_seconds:.1f} | {attack.cpu_seconds:.1f} |"
    )


if __name__ == "__main__":
    main()
