"""A small platform with a snapshot of invented persons, their record keys, and output checkers.

Belongs here: making it, and what an analyst writes. Does not belong here: what is expected of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from polku.cli import main
from polku.layout import DataRoot
from polku.research import storage
from tests.polku.research import empty_marts

SEX_BY_GROUND = {("1", "work"): 40, ("1", "family"): 25, ("1", "study"): 18, ("2", "work"): 30, ("2", "family"): 45}
SQL = "select sex_code, residence_ground_code, count(*) as persons from person group by all"
MEMBERS = "select sex_code, residence_ground_code, person_key from person"
ROLES = """
[people]
"Olli Officer" = ["output_checker"]
"Siiri Second" = ["output_checker"]
"Aino Analyst" = ["output_checker"]
"Ville Visitor" = []
"""
DESCRIBED = """
title = "Persons by sex and ground of residence"
purpose = "A test"
analyst = "Aino Analyst"
sql = "{sql}"
members_sql = "{members}"
count = "persons"
{more}
[dimensions.sex_code]
[dimensions.residence_ground_code]
{dimensions}
"""


def describe(
    folder: Path, more: str = "", dimensions: str = "", sql: str = SQL, members: str = MEMBERS, text: str = DESCRIBED
) -> Path:
    """A description; `more` are keys, `dimensions` further tables of it."""
    file = folder / "table.toml"
    file.write_text(text.format(sql=sql, members=members, more=more, dimensions=dimensions), encoding="utf-8")
    return file


def table(folder: Path, cells: Mapping[tuple[str, str], int | None], name: str = "table.csv") -> Path:
    """The table as an analyst writes it."""
    file = folder / name
    rows = "".join(f"{sex},{ground},{'' if n is None else n}\n" for (sex, ground), n in cells.items())
    file.write_text(f"sex_code,residence_ground_code,persons\n{rows}", encoding="utf-8")
    return file


def make_world(folder: Path, cells: Mapping[tuple[str, str], int]) -> DataRoot:
    """Marts as dbt's contracts declare them, with so many persons by sex and ground; everybody has a record key."""
    root = DataRoot("mvad", folder / "mvad")
    root.path.mkdir()
    (root.path / "airlock").mkdir()
    (root.path / "airlock" / "roles.toml").write_text(ROLES, encoding="utf-8")
    persons = fill_marts(root, cells)
    keys = np.random.default_rng(5).integers(0, 2**64, 2 * persons + 50, dtype=np.uint64)
    with storage.connect(root) as con:
        storage.attach(con, root, root.identities, "identities")
        con.execute("create table identities.record (entity_key bigint, record_key ubigint)")
        con.executemany("insert into identities.record values (?, ?)", [[i, int(k)] for i, k in enumerate(keys)])
    return root


def fill_marts(root: DataRoot, cells: Mapping[tuple[str, str], int], change: str = "") -> int:
    """The snapshot anew; `change` is SQL that is run on it afterwards. Returns how many persons there are."""
    root.marts.unlink(missing_ok=True)
    with storage.connect(root) as con:
        storage.attach(con, root, root.marts, "snapshot")
        empty_marts.make(con)
        first = 0
        for (sex, ground), n in cells.items():
            con.execute(
                "insert into snapshot.marts.person "
                "(person_key, sex_code, residence_ground_code, birth_year, is_client) "
                f"select i, ?, ?, 1950 + i % 40, i % 2 = 0 from range({first}, {first + n}) t(i)",
                [sex, ground],
            )
            first += n
        if change:
            con.execute(change)
    return first


def check_output(*words: object) -> int:
    """The command."""
    return main(["check-output", "--study", "mvad", *map(str, words)])
