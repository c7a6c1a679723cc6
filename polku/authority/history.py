"""What an authority's earlier deliveries say against an extract: it is the last one again, or far smaller.

Belongs here: comparing with what the ledger has of earlier deliveries, in counts and digests. Does not belong here:
what is wrong with an extract by itself (`screening`).

A day of the period without an event counts as a day on which nothing happened. So an old file that is sealed as a new
one, or half a file, would make people look as if they had stopped to use a service or to earn.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from polku.authority.report import TableReport
from polku.contracts.model import Contract
from polku.errors import Exit, Refusal
from polku.exchange.delivery import EXTRACT
from polku.exchange.ledger import Entry, Ledger

log = logging.getLogger(__name__)

FEWEST_ROWS = 20
"""Tables that had fewer rows are not compared: chance alone halves them."""

_ADVICE = "Look whether the files are whole and new. If they are right as they are, say so with --confirmed."

Period = tuple[date, date] | None


def facts(tables: Sequence[TableReport], extracted_on: date, period: Period) -> dict[str, Any]:
    """What the ledger keeps of an extract, so that the next one can be compared with it."""
    return {
        "extracted_on": extracted_on.isoformat(),
        "period": period and [day.isoformat() for day in period],
        "files": {t.table.name: {"sha256": t.sha256, "rows": t.rows_read} for t in tables},
    }


def refuse_suspicious(
    ledger: Ledger, contract: Contract, tables: Sequence[TableReport], extracted_on: date, period: Period
) -> None:
    """Refuse (EXTRACT_BREAKS_CONTRACT) the files of an earlier delivery under another day or period, and fewer than
    half of the rows of the last delivery in a file that claims to cover as much. The same files under the same days
    are only mentioned: they say nothing new, and after a rotation of keys they are sealed again.
    """
    earlier = [e for e in ledger.accepted(contract.register) if e.facts["kind"] == EXTRACT and "files" in e.facts]
    now = facts(tables, extracted_on, period)
    same = [entry for entry in earlier if _files(entry.facts) == _files(now) != {}]
    if any(_days(entry.facts) == _days(now) for entry in same):
        log.warning("the files are those of %s, which says the same", same[-1].delivery_id)
    elif same:
        raise Refusal(
            Exit.EXTRACT_BREAKS_CONTRACT,
            f"the files are those of {same[-1].delivery_id}, to the byte, under another day or period.",
            _ADVICE,
            register=contract.register,
        )
    if earlier:
        _refuse_smaller(earlier[-1], contract, tables, period)


def _refuse_smaller(last: Entry, contract: Contract, tables: Sequence[TableReport], period: Period) -> None:
    before = last.facts["period"] and tuple(map(date.fromisoformat, last.facts["period"]))
    covers_as_much = _length(period) >= _length(before)
    for report in tables:
        rows = last.facts["files"].get(report.table.name, {"rows": 0})["rows"]
        comparable = covers_as_much or report.table.replaces == "all"
        if comparable and rows >= FEWEST_ROWS and 2 * report.rows_read < rows:
            raise Refusal(
                Exit.EXTRACT_BREAKS_CONTRACT,
                f"the file has {report.rows_read} rows, fewer than half of the {rows} of {last.delivery_id}, and is to "
                "cover as much.",
                _ADVICE,
                register=contract.register,
                file=report.file,
            )


def _files(said: Mapping[str, Any]) -> dict[str, str]:
    """Digests of the files that have rows: an empty one is the same every time."""
    return {name: file["sha256"] for name, file in said["files"].items() if file["rows"]}


def _days(said: Mapping[str, Any]) -> tuple[Any, Any]:
    return said["extracted_on"], said["period"]


def _length(period: Period) -> int:
    return (period[1] - period[0]).days + 1 if period else 1
