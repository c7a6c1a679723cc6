"""What is true of the invented world, written beside the authorities' extracts for tests and teaching.

Belongs here: the truth files. Does not belong here: anything that the pipeline reads; it never sees them.
They hold identity codes and names, so they lie among the authorities' folders.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from polku.studies import Study
from polku.twin import activity as a
from polku.twin import services, skills_centre
from polku.twin.chance import Ints, Texts
from polku.twin.deliveries import Extract
from polku.twin.people import GROUNDS
from polku.twin.registers.dvv import died_on
from polku.twin.shape import shape_counts, shares
from polku.twin.world import World

LETTERS = "-EUSGVHFPOXD"
"""One letter per true state, in the order of STATES; `-` before arrival."""


@dataclass
class FileTruth:
    """What was written into one file: rows in all, distinct persons, those under a temporary code, mistakes and
    corrections by reason, and rows that have to be quarantined by the authority and by the platform."""

    rows: int = 0
    persons: int = 0
    persons_under_temporary_code: int = 0
    mistakes: Counter[str] = field(default_factory=Counter)
    quarantined_by_authority: int = 0
    quarantined_by_platform: int = 0

    def __iadd__(self, other: FileTruth) -> FileTruth:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


Files = dict[str, dict[str, list[FileTruth]]]
"""By register and table, one per delivery."""


class Truth:
    """Collects the truth block by block: counts in memory, persons straight into their file."""

    def __init__(self, folder: Path, study: Study, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._study, self._seed = folder, study, seed
        self._shape: Counter[str] = Counter()
        self._persons = self._clients = 0
        self._gained = {service: np.zeros((2, study.months_after + 1)) for service in services.KINDS}
        self._blemishes: dict[tuple[str, str], Counter[str]] = {}
        self._extracts: dict[str, dict[int, Extract]] = {}
        self.files: Files = {}

    def blemishes(self, register: str, table: str, counted: Counter[str]) -> None:
        """Add mistakes that the register itself made, in whichever of its deliveries."""
        self._blemishes.setdefault((register, table), Counter()).update(counted)

    def rows(self, register: str, table: str, extract: Extract) -> int | None:
        """How many rows earlier blocks wrote into a file (None: there was none)."""
        files = self.files.get(register, {}).get(table, [])
        return files[extract.number - 1].rows if len(files) >= extract.number else None

    def add_file(self, register: str, table: str, extract: Extract, file: FileTruth) -> None:
        """Add what was written into one file, or into its next block."""
        self._extracts.setdefault(register, {})[extract.number] = extract
        files = self.files.setdefault(register, {}).setdefault(table, [])
        if len(files) < extract.number:
            files.append(FileTruth())
        files[extract.number - 1] += file

    def add(self, world: World) -> None:
        """Add a block of persons."""
        path = self._folder / "truth_person.csv"
        with path.open("wb" if world.first_person == 0 else "ab") as file:
            csv.write_csv(_person_table(world), file, csv.WriteOptions(include_header=world.first_person == 0))
        self._shape.update(shape_counts(world))
        self._persons += len(world.people)
        self._clients += int(world.activity.is_client.sum())
        for service, gained in self._gained.items():
            gained += world.employment_gained(service)

    def write(self) -> Path:
        """Write `truth.json`; returns its path."""
        effects = {
            service: [round(float(effect), 4) for effect in gained / np.maximum(followed, 1)]
            for service, (gained, followed) in self._gained.items()
        }
        facts = {
            "study": self._study.code,
            "seed": self._seed,
            "persons": self._persons,
            "clients": self._clients,
            "months": [f"{day:%Y-%m}" for day in (self._study.window_from, self._study.window_until)],
            "states": dict(zip(LETTERS, a.STATES, strict=True)),
            "service_effect": {
                "job_finding_ratio_after_exit": skills_centre.JOB_FINDING_RATIO,
                "job_loss_ratio_after_exit": skills_centre.JOB_LOSS_RATIO,
                "exit_outcome_chances": skills_centre.OUTCOMES,
                "employment_effect_by_months_since_entry": effects,
            },
            "shape": shares(self._shape),
            "extracts": {
                register: [
                    {"made_on": f"{e.made_on}", "period": [f"{day}" for day in e.period]} for e in found.values()
                ]
                for register, found in self._extracts.items()
            },
            "files": {
                register: {name: self._of_table(register, name, files) for name, files in tables.items()}
                for register, tables in self.files.items()
            },
        }
        path = self._folder / "truth.json"
        path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def _of_table(self, register: str, table: str, files: list[FileTruth]) -> dict[str, object]:
        """Sums over the deliveries of a table, and each of them."""
        total = FileTruth(mistakes=Counter(self._blemishes[register, table]))
        for file in files:
            total += file
        return _plain(total) | {"deliveries": [_plain(file) for file in files]}


def _plain(file: FileTruth) -> dict[str, object]:
    return asdict(file) | {"mistakes": dict(sorted((+file.mistakes).items()))}


def _person_table(world: World) -> pa.Table:
    people, act = world.people, world.activity
    letters = np.frombuffer(LETTERS.encode(), dtype="S1")[act.state.T]
    states = np.ascontiguousarray(letters).view(f"S{len(world.months)}").ravel().astype(str)
    outcome = np.array([*skills_centre.OUTCOMES, "moved"], dtype=object)[act.outcome]
    return pa.table(
        {
            "person_no": world.first_person + np.arange(len(people)),
            "hetu": people.code,
            "temporary_hetu": people.temporary_code,
            "temporary_until": people.temporary_until,
            "former_hetu": people.former_code,
            "former_until": people.former_until,
            "second_hetu": people.second_code,
            "second_until": people.second_until,
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
            "integration_plan_month": _month_texts(world, world.activity.plan),
            "states": states,
        }
    )


def _month_texts(world: World, month: Ints) -> Texts:
    return np.where(month >= 0, world.months[month].astype(str), "").astype(object)
