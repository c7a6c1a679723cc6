"""The chance of entering the service in a month, of every person who may.

Belongs here: how SQL hands over the rows of all risk sets and gets their chances. Does not belong here: the regression
(`regression`), who is at risk, and what is made of the chances (models `int_list_risk_sets` and those that follow it).

A pooled logistic regression over person-months (D'Agostino et al. 1990, Stat. Med. 9) gives the propensity score on
which those who enter are matched with others of the same month, and the chance of having entered later, by which others
who have not yet are weighted (Robins, Hernan and Brumback 2000, Epidemiology 11).

Persons may be millions: SQL hands rows over as they come, and they are kept in as few bytes as hold them.
"""

from __future__ import annotations

from threading import Lock

import duckdb
import numpy as np
import pyarrow as pa
from duckdb.func import FunctionNullHandling, PythonUDFType

from polku.effects.regression import Columns, Fitted, chance, fit

NUMBERS = (
    "age_months",
    "months_since_arrival",
    "months_unemployed_24_before",
    "months_employed_24_before",
    "months_in_service_24_before",
    "months_studying_24_before",
)
"""Covariates that enter with their square."""

CODES = ("sex_code", "residence_ground_code", "earlier_state_code")
"""Covariates that enter by level; the year does too."""

HANDED_OVER = {
    "person_key": "bigint",
    "is_entry": "boolean",
    "month_index": "integer",
    **dict.fromkeys(CODES, "varchar"),
    **dict.fromkeys(NUMBERS, "integer"),
}
"""Columns of `int_list_risk_sets` of which the chances are made."""

SCORES = {"person_key": "bigint", "month_index": "integer", "entry_logit": "double", "entry_chance": "double"}
"""Columns of `entry_chances`."""

_ROW = ", ".join(f"{name} := {name}" for name in HANDED_OVER)
# A chance depends on the subquery, which is therefore done first: all rows are there when one is asked for.
_MACRO = f"""
create or replace macro entry_chances(rows) as table
select person_key, month_index, chance.entry_logit, chance.entry_chance
from (
    select person_key, month_index, entry_chance_of(handed_over.rows_in_all, struct_pack({_ROW})) as chance
    from query_table(rows)
    cross join (
        select cast(sum(hand_over(struct_pack({_ROW}))) as bigint) as rows_in_all from query_table(rows)
    ) as handed_over
) as scored
where chance is not null
"""


def register(con: duckdb.DuckDBPyConnection) -> None:
    """Let SQL of this connection and its cursors read `entry_chances('risk_sets')`: of a table, view or CTE with the
    columns HANDED_OVER one row (SCORES) for each that has a chance.

    Nobody has one in years and levels in which nobody or everybody enters: there is none to be compared with. There is
    no row where there are too few entries, or the covariates tell without error who enters.
    """
    regression = _Regression()
    number, row = duckdb.sqltype("bigint"), duckdb.struct_type(HANDED_OVER)
    chance = duckdb.struct_type({"entry_logit": "double", "entry_chance": "double"})
    for name, function, arguments, kind in (
        ("hand_over", regression.hand_over, [row], number),
        ("entry_chance_of", regression.chances, [number, row], chance),
    ):
        con.create_function(
            name,
            function,
            [*arguments],
            kind,
            type=PythonUDFType.ARROW,
            null_handling=FunctionNullHandling.SPECIAL,
            side_effects=True,
        )
    con.execute(_MACRO)


class _Regression:
    """Of one statement at a time: the rows that it hands over, and what is found of them."""

    def __init__(self) -> None:
        self._texts: dict[str, dict[str | None, int]] = {name: {} for name in CODES}
        self._blocks: list[Columns] = []
        self._fitted: Fitted | None = None
        self._lock = Lock()

    def hand_over(self, rows: pa.ChunkedArray) -> pa.Array:
        """One for each row."""
        with self._lock:
            self._blocks.append(self._encoded(rows))
        return pa.repeat(pa.scalar(1, pa.int64()), len(rows))

    def chances(self, rows_in_all: pa.ChunkedArray, asked: pa.ChunkedArray) -> pa.Array:
        """The logit and the chance of each row, or null."""
        with self._lock:
            if self._blocks:
                self._fitted = self._fit(rows_in_all[0].as_py())
            rows = self._encoded(asked)
            fitted = self._fitted
        compared = np.zeros(len(rows_in_all), dtype=bool) if fitted is None else fitted.compares(rows)
        logit = np.full(len(compared), np.nan)
        if fitted is not None and compared.any():
            logit[compared] = fitted.logit({name: values[compared] for name, values in rows.items()})
        values = [pa.array(logit), pa.array(chance(logit))]
        return pa.StructArray.from_arrays(values, names=["entry_logit", "entry_chance"], mask=pa.array(~compared))

    def _fit(self, count: int) -> Fitted | None:
        """Of the last rows: a statement that failed has left its own before them."""
        blocks, self._blocks = self._blocks, []
        rows = {name: np.concatenate([block.pop(name) for block in blocks])[-count:] for name in list(blocks[0])}
        # In one order, and codes in that of their texts, whichever came first.
        order = np.lexsort((rows.pop("person_key"), rows["month_index"]))
        rows = {name: rows.pop(name)[order] for name in list(rows)}
        codes = {
            name: [texts[text] for text in sorted(texts, key=_nothing_first)] for name, texts in self._texts.items()
        }
        entered = rows.pop("is_entry")
        return fit(rows, entered, NUMBERS, codes | {"year": list(np.unique(rows["year"]))})

    def _encoded(self, rows: pa.ChunkedArray) -> Columns:
        """Numbers that may be unknown as floats, which are exact up to millions; codes as numbers of texts."""
        block = pa.Table.from_struct_array(rows).combine_chunks()
        encoded: Columns = {}
        for name in HANDED_OVER:
            values = block[name]
            if name in NUMBERS:
                encoded[name] = values.cast(pa.float32()).to_numpy()
            elif name in CODES:
                coded = values.dictionary_encode(null_encoding="encode").combine_chunks()
                texts = self._texts[name]
                numbers = [texts.setdefault(text, len(texts)) for text in coded.dictionary.to_pylist()]
                encoded[name] = np.array(numbers, dtype=np.int16)[coded.indices.to_numpy()]
            else:
                # A copy: what only points into the rows would keep all of their columns.
                encoded[name] = values.to_numpy().copy()
        encoded["year"] = (encoded["month_index"] // 12).astype(np.int16)
        return encoded


def _nothing_first(text: str | None) -> tuple[bool, str]:
    return text is not None, text or ""
