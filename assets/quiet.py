"""What Dagster may keep of an error that nobody foresaw: its kind and its place, never its message.

Belongs here: the one way out of an asset for foreign exceptions. Does not belong here: refusals and
verdicts, which are written for people and hold no value of a row.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from polku.errors import Refusal


@contextmanager
def without_values() -> Iterator[None]:
    """Around everything that touches rows: messages of DuckDB, Arrow and others quote the values they choke on."""
    try:
        yield
    except (Refusal, dg.Failure, GeneratorExit):
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames))
        kind = type(error).__name__
    else:
        return
    raise dg.Failure(f"{kind} at {places} (its message may quote a row and is withheld)") from None
