"""Headings and manifests: what says what it must is read, anything else refused in one way."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from polku.errors import Exit, Refusal
from polku.exchange.delivery import BRIDGE, EXTRACT, NOTICE, Heading, Manifest, TableFacts
from polku.exchange.keypairs import OpeningKey, SigningKey
from polku.exchange.package import Package, writing

SENDER, RECIPIENT = SigningKey(bytes(64)), OpeningKey(bytes(96)).sealing_key
SIGNERS = {SENDER.verify_key.key_id: SENDER.verify_key}
HEADING = Heading(
    compartment="data", delivery_id="jobs-20240701-0002", study="small", test=True, register="jobs",
    contract_version=1, canon_version=1, key_check="0" * 16, mode="relay", epoch="1", seq=2, previous="0" * 64,
    created_at="2024-07-01T12:00:00+00:00",
)  # fmt: skip
MANIFEST = Manifest(
    tables=(TableFacts("spells", 3, ("case_key",), {"hetu:not_a_date": "1-9"}, "1-9"),), extracted_on=date(2024, 7, 1),
    period=(date(2018, 1, 1), date(2024, 6, 30)), source="system", filed_by="unit", legal_basis=("Act",),
    tool_version="0.1.0",
)  # fmt: skip


def sealed(folder: Path, header: dict[str, Any]) -> Package:
    path = folder / "p.hpkg"
    with writing(path, header, SENDER, RECIPIENT):
        pass
    return Package.verify(path, SIGNERS)


@pytest.mark.parametrize("heading", [HEADING, replace(HEADING, previous=None), replace(HEADING, kind=NOTICE)])
def test_a_heading_comes_back(tmp_path: Path, heading: Heading) -> None:
    with sealed(tmp_path, heading.as_json()) as package:
        assert Heading.of(package) == heading


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"}, {"seq": "2"}, {"seq": True}, {"seq": -1}, {"test": 1}, {"previous": "0" * 63},
        {"previous": "Z" * 64}, {"created_at": "yesterday"}, {"created_at": "0001-01-01T00:00:00+23:59"},
        {"register": "jobs\x1b[2J"}, {"study": "\ud800"}, {"more": 1}, {"epoch": None}, {"key_check": "0" * 2000},
    ],
)  # fmt: skip
def test_a_signed_header_that_says_anything_else_is_no_heading(tmp_path: Path, change: dict[str, Any]) -> None:
    with sealed(tmp_path, {**HEADING.as_json(), **change}) as package, pytest.raises(Refusal) as caught:
        Heading.of(package)
    assert caught.value.exit is Exit.PACKAGE_MISADDRESSED


@pytest.mark.parametrize("missing", HEADING.as_json())
def test_a_header_without_one_of_its_fields_is_no_heading(tmp_path: Path, missing: str) -> None:
    header = {name: value for name, value in HEADING.as_json().items() if name != missing}
    with sealed(tmp_path, header) as package, pytest.raises(Refusal):
        Heading.of(package)


def test_everything_is_an_extract_unless_it_says_otherwise() -> None:
    assert HEADING.as_json()["kind"] == EXTRACT
    assert len({EXTRACT, NOTICE, BRIDGE}) == 3


@pytest.mark.parametrize(("minutes", "held"), [(-60, False), (0, False), (9, False), (11, True), (60 * 24 * 365, True)])
def test_a_package_from_the_future_is_held(tmp_path: Path, minutes: int, held: bool) -> None:
    created_at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(timespec="seconds")
    heading = replace(HEADING, created_at=created_at)
    with sealed(tmp_path, heading.as_json()) as package:
        if not held:
            return Heading.of(package).check_clock(package)
        with pytest.raises(Refusal) as caught:
            Heading.of(package).check_clock(package)
    assert caught.value.exit is Exit.NOT_YET


def test_a_manifest_comes_back() -> None:
    data: dict[str, Any] = MANIFEST.as_json()
    data["tables"] = [{**table, "columns": list(table["columns"])} for table in data["tables"]]
    data["legal_basis"] = list(data["legal_basis"])
    assert Manifest.from_json(data, "p") == MANIFEST


@pytest.mark.parametrize(
    "change",
    [
        {"tables": None}, {"tables": [{}]}, {"tables": [{**asdict(MANIFEST.tables[0]), "rows": -1, "columns": []}]},
        {"tables": [{**asdict(MANIFEST.tables[0]), "rows": 1 << 60, "columns": []}]}, {"period": []}, {"source": 1},
        {"extracted_on": "2024-13-01"}, {"legal_basis": "Act"}, {"legal_basis": [1]}, {"unknown": 1},
    ],
)  # fmt: skip
def test_a_manifest_of_another_shape_is_refused(change: dict[str, Any]) -> None:
    data: dict[str, Any] = {**MANIFEST.as_json(), "tables": [], "legal_basis": []}
    assert Manifest.from_json(data, "p")
    with pytest.raises(Refusal) as caught:
        Manifest.from_json({**data, **change}, "p")
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE
