"""Persons as rows of numbers, and which of them have anybody of the other group with the same values.

Belongs here: turning the mart `covariate` into columns. Does not belong here: distances (`neighbours`), the score
(`propensity`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from polku.effects.plan import Comparison
from polku.errors import Exit, Refusal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Column = tuple[str, str]
"""Covariate and level; the level is empty where the covariate is a number."""


@dataclass(frozen=True)
class Design:
    """A number of every person by column; codes have one column for each of their values."""

    persons: Ints
    """Their keys, ascending."""
    treated: Bools
    values: dict[Column, Floats]

    @property
    def varying(self) -> Floats:
        """The columns that are not the same of all; what follows from others is among them."""
        varying = [values for values in self.values.values() if np.ptp(values) > 0]
        return np.array(varying, dtype=np.float64).reshape(len(varying), len(self.persons)).T

    def of(self, kept: Ints) -> Design:
        """The same of some persons."""
        return Design(self.persons[kept], self.treated[kept], {c: values[kept] for c, values in self.values.items()})

    def supported(self) -> Ints:
        """Positions of those whose every value (of a code, of yes or no) somebody of the other group has as well.

        Looked for until nothing changes, since who is left out may have been the only one with another value. Numbers
        do not count: whether they are near enough is for a caliper to say.
        """
        values = np.column_stack(
            [values for values in self.values.values() if is_share(values)] or [np.zeros(len(self.persons))]
        )
        kept = np.arange(len(self.persons))
        while True:
            here, treated = values[kept], self.treated[kept]
            zeros, ones = ((here[treated] == v).any(axis=0) & (here[~treated] == v).any(axis=0) for v in (0, 1))
            has = np.where(here == 1, ones, zeros).all(axis=1)
            if has.all():
                return kept
            kept = kept[has]


def design_of(covariates: pd.DataFrame, comparison: Comparison) -> Design:
    """From the mart's rows (person_key, group_code, covariate_code, value_number, value_code) of the named covariates.

    A number that is not known counts as zero with a column that says so, a code as the value `unknown`: persons of
    whom less is known are alike in that. Refuses (NO_COMPARISON) when a group is empty or a covariate unknown of all.
    """
    persons = covariates[["person_key", "group_code"]].drop_duplicates().sort_values("person_key")
    treated = (persons.group_code == "client").to_numpy()
    if not treated.any() or treated.all():
        raise Refusal(
            Exit.NO_COMPARISON, "one of the study's groups is empty.", "Look at the cohort rule of the study."
        )
    values: dict[Column, Floats] = {}
    for name in comparison.covariates:
        rows = covariates[covariates.covariate_code == name].set_index("person_key")
        if rows.empty:
            raise Refusal(Exit.NO_COMPARISON, f"`{name}` is not known of anybody.", "Leave it out of [comparison].")
        if rows.value_code.isna().all():
            known = rows.value_number.astype(float).reindex(persons.person_key)
            values[name, ""] = np.asarray(known.fillna(0.0), dtype=np.float64)
            if known.isna().any():
                values[name, "unknown"] = np.asarray(known.isna(), dtype=np.float64)
        else:
            codes = rows.value_code.reindex(persons.person_key).fillna("unknown")
            values |= {(name, level): np.asarray(codes == level, dtype=np.float64) for level in sorted(codes.unique())}
    return Design(persons.person_key.to_numpy(dtype=np.int64), treated, values)


def is_share(values: Floats) -> bool:
    """Whether it is a yes or no of every person."""
    return bool(np.isin(values, (0.0, 1.0)).all())
