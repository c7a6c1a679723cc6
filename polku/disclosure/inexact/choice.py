"""The protections that a study may choose for a table, and what each of them promises its readers.

Belongs here: which table may have which, and the promise in three languages. Does not belong here: how a table is
protected. Nothing here waits for pandas: studies are read with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum

from polku.contracts.faults import Faults
from polku.contracts.model import Label
from polku.disclosure.cells import ReleaseSpec
from polku.disclosure.policy import Policy
from polku.errors import Exit


class Protection(StrEnum):
    """How a table is protected: by gaps (its figures are exact), by additive rounding, or by noise of record keys."""

    GAPS = "gaps"
    ROUNDING = "rounding"
    CELL_KEY = "cell_key"


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


def guarantee(protection: Protection, policy: Policy) -> Label:
    """What readers of a table are told of its protection."""
    numbers = {
        "threshold": policy.threshold,
        "below": policy.threshold - 1,
        "change": policy.noise.max_change,
        "variance": f"{policy.noise.variance:g}",
    }
    text = _GUARANTEES[protection]
    return Label(*(getattr(text, language).format(**numbers) for language in ("en", "fi", "sv")))


_GUARANTEES = {
    Protection.GAPS: Label(
        en="Figures are true. What is about fewer than {threshold} persons is hidden, and whatever would give it away by "
        "subtraction, within the table and together with the other exact tables of this release and of earlier ones.",
        fi="Luvut ovat oikeita. Alle {threshold} henkilöä koskevat luvut on peitetty, samoin luvut, joista ne voisi "
        "laskea vähentämällä taulukon sisällä tai yhdessä tämän ja aiempien julkaisujen muiden tarkkojen taulukoiden "
        "kanssa.",
        sv="Siffrorna är riktiga. Siffror om färre än {threshold} personer är dolda, liksom de som skulle röja dem genom "
        "subtraktion inom tabellen eller tillsammans med andra exakta tabeller i denna och tidigare publiceringar.",
    ),
    Protection.ROUNDING: Label(
        en="Counts are rounded. Every group of 1 to {below} persons at the finest breakdown of this table, or of the rest "
        "of a base, counts as 0 or {threshold}, and all other counts are sums of these: everything adds up, and no count "
        "and no difference between a count and a part of it is 1 to {below}. A 0 does not say that there was nobody. "
        "Shares are computed from rounded counts; other measures are left out. The table is made anew only when in "
        "every cell nobody or at least {threshold} persons came or went since it was ever published; until then it "
        "stands as it was.",
        fi="Lukumäärät on pyöristetty. Jokainen 1–{below} henkilön ryhmä taulukon tarkimmassa luokituksessa tai "
        "perusjoukon loppuosassa on laskettu lukuna 0 tai {threshold}, ja muut lukumäärät ovat näiden summia: luvut "
        "täsmäävät, eikä mikään lukumäärä eikä lukumäärän ja sen osan erotus ole 1–{below}. Luku 0 ei kerro, ettei ketään "
        "ollut. Osuudet on laskettu pyöristetyistä lukumääristä; muut tunnusluvut on jätetty pois. Taulukko tehdään "
        "uudelleen vasta, kun jokaiseen soluun on tullut tai siitä on lähtenyt nolla tai vähintään {threshold} henkilöä "
        "kaikkien aiempien julkaisujen jälkeen; siihen asti se pysyy ennallaan.",
        sv="Antalen är avrundade. Varje grupp på 1–{below} personer i tabellens finaste indelning, eller i resten av en "
        "bas, räknas som 0 eller {threshold}, och alla andra antal är summor av dessa: allt går ihop, och inget antal och "
        "ingen skillnad mellan ett antal och en del av det är 1–{below}. En nolla säger inte att det inte fanns någon. "
        "Andelar är beräknade på avrundade antal; övriga mått är utelämnade. Tabellen görs om först när noll eller minst "
        "{threshold} personer har kommit till eller lämnat varje cell efter varje tidigare publicering; till dess står den "
        "kvar som den var.",
    ),
    Protection.CELL_KEY: Label(
        en="Noise is added to every count: at most {change} up or down, right on average, with variance {variance}. The "
        "same persons have the same noise in any table with noise and at any time. Counts do not add up. Counts that "
        "are below {threshold} with their noise are hidden, and those of which the others of a base are. Shares are computed "
        "from counts with noise; other measures are left out.",
        fi="Jokaiseen lukumäärään on lisätty satunnaista kohinaa: enintään {change} ylös tai alas, keskimäärin nolla, "
        "varianssi {variance}. Samoilla henkilöillä on sama kohina kaikissa kohinallisissa taulukoissa ja aina. "
        "Lukumäärät eivät täsmää summiinsa. Lukumäärät, jotka kohinan kanssa ovat alle {threshold}, on peitetty, samoin "
        "ne, joiden perusjoukon loppuosa on. Osuudet on laskettu kohinallisista lukumääristä; muut tunnusluvut on "
        "jätetty pois.",
        sv="Varje antal har fått ett slumpmässigt brus: högst {change} upp eller ned, noll i medeltal, med variansen "
        "{variance}. Samma personer har samma brus i alla tabeller med brus och alltid. Antalen går inte ihop. Antal som "
        "med sitt brus är under {threshold} är dolda, liksom de där resten av basen är det. Andelar är beräknade på antal "
        "med brus; övriga mått är utelämnade.",
    ),
}
