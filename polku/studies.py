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
from polku.disclosure.inexact.protections import Protection
from polku.effects.plan import Comparison, parse_comparison
from polku.effects.subgroups import parse_subgroups
from polku.errors import Exit, Refusal
from polku.layout import RULES
from polku.outcomes import Outcome, parse_use
from polku.study_settings import check_codes, check_months, groups_of, protections_of

LAST_PERMANENT = 899
"""Individual numbers 002-899 are permanent identity codes; 900-999 are temporary (DVV)."""


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
    `subgroups` are strata for which effects are estimated too, of one characteristic or two each.
    `outcomes` are those of the catalogue that the study uses, in its order. `empty_groups` are groups that nobody is in
    by design. `protections` are those of released tables that are to be rounded or noisy; all others have gaps.
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
    subgroups: tuple[tuple[str, ...], ...] = ()
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    empty_groups: frozenset[str] = frozenset()
    protections: Mapping[str, Protection] = field(default_factory=dict)

    def protection_of(self, table: str) -> Protection:
        """How a released table is protected."""
        return self.protections.get(table, Protection.GAPS)

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
    check_codes(sections, faults)
    groups, empty_groups = groups_of(mapping_of(data.get("groups")), faults)
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
    check_months(sections, clients, faults)
    protections = protections_of(sections["release"], faults)
    comparison = None
    if "comparison" in data:
        comparison = parse_comparison(
            mapping_of(data["comparison"]), effective.values(), sections["outcomes"].get("months_after", 0), faults
        )
    subgroups = parse_subgroups(
        mapping_of(data.get("subgroups")),
        sections["cohort"].get("risk_set_states", ()),
        sections["release"].get("tables"),
        faults,
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
        subgroups=subgroups,
        outcomes={code: outcome.filled(least_wage=f"{least_wage.normalize():f}") for code, outcome in outcomes.items()},
        empty_groups=empty_groups,
        protections=protections,
    )


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
    "subgroups": dict,
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
    "release": {"profile": str, "tables": list, "protection": dict},
}
_OPTIONAL = frozenset(("municipality_code", "min_age_years", "max_age_years", "risk_set_states", "protection"))
_REGISTER: dict[str, type | tuple[type, ...]] = {
    "covered_from": date,
    "maturity_months": int,
    "cadence_days": int,
    "bad_row_limit": float,
}
