"""Which table may have which protection.

Belongs here: what tables must be like to be rounded or noisy, and what they may stand beside. Does not belong here:
what protections there are (`protections`), and how a table is protected (`making`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from polku.contracts.faults import Faults
from polku.disclosure.cells import ReleaseSpec
from polku.disclosure.inexact.protections import Protection
from polku.errors import Exit


def refuse_mixed(specs: Iterable[ReleaseSpec], chosen: Mapping[str, Protection]) -> None:
    """Refuse (STUDY_INVALID) protections that do not fit their tables, or that other tables of the release undo.

    Figures of one population that are exact in one table and inexact in another give noise and rounding away; two
    roundings of the same persons narrow them down together. Noise alone is the same wherever the same persons are.
    """
    faults = Faults()
    of_population: dict[str, list[str]] = defaultdict(list)
    for spec in specs:
        protection = chosen.get(spec.name, Protection.GAPS)
        if spec.population:
            of_population[spec.population].append(spec.name)
        if protection is Protection.GAPS:
            continue
        place = f"release.protection.{spec.name}"
        if not spec.members:
            faults.add(place, f"`{protection}` needs a table whose members are listed (`members` of its declaration)")
        if spec.counts:
            faults.add(place, f"`{protection}` is for counts of persons, and it is events that the table adds up")
        apart = [d for d in spec.dimensions if spec.base and d not in (*spec.base_by, *spec.additive)]
        if protection is Protection.ROUNDING and apart:
            faults.add(place, f"`rounding` needs parts of a base that add up, and those of `{apart[0]}` do not")
    for population, names in of_population.items():
        kinds = {chosen.get(name, Protection.GAPS) for name in names}
        if len(names) > 1 and (len(kinds) > 1 or kinds == {Protection.ROUNDING}):
            listed = ", ".join(f"`{name}`" for name in names)
            faults.add(
                "release.protection", f"{listed} are of one population (`{population}`) and give each other away"
            )
    faults.refuse("the study", Exit.STUDY_INVALID, "protection of tables")
