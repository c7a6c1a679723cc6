"""The one way Polku says no: a refusal with a reason, a place, an advice and an exit code.

Belongs here: the exit codes and the exception that carries them. Does not belong here: any rule
that decides whether to refuse. A refusal never holds a value of a row, an identifier or a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line; each names one reason, so that no log is needed to act on it."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    CONTRACT_INVALID = 10
    STUDY_INVALID = 11
    EXTRACT_BREAKS_CONTRACT = 12
    IDENTIFIER_IN_DATA = 13
    EXTRACT_MISSING = 14
    KEY_UNUSABLE = 20
    SENDER_UNKNOWN = 21
    TRUST_EXPIRED = 22
    KEY_REVOKED = 23
    PACKAGE_TAMPERED = 30
    PACKAGE_TRUNCATED = 31
    PACKAGE_REPLAYED = 32
    PACKAGE_MISADDRESSED = 33
    PACKAGE_WRONG_CONTRACT = 34
    DELIVERY_INCOMPLETE = 35
    SEQUENCE_GAP = 36
    EQUIVOCATION = 37
    LEDGER_BROKEN = 38
    NOT_YET = 39
    GATE_CLOSED = 40
    ANOTHER_RUN = 41
    BRIDGE_MISSING = 42
    ENGINE_UNUSABLE = 43
    ENGINE_UNREACHABLE = 44
    NO_SNAPSHOT = 50
    QUERY_FAILED = 51
    NO_COMPARISON = 60


@dataclass
class Refusal(Exception):
    """Something was refused and nothing was changed.

    `what` says what is wrong, `advice` what to do; register, file, column and row_no say where
    (row_no counts as a spreadsheet does: the header is row 1). None of them may hold a value.
    """

    exit: Exit
    what: str
    advice: str = ""
    register: str | None = None
    file: str | None = None
    column: str | None = None
    row_no: int | None = None

    def __str__(self) -> str:
        places = {
            "register": self.register,
            "file": self.file,
            "column": self.column,
            "row": self.row_no,
        }
        where = ", ".join(f"{name} {place}" for name, place in places.items() if place is not None)
        text = f"{where}: {self.what}" if where else self.what
        return f"{text} {self.advice}".rstrip()
