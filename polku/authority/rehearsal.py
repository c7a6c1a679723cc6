"""A dry run of sealing: everything that could be refused, said before anything is written.

Belongs here: going the way of `sealing` without keys and without writing. Does not belong here: what is checked on
that way, and how it is told (`polku.cli.seal`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ParamSpec, TypeVar

import duckdb

from polku.authority.extracts import Extract
from polku.authority.folder import alone, workbench
from polku.authority.history import refuse_suspicious
from polku.authority.report import TableReport
from polku.authority.screening import list_refused, refuse_identifiers, refuse_too_many, searched_columns
from polku.authority.sealing import check_period, judge_rows, read, table_report, usable_keys
from polku.authority.tokenising import Tokeniser
from polku.contracts.model import Contract
from polku.errors import Refusal
from polku.exchange.delivery import delivery_name
from polku.exchange.ledger import Ledger
from polku.progress import watching
from polku.studies import Study

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Rehearsal:
    """What sealing would do: the files that could be read, and all that it would refuse, first things first."""

    delivery_id: str = ""
    tables: list[TableReport] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)

    def attempt(self, step: Callable[P, R], *args: P.args, **named: P.kwargs) -> R | None:
        """Do a step; a refusal is put on the list and the next step is done all the same."""
        try:
            return step(*args, **named)
        except Refusal as refusal:
            self.refusals.append(refusal)
            return None


def rehearse(
    study: Study,
    register: str,
    extract: Path,
    authority_dir: Path,
    trust: Path,
    extracted_on: date,
    period: tuple[date, date] | None,
    listed: Path | None = None,
    *,
    confirmed: bool = False,
) -> Rehearsal:
    """Do everything that `sealing.seal` does up to writing, and write nothing but the list `listed` if it is asked for.

    Identifiers are judged under a key that is thrown away, so no key is needed; that a key is missing is one of the
    refusals. `listed` gets row, column and reason of every refused row (mode 0600).
    """
    contract, extract, found = study.contracts[register], extract.resolve(), Rehearsal()
    found.attempt(check_period, register, extracted_on, period)
    found.attempt(usable_keys, study, register, authority_dir, trust)
    with alone(authority_dir) if authority_dir.is_dir() else nullcontext():
        ledger = authority_dir / "ledger.sqlite"
        last = (found.attempt(Ledger(ledger).last, register) if ledger.is_file() else 0) or 0
        found.delivery_id = delivery_name(register, extracted_on, last + 1)
        with workbench(authority_dir, extract) as con:
            extracts = [
                found.attempt(read, con, study, contract, table, extract, extracted_on) for table in contract.tables
            ]
            readable = [each for each in extracts if each is not None]
            throw_away = (secrets.token_bytes(32), secrets.token_bytes(32))
            judge_rows(con, contract, readable, Tokeniser(contract, throw_away, extracted_on, study.permanent_until))
            found.tables = [table_report(con, each, extract) for each in readable]
            found.attempt(refuse_too_many, con, contract, readable)
            if ledger.is_file() and not confirmed:
                found.attempt(refuse_suspicious, Ledger(ledger), contract, found.tables, extracted_on, period)
            with watching(con, "searching texts for identifiers"):
                _search(found, con, contract, readable)
            if listed:
                list_refused(con, listed)
    return found


def _search(found: Rehearsal, con: duckdb.DuckDBPyConnection, contract: Contract, extracts: list[Extract]) -> None:
    """Each column by itself, so that every one with something like an identifier is named."""
    for extract in extracts:
        for column in searched_columns(extract):
            found.attempt(refuse_identifiers, con, contract, extract, column)
