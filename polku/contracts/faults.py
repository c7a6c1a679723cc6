"""Collects every fault of a TOML file before it is refused.

Belongs here: reading TOML and reporting what is wrong with it. Does not belong here: what a contract
or a study must say.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from polku.contracts.model import LANGUAGES, Label
from polku.errors import Exit, Refusal


class Faults:
    """Collects the faults of one file, each with the place where it stands."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, place: str, what: str) -> None:
        """Note a fault."""
        self.found.append(f"{place}: {what}")

    def take(self, data: Mapping[str, Any], place: str, allowed: Mapping[str, type | tuple[type, ...]]) -> None:
        """Every key must be known and of its type (a TOML boolean is not a number)."""
        for key, value in data.items():
            if key not in allowed:
                self.add(place, f"unknown key `{key}`")
            elif not isinstance(value, allowed[key]) or (isinstance(value, bool) and allowed[key] is not bool):
                self.add(place, f"`{key}` is of the wrong type ({type(value).__name__})")

    def need(self, data: Mapping[str, Any], place: str, *keys: str) -> bool:
        """Every key must be there; returns whether they are."""
        missing = [key for key in keys if key not in data]
        for key in missing:
            self.add(place, f"`{key}` is missing")
        return not missing

    def refuse(self, file: str, exit: Exit, kind: str) -> None:
        """Raise one refusal with all faults, if there are any."""
        if self.found:
            listing = "".join(f"\n  - {fault}" for fault in self.found)
            raise Refusal(exit, f"the {kind} has {len(self.found)} fault(s):{listing}", file=file)


def read_toml(path: Path, exit: Exit) -> dict[str, Any]:
    """The parsed file; a missing, misencoded or malformed file is refused with its place."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refusal(exit, f"cannot be read ({error.strerror}).", file=str(path)) from None
    except UnicodeDecodeError:
        raise Refusal(exit, "is not UTF-8 text.", "Save it as UTF-8.", file=path.name) from None
    except tomllib.TOMLDecodeError as error:
        raise Refusal(exit, f"is not valid TOML: {error}.", file=path.name) from None


def label_of(data: Any, place: str, faults: Faults) -> Label:
    """The label in all three languages; a missing one is a fault."""
    data = mapping_of(data)
    texts = {language: str(data.get(language, "")) for language in LANGUAGES}
    missing = [language for language, text in texts.items() if not text]
    if missing:
        faults.add(place, f"no label in {', '.join(missing)}")
    return Label(**texts)


def mapping_of(data: Any) -> Mapping[str, Any]:
    """`data` when it is a TOML table, else an empty one; its wrong type is reported by `Faults.take`."""
    return data if isinstance(data, Mapping) else {}


def tables_of(data: Any) -> list[Mapping[str, Any]]:
    """The TOML tables of an array, others left out; the wrong type is reported by `Faults.take`."""
    return [entry for entry in data if isinstance(entry, Mapping)] if isinstance(data, list) else []
