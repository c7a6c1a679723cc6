"""Where the files of one study are.

Belongs here: paths below the data root and nothing else. Does not belong here: reading or writing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from polku.errors import Exit, Refusal

_LIBRARY = Path(__file__).resolve().parent
CHECKOUT = _LIBRARY.parent
_IN_CHECKOUT = (CHECKOUT / "pyproject.toml").is_file()
RULES = CHECKOUT if _IN_CHECKOUT else _LIBRARY / "shipped"
"""Folder of `contracts/` and `studies/`: a checkout's own, or those that the installed wheel brought along."""
DEFAULT_STUDY = "espoo_skills_centre"
DELIVERY = re.compile(r"[a-z][a-z0-9_]*-\d{8}-\d{4}")
"""The id of a delivery."""


@dataclass(frozen=True)
class DataRoot:
    """The folders of one study. `authorities/` and `linkage/` stand for other organisations' machines."""

    study: str
    path: Path
    as_of: str | None = None
    """What was known then: a day (of extraction), or the id of the last delivery. None: everything that has landed."""

    @classmethod
    def of(cls, study: str, as_of: str | None = None) -> DataRoot:
        """The data root of `study`: below POLKU_DATA when that is set, else below `data/` of the checkout, or below
        `polku/` in the user's home where the wheel is installed.

        Refuses (STUDY_INVALID) what is no name of a study, and (USAGE) what is neither a day nor a delivery: a path
        would lead out of the data folder.
        """
        if not re.fullmatch(r"[a-z][a-z0-9_]*", study):
            raise Refusal(Exit.STUDY_INVALID, "a study's name is of lower-case letters, digits and underscores.")
        if as_of is not None and not _is_day(as_of) and not DELIVERY.fullmatch(as_of):
            advice = "For example 2024-06-30 or kela-20240131-0002; the run log of each night names them."
            raise Refusal(Exit.USAGE, "as of when? A day or the id of a delivery is needed.", advice)
        base = os.environ.get("POLKU_DATA")
        usual = CHECKOUT / "data" if _IN_CHECKOUT else Path.home() / "polku"
        return cls(study, (Path(base) if base else usual) / study, as_of)

    def party(self, name: str) -> Path:
        """The folder of a party: steward, linkage, research, or an authority's register."""
        own = {"steward": self.steward, "linkage": self.linkage, "research": self.path}
        return own.get(name, self.authority(name))

    def authority(self, register: str) -> Path:
        """The authority of a register: its extract, keys, sealed packages and own quarantine."""
        return self.path / "authorities" / register

    @property
    def steward(self) -> Path:
        """The key steward of the source side (root of the authorities' token keys)."""
        return self.path / "authorities" / "_steward"

    @property
    def linkage(self) -> Path:
        """The linkage unit."""
        return self.path / "linkage"

    @property
    def keys(self) -> Path:
        """Key files of the research platform."""
        return self.path / "keys"

    @property
    def trust(self) -> Path:
        """Public keys of every party, pinned; the same file is given to all of them."""
        return self.path / "trust.json"

    @property
    def inbox(self) -> Path:
        """Packages that have arrived and wait for landing."""
        return self.path / "inbox"

    @property
    def archive(self) -> Path:
        """Packages that have landed, still sealed."""
        return self.path / "inbox" / "landed"

    @property
    def quarantine(self) -> Path:
        """Refused packages with their reasons, and lists of rows that break a contract."""
        return self.path / "quarantine"

    @property
    def landing(self) -> Path:
        """Encrypted Parquet: `<register>/<table>/<delivery>.parquet`, and `reference/`."""
        return self.path / "landing"

    @property
    def as_of_day(self) -> date | None:
        """The day of `as_of`; None where it is a delivery or nothing."""
        return date.fromisoformat(self.as_of) if self.as_of and _is_day(self.as_of) else None

    @property
    def derived(self) -> Path:
        """Where what is made of landing stands: here, or in a folder of what was known then."""
        return self.path if self.as_of is None else self.rebuilt / self.as_of

    @property
    def rebuilt(self) -> Path:
        """Warehouses and marts as they were known at some time; made when asked for, and free to be removed."""
        return self.path / "as_of"

    def reference(self, name: str) -> Path:
        """A reference table: what the models must know of the study, its codes, coverage and persons' keys."""
        landing = self.landing if self.as_of is None else self.derived
        return landing / "reference" / name / "current.parquet"

    @property
    def built(self) -> Path:
        """What the warehouse was last built of, so that the next night builds no more than what has changed."""
        return self.derived / "built"

    @property
    def incoming(self) -> Path:
        """Opened but not yet judged parts (encrypted); emptied at the start of every landing."""
        return self.path / "landing" / ".incoming"

    @property
    def ledger(self) -> Path:
        """What has landed; the authority on it."""
        return self.path / "ledger.sqlite"

    @property
    def identities(self) -> Path:
        """Research tokens and the random person keys they stand for (encrypted)."""
        return self.path / "identities.duckdb"

    @property
    def warehouse(self) -> Path:
        """The night's database, written by dbt alone (encrypted)."""
        return self.derived / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        """Rows of the tables that the engine `ducklake` builds (encrypted Parquet)."""
        return self.path / "lake"

    def engine_settings(self, engine: str) -> Path:
        """Where and how this study reaches an engine on other machines."""
        return self.path / f"{engine}.toml"

    def estimate(self, name: str) -> Path:
        """A table that is made of marts outside SQL (encrypted Parquet), until the snapshot takes it in."""
        return self.derived / "estimates" / f"{name}.parquet"

    @property
    def marts(self) -> Path:
        """The analysts' finished snapshot (encrypted)."""
        return self.derived / "marts.duckdb"

    @property
    def release(self) -> Path:
        """Protected tables that passed the disclosure gate, not yet published."""
        return self.path / "release"

    @property
    def release_ledger(self) -> Path:
        """What has ever been public, and sketches of who was in it (encrypted); never to be removed."""
        return self.path / "release_ledger"

    @property
    def airlock(self) -> Path:
        """Analysts' own tables that are to leave: queue, history, roles, sketches (encrypted); never to be removed."""
        return self.path / "airlock"

    @property
    def published(self) -> Path:
        """What has left: released tables, pictures and manifests."""
        return self.path / "published"

    @property
    def spill(self) -> Path:
        """DuckDB's spill files (encrypted while they exist)."""
        return self.path / ".spill"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
