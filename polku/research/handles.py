"""One-time handles of a delivery, and the keys that they stand for.

Belongs here: finding the key of a handle, a million at a time. Does not belong here: where keys come from
(`identities`) and rows (`opening`).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from polku.errors import Exit, Refusal
from polku.exchange.parts import TOKEN

ERASED = -1
"""Stands where the key of an erased identifier would be; keys are positive."""


class Handles:
    """Handle to entity key, by binary search on the first half of the handle (random, so unique)."""

    def __init__(self, handles: pa.Array, keys: pa.Array, file: str) -> None:
        """`keys` (int64, no nulls) are those of `handles`, in the same order; `file` is named in refusals."""
        self._file = file
        first, second = _halves(handles)
        order = np.argsort(first)
        self._first, self._second = first[order], second[order]
        self._keys = keys.to_numpy()[order]

    def keys_of(self, handles: pa.FixedSizeBinaryArray) -> pa.Int64Array:
        """The key of each handle, null where there is none. Refuses a handle that the link part lacks."""
        given = handles.drop_null()
        first, second = _halves(given)
        at = np.minimum(np.searchsorted(self._first, first), max(len(self._first) - 1, 0))
        if len(given) and (
            not len(self._first) or (self._first[at] != first).any() or (self._second[at] != second).any()
        ):
            raise Refusal(
                Exit.DELIVERY_INCOMPLETE,
                "rows have handles that the linkage unit's part does not know: the parts are not of one delivery.",
                "Ask the authority to seal the extract again.",
                file=self._file,
            )
        keys = pa.array(self._keys[at] if len(given) else [], pa.int64())
        if not handles.null_count:
            return keys
        return pc.replace_with_mask(pa.nulls(len(handles), pa.int64()), handles.is_valid(), keys)


def _halves(handles: pa.FixedSizeBinaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Both 8-byte halves of 16-byte values without nulls, as unsigned integers."""
    start = handles.offset * TOKEN.byte_width
    data = handles.buffers()[1]
    pairs = (
        np.frombuffer(data, dtype=np.uint64, count=2 * len(handles), offset=start)
        if len(handles)
        else np.empty(0, np.uint64)
    )
    return pairs[0::2], pairs[1::2]
