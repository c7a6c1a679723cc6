"""What is true of the invented world, written beside the authorities' extracts for tests and teaching.

Belongs here: the truth files. Does not belong here: anything that the pipeline reads; it never sees them.
They hold identity codes and names, so they lie among the authorities' folders.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from polku.twin import activity as a
from polku.twin import skills_centre
from polku.twin.benefits import integration_plan_month
from polku.twin.chance import Ints, Texts
from polku.twin.people import GROUNDS
from polku.twin.registers.dvv import died_on
from polku.twin.world import World

LETTERS = "-EUSGVHFPOXD"
"""One letter per true state, in the order of STATES; `-` before arrival."""


@dataclass
class FileTruth:
    """What was written into one file: rows in all, distinct persons, those under a temporary code, added
    mistakes by reason, and rows that have to be quarantined by the authority and by the platform."""

    rows: int
    persons: int
    persons_under_temporary_code: int
    mistakes: dict[str, int] = field(default_factory=dict)
    quarantined_by_authority: int = 0
    quarantined_by_platform: int = 0


Files = dict[str, dict[str, FileTruth]]


def write_truth(folder: Path, world: World, files: Files) -> Path:
    """Write `truth.json` and `truth_person.csv` (one row per person) into `folder`; returns the former."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "truth.json"
    path.write_text(json.dumps(_facts(world, files), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    csv.write_csv(_persons(world), folder / "truth_person.csv")
    return path


def _facts(world: World, files: Files) -> dict[str, object]:
    return {
        "study": world.study.code,
        "seed": world.seed,
        "persons": len(world.people),
        "clients": int(world.activity.is_client.sum()),
        "months": [str(world.months[0]), str(world.months[-1])],
        "states": dict(zip(LETTERS, a.STATES, strict=True)),
        "service_effect": {
            "job_finding_ratio_after_exit": skills_centre.JOB_FINDING_RATIO,
            "job_loss_ratio_after_exit": skills_centre.JOB_LOSS_RATIO,
            "exit_outcome_chances": skills_centre.OUTCOMES,
            "employment_effect_by_months_since_entry": [round(float(x), 4) for x in world.employment_effect],
        },
        "shape": shape(world),
        "files": {
            register: {name: asdict(file) for name, file in tables.items()} for register, tables in files.items()
        },
    }


def shape(world: World) -> dict[str, float]:
    """Shares that are published of the real service (`finnish_results`), as they are in this world."""
    act, year = world.activity, world.months.astype("datetime64[Y]").astype(int) + 1970
    outcomes = list(skills_centre.OUTCOMES)
    left = (act.exit >= 0) & (year[act.exit] == 2020)
    since_2019 = act.is_client & (year[np.maximum(act.entry, 0)] >= 2019)

    def share(persons: np.ndarray, *names: str) -> float:
        had = (act.exit >= 0) & np.isin(act.outcome, [outcomes.index(name) for name in names])
        return float((had & persons).sum() / max(persons.sum(), 1))

    plan = integration_plan_month(world)
    later = np.flatnonzero((plan >= 0) & (plan + 60 < len(world.months)))
    later = later[world.residence.present[plan[later] + 60, later]]
    state = act.state[plan[later] + 60, later]
    return {
        "leavers_2020_employed": share(left, "employed"),
        "leavers_2020_in_education": share(left, "degree_education", "other_education"),
        "clients_since_2019_employed": share(since_2019, "employed"),
        "clients_since_2019_degree_education": share(since_2019, "degree_education"),
        "plan_clients_after_5_years_employed": float((state == a.EMPLOYED).mean()),
        "plan_clients_after_5_years_seeking": float(np.isin(state, (a.UNEMPLOYED, a.IN_SERVICE)).mean()),
        "plan_clients_after_5_years_outside": float((state >= a.GENERAL).mean()),
    }


def _persons(world: World) -> pa.Table:
    people, act = world.people, world.activity
    letters = np.frombuffer(LETTERS.encode(), dtype="S1")[act.state.T]
    states = np.ascontiguousarray(letters).view(f"S{len(world.months)}").ravel().astype(str)
    outcome = np.array([*skills_centre.OUTCOMES, "moved"], dtype=object)[act.outcome]
    return pa.table(
        {
            "person_no": np.arange(len(people)),
            "hetu": people.code,
            "temporary_hetu": people.temporary_code,
            "temporary_until": people.temporary_until,
            "former_hetu": people.former_code,
            "former_until": people.former_until,
            "migri_number": people.migri_number,
            "surname": people.surname,
            "first_names": people.first_names,
            "sex_code": np.where(people.female, "2", "1"),
            "born_on": people.born_on,
            "origin_code": people.origin,
            "ground": np.array(GROUNDS)[people.ground],
            "isced": people.isced,
            "arrived_on": people.arrived_on,
            "died_on": died_on(world),
            "group_code": np.where(act.is_client, "client", "never_client"),
            "entry_month": _month_texts(world, act.entry),
            "exit_month": _month_texts(world, act.exit),
            "outcome_code": np.where(act.exit >= 0, outcome, ""),
            "integration_plan_month": _month_texts(world, integration_plan_month(world)),
            "states": states,
        }
    )


def _month_texts(world: World, month: Ints) -> Texts:
    return np.where(month >= 0, world.months[month].astype(str), "").astype(object)
