"""The attack on an output: which of its hidden cells follow from the shown ones.

Belongs here: putting the table before the attacker of `polku audit`. Does not belong here: the attacker itself
(`polku.disclosure.attack`), and which cells need protection (`judging`).

The attacker knows every shown figure, every total of dimensions along which persons add up (the size of the study, or
another table, tells it) unless the file hides it, that counts are whole, and which gaps are small (A2). Cells of which
persons are in several codes of a dimension have no sums along it, and are left out where it is at its total.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from itertools import combinations, compress
from pathlib import Path

import numpy as np

from polku.disclosure.airlock.recomputing import Codes, Shape, Truth
from polku.disclosure.attack.explain import Explainer, published_in
from polku.disclosure.attack.intervals import solved
from polku.disclosure.attack.knowledge import bounds_of, knowledge_of
from polku.disclosure.attack.rows import ALMOST
from polku.disclosure.attack.spec import AuditSpec, Options, Table
from polku.disclosure.attack.system import build
from polku.disclosure.attack.tables import NO_MARK, OTHER, PRIMARY, Column, Figures
from polku.disclosure.policy import Policy

LEVEL = "A2"


def given_away(
    truth: Truth, shown: Mapping[Codes, float], gaps: Collection[Codes], sensitive: Collection[Codes], policy: Policy
) -> dict[Codes, str]:
    """The sensitive cells that follow from the `shown` counts, and by which figures. Names cells, holds no figure.

    `gaps` are the cells that the file hides; a sensitive cell may also be one that it does not mention.
    """
    known = {codes: count for codes, count in shown.items() if _adds_up(truth, codes)}
    hidden = [codes for codes in gaps if _adds_up(truth, codes)]
    secret = set(sensitive)
    known |= _totals(truth, [*known, *hidden], {*known, *hidden, *secret})
    wanted = [codes for codes in dict.fromkeys([*hidden, *secret]) if codes in secret and _adds_up(truth, codes)]
    if not wanted or not known:
        return {}
    figures = _figures(truth, known, hidden, secret, policy)
    zeros_published = not policy.protect_zeros
    options = Options(threshold=policy.threshold, zeros_published=zeros_published, whole=True, level=LEVEL)
    spec = AuditSpec(truth.dimensions, (figures.table,), options=options)
    system = build(spec, joint=False, read=[figures])
    low, high, whole = bounds_of(system, knowledge_of(spec, LEVEL, policy.threshold))
    names = truth.description.names
    places = np.searchsorted(
        system.keys, [system.layout.of_codes(dict(zip(names, codes, strict=True))) for codes in wanted]
    )
    asked = np.zeros(len(system.keys), dtype=bool)
    asked[places] = True
    least, most = solved(system.facts, low, high, whole, asked)
    exact = most[places] - least[places] <= ALMOST
    values = {int(at): float(least[at]) for at in places[exact]}
    why = Explainer(system.facts, (low, high), whole, system.name, partial(published_in, system)).of(values)
    return {codes: why[int(at)] for codes, at in compress(zip(wanted, places, strict=True), exact)}


def shapes_with_totals(truth: Truth, shapes: Collection[Shape]) -> set[Shape]:
    """The shapes, and those that are left when dimensions that add up are at their totals."""
    found = set(shapes)
    for shape in shapes:
        adding = [name for name in shape if name not in truth.apart]
        for size in range(1, len(adding) + 1):
            found |= {tuple(n for n in shape if n not in gone) for gone in combinations(adding, size)}
    return found


def _adds_up(truth: Truth, codes: Codes) -> bool:
    return truth.apart <= set(truth.shape(codes))


def _totals(truth: Truth, cells: Collection[Codes], but: Collection[Codes]) -> dict[Codes, float]:
    """Totals over these cells that everybody knows."""
    found: set[Codes] = set()
    adding = [(i, own.total) for i, (name, own) in enumerate(truth.dimensions.items()) if name not in truth.apart]
    for i, total in adding:
        found |= {(*codes[:i], total, *codes[i + 1 :]) for codes in [*cells, *found]}
    wanted = [codes for codes in sorted(found) if codes not in but and codes in truth.places]
    return dict(zip(wanted, truth.of(wanted).tolist(), strict=True))


def _figures(
    truth: Truth, known: Mapping[Codes, float], hidden: list[Codes], secret: Collection[Codes], policy: Policy
) -> Figures:
    cells = [*known, *hidden]
    figure = np.array([*known.values(), *([np.nan] * len(hidden))], dtype=np.float64)
    persons = truth.of(hidden) if hidden else np.empty(0)
    marks = [
        OTHER if codes not in secret else PRIMARY if policy.too_small(int(n)) else NO_MARK
        for codes, n in zip(hidden, persons, strict=True)
    ]
    columns = {}
    for i, (name, dimension) in enumerate(truth.dimensions.items()):
        at = {code: place for place, code in enumerate(dimension.codes)}
        columns[name] = Column(dimension.codes, np.array([at[codes[i]] for codes in cells]))
    table = Table(Path("the table"), tuple(truth.dimensions))
    mark = np.array([*([NO_MARK] * len(known)), *marks], dtype=np.int8)
    # A zero that needs no protection is no gap to the attacker, who else believes that somebody is in it.
    is_gap = [n > 0 or codes in secret for codes, n in zip(hidden, persons, strict=True)]
    return Figures(table, columns, figure, np.array([*([False] * len(known)), *is_gap], dtype=bool), mark)
