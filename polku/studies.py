"""A study: its window, groups, cohort rule and the registers it uses.

Belongs here: reading `studies/*.toml` and narrowing or extending contracts for the study's own
deliveries. Does not belong here: anything computed from data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from polku.contracts.columns import NAME, parse_column
from polku.contracts.faults import Faults, label_of, mapping_of, read_toml, tables_of
from polku.contracts.file_formats import file_format_of
from polku.contracts.model import Column, Contract, Label, Table
from polku.contracts.reading import load_contracts
from polku.contracts.soundness import STATES
from polku.effects.plan import Comparison, parse_comparison
from polku.errors import Exit, Refusal
from polku.layout import RULES
from polku.outcomes import Outcome, parse_use

LAST_PERMANENT = 899
"""Individual numbers 002-899 are permanent identity codes; 900-999 are temporary (DVV)."""

GROUPS = ("client", "never_client")
RULE_SETS = ("statfin_v1", "employment_first")
MONTH_RULES = ("last_day", "majority")


@dataclass(frozen=True)
class Study:
    """One study and the contracts of its deliveries.

    `window_until` is inclusive. `permanent_until` is the last individual number that counts as a
    permanent identity code: only a test study may widen it, because invented persons carry 900-999.
    `rule_set` is one of the seed state_priority; `month_rule` says when a state holds a month: on its last day, or on
    more than half of its days. `risk_set_states` are the main activities in which persons may
    enter the service: in such a month others are compared with those who then enter it (none: no month compares).
    `contracts` are the effective ones; `omitted` names, by (register, table), the columns that this
    study's deliveries lack: they land as null. `comparison` is how clients are matched with others (None: not at all).
    `outcomes` are those of the catalogue that the study uses, in its order. `empty_groups` are groups that nobody is in
    by design.
    """

    code: str
    title: Label
    purpose: str
    permit: str
    test: bool
    permanent_until: int
    window_from: date
    window_until: date
    client_register: str
    municipality_code: str | None
    foreign_background: bool
    min_age_years: int | None
    max_age_years: int | None
    risk_set_states: tuple[str, ...]
    groups: dict[str, Label]
    months_before: int
    months_after: int
    employed_min_eur_per_month: Decimal
    rule_set: str
    month_rule: str
    release_profile: str
    release_tables: tuple[str, ...]
    contracts: dict[str, Contract]
    omitted: dict[tuple[str, str], frozenset[str]]
    comparison: Comparison | None = None
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    empty_groups: frozenset[str] = frozenset()

    def delivered(self, register: str, table: str) -> tuple[Column, ...]:
        """The columns of a table that this study's deliveries carry."""
        missing = self.omitted.get((register, table), frozenset())
        return tuple(c for c in self.contracts[register].table(table).columns if c.name not in missing)


def load_study(name: str, folder: Path = RULES) -> Study:
    """The study `name` (`studies/<name>.toml` over `contracts/*.toml`).

    Refuses (STUDY_INVALID, CONTRACT_INVALID) with every fault of the file.
    """
    path = folder / "studies" / f"{name}.toml"
    if not NAME.fullmatch(name) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in (folder / "studies").glob("*.toml")))
        raise Refusal(Exit.STUDY_INVALID, f"there is no study `{name}`.", f"Studies here: {known}.")
    return parse_study(read_toml(path, Exit.STUDY_INVALID), path.name, load_contracts(folder / "contracts"))


def parse_study(data: Mapping[str, Any], file: str, contracts: Mapping[str, Contract]) -> Study:
    """A `Study` from parsed TOML and the base contracts."""
    faults = Faults()
    faults.take(data, "study", _TOP)
    faults.need(data, "study", "study", "test", "title", "purpose", "permit", "window", "cohort", "groups", "outcomes")
    faults.need(data, "study", "timeline", "release", "registers")
    sections = {}
    for name, keys in _SECTIONS.items():
        sections[name] = mapping_of(data.get(name))
        faults.take(sections[name], name, keys)
        faults.need(sections[name], name, *(key for key in keys if key not in _OPTIONAL))
    if f"{data.get('study')}.toml" != file:
        faults.add("study", "`study` must be the file's name")
    permanent_until = data.get("permanent_until", LAST_PERMANENT)
    if permanent_until != LAST_PERMANENT and data.get("test") is not True:
        faults.add("study", "only a study with `test = true` may widen `permanent_until` beyond 899")
    for state in sections["cohort"].get("risk_set_states", ()):
        if state not in STATES:
            faults.add("cohort", f"`risk_set_states` names `{state}`; these are states: {', '.join(sorted(STATES))}")
    for key, known in (("rule_set", RULE_SETS), ("month_rule", MONTH_RULES)):
        if sections["timeline"].get(key) not in known:
            faults.add("timeline", f"`{key}` must be one of {', '.join(known)}")
    groups, empty_groups = _groups(mapping_of(data.get("groups")), faults)
    effective: dict[str, Contract] = {}
    omitted: dict[tuple[str, str], frozenset[str]] = {}
    for register, changes in mapping_of(data.get("registers")).items():
        if register not in contracts:
            faults.add(f"registers.{register}", f"no contract `contracts/{register}.toml`")
            continue
        if contracts[register].denied is not None:
            faults.add(f"registers.{register}", f"no study may have this register: {contracts[register].denied}")
            continue
        effective[register] = _narrow(contracts[register], mapping_of(changes), omitted, faults)
    clients = effective.get(str(sections["cohort"].get("client_register")))
    if clients is None or "client" not in clients.timeline:
        faults.add("cohort", "`client_register` must be a register of the study whose contract has `[timeline] client`")
    title = label_of(data.get("title"), "title", faults)
    used = mapping_of(sections["outcomes"].get("use"))
    outcomes = parse_use(used, sections["release"].get("tables"), effective, faults)
    _check_months(sections, clients, faults)
    comparison = None
    if "comparison" in data:
        comparison = parse_comparison(
            mapping_of(data["comparison"]), effective.values(), sections["outcomes"].get("months_after", 0), faults
        )
    faults.refuse(file, Exit.STUDY_INVALID, "study")
    cohort, months = sections["cohort"], sections["outcomes"]
    least_wage = Decimal(str(months["employed_min_eur_per_month"]))
    return Study(
        code=data["study"],
        title=title,
        purpose=data["purpose"],
        permit=data["permit"],
        test=data["test"],
        permanent_until=permanent_until,
        window_from=sections["window"]["from"],
        window_until=sections["window"]["until"],
        client_register=cohort["client_register"],
        municipality_code=cohort.get("municipality_code"),
        foreign_background=cohort["foreign_background"],
        min_age_years=cohort.get("min_age_years"),
        max_age_years=cohort.get("max_age_years"),
        risk_set_states=tuple(cohort.get("risk_set_states", ())),
        groups=groups,
        months_before=months["months_before"],
        months_after=months["months_after"],
        employed_min_eur_per_month=least_wage,
        rule_set=sections["timeline"]["rule_set"],
        month_rule=sections["timeline"]["month_rule"],
        release_profile=sections["release"]["profile"],
        release_tables=tuple(sections["release"]["tables"]),
        contracts=effective,
        omitted=omitted,
        comparison=comparison,
        outcomes={code: outcome.filled(least_wage=f"{least_wage.normalize():f}") for code, outcome in outcomes.items()},
        empty_groups=empty_groups,
    )


def _groups(data: Mapping[str, Any], faults: Faults) -> tuple[dict[str, Label], frozenset[str]]:
    """The labels of the groups, and which of them are empty by design."""
    for name, entry in data.items():
        faults.take(mapping_of(entry), f"groups.{name}", {"label": dict, "nobody": bool})
    if tuple(data) != GROUPS:
        faults.add("groups", f"the groups are {' and '.join(GROUPS)}, in this order")
    labels = {name: label_of(mapping_of(entry).get("label"), f"groups.{name}", faults) for name, entry in data.items()}
    return labels, frozenset(name for name, entry in data.items() if mapping_of(entry).get("nobody") is True)


def _check_months(sections: Mapping[str, Mapping[str, Any]], clients: Contract | None, faults: Faults) -> None:
    """Refuses a window, a follow-up and ages by which nobody at all could be in the study."""
    window, outcomes, cohort = sections["window"], sections["outcomes"], sections["cohort"]
    first, last = _both(window, "from", "until", date)
    before, after = _both(outcomes, "months_before", "months_after", int)
    youngest, oldest = _both(cohort, "min_age_years", "max_age_years", int)
    if youngest is not None and oldest < youngest:
        faults.add("cohort", "`max_age_years` is below `min_age_years`")
    if before is not None and min(before, after) < 0:
        faults.add("outcomes", "`months_before` and `months_after` are not below zero")
    if first is None:
        return
    months = 12 * (last.year - first.year) + last.month - first.month + 1
    if last < first:
        faults.add("window", "`until` is before `from`")
    elif before is not None and before + 1 + after > months:
        faults.add("outcomes", f"a follow-up of {before + 1 + after} months does not fit into the window's {months}")
    if clients is not None and last < clients.covered_from:
        faults.add("window", f"nobody enters before {clients.covered_from}, from when `{clients.register}` is complete")


def _both(data: Mapping[str, Any], one: str, other: str, kind: type) -> tuple[Any, Any]:
    """Two settings that belong together; both None where one is missing or of a wrong type."""
    values = (data.get(one), data.get(other))
    return values if all(isinstance(value, kind) for value in values) else (None, None)


def _narrow(
    base: Contract,
    changes: Mapping[str, Any],
    omitted: dict[tuple[str, str], frozenset[str]],
    faults: Faults,
) -> Contract:
    """The contract of one study's deliveries of a register."""
    place = f"registers.{base.register}"
    names = changes.get("tables", [table.name for table in base.tables])
    known = {table.name: table for table in base.tables}
    for name in set(names) - set(known):
        faults.add(place, f"the contract has no table `{name}`")
    tables = []
    for name in (name for name in names if name in known):
        entry = mapping_of(changes.get(name))
        tables.append(_narrow_table(base, known[name], entry, f"{place}.{name}", omitted, faults))
    overrides = {
        key: value for key, value in changes.items() if key not in known and key not in ("tables", "file_format")
    }
    faults.take(overrides, place, _REGISTER)
    if "covered_from" in overrides:
        # Of other data than the register's own: whether its service existed then says nothing of them.
        base = replace(base, exists_from=None, exists_until=None)
    file_format = mapping_of(changes.get("file_format"))
    replaced = file_format_of(file_format, faults, f"{place}.file_format")
    return replace(
        base,
        file_format=replace(
            base.file_format, **{key: getattr(replaced, key) for key in file_format if hasattr(replaced, key)}
        ),
        tables=tuple(tables),
        **{key: value for key, value in overrides.items() if key in _REGISTER},
    )


def _narrow_table(
    contract: Contract,
    table: Table,
    changes: Mapping[str, Any],
    place: str,
    omitted: dict[tuple[str, str], frozenset[str]],
    faults: Faults,
) -> Table:
    faults.take(changes, place, {"omit": list, "file": str, "add": list})
    omit = frozenset(changes.get("omit", ()))
    for name in sorted(omit - {column.name for column in table.columns}):
        faults.add(place, f"`omit` names `{name}`, which the contract does not have")
    omitted[contract.register, table.name] = omit
    columns = [replace(c, required=False) if c.name in omit else c for c in table.columns]
    for i, entry in enumerate(tables_of(changes.get("add"))):
        columns.append(parse_column(entry, f"{place}.add[{i}]", faults, contract.register))
    return replace(table, file=changes.get("file", table.file), columns=tuple(columns))


_TOP: dict[str, type | tuple[type, ...]] = {
    "study": str,
    "title": dict,
    "purpose": str,
    "permit": str,
    "test": bool,
    "permanent_until": int,
    "window": dict,
    "cohort": dict,
    "groups": dict,
    "outcomes": dict,
    "comparison": dict,
    "timeline": dict,
    "release": dict,
    "registers": dict,
}
_SECTIONS: dict[str, dict[str, type | tuple[type, ...]]] = {
    "window": {"from": date, "until": date},
    "cohort": {
        "client_register": str,
        "municipality_code": str,
        "foreign_background": bool,
        "min_age_years": int,
        "max_age_years": int,
        "risk_set_states": list,
    },
    "outcomes": {"months_before": int, "months_after": int, "employed_min_eur_per_month": (int, float), "use": dict},
    "timeline": {"rule_set": str, "month_rule": str},
    "release": {"profile": str, "tables": list},
}
_OPTIONAL = frozenset(("municipality_code", "min_age_years", "max_age_years", "risk_set_states"))
_REGISTER: dict[str, type | tuple[type, ...]] = {
    "covered_from": date,
    "maturity_months": int,
    "cadence_days": int,
    "bad_row_limit": float,
}
