"""Publishes a release whole: readers of `published/current` see the old one or the new one.

Belongs here: writing a new release folder and swapping it in. Does not belong here: what is in the
files (`tables`, `pictures`, `report`, `manifest`).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from polku.layout import DataRoot
from polku.publication import coverage
from polku.publication.manifest import Context, content, definition, digest_of, fingerprint
from polku.publication.pictures import draw
from polku.publication.report import Release
from polku.publication.report import write as write_report
from polku.publication.tables import as_published, write_table
from polku.studies import Study

CURRENT = "current"
MANIFEST = "manifest.json"
_UNFINISHED = ".new-"


def publish(root: DataRoot, study: Study, tables: Mapping[str, pd.DataFrame], context: Context) -> Path:
    """Publish the protected `tables` as one release and return its folder.

    The folder `published/<date>-<fingerprint>` holds CSV, Parquet, SVG and PNG of every table and its definition in
    words (`<table>.md`), the coverage of the registers, `report.html` and `manifest.json`; the link `published/current`
    points to the newest. When tables, definitions, coverage and policy are as they were, nothing is written and the
    current release is returned: an earlier release stays the truth until its content changes. Whenever it is killed,
    `current` is a whole release.
    """
    root.published.mkdir(parents=True, exist_ok=True)
    for rest in root.published.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(rest) if rest.is_dir() and not rest.is_symlink() else rest.unlink()
    folder = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root.published))
    try:
        return _publish(root, study, tables, context, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(root: DataRoot, study: Study, tables: Mapping[str, pd.DataFrame], context: Context, folder: Path) -> Path:
    tables = {name: as_published(table) for name, table in tables.items()}
    csv_digests = {}
    for name, table in tables.items():
        csv, _ = write_table(table, context.tables[name].spec, folder, test=study.test)
        csv_digests[name] = digest_of(csv)
    entries = content(study, context, csv_digests)
    release = fingerprint(entries)
    current = root.published / CURRENT
    before: dict[str, Any] = {}
    if current.exists():
        before = json.loads((current / MANIFEST).read_text(encoding="utf-8"))
    if before.get("fingerprint") == release:
        return current.resolve()
    told_before = before["tables"] if _by_the_same_code(before, context) else {}
    for name, table in tables.items():
        words = definition(study, context.tables[name], context.policy)
        (folder / f"{name}.md").write_text(words, encoding="utf-8")
        same = told_before.get(name) == entries["tables"][name]
        if not (same and _copied([f"{name}.svg", f"{name}.png"], current, before["files"], folder)):
            draw(table, context.tables[name], study, folder)
    coverage.draw(context.coverage, study, folder)
    manifest = {
        "fingerprint": release,
        **entries,
        "inputs": dict(sorted(context.inputs.items())),
        "code_version": context.code_version,
        "created_at": context.created_at.isoformat(),
        **({"ledger": list(context.ledger)} if context.ledger else {}),
    }
    write_report(Release(study, tables, context, manifest), folder)
    manifest["files"] = {file.name: {"sha256": digest_of(file)} for file in sorted(folder.iterdir())}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    folder.chmod(0o755)
    final = root.published / f"{context.created_at:%Y-%m-%d}-{release[:12]}"
    if not final.exists():
        folder.rename(final)
    link = root.published / f"{_UNFINISHED}{CURRENT}"
    link.symlink_to(final.name)
    link.replace(current)
    return final


def head_of_ledger(root: DataRoot) -> tuple[int, str]:
    """(number, chain) of the newest entry of the release ledger that any published manifest names; (0, "") of none.

    A ledger that does not continue from there has been put back to an earlier day, or lost.
    """
    manifests = [json.loads(file.read_text(encoding="utf-8")) for file in root.published.glob(f"2*/{MANIFEST}")]
    named = [(int(said["ledger"][0]), str(said["ledger"][1])) for said in manifests if "ledger" in said]
    return max(named, default=(0, ""))


def _by_the_same_code(before: Mapping[str, Any], context: Context) -> bool:
    """Whether the current release was drawn by this very code, as far as that is known: not of changed files."""
    code = context.code_version
    return code is not None and not code.endswith("-dirty") and before.get("code_version") == code


def _copied(files: Sequence[str], current: Path, said: Mapping[str, Any], folder: Path) -> bool:
    """Copy files of the current release to `folder`, where all are as its manifest says; whether they are."""
    whole = all(
        name in said and (current / name).is_file() and digest_of(current / name) == said[name]["sha256"]
        for name in files
    )
    for name in files if whole else ():
        shutil.copyfile(current / name, folder / name)
    return whole
