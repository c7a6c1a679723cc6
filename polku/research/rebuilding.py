"""What a night has to build again: all, nothing, or what the persons touched by new deliveries stand in.

Belongs here: comparing what has landed with what the warehouse was built of. Does not belong here: building (dbt) and
the SQL of landed tables (`views`).

A warehouse is built of the models and contracts, the reference tables, the landed parts and the keys of persons. Where
only parts have been added or keys have changed, every row that can have changed is about a person whom these name: the
models are computed for those persons alone, and their rows take the place of the old ones. Everything else, and every
doubt, builds all. What the warehouse is built of is put on record after a build has succeeded and taken off the record
before the next begins, so that a killed build is followed by a whole one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from polku.contracts.landed_tables import LandedTable
from polku.contracts.sql import PROVENANCE
from polku.exchange.files import digest_of
from polku.layout import DataRoot
from polku.research import landed, storage, views
from polku.research.crosswalk import PERSON_KEYS
from polku.research.reference import digest as reference_digest

MOST_TOUCHED = 0.5
"""From this share of all persons on, building everything, shard by shard, is not slower and needs less memory."""

PERSONS = "intermediate.int_resolve_persons"
"""The table of the warehouse with a row for each person."""

Parts = dict[str, dict[str, list[int]]]
"""By landed table and delivery: size and time of change of the part, which erasures rewrite."""


@dataclass(frozen=True)
class Plan:
    """`why` in words; `sources` of dbt that have changed (None: build all; empty: build nothing); `touched` keys."""

    why: str
    sources: frozenset[str] | None = None
    touched: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether everything is built."""
        return self.sources is None

    @property
    def extent(self) -> str:
        """How much is built, in words."""
        return "everything" if self.is_whole else f"what {self.touched} touched keys stand in"

    @property
    def is_empty(self) -> bool:
        """Whether nothing is built."""
        return self.sources is not None and not self.sources


def plan(root: DataRoot, code: str, *, by_parts: bool) -> Plan:
    """Compare with the last build; `code` is a digest of the models and their engine, `by_parts` whether that can build
    less than everything. Writes the keys that have been touched."""
    _touched(root).unlink(missing_ok=True)
    state = _read(root)
    if state is None or not root.warehouse.exists():
        return Plan("there is no finished build to start from")
    if state["code"] != code:
        return Plan("models or contracts have changed")
    if state["reference"] != reference_digest(root):
        return Plan("settings, codes or coverage of the study have changed")
    now, before = _parts(root), state["parts"]
    if any(now.get(table, {}).get(name) != part for table, parts in before.items() for name, part in parts.items()):
        return Plan("landed rows have been erased or restored")
    changed = sorted(table for table, parts in now.items() if parts.keys() != before.get(table, {}).keys())
    with storage.connect(root) as con:
        con.execute(f"create temp table {views.TOUCHED} (entity_key bigint)")
        rekeyed = _rekeyed(con, root)
        if (changed or rekeyed) and not by_parts:
            return Plan(f"{', '.join(changed) or 'keys of persons'} changed")
        tables = views.tables()
        for name in changed:
            _touch(con, root, tables[name], sorted(before.get(name, {})))
        _close(con, root, tables)
        if (share := _share_touched(con, root)) > MOST_TOUCHED:
            return Plan(f"new deliveries touch {share:.0%} of all persons")
        touched = _count(con, views.TOUCHED)
        storage.write_parquet(con, f"from {views.TOUCHED} order by entity_key", _touched(root))
    sources = frozenset(tables if rekeyed else changed)
    if not sources:
        _touched(root).unlink()
        return Plan("nothing has changed since the last build", sources)
    return Plan(f"{', '.join(changed) or 'keys of persons'} changed", sources, touched)


def begin(root: DataRoot) -> None:
    """Take the last build off the record: from now on the warehouse is of two times."""
    (root.built / "state.json").unlink(missing_ok=True)


def finish(root: DataRoot, code: str) -> None:
    """Put the build on record, and let the views over landing show everybody again."""
    root.built.mkdir(parents=True, exist_ok=True)
    if _touched(root).is_file():
        _touched(root).unlink()
        with storage.connect(root) as con:
            storage.attach(con, root, root.warehouse, "warehouse")
            views.create(con, root, None)
    keys = root.reference(PERSON_KEYS)
    if keys.is_file():
        _keys(root).write_bytes(keys.read_bytes())
    new = root.built / "state.json.new"
    new.write_text(
        json.dumps({"code": code, "reference": reference_digest(root), "parts": _parts(root)}), encoding="utf-8"
    )
    new.replace(root.built / "state.json")


def touched_file(root: DataRoot) -> Path | None:
    """The keys to be rebuilt, when the build under way is not of everything."""
    file = _touched(root)
    return file if file.is_file() else None


def code_digest(folder: Path) -> str:
    """One digest of everything that says what the marts mean: models, contracts, studies, SQL of landed tables."""
    files = [*folder.glob("contracts/*.toml"), *folder.glob("studies/*.toml")]
    files += [p for kind in ("macros", "models", "seeds") for p in folder.glob(f"dbt_project/{kind}/**/*.*")]
    files += [folder / "polku/research" / name for name in ("views.py", "landed.py")]
    lines = (f"{path.relative_to(folder)} {digest_of(path)}" for path in sorted(files) if path.is_file())
    return sha256("\n".join(lines).encode()).hexdigest()


def _read(root: DataRoot) -> dict[str, Any] | None:
    file = root.built / "state.json"
    if not file.is_file():
        return None
    state: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return state


def _touched(root: DataRoot) -> Path:
    return root.built / "touched.parquet"


def _keys(root: DataRoot) -> Path:
    return root.built / "person_keys.parquet"


def _parts(root: DataRoot) -> Parts:
    found: Parts = {}
    for name, table in views.tables().items():
        parts = landed.parts(root, table.register, table.table.name)
        found[name] = {part.stem: [part.stat().st_size, part.stat().st_mtime_ns] for part in parts}
    return {name: parts for name, parts in found.items() if parts}


def _rekeyed(con: duckdb.DuckDBPyConnection, root: DataRoot) -> bool:
    """Touch whoever has another key than at the last build, or is restricted now or then alone."""
    now, then = (_person_keys(file) for file in (root.reference(PERSON_KEYS), _keys(root)))
    con.execute(f"""
        insert into {views.TOUCHED}
        select unnest([entity_key, person_key]) from (
          (from {now} except from {then}) union all (from {then} except from {now}))""")
    return _count(con, views.TOUCHED) > 0


def _person_keys(file: Path) -> str:
    if file.is_file():
        return storage.parquet(file)
    return "(select null::bigint as entity_key, null::bigint as person_key, null::boolean as is_restricted where false)"


def _touch(con: duckdb.DuckDBPyConnection, root: DataRoot, table: LandedTable, before: list[str]) -> None:
    """Touch the persons of a table whose rows that stand are not those of the last build."""
    parts = landed.parts(root, table.register, table.table.name)
    new = [part for part in parts if part.stem not in before]
    if table.table.replaces == "rows":
        _touch_rows(con, table, f"({_rows(root, table, new)})")
        return
    con.execute(f"create or replace temp table rows_now as {_rows(root, table, parts)}")
    con.execute(f"create or replace temp table rows_then as {_rows(root, table, [p for p in parts if p not in new])}")
    columns = ", ".join(name for name in table.columns if name not in PROVENANCE)
    for one, other in (("rows_now", "rows_then"), ("rows_then", "rows_now")):
        changed = f"select {columns} from {one} except all select {columns} from {other}"
        _touch_rows(con, table, f"({changed})")
    # Which of two rows with one natural key counts may turn on their numbers in the delivery.
    key = ", ".join(table.table.natural_key)
    _touch_rows(
        con,
        table,
        f"(from rows_now semi join (select {key} from rows_now group by all having count(*) > 1) using ({key}))",
    )
    con.execute("drop table rows_now; drop table rows_then")


def _rows(root: DataRoot, table: LandedTable, parts: list[Path]) -> str:
    return views.select(root, table, landed.standing(root, table.register, table.table, parts))


def _touch_rows(con: duckdb.DuckDBPyConnection, table: LandedTable, rows: str) -> None:
    if table.subjects:
        keys = ", ".join(table.subjects)
        con.execute(f"insert into {views.TOUCHED} select unnest([{keys}]) from {rows}")


def _close(con: duckdb.DuckDBPyConnection, root: DataRoot, tables: Mapping[str, LandedTable]) -> None:
    """Touch every other key of the persons touched: a register's own number stands in tables without another key."""
    linking = [table for table in tables.values() if len(table.subjects) > 1]
    for number, table in enumerate(linking):
        rows = _rows(root, table, landed.parts(root, table.register, table.table.name))
        con.execute(f"""
            create temp table pair_{number} as
            select line, unnest(keys) as entity_key
            from (select row_number() over () as line, keys
                  from (select distinct [{", ".join(table.subjects)}] as keys from ({rows})))""")
    size = -1
    while size != (size := _distinct(con)):
        for number in range(len(linking)):
            con.execute(f"""
                insert into {views.TOUCHED} select entity_key from pair_{number}
                where line in (select line from pair_{number} semi join {views.TOUCHED} using (entity_key))""")


def _distinct(con: duckdb.DuckDBPyConnection) -> int:
    """The keys touched, each once."""
    con.execute(f"""
        create or replace temp table {views.TOUCHED} as
        select distinct entity_key from {views.TOUCHED} where entity_key is not null""")
    return _count(con, views.TOUCHED)


def _share_touched(con: duckdb.DuckDBPyConnection, root: DataRoot) -> float:
    """Of the persons whom the warehouse knows."""
    storage.attach(con, root, root.warehouse, "warehouse", read_only=True)
    known = f"warehouse.{PERSONS}"
    touched = _count(con, f"(from {known} semi join {views.TOUCHED} on entity_key = person_key)")
    return touched / max(_count(con, known), 1)


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(con.execute(f"select count(*) from {relation}").fetchall()[0][0])
