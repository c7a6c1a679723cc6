from __future__ import annotations

import numpy as np

from polku.twin.services import KINDS
from polku.twin.world import World


def test_states_of_the_truth_are_those_of_the_world(made, world: World) -> None:
    letters = list(made.truth["states"])
    for person, row in enumerate(made.persons):
        assert row["states"] == "".join(letters[state] for state in world.activity.state[:, person])


def test_groups_and_months_of_entry_agree(made, world: World) -> None:
    for person, row in enumerate(made.persons):
        entry = world.activity.entry[person]
        assert row["entry_month"] == ("" if entry < 0 else str(world.months[entry]))
        assert row["group_code"] == ("never_client" if entry < 0 else "client")
    assert made.truth["clients"] == sum(row["group_code"] == "client" for row in made.persons)


def test_rows_in_the_truth_are_the_rows_of_the_files(made) -> None:
    for register, tables in made.truth["files"].items():
        for table, file in tables.items():
            assert len(made.rows(register, table)) == file["rows"], (register, table)


def test_effect_is_told_for_every_month_of_follow_up(made, world: World) -> None:
    told = made.truth["service_effect"]["employment_effect_by_months_since_entry"]
    assert list(told) == list(KINDS)
    for service, effect in told.items():
        np.testing.assert_allclose(effect, world.employment_effect(service), atol=1e-4)


def test_clients_without_a_usable_code_are_counted(made) -> None:
    file = made.truth["files"]["osaamiskeskus"]["clients"]
    blank = sum(row["hetu"].strip() in ("", "NULL", "-") for row in made.rows("osaamiskeskus", "clients"))
    # A copied row (duplicate, fault) of such a client is blank as well.
    assert blank >= file["mistakes"]["missing_identity_code"] > 0
