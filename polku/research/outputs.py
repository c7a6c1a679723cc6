"""What leaves of an output: its table, description and manifest, in a folder of its own.

Belongs here: writing the folder, whole or not at all. Does not belong here: whether it may leave (`airlock`), and the
tables of nightly releases (`polku.publication`).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from polku.disclosure.airlock.queue import APPROVED, RELEASED, Queue, Standing, refuse_unless
from polku.layout import DataRoot

MANIFEST = "manifest.json"


def publish_output(root: DataRoot, queue: Queue, request: Standing) -> Path:
    """Write a released output to `published/outputs/<number>/`: `table.csv`, `description.toml` and `manifest.json`.

    A folder that is there already stays; one that a killed run did not finish is written by the next call.
    """
    refuse_unless(request, RELEASED)
    outputs = root.published / "outputs"
    final = outputs / f"{request.no:06}"
    if final.exists():
        return final
    outputs.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".new-", dir=outputs))
    try:
        for name, file in queue.files(request).items():
            shutil.copyfile(file, folder / name)
        text = json.dumps(_manifest(request), indent=2, ensure_ascii=False) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
        folder.chmod(0o755)
        folder.rename(final)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return final


def _manifest(request: Standing) -> dict[str, object]:
    details, first = request.details, request.entries[0]
    signatures = [
        {
            "did": entry.kind,
            "name": entry.by,
            "at": entry.recorded_at,
            **({"undertaking": entry.undertaking} if entry.undertaking else {}),
        }
        for entry in request.entries
        if entry.kind in (APPROVED, RELEASED)
    ]
    return {
        "output": request.no,
        "title": details.title,
        "purpose": details.purpose,
        "analyst": details.analyst,
        "checked_at": first.recorded_at,
        "signatures": signatures,
        "profile": details.profile,
        "policy": details.policy,
        "dimensions": list(details.dimensions),
        "columns": list(details.columns),
        "cells_shown": details.cells_shown,
        "cells_hidden": details.cells_hidden,
        "missing_figure_in_csv": "",
        "notes": list(details.notes),
        "files": {name: {"sha256": digest} for name, digest in sorted(first.files.items())},
    }
