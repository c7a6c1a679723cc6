"""Classes of persons with coarsely the same characteristics (coarsened exact matching).

Belongs here: the stratum of every person, in SQL over the rows of the mart `covariate`. Does not belong here: weights,
which follow from the strata (`matched`).
"""

from __future__ import annotations

import duckdb
import pandas as pd

from polku.effects.plan import Comparison

_STRATA = """
with cuts as (
    select covariate_code, list(cut) as cuts
    from (select unnest(?::varchar[]) as covariate_code, unnest(?::double[]) as cut)
    group by covariate_code
),
classes as (
    select
        covariates.person_key,
        covariates.covariate_code,
        case
            when covariates.value_code is not null then covariates.value_code
            when cuts.cuts is null then cast(covariates.value_number as varchar)
            else cast(len(list_filter(cuts.cuts, lambda cut: cut <= covariates.value_number)) as varchar)
        end as class
    from {covariates} as covariates
    left join cuts on covariates.covariate_code = cuts.covariate_code
    where covariates.covariate_code in (select unnest(?::varchar[]))
),
-- A characteristic without a row is not known: persons of whom the same is not known are of one class in that.
-- The length before each class keeps a code with these signs in it from looking like two.
described as (
    select
        person_key,
        string_agg(
            concat(covariate_code, '=', length(class), ':', class), ';' order by covariate_code
        ) as classes
    from classes
    group by person_key
)
select person_key, dense_rank() over (order by classes) - 1 as stratum
from described
order by person_key
"""


def strata_of(con: duckdb.DuckDBPyConnection, covariates: str, comparison: Comparison) -> pd.Series[int]:
    """The stratum of every person of the relation `covariates` (rows as in the mart), by ascending key.

    Two persons are of one stratum when every covariate of the comparison is of one class: the same code, the same
    number between two cuts (a class begins at its cut), or not known of both (Iacus, King and Porro 2012, Polit. Anal.
    20).
    """
    cuts = [(name, cut) for name, values in comparison.cuts.items() for cut in values]
    inputs = [[name for name, _ in cuts], [cut for _, cut in cuts], list(comparison.covariates)]
    found = con.execute(_STRATA.format(covariates=covariates), inputs).df()
    strata: pd.Series[int] = found.set_index("person_key").stratum
    return strata
