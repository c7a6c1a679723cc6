"""Identity codes that others replaced, as the registers that gave or hold them list them.

Belongs here: the tables `identity_changes`. Does not belong here: who has which code when (`people`).
"""

from __future__ import annotations

import numpy as np

from polku.twin.registers.frame import Frame
from polku.twin.world import World

LISTED_SHARE = 0.9
"""Of the temporary codes that were replaced, those of which the register says by which permanent code."""


def replaced_temporary_codes(world: World, register: str, *frames: Frame) -> Frame:
    """The temporary codes under which persons stand in these frames of a register, and what replaced them."""
    people, rng = world.people, world.rng(f"{register} identity changes")
    listed = rng.random(len(people)) < LISTED_SHARE
    persons = np.concatenate([frame.person[_temporary(world, frame)] for frame in frames])
    person = np.unique(persons)
    known = people.temporary_until[person] <= world.months[-1].astype("datetime64[D]")
    person = person[known & listed[person]]
    return Frame(
        person,
        {
            "valiaikainen_tunnus": people.temporary_code[person],
            "hetu": people.code_on(person, people.temporary_until[person]),
            "vaihtopv": people.temporary_until[person],
        },
    )


def changed_codes(world: World) -> Frame:
    """The permanent codes that the population register replaced by others: changed ones and merged second ones."""
    people = world.people
    changed = np.flatnonzero(~np.isnat(people.former_until))
    merged = np.flatnonzero(people.merged)
    person = np.concatenate([changed, merged])
    return Frame(
        person,
        {
            "vanha_hetu": np.concatenate([people.former_code[changed], people.second_code[merged]]),
            "hetu": people.code[person],
            "muutospv": np.concatenate([people.former_until[changed], people.second_until[merged]]),
        },
    )


def _temporary(world: World, frame: Frame) -> np.ndarray:
    code = frame.columns["hetu"]
    temporary: np.ndarray = (code != "") & (code == world.people.temporary_code[frame.person])
    return temporary
