"""What makes a contract sound: rules that each of its parts must keep, beyond their shape.

Belongs here: the rules. Does not belong here: from text to a contract (`reading`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Any

from polku.contracts.faults import Faults
from polku.contracts.model import Code, Table

FREE_TEXT = ("redact", "keep_after_scan")
STATES = frozenset(
    (
        "employed",
        "unemployed",
        "in_service",
        "general_education",
        "vocational_education",
        "higher_education",
        "pension",
        "family_leave",
        "conscript",
        "other",
    )
)
_NAMES_A_PERSON = re.compile(
    "hetu|henkil.?tunnus|puoliso|lapsen|lasten|huoltaj|edunvalvoj|kasittelij|k\u00e4sittelij|virkailij|kirjaaj|valmentaj"
    "|customer_?id|asiakas_?(nro|numero|tunnus)|perheenkokooj|sukunim|etunim|nimi$",
    re.IGNORECASE,
)
"""Names of columns in which a register names somebody: the person, a relative, an employee."""


def check_free_text(data: Mapping[str, Any], kind: str, place: str, faults: Faults) -> None:
    """Fail closed: free text is dropped by not being a column, and kept only under a policy that is written down."""
    policy = data.get("free_text")
    if kind != "text":
        if policy is not None:
            faults.add(place, "`free_text` belongs to columns of type text")
    elif policy == "drop":
        faults.add(place, "free text that is dropped is no column: name it under `never` with the reason")
    elif policy not in FREE_TEXT:
        faults.add(place, f"free text needs `free_text`, one of drop, {', '.join(FREE_TEXT)}")
    elif policy == "redact" and data.get("required"):
        faults.add(place, "a text that may be emptied cannot be required")


def check_table(table: Table, codes: Mapping[str, tuple[Code, ...]], faults: Faults) -> None:
    """What is named exists, once; nobody is named in a column that leaves as it is; lists of codes are there."""
    place = f"tables.{table.name}"
    names = [column.name for column in table.columns]
    sources = [column.source for column in table.columns]
    for kind, values in (("name", names), ("source", sources)):
        for value in sorted({value for value in values if values.count(value) > 1}):
            faults.add(place, f"two columns have the {kind} `{value}`")
    others = [header for column in table.columns for header in column.also]
    for header in sorted({header for header in others if (others + sources).count(header) > 1}):
        faults.add(place, f"two columns have the header `{header}`")
    for source in table.never:
        if source in (*sources, *others):
            faults.add(place, f"`{source}` is both a column and under `never`")
    for source in table.identifying:
        if source not in table.never:
            faults.add(place, f"`{source}` is identifying but not under `never`: it would leave")
    if any(column.free_text for column in table.columns) and not table.identifying:
        faults.add(place, "a table that keeps free text must say in `identifying` whom to look for in it")
    wanted = {*table.natural_key, *(name for pair in table.ordered for name in pair)}
    wanted |= {column.dated_by for column in table.columns if column.dated_by}
    wanted |= {n for n in (table.period_by, table.withdrawn, table.filed_by, table.purged_by) if n}
    if table.edge:
        wanted |= {n for n in (table.edge.one, table.edge.other, table.edge.valid_from, table.edge.withdrawn) if n}
    for name in sorted(wanted - set(names)):
        faults.add(place, f"`{name}` is named but is no column of the table")
    if table.edge and not {table.edge.one, table.edge.other} <= {c.name for c in table.columns if c.is_subject}:
        faults.add(f"{place}.edge", "`one` and `other` must be identifiers of the person whom the row is about")
    for column in table.columns:
        if column.type != "identifier" and _NAMES_A_PERSON.search(column.source):
            advice = "make it an identifier column, which leaves as a token, or name it under `never`"
            faults.add(f"{place}.columns[{column.name}]", f"`{column.source}` seems to name somebody: {advice}")
    for column in table.columns:
        if column.required and (column.since or column.until):
            faults.add(f"{place}.columns[{column.name}]", "a column that some extracts do not have cannot be required")
    if (table.replaces == "period") != (table.period_by is not None):
        faults.add(place, '`period_by` belongs to a table with `replaces = "period"`, which needs it')
    if any(column.type == "identifier" for column in table.columns) == table.anonymous:
        faults.add(place, "a table needs an identifier column, or `anonymous = true` and none")
    for column in table.columns:
        if column.type == "code" and column.codes is None and column.width is None:
            faults.add(f"{place}.columns[{column.name}]", "a code needs a code list or at least a `width`")
        if column.codes is not None and column.codes not in codes:
            faults.add(f"{place}.columns[{column.name}]", f"no code list `{column.codes}`")


def check_code_list(name: str, codes: tuple[Code, ...], faults: Faults) -> None:
    """One code means one thing on any day: validity periods of a code do not overlap."""
    ordered = sorted(codes, key=lambda c: (c.code, c.valid_from or date.min))
    for first, second in pairwise(ordered):
        if first.code == second.code and (first.valid_until or date.max) >= (second.valid_from or date.min):
            faults.add(f"codes.{name}", f"code `{first.code}` has overlapping validity periods")
    for code in codes:
        if code.state is not None and code.state not in STATES:
            faults.add(f"codes.{name}", f"code `{code.code}`: unknown state `{code.state}`")
