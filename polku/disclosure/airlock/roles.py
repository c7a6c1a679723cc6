"""Who may let outputs leave: names and their roles, in a file that the platform's owner keeps.

Belongs here: reading the file, and who is whom. Does not belong here: the order of signatures (`queue`), and proving
that somebody is who she says: the machine's own accounts do that.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from polku.contracts.faults import Faults, mapping_of, read_toml
from polku.errors import Exit, Refusal

OUTPUT_CHECKER = "output_checker"
ROLES = (OUTPUT_CHECKER,)


def read_roles(file: Path) -> Mapping[str, tuple[str, ...]]:
    """Roles by name, from `[people]` of the file: `"Name" = ["output_checker"]`. Refuses (USAGE) every fault of it."""
    data = read_toml(file, Exit.USAGE)
    faults = Faults()
    faults.take(data, "roles", {"people": dict})
    faults.need(data, "roles", "people")
    people = {}
    for name, roles in mapping_of(data.get("people")).items():
        if not isinstance(roles, list) or any(role not in ROLES for role in roles):
            faults.add(f"people.{name}", f"roles are a list of {', '.join(ROLES)}")
        else:
            people[name] = tuple(roles)
    folded = [person(name) for name in people]
    for name in people:
        if folded.count(person(name)) > 1:
            faults.add(f"people.{name}", "the name stands twice, spelled differently")
    faults.refuse(file.name, Exit.USAGE, "file of roles")
    return people


def refuse_unless_checker(people: Mapping[str, tuple[str, ...]], name: str) -> None:
    """Refuse (GATE_CLOSED) a name that is not on the list or has another role."""
    roles = next((roles for known, roles in people.items() if person(known) == person(name)), ())
    if OUTPUT_CHECKER not in roles:
        raise Refusal(
            Exit.GATE_CLOSED,
            f"`{name}` does not have the role {OUTPUT_CHECKER}.",
            "The owner of the platform gives roles in airlock/roles.toml.",
        )


def person(name: str) -> str:
    """The same for all spellings of one name: case, blanks and forms of letters make no other person."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
