"""Columns that no mart makes use of: candidates to drop from a contract, since only what is needed may be received.

Belongs here: following a column by its name from landing through the SQL of the models. Does not belong here: deciding;
a column may be wanted for a question that is still to be asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from polku.contracts.model import Contract, Table
from polku.contracts.reading import load_contracts

MODELS = Path("dbt_project/models")
MACROS = Path("dbt_project/macros")
_MACRO = re.compile(r"{%-? macro (\w+)\(.*?%}(.*?){%-? endmacro", re.DOTALL)


@dataclass(frozen=True)
class Model:
    """One model: whether it is a mart, and the lines of its SQL without comments."""

    is_mart: bool
    lines: tuple[str, ...]

    def has(self, text: str) -> bool:
        """Whether some line has the text."""
        return any(text in line for line in self.lines)


def unused_columns(folder: Path) -> list[str]:
    """Columns as register.table.column; `folder` holds `contracts/` and `dbt_project/`.

    Identifiers, natural keys, and what the contract itself works with are needed without any model. Names are followed,
    not meanings: a column that a model computes with counts as used even if nobody reads what it computes.
    """
    contracts = load_contracts(folder / "contracts")
    macros = _reading_macros(folder / MACROS)
    models = {path.stem: _model(path, macros) for path in sorted((folder / MODELS).rglob("*.sql"))}
    feeds = {feed.model: kind for contract in contracts.values() for kind, feed in contract.timeline.items()}
    readers = {name: _readers(name, feeds, models) for name in models}
    return [
        f"{contract.register}.{table.name}.{column}"
        for contract in contracts.values()
        for table in contract.tables
        for column in _candidates(contract, table)
        if not any(
            _is_used(column, name, models, readers)
            for name, model in models.items()
            if model.has(f"source('landing', '{contract.register}__{table.name}')")
        )
    ]


def _reading_macros(folder: Path) -> dict[str, str]:
    """The SQL of macros that read models themselves: it is that of the models which call them."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql")))
    return {name: sql for text in texts for name, sql in _MACRO.findall(text) if "ref('" in sql}


def _model(path: Path, macros: dict[str, str]) -> Model:
    text = path.read_text(encoding="utf-8")
    text += "".join(sql for name, sql in macros.items() if f"{name}(" in text)
    text = re.sub(r"{#.*?#}", "", text, flags=re.DOTALL)
    lines = (re.sub(r"--.*", "", line).strip() for line in text.splitlines())
    return Model(path.parent.name == "marts", tuple(line for line in lines if line))


def _readers(name: str, feeds: dict[str, str], models: dict[str, Model]) -> list[str]:
    """The models that read a model, by its name or as one of those that feed a timeline."""
    calls = [f"ref('{name}')", *([f"{feeds[name]}_models()"] if name in feeds else [])]
    return [other for other, model in models.items() if any(model.has(call) for call in calls)]


def _candidates(contract: Contract, table: Table) -> list[str]:
    edge = table.edge
    needed = {*table.natural_key, *(column.name for column in table.identifiers)}
    needed |= {n for n in (table.withdrawn, table.filed_by, table.period_by, table.purged_by) if n}
    needed |= {n for n in (edge.valid_from, edge.withdrawn) if n} if edge else set()
    needed |= {column.dated_by for column in table.columns if column.dated_by}
    return [column.name for column in table.columns if column.name not in needed]


def _is_used(column: str, name: str, models: dict[str, Model], readers: dict[str, list[str]]) -> bool:
    """Whether a model computes with a column or hands it on, perhaps renamed, to one that uses it or to an analyst."""
    handed_on = re.compile(rf"(?:\w+\.)?{column}(?: as (\w+))?,?|.*\bas {column},?|'{column}': '[^']*',?")
    outputs = set()
    for line in models[name].lines:
        if not re.search(rf"\b{column}\b", line):
            continue
        match = handed_on.fullmatch(line)
        if match is None:
            return True
        outputs.add(match[1] or column)
    if models[name].is_mart:
        return bool(outputs)
    return any(_is_used(output, reader, models, readers) for output in outputs for reader in readers[name])
