"""`polku query`: asks the analysts' snapshot a question and prints the answer.

Belongs here: the command and the form of the answer. Does not belong here: reading the snapshot
(`polku.research.query`).
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import sys
from itertools import chain

import duckdb
import pyarrow.csv

from polku.errors import Exit, Refusal
from polku.layout import DataRoot
from polku.research.query import answer

ROWS_SHOWN = 100
ROWS_AT_ONCE = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.description = (
        "Ask the snapshot of the marts one question in SQL. It is read only, and nothing else can be read.\n"
        'Example: polku query --study mvad "select * from state_transition_rate"'
    )
    parser.add_argument("--study", required=True, help="name of the study")
    parser.add_argument("--as-of", metavar="DAY|DELIVERY", help="marts rebuilt by `python -m orchestration.as_of`")
    parser.add_argument("--csv", action="store_true", help="plain CSV with a header and all rows (UTF-8)")
    parser.add_argument("question", metavar="SELECT", help="the question; ready ones are in docs/questions.md")


def run(args: argparse.Namespace) -> int:
    """Print the answer on standard output: a table of the first rows, or all of it as CSV."""
    try:
        with answer(DataRoot.of(args.study, args.as_of), args.question) as relation:
            if args.csv:
                _print_csv(relation)
            else:
                relation.show(max_rows=ROWS_SHOWN, max_width=shutil.get_terminal_size((160, 24)).columns)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Exit.OK


def _print_csv(relation: duckdb.DuckDBPyRelation) -> None:
    """Header by `csv` (pyarrow quotes every name), rows as Arrow batches: answers may be large."""
    nested = [name for name, kind in zip(relation.columns, relation.types, strict=True) if kind.id in _NESTED]
    if nested:
        raise Refusal(
            Exit.QUERY_FAILED,
            "a list or structure has no place in CSV.",
            "Take it apart with unnest(), or cast it to varchar.",
            column=nested[0],
        )
    batches = relation.to_arrow_reader(ROWS_AT_ONCE)
    options = pyarrow.csv.WriteOptions(include_header=False)
    with pyarrow.csv.CSVWriter(sys.stdout.buffer, batches.schema, write_options=options) as writer:
        first = next(iter(batches), None)
        csv.writer(sys.stdout, lineterminator="\n").writerow(relation.columns)
        sys.stdout.flush()
        for batch in chain([first] if first else [], batches):
            writer.write_batch(batch)


_NESTED = ("list", "array", "struct", "map", "union")
