"""Whether anything that a release is made of has changed since it was last decided about.

Belongs here: one digest of all that the decision depends on, and the record of the last one. Does not belong here: the
decision (`polku.disclosure`). After a night without news, everything would be protected and attacked as it was before.
"""

from __future__ import annotations

import json
from datetime import date
from hashlib import sha256
from pathlib import Path

from polku.exchange.files import digest_of
from polku.layout import DataRoot

CHANGED = "-dirty"
"""How a version of the code ends whose files have changed since its commit."""


def state_of(root: DataRoot, code: str | None) -> str | None:
    """The digest (hex SHA-256) of code, what the warehouse was built of, ledgers and released tables.

    Policies are a part of the code, and a build puts the digest of study and contracts on its record. None where no two
    nights can be known to be alike: a build is not on record, or the code is no commit.
    """
    build = root.built / "state.json"
    if code is None or code.endswith(CHANGED) or not build.is_file():
        return None
    files = [build, *sorted(root.release.glob("*.parquet"))]
    files += [file for ledger in (root.release_ledger, root.airlock) for file in sorted(ledger.glob("*.jsonl"))]
    told = [code, *(f"{file.relative_to(root.path)} {digest_of(file)}" for file in files)]
    return sha256("\n".join(told).encode()).hexdigest()


def decided_on(root: DataRoot, state: str | None) -> date | None:
    """The day on which a release was decided about in this state; None when it is another, or none is on record."""
    file = _record(root)
    if state is None or not file.is_file():
        return None
    record = json.loads(file.read_text(encoding="utf-8"))
    return date.fromisoformat(record["on"]) if record["state"] == state else None


def remember(root: DataRoot, state: str | None, day: date) -> None:
    """Put the decision on record: once all checks have passed, and what they let through has been written."""
    _record(root).unlink(missing_ok=True)
    if state is not None:
        new = _record(root).with_suffix(".new")
        new.write_text(json.dumps({"state": state, "on": day.isoformat()}), encoding="utf-8")
        new.replace(_record(root))


def _record(root: DataRoot) -> Path:
    return root.built / "release.json"
