"""Measures sealing as a whole process, beside what anybody would write in ten minutes and what cannot be avoided.

Belongs here: making the extract, the steps that are timed, their comparison. Does not belong here: the nightly run
(`run`), any assertion about speed.
"""

from __future__ import annotations

import argparse
import hmac
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from multiprocessing import Process
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from run import Measurement, measure

from polku import demo
from polku.authority.sealing import seal
from polku.layout import DataRoot
from polku.studies import Study, load_study
from polku.twin.identity_codes import PERMANENT, CodeBook

REGISTER, FILE, COUNTED, SAMPLE = "kela", "kela_maksut.csv", "rows.txt", "sample"
FIVE = ("person_key", "benefit_code", "paid_on", "benefit_month", "amount_eur")
EXTRACTED_ON, PERIOD = date(2025, 11, 16), (date(2009, 1, 1), date(2024, 12, 31))
NAIVE_ROWS = 1_000_000
"""So many rows are enough for the naive way, whose time grows with them; memory would not suffice for all."""


def study(*, twin: bool) -> Study:
    """The study with nothing but Kela's payments in it: all seven columns of the twin's, or five."""
    made = load_study("espoo_skills_centre")
    contract = made.contracts[REGISTER]
    table = next(table for table in contract.tables if table.file == FILE)
    if not twin:
        columns = tuple(column for column in table.columns if column.name in FIVE)
        table = replace(table, columns=columns, natural_key=("person_key",))
    return replace(made, contracts={REGISTER: replace(contract, tables=(table,))}, omitted={})


def make_payments(rows: int, persons: int) -> pa.Table:
    """Payments of random persons, whose identity codes are all in the test range, in no order."""
    rng = np.random.default_rng(1)
    born_on = np.datetime64("1930-01-01") + rng.integers(0, 27_000, persons)
    taken, _, _ = CodeBook(PERMANENT).take(born_on, rng.random(persons) < 0.5, rng.random(persons) < 0.9)
    codes = pa.array(taken, pa.utf8())
    paid_on = (np.datetime64("2009-01-01") + np.arange(16 * 365)).astype(object)
    amounts = [f"{cents // 100},{cents % 100:02d}" for cents in range(150_000)]
    columns = {
        "hetu": codes.take(pa.array(rng.integers(0, persons, rows))),
        "etuus": _any_of(rng, ["FM", "YAT", "OPR", "LL"], rows),
        "matodpv": _any_of(rng, [f"{day:%d.%m.%Y}" for day in paid_on], rows),
        "kohdekk": _any_of(rng, sorted({f"{day:%m/%Y}" for day in paid_on}), rows),
        "bruttomaara": _any_of(rng, amounts, rows),
    }
    return pa.table(columns)


def _any_of(rng: np.random.Generator, texts: list[str], rows: int) -> pa.Array:
    return pa.array(texts, pa.utf8()).take(pa.array(rng.integers(0, len(texts), rows)))


def prepare(root: DataRoot, twin: int | None, form: str, rows: int, persons: int) -> None:
    """Put the extract, a sample of it and the keys of every party below `root`."""
    made = study(twin=bool(twin))
    file = (root.authority(REGISTER) / "extract" / FILE).with_suffix(f".{form}")
    if twin:
        demo.make_extracts(root, load_study(made.code), twin, 1, print)
    else:
        file.parent.mkdir(parents=True)
        payments = make_payments(rows, persons)
        write(payments, file)
        write(payments.slice(0, NAIVE_ROWS), root.path / f"{SAMPLE}.{form}")
    demo.make_keys(root, made, print)


def write(table: pa.Table, file: Path) -> None:
    """An extract as an authority would write it."""
    if file.suffix == ".csv":
        pyarrow.csv.write_csv(table, file, pyarrow.csv.WriteOptions(delimiter=";", quoting_style="none"))
    else:
        pq.write_table(table, file)


def seal_prepared(root: DataRoot, form: str, *, twin: bool) -> None:
    """What is measured: read, validate, tokenise, search, sort, seal."""
    folder = root.authority(REGISTER)
    report = seal(study(twin=twin), REGISTER, folder / "extract", folder, root.trust, EXTRACTED_ON, PERIOD)
    (root.path / COUNTED).write_text(str(report.manifest.tables[0].rows), encoding="utf-8")


def reach_the_floor(root: DataRoot, form: str, *, twin: bool) -> None:
    """What cannot be avoided: decode the file, sort it by identifier, compress it. Nothing is checked or hidden."""
    import duckdb

    file = (root.authority(REGISTER) / "extract" / FILE).with_suffix(f".{form}")
    read = f"read_csv('{file}', delim = ';', all_varchar = true)" if form == "csv" else f"read_parquet('{file}')"
    with duckdb.connect() as con:
        con.execute(f"set memory_limit = '1400MB'; set temp_directory = '{root.path / 'floor'}'")
        con.execute(f"copy (from {read} order by hetu) to '{root.path / 'floor.parquet'}' (compression zstd)")


def seal_naively(root: DataRoot, form: str, *, twin: bool) -> None:
    """Pandas and one HMAC for each row of the sample: nothing is validated, searched, encrypted or signed."""
    import pandas as pd

    file, key = root.path / f"{SAMPLE}.{form}", bytes(32)
    rows = pd.read_csv(file, sep=";", dtype=str, keep_default_na=False) if form == "csv" else pd.read_parquet(file)
    rows["hetu"] = rows["hetu"].map(lambda code: hmac.new(key, code.encode(), "sha256").hexdigest()[:32])
    rows.sort_values("hetu").to_parquet(root.path / "naive.parquet", compression="zstd")


STEPS: dict[str, Callable[..., None]] = {"sealing": seal_prepared, "floor": reach_the_floor, "naive": seal_naively}


def main() -> None:
    """Prepare, and run each step in a process of its own."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/seal.py --rows 10000000 --persons 1000000")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--form", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--twin", type=int, metavar="PERSONS", help="seal the payments of a synthetic twin instead")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prepared", type=Path, help="do one step on what is prepared in this folder, measure nothing")
    parser.add_argument("--step", choices=STEPS, default="sealing")
    args = parser.parse_args()
    if args.prepared:
        return STEPS[args.step](DataRoot("", args.prepared), args.form, twin=bool(args.twin))
    with tempfile.TemporaryDirectory() as folder:
        root = DataRoot("", Path(folder))
        # In a process of its own: what starts others hands its own peak memory on to them.
        preparing = Process(target=prepare, args=(root, args.twin, args.form, args.rows, args.persons))
        preparing.start()
        preparing.join()
        command = [sys.executable, __file__, "--prepared", folder, "--form", args.form]
        command += ["--twin", str(args.twin)] if args.twin else []
        for _ in range(args.runs):
            measured = measure(command, {})
            rows = int((root.path / COUNTED).read_text(encoding="utf-8"))
            _tell("sealing", measured, rows)
            if not args.twin:
                _tell("floor", floor := measure([*command, "--step", "floor"], {}), rows)
                _tell("naive", naive := measure([*command, "--step", "naive"], {}), min(rows, NAIVE_ROWS))
                scaled = naive.cpu_seconds * rows / min(rows, NAIVE_ROWS)
                print(
                    f"         {measured.cpu_seconds / floor.cpu_seconds:.1f} times the floor; the naive way takes "
                    f"{scaled:.0f} s CPU for as many rows, {scaled / measured.cpu_seconds:.1f} times as long"
                )


def _tell(step: str, measured: Measurement, rows: int) -> None:
    print(f"{step:8} {measured}  {rows / measured.cpu_seconds / 1e6:5.2f} M rows per CPU second", flush=True)


if __name__ == "__main__":
    main()
