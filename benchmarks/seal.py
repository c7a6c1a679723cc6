"""Measures sealing as a whole process: payments in the form of Kela's contract, invented or of the twin.

Belongs here: making the extract and timing the authority's step. Does not belong here: the nightly run
(`run`), any assertion about speed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from datetime import date
from multiprocessing import Process
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from run import measure

from polku import demo
from polku.authority.sealing import seal
from polku.contracts.model import Column
from polku.layout import DataRoot
from polku.studies import Study, load_study
from polku.twin.identity_codes import PERMANENT, unique_codes

REGISTER, FILE, COUNTED = "kela", "kela_maksut.csv", "rows.txt"
EIGHTH = Column("asiointikieli", "language_code", "code", "makes the extract eight columns wide")
EXTRACTED_ON, PERIOD = date(2025, 11, 16), (date(2009, 1, 1), date(2024, 12, 31))


def study(*, wide: bool) -> Study:
    """The study with nothing but Kela's payments in it: seven columns, or eight."""
    made = load_study("espoo_skills_centre")
    contract = made.contracts[REGISTER]
    table = next(table for table in contract.tables if table.file == FILE)
    table = replace(table, columns=(*table.columns, EIGHTH)) if wide else table
    return replace(made, contracts={REGISTER: replace(contract, tables=(table,))}, omitted={})


def write_extract(file: Path, rows: int, persons: int) -> None:
    """Payments of random persons, whose identity codes are all in the test range, in no order."""
    rng = np.random.default_rng(1)
    born_on = np.datetime64("1930-01-01") + rng.integers(0, 27_000, persons)
    codes = pa.array(unique_codes(rng, born_on, rng.random(persons) < 0.5, PERMANENT), pa.utf8())
    paid_on = (np.datetime64("2009-01-01") + np.arange(16 * 365)).astype(object)
    cents = rng.integers(0, 150_000, rows)
    columns = {
        "hetu": codes.take(rng.integers(0, persons, rows)),
        "etuus": _any_of(rng, ["TT", "AS", "OT", "YL"], rows),
        "maty": _any_of(rng, ["S", "P", "T"], rows),
        "majno": _any_of(rng, [str(number) for number in range(1, 200)], rows),
        "matodpv": _any_of(rng, [f"{day:%d.%m.%Y}" for day in paid_on], rows),
        "kohdekk": _any_of(rng, sorted({f"{day:%m/%Y}" for day in paid_on}), rows),
        "bruttomaara": _any_of(rng, [f"{n // 100},{n % 100:02d}" for n in cents.tolist()], rows),
        "asiointikieli": _any_of(rng, ["FI", "SV", "EN"], rows),
    }
    file.parent.mkdir(parents=True)
    pyarrow.csv.write_csv(pa.table(columns), file, pyarrow.csv.WriteOptions(delimiter=";"))


def _any_of(rng: np.random.Generator, texts: list[str], rows: int) -> pa.Array:
    return pa.array(texts, pa.utf8()).take(rng.integers(0, len(texts), rows))


def prepare(root: DataRoot, twin: int | None, rows: int, persons: int) -> None:
    """Put the extract and the keys of every party below `root`."""
    made = study(wide=not twin)
    if twin:
        demo.make_extracts(root, load_study(made.code), twin, 1, print)
    else:
        write_extract(root.authority(REGISTER) / "extract" / FILE, rows, persons)
    demo.make_keys(root, made, print)


def seal_prepared(root: DataRoot, *, wide: bool) -> None:
    """The step that is measured."""
    folder = root.authority(REGISTER)
    report = seal(study(wide=wide), REGISTER, folder / "extract", folder, root.trust, EXTRACTED_ON, PERIOD)
    (root.path / COUNTED).write_text(str(report.manifest.tables[0].rows), encoding="utf-8")


def main() -> None:
    """Prepare and seal, each in a process of its own."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/seal.py --rows 1000000 --persons 100000")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--twin", type=int, metavar="PERSONS", help="seal the payments of a synthetic twin instead")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prepared", type=Path, help="seal what is prepared in this folder, and measure nothing")
    args = parser.parse_args()
    if args.prepared:
        return seal_prepared(DataRoot("", args.prepared), wide=not args.twin)
    with tempfile.TemporaryDirectory() as folder:
        root = DataRoot("", Path(folder))
        # In a process of its own: what starts others hands its own peak memory on to them.
        preparing = Process(target=prepare, args=(root, args.twin, args.rows, args.persons))
        preparing.start()
        preparing.join()
        command = [sys.executable, __file__, "--prepared", folder]
        command += ["--twin", str(args.twin)] if args.twin else []
        for run in range(args.runs):
            measured = measure(command, {})
            rows = int((root.path / COUNTED).read_text(encoding="utf-8"))
            print(f"run {run + 1}  {measured}  {rows / measured.cpu_seconds / 1e6:5.2f} M rows per CPU second")


if __name__ == "__main__":
    main()
