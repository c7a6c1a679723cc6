"""dbt's tests of how easily persons are found: against counting by hand, and against the library's measures."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from polku.disclosure.microdata import measure
from polku.disclosure.policy import MicrodataLimits
from polku.layout import CHECKOUT
from tests.dbt_project.conftest import Built
from tests.dbt_project.landed import PROJECT
from tests.dbt_project.sql_of_models import Warehouse

LIMITS = MicrodataLimits(k=5, l=3, entropy_l=2.5, t=0.3)
MARTS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]
    for path in sorted((PROJECT / "models/marts").glob("*.yml"))
}
OF_PERSONS = {name: mart for name, mart in MARTS.items() if "person_key" in [c["name"] for c in mart["columns"]]}
# One row per person; a grain among the quasi-identifiers; a grain beside them, so that persons repeat in a class.
MEASURED = ("cohort", "covariate", "integration_plan")


def meta_of(mart: str) -> dict[str, Any]:
    meta: dict[str, Any] = OF_PERSONS[mart]["config"]["meta"]
    return meta


def checks_of(mart: str) -> dict[str, str]:
    """Name in the project by kind of test."""
    kinds = ("k_anonymous", "l_diverse", "t_close", "nobody_alone")
    return {kind: test[kind]["name"] for test in OF_PERSONS[mart]["data_tests"] for kind in kinds if kind in test}


def random_rows(mart: str, seed: int) -> pd.DataFrame:
    """Persons with few codes in each column, some of them unknown."""
    random, meta = np.random.default_rng(seed), meta_of(mart)
    persons = int(random.integers(40, 400))
    rows = pd.DataFrame({"person_key": np.arange(persons)}).sample(
        int(persons * (1.0 if meta.get("grain", ["person_key"]) == ["person_key"] else 2.0)),
        replace="grain" in meta,
        random_state=seed,
    )
    for column in [*meta["quasi_identifiers"], *meta["sensitive"]]:
        codes = np.array([*"abcde"[: random.integers(2, 6)], None], dtype=object)
        rows[column] = random.choice(codes, len(rows))
    return rows.drop_duplicates(meta.get("grain")) if mart == "covariate" else rows


def counted_by_hand(rows: pd.DataFrame, meta: dict[str, Any]) -> dict[str, set[int]]:
    """Persons that each test must find, from the definitions."""
    found: dict[str, set[int]] = {"k_anonymous": set(), "l_diverse": set(), "t_close": set(), "nobody_alone": set()}
    keys = meta["quasi_identifiers"]
    for _, members in rows.groupby(keys, dropna=False):
        persons = set(members["person_key"])
        if len(persons) < LIMITS.k:
            found["k_anonymous"] |= persons
        for column in meta["sensitive"]:
            pairs = members[["person_key", column]].drop_duplicates()
            everybody = rows[["person_key", *keys, column]].drop_duplicates()
            here = Counter(pairs[column].fillna("?"))
            among_all = Counter(everybody[column].fillna("?"))
            shares = [n / len(pairs) for n in here.values()]
            effective = math.exp(-sum(p * math.log(p) for p in shares))
            if len(here) < LIMITS.l or effective < LIMITS.entropy_l - 1e-9:
                found["l_diverse"] |= persons
            distance = sum(abs(here[v] / len(pairs) - n / len(everybody)) for v, n in among_all.items()) / 2
            if distance > LIMITS.t + 1e-9:
                found["t_close"] |= persons
    for size in (1, 2, 3):
        for chosen in combinations(keys, size):
            for _, members in rows.groupby(list(chosen), dropna=False):
                if len(set(members["person_key"])) == 1:
                    found["nobody_alone"] |= set(members["person_key"])
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mart", MEASURED)
def test_the_tests_count_the_persons_that_the_definitions_mean(built: Built, mart: str, seed: int) -> None:
    rows, meta = random_rows(mart, seed), meta_of(mart)
    warehouse = Warehouse(built, [])
    names = ("k", "l", "entropy_l", "t")
    limits = dict(zip([f"microdata_{name}" for name in names], ["integer"] * 2 + ["decimal(6,3)"] * 2, strict=True))
    warehouse.table("staging.stg_reference__study", limits, [(LIMITS.k, LIMITS.l, LIMITS.entropy_l, LIMITS.t)])
    warehouse.frame(f"marts.{mart}", rows)
    expected = counted_by_hand(rows, meta)
    for kind, name in checks_of(mart).items():
        assert warehouse.query(built.compiled_test(name)) == [(len(expected[kind]),)], kind
    warehouse.close()
    con = duckdb.connect()
    con.register("rows", rows)
    measures = measure(con, "rows", meta["quasi_identifiers"], meta["sensitive"], entity="person_key")
    broken = measures.broken(LIMITS)
    assert ("k" in broken) is bool(expected["k_anonymous"])
    assert ("l" in broken or "entropy_l" in broken) is bool(expected["l_diverse"])
    assert ("t" in broken) is bool(expected["t_close"])
    assert measures.unique_persons == len(expected["nobody_alone"])


def test_every_mart_of_persons_says_what_finds_them_and_is_tested() -> None:
    assert len(OF_PERSONS) >= 8
    for mart, described in OF_PERSONS.items():
        meta, columns = meta_of(mart), {column["name"] for column in described["columns"]}
        named = [*meta["quasi_identifiers"], *meta["sensitive"]]
        assert set(named) <= columns, mart
        assert len({*named, "person_key"}) == len(named) + 1, mart
        wanted = {"k_anonymous", "nobody_alone"} | ({"l_diverse", "t_close"} if meta["sensitive"] else set())
        assert set(checks_of(mart)) == wanted, mart


def test_the_declared_grain_is_the_tested_one() -> None:
    """Or persons would be counted by rows where a person has several."""
    for mart, described in OF_PERSONS.items():
        tests = [test["unique_combination"] for test in described["data_tests"] if "unique_combination" in test]
        for test in tests:
            assert meta_of(mart)["grain"] == test["arguments"]["columns"], mart
        if "grain" not in meta_of(mart):
            (key,) = (column for column in described["columns"] if column["name"] == "person_key")
            assert any("unique" in test for test in key["data_tests"]), mart


def test_a_mart_released_as_microdata_cannot_only_warn(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target*", "logs"))
    cohort = project / "models/marts/cohort.yml"
    text = cohort.read_text(encoding="utf-8")
    marked = text.replace("      meta:\n", "      meta:\n        released_as_microdata: true\n", 1)
    stricter = marked.replace(
        "{name: cohort_is_k_anonymous}", "{name: cohort_is_k_anonymous, config: {severity: error}}"
    )
    for content, outcome in ((marked, "released as microdata"), (stricter, "")):
        cohort.write_text(content, encoding="utf-8")
        done = subprocess.run(
            [
                *(sys.executable, "-m", "dbt.cli.main", "compile", "--select", "cohort_is_k_anonymous"),
                *("--project-dir", str(project), "--profiles-dir", str(project)),
                *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
            ],
            env=os.environ | {"POLKU_DATA": str(tmp_path), "POLKU_STUDY": "mvad", "DO_NOT_TRACK": "1"},
            cwd=CHECKOUT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) is bool(outcome), done.stdout
        assert outcome in done.stdout
