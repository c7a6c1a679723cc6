"""Outputs beside nightly releases, in both directions, on real encrypted ledgers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from polku.disclosure import ReleaseSpec, load_policy, protect
from polku.disclosure.ledger.night import Plan, plan
from polku.disclosure.ledger.release_ledger import Draft
from polku.disclosure.ledger.sketch import sketch
from polku.errors import Exit
from polku.layout import DataRoot
from polku.research import storage
from polku.research.airlock import forced_by_outputs
from polku.research.record_keys import RECORDS
from polku.research.release_ledger import release_ledger
from tests.polku.research.outputs_world import SEX_BY_GROUND, check_output, describe, make_world, table

NOBODY = 'structural_zeros = [{sex_code = "2", residence_ground_code = "study"}]'
SPEC = ReleaseSpec("grounds", ("sex_code", "residence_ground_code"), "persons", members="int_list_members")
POLICY = load_policy("threshold_5")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    return make_world(tmp_path, SEX_BY_GROUND)


def night(root: DataRoot, people: str = "true") -> Plan:
    """The plan of a night whose table counts these people."""
    with storage.connect(root) as con:
        storage.attach(con, root, root.marts, "snapshot", read_only=True)
        storage.attach(con, root, root.identities, "identities", read_only=True)
        con.execute(
            "create temp table members as select sex_code, residence_ground_code, person_key "
            f"from snapshot.marts.person where {people}"
        )
        counted = con.execute(
            "select sex_code, residence_ground_code, count(*) as persons from members group by all order by all"
        ).df()
        sketches = {"grounds": sketch(con, SPEC, "members", RECORDS)}
    return plan({"grounds": (counted, SPEC)}, sketches, release_ledger(root), POLICY)


def publish(root: DataRoot, planned: Plan, hidden: tuple[tuple[str, str], ...] = ()) -> None:
    counted, spec = planned.tables["grounds"]
    outcome = planned.conclude({"grounds": protect(counted, spec, POLICY, forced=set(hidden))}, date(2026, 3, 1))
    draft = Draft("11aa", date(2026, 3, 1), {}, "p", None, outcome.tables, {"grounds": spec.dimensions}, {})
    release_ledger(root).append(draft, planned.head)


def check(folder: Path, without: int | None = None) -> int:
    """Check the table of everybody, or of all but one person."""
    where = "" if without is None else f" where person_key <> {without}"
    cells = {**SEX_BY_GROUND, ("1", "work"): 40 if without is None else 39}
    sql = f"select sex_code, residence_ground_code, count(*) as persons from person{where} group by all"
    members = f"select sex_code, residence_ground_code, person_key from person{where}"
    return check_output(table(folder, cells), "--describe", describe(folder, NOBODY, sql=sql, members=members))


def test_an_output_may_show_again_what_a_release_shows_and_not_one_person_less(
    root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(root, night(root))
    assert check(tmp_path) == Exit.OK
    assert check(tmp_path, without=3) == Exit.GATE_CLOSED
    told = capsys.readouterr().err
    assert "differencing" in told
    assert "grounds: sex_code=1, residence_ground_code=work" in told
    release_ledger(root).withdraw("11", "told of another year")
    assert check(tmp_path, without=3) == Exit.GATE_CLOSED, "what was public stays known"


def test_an_output_does_not_show_what_a_release_hides(
    root: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(root, night(root), hidden=(("1", "work"), ("2", "work")))
    assert check(tmp_path) == Exit.GATE_CLOSED
    told = capsys.readouterr().err
    assert "hidden_elsewhere" in told
    assert "residence_ground_code=family]" not in told


def test_a_night_hides_what_one_person_tells_from_an_output(root: DataRoot, tmp_path: Path) -> None:
    assert forced_by_outputs(root, night(root, "person_key <> 3"), POLICY) == {"grounds": frozenset()}
    assert check(tmp_path) == Exit.OK
    assert check_output("--approve", 1, "--as", "Olli Officer", "--undertaking", "read") == Exit.OK
    assert forced_by_outputs(root, night(root, "person_key <> 3"), POLICY) == {"grounds": frozenset()}, "not yet out"
    assert check_output("--release", 1, "--as", "Siiri Second") == Exit.OK
    assert forced_by_outputs(root, night(root), POLICY) == {"grounds": frozenset()}
    assert forced_by_outputs(root, night(root, "person_key <> 3"), POLICY) == {"grounds": {("1", "work")}}
    many = forced_by_outputs(root, night(root, "person_key >= 20"), POLICY)
    assert many == {"grounds": frozenset()}, "twenty people tell of nobody"


def test_public_figures_of_a_night_are_not_hidden_again(root: DataRoot, tmp_path: Path) -> None:
    """They are known: hiding them would protect nothing, and the output was the one to be refused."""
    publish(root, night(root))
    assert check(tmp_path) == Exit.OK
    assert check_output("--approve", 1, "--as", "Olli Officer", "--undertaking", "read") == Exit.OK
    assert check_output("--release", 1, "--as", "Siiri Second") == Exit.OK
    planned = night(root)
    assert planned.decisions["grounds"].kept.all()
    assert forced_by_outputs(root, planned, POLICY) == {"grounds": frozenset()}


def test_counts_of_nobody_in_particular_are_compared_with_nothing(root: DataRoot) -> None:
    estimates = pd.DataFrame({"sex_code": ["1"], "residence_ground_code": ["work"], "persons": [39]})
    spec = ReleaseSpec("estimates", SPEC.dimensions, "persons")
    planned = plan({"estimates": (estimates, spec)}, {}, release_ledger(root), POLICY)
    assert np.all(planned.decisions["estimates"].present.members.persons == 39)
    assert forced_by_outputs(root, planned, POLICY) == {"estimates": frozenset()}
