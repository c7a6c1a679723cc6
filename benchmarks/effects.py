"""How well the estimators find the twin's known effect: bias and coverage over many worlds, and the picture of it.

Belongs here: worlds as perfect registers would show them, the models' own SQL on them, and the comparison with the
truth. Does not belong here: any estimator, and what registers' mistakes add (`truth`). Run after `make nightly`, whose
compiled models it takes:
    python benchmarks/effects.py --twins 200

Three kinds of worlds: in one only what registers know steers who enters the service, as the estimators assume; in the
twin's own so does employability, which no register sees; in the third the service helps half of its later entrants no
more, which `own_gains_removed` assumes not to be so.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

# As in dbt's process: threads for small matrices wait for each other, a third of the models' time.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import duckdb
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from polku.effects import entering
from polku.layout import CHECKOUT, DataRoot
from polku.progress import stepped
from polku.studies import load_study
from polku.twin.activity import LIVING, NOT_ARRIVED, STATES
from polku.twin.people import GROUNDS
from polku.twin.skills_centre import AS_IT_IS, PILOT_MONTH, Practice
from polku.twin.world import World, make_world

STUDY = "espoo_skills_centre"
COMPILED = "dbt/compiled/polku/models"
WORLDS = {
    "seen": Practice(unseen_selection=0),
    "as the twin is": AS_IT_IS,
    "later entrants gain less": Practice(unseen_selection=0, later_failures=0.5),
}

MODELS = (
    "intermediate/int_assign_entry_months",
    "marts/cohort",
    "intermediate/int_list_risk_sets",
    "intermediate/int_score_risk_sets",
    "intermediate/int_list_subgroups",
    "intermediate/int_match_risk_sets",
    "intermediate/int_follow_risk_sets",
    "intermediate/int_weigh_risk_sets",
    "intermediate/int_share_entrants",
    "intermediate/int_carry_gains",
    "intermediate/int_estimate_gains",
    "marts/person_outcome",
    "intermediate/int_sum_persons",
    "intermediate/int_sum_blocks",
    "intermediate/int_count_persons",
    "intermediate/int_total_groups",
    "intermediate/int_leave_persons_out",
    "intermediate/int_estimate_effects",
    "marts/risk_set_balance",
    "marts/effect_by_months_since_entry",
)
SHOWN = (-12, 0, 3, 6, 12, 18, 24, 30, 36)
PICTURE = CHECKOUT / "docs" / "twin" / "estimators.svg"


def main() -> None:
    """Print bias and coverage by kind of world, estimator and month; draw the picture."""
    parser = argparse.ArgumentParser(description="Example: python benchmarks/effects.py --twins 200")
    parser.add_argument("worlds", nargs="*", default=WORLDS, metavar="world", help=f"of {', '.join(WORLDS)} (all)")
    parser.add_argument("--twins", type=int, default=200, help="worlds of each kind (200)")
    parser.add_argument("--persons", type=int, default=6000)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--draw", action="store_true", help=f"write {PICTURE.relative_to(CHECKOUT)}")
    args = parser.parse_args()
    if strangers := set(args.worlds) - WORLDS.keys():
        parser.error(f"no such world: {', '.join(sorted(strangers))}")
    jobs = [(kind, args.first_seed + i, args.persons) for kind in args.worlds for i in range(args.twins)]
    began = time.perf_counter()
    with ProcessPoolExecutor(2) as pool:
        done = [pool.submit(estimated, job) for job in jobs]
        estimates = pd.concat(future.result() for future in stepped(done, "twins"))
    print(report(estimates).to_string(float_format=lambda number: f"{number:.4f}"))
    print(f"{args.twins} worlds of each kind, {args.persons} persons, {time.perf_counter() - began:.0f} s")
    if args.draw:
        draw(estimates)


def report(estimates: pd.DataFrame) -> pd.DataFrame:
    """By kind of world, design and month: truth, estimate, bias, the estimates' standard deviation, the mean standard
    error, the share of 95 % intervals that hold the truth, of all and of those that the platform presents as effects.

    The truth is the mean effect over all worlds of the kind: a standard error speaks of another draw of persons.
    """
    shown = estimates[estimates.k.isin(SHOWN)]
    truth = shown.groupby(["world", "k"]).truth.transform("mean")
    shown = shown.assign(
        truth=truth,
        covered=(shown.lower <= truth) & (truth <= shown.upper),
        presented=shown.no_effect_code.isna().astype(float),
    )
    shown["covered_if_presented"] = shown.covered.where(shown.presented > 0).astype(float)
    by = shown.groupby(["world", "design", "k"], sort=False)
    return pd.DataFrame(
        {
            "truth": by.truth.mean(),
            "estimate": by.estimate.mean(),
            "bias": by.estimate.mean() - by.truth.mean(),
            "sd": by.estimate.std(),
            "standard_error": by.standard_error.mean(),
            "coverage": by.covered.mean(),
            "presented": by.presented.mean(),
            "coverage_presented": by.covered_if_presented.mean(),
        }
    )


def estimated(job: tuple[str, int, int]) -> pd.DataFrame:
    """Estimates of the effect on employment in one world: world, design, k, estimate, standard_error, lower, upper,
    no_effect_code, truth."""
    kind, seed, persons = job
    study = load_study(STUDY)
    world = make_world(study, persons, seed, practice=WORLDS[kind])
    truth = world.employment_effect("skills_centre")
    with duckdb.connect() as con:
        con.execute("set threads = 1")
        con.execute("attach ':memory:' as warehouse")
        for schema in ("staging", "intermediate", "marts", "landing"):
            con.execute(f"create schema warehouse.{schema}")
        show(con, world)
        run(con, DataRoot.of(STUDY).path / COMPILED)
        found = con.execute(
            "select design_code as design, months_since_entry as k, difference::double as estimate,"
            " standard_error::double as standard_error, lower_bound::double as lower, upper_bound::double as upper,"
            " no_effect_code from warehouse.marts.effect_by_months_since_entry"
            " where outcome_code = 'employed' and span_code = 'month' order by design, k"
        ).df()
    after = found.k.to_numpy() >= 0
    found["truth"] = np.where(after, truth[np.maximum(found.k, 0)], 0.0)
    return found.assign(world=kind, seed=seed)


def run(con: duckdb.DuckDBPyConnection, compiled: Path) -> None:
    """The models in their order, each as dbt has compiled it."""
    entering.register(con)
    for model in MODELS:
        name = model.replace("/", ".")
        if model.endswith("cohort"):
            con.execute(
                f"create table warehouse.{name} as select person_key, group_code, 1.0 as weight,"
                " make_date(entry_month_index // 12, entry_month_index % 12 + 1, 1) as entry_month"
                " from warehouse.intermediate.int_assign_entry_months"
            )
        else:
            con.execute(f"create table warehouse.{name} as {(compiled / f'{model}.sql').read_text(encoding='utf-8')}")


def show(con: duckdb.DuckDBPyConnection, world: World) -> None:
    """The tables from which the models begin, of registers that know everything and make no mistake."""
    people, activity, months = world.people, world.activity, world.months
    first = int(months[0].astype(int)) + 1970 * 12
    opened = int((PILOT_MONTH - months[0]).astype(int))
    born = people.born_on.astype("datetime64[M]").astype(int) + 1970 * 12
    t, person = np.nonzero(activity.state != NOT_ARRIVED)
    state = activity.state[t, person]
    alive = np.isin(state, LIVING)
    age = first + t - born[person]
    of_age = (age >= 12 * (world.study.min_age_years or 0)) & (age < 12 * ((world.study.max_age_years or 200) + 1))
    frame = pd.DataFrame(
        {
            "person_key": person,
            "shard": person % 8,
            "month_index": (first + t).astype(np.int32),
            "state_code": np.array(STATES)[state],
            "is_observed": alive,
            "is_at_risk": alive & of_age,
            "is_eligible": alive
            & of_age
            & (world.residence.place[t, person] == world.study_area)
            & (people.origin[person] == "22"),
        }
    )
    con.register("months", frame)
    con.register(
        "people",
        pd.DataFrame(
            {
                "person_key": np.arange(len(people)),
                "is_client": activity.is_client,
                "is_registered": True,
                "client_started_on": np.where(
                    activity.is_client, months[activity.entry].astype("datetime64[D]"), np.datetime64("NaT")
                ),
                "sex_code": np.where(people.female, "2", "1"),
                "birth_month": people.born_on.astype("datetime64[M]").astype("datetime64[s]"),
                "residence_ground_code": np.array(GROUNDS)[people.ground],
                "first_immigration_on": people.arrived_on.astype("datetime64[s]"),
            }
        ),
    )
    seeds = CHECKOUT / "dbt_project" / "seeds"
    states = " ".join(world.study.risk_set_states)
    con.execute(f"""
        create table warehouse.staging.consumer_prices as from read_csv('{seeds}/consumer_prices.csv');
        create table warehouse.staging.states as from read_csv('{seeds}/states.csv');
        create table warehouse.staging.stg_reference__study as select
            {first} as first_month_index, {first + len(months) - 1} as last_month_index, 'centre' as client_register,
            '{states}' as risk_set_states, 24 as months_before, {world.study.months_after} as months_after,
            0.0 as employed_min_eur_per_month;
        create table warehouse.staging.stg_reference__subgroups as
            select '' as stratum_code, '' as first_code, '' as second_code where false;
        create table warehouse.staging.stg_reference__coverage as select
            'centre' as register, date '{months[opened]}-01' as observed_from_on;
        create table warehouse.intermediate.int_resolve_persons as from people;
        create table warehouse.marts.person as from people;
        create table warehouse.marts.person_month as select
            months.* exclude (is_eligible), make_date(month_index // 12, month_index % 12 + 1, 1) as month,
            coalesce(state_bit, 0)::bigint as state_bits, 0::bigint as service_bits, 0::bigint as observed_service_bits,
            true as is_resident
            from months left join warehouse.staging.states using (state_code) order by person_key, month_index;
        create table warehouse.intermediate.int_find_eligible_persons as select
            person_key, any_value(is_client) as is_client, min(month_index)::int as first_month_index,
            max(month_index)::int as last_month_index
            from (select *, month_index - row_number() over (partition by person_key order by month_index) as stretch
                  from months where is_eligible) join people using (person_key) group by person_key, stretch;
        create table warehouse.intermediate.int_union_service_spells as select
            'centre' as register, person_key, client_started_on::date as started_on from people where is_client;
        create table warehouse.intermediate.int_union_incomes as select
            0::bigint as person_key, 0 as income_year, 0::decimal(14, 2) as wages_eur where false;
        create table warehouse.intermediate.int_union_earnings as select
            0::bigint as person_key, date '2000-01-01' as earning_month, 0::decimal(14, 2) as wages_eur where false;
        create table warehouse.intermediate.int_union_degrees as select
            0::bigint as person_key, date '2000-01-01' as completed_on where false;
        create table warehouse.intermediate.int_union_benefit_months as select 0::bigint as person_key,
            date '2000-01-01' as benefit_month, '' as benefit_group_code, 0::decimal(14, 2) as amount_eur where false;
    """)
    statuses = ("work", "studies", "earnings", "service", "degree")
    groups = ("unemployment", "integration", "social_assistance", "housing", "study", "family", "sickness", "pension")
    columns = [f"{name}_status_code" for name in (*statuses, *(f"benefit_{group}" for group in groups))]
    # Employment is compared alone.
    known = ("'observed' as " if column.startswith("work") else "'not_received' as " for column in columns)
    listed = ", ".join(word + column for word, column in zip(known, columns, strict=True))
    con.execute(
        f"create table warehouse.intermediate.int_list_observed_months as select {listed},"
        " false as has_monthly_earnings, 0::bigint as received_service_bits,"
        f" unnest(range({first}, {first + len(months)}))::int as month_index"
    )


def draw(estimates: pd.DataFrame) -> None:
    """The naive comparison, the matched one and the truth by month, of the worlds as the twin is."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    twin = estimates[estimates.world == "as the twin is"]
    labels = {
        "two_groups": "clients and never-clients (naive)",
        "as_assigned": "matched, others may enter later",
        "own_gains_removed": "matched, less what others gained by entering later",
        "until_own_entry": "matched, until the others' own entry",
    }
    for design, label in labels.items():
        by = twin[twin.design == design].groupby("k").estimate
        (line,) = axes.plot(by.mean().index, 100 * by.mean(), label=label)
        axes.fill_between(
            by.mean().index, 100 * by.quantile(0.025), 100 * by.quantile(0.975), color=line.get_color(), alpha=0.15
        )
    truth = twin[twin.design == "until_own_entry"].groupby("k").truth.mean()
    axes.plot(truth.index, 100 * truth, color="black", linestyle="--", label="true effect")
    axes.axvline(0, color="grey", linewidth=0.8)
    axes.axhline(0, color="grey", linewidth=0.8)
    axes.set(xlabel="Months since entry", ylabel="Difference in employment, percentage points")
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
