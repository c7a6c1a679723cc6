"""From what and by which code a release is made.

Belongs here: the deliveries that have been accepted, and the commit that runs. Does not belong here: what is made of
them.
"""

from __future__ import annotations

import subprocess

from polku.exchange.delivery import DATA
from polku.exchange.ledger import Ledger
from polku.layout import CHECKOUT, DataRoot


def accepted_inputs(root: DataRoot) -> dict[str, str]:
    """The digest (hex SHA-256) of each accepted delivery, by its id."""
    return {entry.delivery_id: entry.digests[DATA] for entry in Ledger(root.ledger).accepted()}


def code_version() -> str | None:
    """The commit of this checkout, marked when files have changed since; None outside of git."""
    git = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
