"""Education in the twin's world: which one each spell of studying is, and whether it ended in a degree.

Belongs here: the truth about education. Does not belong here: how registers record it (`registers.koski`,
`registers.opiskelijat`, `registers.tutkinnot`). Shares are assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from polku.twin import activity as a
from polku.twin.chance import Bools, Dates, Texts, pick_rows
from polku.twin.registers.frame import texts
from polku.twin.spells import Spells
from polku.twin.world import World

TUVA_BEGINS = np.datetime64("2022-08-01")
FORMS = (
    "aikuistenperusopetus",
    "lukiokoulutus",
    "luva",
    "vapaansivistystyonkoulutus",
    "ammatillinenkoulutus",
    "korkeakoulutus",
)
"""Forms of education, by Koski's names."""

DEGREE_FORMS = ("lukiokoulutus", "ammatillinenkoulutus", "korkeakoulutus")
"""Education that aims at a degree after basic education."""

FORM_WEIGHTS = {a.GENERAL: (55, 15, 10, 20, 0, 0), a.VOCATIONAL: (0, 0, 0, 0, 1, 0), a.HIGHER: (0, 0, 0, 0, 0, 1)}
PART_SHARE = 0.12
"""Vocational studies that aim at parts of a qualification; never those that ended the Skills Centre's service as
degree education."""

MONTHS_TO_DEGREE = {a.GENERAL: 9, a.VOCATIONAL: 14, a.HIGHER: 24}
GRADUATES, CONFIRMED = 0.75, 0.95


@dataclass(frozen=True)
class Education:
    """One element per spell of studying in every array, by person and time.

    `is_part` aims at parts of a qualification alone; `graduated` ended with the aim reached, `confirmed` with a
    confirmation of it too.
    """

    spells: Spells
    form: Texts
    is_part: Bools
    graduated: Bools
    confirmed: Bools

    def __len__(self) -> int:
        return len(self.spells)

    def where(self, mask: Bools) -> Education:
        """The spells of `mask`."""
        others = (getattr(self, name)[mask] for name in ("form", "is_part", "graduated", "confirmed"))
        return Education(self.spells.where(mask), *others)

    @property
    def aims_at_degree(self) -> Bools:
        """Whether a whole degree after basic education is the aim."""
        aims: Bools = np.isin(self.form, DEGREE_FORMS) & ~self.is_part
        return aims

    @property
    def completed_on(self) -> Dates:
        """The day of the degree (NaT: none)."""
        return np.where(self.aims_at_degree & self.confirmed, self.spells.ended_on, np.datetime64("NaT"))


def education(world: World) -> Education:
    """All studying in the world."""
    rng = world.rng("education")
    spells = world.spells.where(np.isin(world.spells.value, tuple(FORM_WEIGHTS)))
    weights, needed = np.zeros((len(a.STATES), len(FORMS))), np.zeros(len(a.STATES))
    weights[:, 0] = 1
    for state, by_form in FORM_WEIGHTS.items():
        weights[state], needed[state] = by_form, MONTHS_TO_DEGREE[state]
    form = texts(FORMS, pick_rows(rng, weights, spells.value))
    form = np.where((form == "luva") & (spells.started_on >= TUVA_BEGINS), "tuva", form)
    part, passes, confirmed = rng.random((3, len(spells)))
    from_service = world.activity.exit[spells.person] == spells.first
    enough = ~np.isnat(spells.ended_on) & (spells.months >= needed[spells.value])
    graduated = enough & (passes < GRADUATES)
    return Education(
        spells,
        form,
        (form == "ammatillinenkoulutus") & (part < PART_SHARE) & ~from_service,
        graduated,
        graduated & (confirmed < CONFIRMED),
    )
