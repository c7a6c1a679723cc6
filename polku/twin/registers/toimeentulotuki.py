"""THL's extract: basic social assistance that municipalities paid before Kela, by year and by month.

Belongs here: how the register of social assistance records it. Does not belong here: who receives it (`benefits`). Form
assumed, as the contract says.
"""

from __future__ import annotations

import numpy as np

from polku.twin.benefits import municipal_assistance
from polku.twin.chance import in_month
from polku.twin.registers.frame import Frame, Frames
from polku.twin.world import World


def record(world: World) -> Frames:
    """Tables household_years and assistance_months: euros by year, and in which months there were any."""
    assisted = municipal_assistance(world)
    month = in_month(world.months[assisted.month], 0)
    year = month.astype("datetime64[Y]").astype(int) + 1970
    # A municipality returns a whole year under the identity code known at its end.
    code = world.people.code_on(assisted.person, in_month((year - 1969).astype("datetime64[Y]"), -1))
    first = np.ones(len(year), dtype=bool)
    first[1:] = (assisted.person[1:] != assisted.person[:-1]) | (year[1:] != year[:-1])
    start = np.flatnonzero(first)
    return {
        "household_years": Frame(
            assisted.person[start],
            {
                "hetu": code[start],
                "vuosi": year[start],
                "tukimuoto": np.full(len(start), "P", dtype=object),
                "euroa": np.add.reduceat(assisted.cents, start) if len(start) else assisted.cents,
            },
        ),
        "assistance_months": Frame(
            assisted.person,
            {
                "hetu": code,
                "tukimuoto": np.full(len(month), "P", dtype=object),
                "kuukausi": month,
            },
        ),
    }
