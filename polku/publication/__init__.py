"""What leaves the platform: released tables, their definitions in words, and a picture of each.

Belongs here: files of a release and how one release follows another. Does not belong here: what may
be released (`polku.disclosure`).
"""

from polku.publication import coverage
from polku.publication.manifest import Context, Described, described
from polku.publication.publishing import head_of_ledger, publish
from polku.publication.tables import read_release, write_release

__all__ = [
    "Context",
    "Described",
    "coverage",
    "described",
    "head_of_ledger",
    "publish",
    "read_release",
    "write_release",
]
