"""The seal report: what an authority and its data protection officer keep of a delivery.

Belongs here: what the report says and how it looks. Does not belong here: counting (`screening`), and what the
receivers are told (`polku.exchange.delivery`, whose small counts are banded).

One page to print, in three languages, and the same facts as JSON. No value of a row is in either.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from polku.authority.screening import Fault
from polku.contracts.model import LANGUAGES, Column, Table
from polku.exchange.delivery import DATA, ID, Delivery, Heading, Manifest
from polku.exchange.keys import LINKAGE, RESEARCH
from polku.exchange.trust import Trust
from polku.process import swap
from polku.studies import Study


@dataclass(frozen=True)
class TableReport:
    """One file of an extract in exact counts: `refused` by reason, `faults` by column and reason; a row with two
    counts under both. `redacted` are emptied cells of free text by column, `dropped` the file's columns that stay,
    `absent` those that it rightly lacks, by our names. `footers` are rows that are no records."""

    table: Table
    file: str
    columns: tuple[Column, ...]
    sha256: str
    rows_read: int
    rows_kept: int
    rows_respelled: int
    refused: dict[str, int]
    faults: tuple[Fault, ...]
    redacted: dict[str, int]
    dropped: tuple[str, ...]
    absent: frozenset[str]
    footers: int


@dataclass(frozen=True)
class SealReport:
    """What was sealed, in counts. `quarantine` is the authority's own list of refused rows, if any."""

    heading: Heading
    delivery: Delivery
    manifest: Manifest
    tables: tuple[TableReport, ...]
    quarantine: Path | None

    @property
    def delivery_id(self) -> str:
        """Name of the delivery."""
        return self.delivery.delivery_id

    @property
    def id_part(self) -> Path:
        """The package for the linkage unit."""
        return self.delivery.files[ID]

    @property
    def data_part(self) -> Path:
        """The package for the research platform."""
        return self.delivery.data

    @property
    def page(self) -> Path:
        """The report to print; the same as JSON lies beside it."""
        return self.data_part.with_name(f"{self.delivery_id}.report.html")


@cache
def words(language: str) -> Mapping[str, Any]:
    """The report's words in one of the three languages."""
    every: dict[str, Any] = tomllib.loads((files("polku.authority") / "report.toml").read_text(encoding="utf-8"))
    return dict(every[language])


def write_report(report: SealReport, study: Study, pins: Trust) -> None:
    """Write the page and the JSON beside the packages (mode 0600), each whole or not at all."""
    facts = _facts(report, study, pins)
    for path, text in (
        (report.page, _page(facts)),
        (report.page.with_suffix(".json"), json.dumps(facts, indent=1, ensure_ascii=False) + "\n"),
    ):
        part = path.with_name(f".{path.name}.part")
        part.touch(mode=0o600)
        part.write_text(text, encoding="utf-8")
        part.replace(path)


def _facts(report: SealReport, study: Study, pins: Trust) -> dict[str, Any]:
    contract = study.contracts[report.heading.register]
    manifest = report.manifest
    return {
        "delivery": report.delivery_id,
        "sealed_at": report.heading.created_at,
        "test": study.test,
        "study": asdict(study.title),
        "purpose": study.purpose,
        "permit": study.permit,
        "register": asdict(contract.title),
        "authority": asdict(contract.authority),
        "system": contract.system,
        "contract_version": contract.version,
        "legal_basis": list(contract.legal_basis),
        "extracted_on": manifest.extracted_on.isoformat(),
        "period": [day.isoformat() for day in manifest.period or ()],
        "tool": f"polku {manifest.tool_version}",
        "memory": swap().value,
        "tables": [_table_facts(table) for table in report.tables],
        "signing_key": pins.party(report.heading.register).verify_key.key_id.hex(),
        "epoch": pins.epoch,
        "packages": [
            {
                "package": report.delivery.files[part].name,
                "sha256": report.delivery.digests[part],
                "recipient": recipient,
                "sealing_key": pins.party(recipient).sealing_key.key_id.hex(),
            }
            for part, recipient in ((ID, LINKAGE), (DATA, RESEARCH))
        ],
    }


def _table_facts(report: TableReport) -> dict[str, Any]:
    return {
        "file": report.file,
        "title": asdict(report.table.title),
        "sha256": report.sha256,
        "rows": report.rows_read,
        "rows_kept": report.rows_kept,
        "rows_respelled": report.rows_respelled,
        "footers": report.footers,
        "cells_emptied": report.redacted,
        "columns": [{"column": c.source, "leaves_as": _form(report, c), "why": c.why} for c in report.columns],
        "columns_left_out": [{"column": name, "why_not": report.table.never.get(name)} for name in report.dropped],
        "rows_refused": [fault._asdict() for fault in report.faults],
    }


def _form(report: TableReport, column: Column) -> str:
    if column.name in report.absent:
        return "absent"
    return "token" if column.type == "identifier" else column.coarsen or column.free_text or "as_written"


def _page(facts: Mapping[str, Any]) -> str:
    title = f"{facts['delivery']} - {' / '.join(words(language)['title'] for language in LANGUAGES)}"
    links = " | ".join(f'<a href="#{language}">{escape(words(language)["title"])}</a>' for language in LANGUAGES)
    parts = "".join(_part(facts, language) for language in LANGUAGES)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head>\n<body><nav>{links}</nav>\n{parts}</body></html>\n"
    )


def _part(facts: Mapping[str, Any], language: str) -> str:
    """The whole report in one language. Reasons of contracts are written in English alone."""
    said = words(language)
    simple = ("delivery", "sealed_at", "study", "purpose", "permit", "register", "authority", "system")
    heading = [(said[key], _text(facts[key], language)) for key in simple]
    heading += [(said[key], _text(facts[key], language)) for key in ("contract_version", "legal_basis", "extracted_on")]
    heading += [(said["period"], " - ".join(facts["period"]) or said["nothing"]), (said["tool"], facts["tool"])]
    heading.append((said["memory"], said["memory_states"][facts["memory"]]))
    read = [(t["file"], f"{t['rows']:,}", t["sha256"]) for t in facts["tables"]]
    packages = [
        (p["package"], p["sha256"], said[p["recipient"]], p["sealing_key"], facts["signing_key"])
        for p in facts["packages"]
    ]
    return "\n".join(
        [
            f'<section id="{language}" lang="{language}"><h1>{escape(said["title"])}: {escape(facts["delivery"])}</h1>',
            _paragraph(said["note"]) + (_paragraph(said["test"]) if facts["test"] else ""),
            _rows(heading),
            f"<h2>{escape(said['read'])}</h2>",
            _rows(read, (said["file"], said["rows"], "SHA-256")),
            f"<h2>{escape(said['left'])}</h2>",
            *(_paragraph(said[key]) for key in ("identifiers", "free_text", "order")),
            *(_left(table, said, language) for table in facts["tables"]),
            f"<h2>{escape(said['stayed'])}</h2>",
            *(_stayed(table, said, language) for table in facts["tables"]),
            f"<h2>{escape(said['keys'])}</h2>",
            _paragraph(f"{said['epoch']}: {facts['epoch']}"),
            _rows(
                packages,
                (said["package"], "SHA-256", said["recipient"], said["sealing_key"], said["signing_key"]),
            ),
            "</section>\n",
        ]
    )


def _left(table: Mapping[str, Any], said: Mapping[str, Any], language: str) -> str:
    counts = f"{table['rows_kept']:,} {said['rows_kept']}; {table['rows_respelled']:,} {said['rows_respelled']}"
    emptied = sum(table["cells_emptied"].values())
    if emptied:
        counts += f"; {emptied:,} {said['cells_emptied']}"
    if table["footers"]:
        counts += f"; {table['footers']:,} {said['footers']}"
    columns = [(c["column"], said["forms"][c["leaves_as"]], c["why"]) for c in table["columns"]]
    return (
        f"<h3>{escape(_text(table['title'], language))} ({escape(table['file'])})</h3>"
        + _paragraph(counts)
        + _rows(columns, (said["column"], said["leaves_as"], said["why"]))
    )


def _stayed(table: Mapping[str, Any], said: Mapping[str, Any], language: str) -> str:
    columns = [(c["column"], c["why_not"] or said["unnamed"]) for c in table["columns_left_out"]]
    refused = [
        (
            fault["column"],
            said["reasons"][fault["reason"]],
            f"{fault['rows']:,}",
            ", ".join(map(str, fault["first_rows"])),
        )
        for fault in table["rows_refused"]
    ]
    none = _paragraph(said["nothing"])
    return "".join(
        (
            f"<h3>{escape(_text(table['title'], language))} ({escape(table['file'])})</h3>",
            f"<h4>{escape(said['columns_left_out'])}</h4>",
            _rows(columns, (said["column"], said["why_not"])) if columns else none,
            f"<h4>{escape(said['rows_refused'])}</h4>",
            _rows(refused, (said["column"], said["reason"], said["rows"], said["first_rows"])) if refused else none,
        )
    )


def _text(value: Any, language: str) -> str:
    if isinstance(value, Mapping):
        return str(value[language])
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _rows(rows: Iterable[tuple[str, ...]], head: tuple[str, ...] = ()) -> str:
    top = "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>\n" for row in rows)
    return f"<table>{top}{body}</table>"


_STYLE = """
body { font: 11pt/1.4 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; margin: .5em 0 1em; }
th, td { border: 1px solid #999; padding: .2em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; }
h4 { margin: .5em 0 0; }
@media print { nav { display: none; } section + section { break-before: page; } tr { break-inside: avoid; } }
"""
