"""Whether anything that a release is made of has changed since it was last decided about.

Belongs here: one digest of all that the decision depends on, and the record of the last one. Does not belong here: the
decision (`polku.disclosure`). After a night without news, everything would be protected and attacked as it was before.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from hashlib import sha256
from pathlib import Path

from polku.disclosure import Policy
from polku.exchange.files import digest_of
from polku.layout import DataRoot
from polku.studies import Study

CHANGED = "-dirty"
"""How a version of the code ends whose files have changed since its commit."""


def state_of(root: DataRoot, study: Study, policy: Policy, code: str | None) -> str | None:
    """The digest (hex SHA-256) of code, study, policy, what the warehouse was built of, ledgers and released tables.

    None where no two nights can be known to be alike: a build is not on record, or the code is no commit.
    """
    build = root.built / "state.json"
    if code is None or code.endswith(CHANGED) or not build.is_file():
        return None
    files = [build, *sorted(root.release.glob("*.parquet"))]
    files += [file for ledger in (root.release_ledger, root.airlock) for file in sorted(ledger.glob("*.jsonl"))]
    told = [code, repr(study), repr(asdict(policy))]
    told += [f"{file.relative_to(root.path)} {digest_of(file)}" for file in files]
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
