"""The chain of releases as a file: one line of JSON for each entry, each bound to all before it.

Belongs here: reading, verifying and replacing the file. Does not belong here: what an entry says of a release
(`release_ledger`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from polku.errors import Exit, Refusal
from polku.exchange.chain import START, link
from polku.exchange.documents import canonical_json


def line_of(entry: dict[str, Any], before: str) -> tuple[str, str]:
    """(line, chain): the one spelling of an entry that follows the chain `before`."""
    chain = link(before, canonical_json(entry).decode())
    return canonical_json({"chain": chain, "entry": entry}).decode() + "\n", chain


def read_chain(file: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """All entries, oldest first, and the chain after each. Refuses (LEDGER_BROKEN) any byte that is not as written."""
    if not file.exists():
        return [], []
    entries, chains, before = [], [], START
    for no, line in enumerate(file.read_bytes().splitlines(keepends=True), 1):
        try:
            entry = json.loads(line)["entry"]
            written, before = line_of(entry, before)
        except (ValueError, KeyError, TypeError):
            raise broken(file, f"entry {no} is not as it was written.") from None
        if written.encode() != line or entry.get("no") != no:
            raise broken(file, f"entry {no} is not as it was written.")
        entries.append(entry)
        chains.append(before)
    return entries, chains


def write_chain(file: Path, entries: Sequence[dict[str, Any]]) -> str:
    """Replace the file whole by these entries; returns the chain after the last. A killed run leaves the old file."""
    before, lines = START, []
    for entry in entries:
        line, before = line_of(entry, before)
        lines.append(line)
    part = file.with_name(f".{file.name}.part")
    with part.open("wb") as out:
        out.write("".join(lines).encode())
        out.flush()
        os.fsync(out.fileno())
    put(part, file)
    return before


def put(part: Path, file: Path) -> None:
    """Give a finished file its name, for good."""
    part.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def broken(file: Path, what: str) -> Refusal:
    """Ledger and files are not what was written."""
    advice = "Restore the folder of the release ledger from a backup; until then nothing is released."
    return Refusal(Exit.LEDGER_BROKEN, what, advice, file=file.name)
