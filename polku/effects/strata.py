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
    select unnest(?::varchar[]) as covariate_code, unnest(?::double[]) as cut
),
classes as (
    select
        covariates.person_key,
        covariates.covariate_code,
        case
            when covariates.value_code is not null then covariates.value_code
            when count(cuts.cut) = 0 then cast(covariates.value_number as varchar)
            else cast(count(case when cuts.cut <= covariates.value_number then 1 end) as varchar)
        end as class
    from {covariates} as covariates
    left join cuts on covariates.covariate_code = cuts.covariate_code
    where covariates.covariate_code in (select unnest(?::varchar[]))
    group by covariates.person_key, covariates.covariate_code, covariates.value_code, covariates.value_number
),
persons as (
    select distinct person_key from {covariates}
),
-- A characteristic without a row is not known: persons of whom the same is not known are of one class in that.
described as (
    select
        persons.person_key,
        list([classes.covariate_code, classes.class] order by classes.covariate_code) as classes
    from persons
    left join classes on persons.person_key = classes.person_key
    group by persons.person_key
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
