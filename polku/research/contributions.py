"""Which amounts of tonight's marts few persons make up, from the warehouse of this night.

Belongs here: reading who is behind a mart. Does not belong here: the rules (`polku.disclosure.primary`).
"""

from __future__ import annotations

from collections.abc import Iterable

from polku.disclosure.cells import ReleaseSpec
from polku.disclosure.policy import Policy
from polku.disclosure.primary.amounts import Unsafe, unsafe_amounts
from polku.layout import DataRoot
from polku.research import storage


def unsafe_amounts_of(root: DataRoot, specs: Iterable[ReleaseSpec], policy: Policy) -> dict[str, Unsafe]:
    """By table that publishes amounts, those that break a rule of amounts."""
    published = [spec for spec in specs if spec.amounts]
    if not published:
        return {}
    with storage.connect(root) as con:
        storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
        return {
            spec.name: unsafe_amounts(con, spec, f"warehouse.intermediate.{spec.members}", policy) for spec in published
        }
