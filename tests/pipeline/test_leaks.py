"""Nothing of a person and no key lies anywhere outside the authorities' own extract folders."""

from __future__ import annotations

import base64
import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polku.research import storage

pytestmark = pytest.mark.pipeline

CODE = re.compile(rb"[0-9]{6}[-+A-FU-Ya-fu-y][0-9]{3}[0-9A-Ya-y]")
WORD = re.compile(r"[A-Za-zÅÄÖåäöÉé][a-zåäöéü-]{3,}")
ENCRYPTED = ("*.duckdb", "*.parquet", "*.hpkg")


def files_left_behind(platform: Any) -> Iterator[Path]:
    """Every file of the run: data root, Dagster's storage, dbt's target and logs - not the extracts."""
    for path in sorted(platform.base.rglob("*")):
        if path.is_file() and not {"extract", "_truth"} & set(path.relative_to(platform.base).parts):
            yield path


def extract_rows(platform: Any) -> Iterator[dict[str, str]]:
    for path in platform.root.path.glob("authorities/*/extract/**/*.csv"):
        text = path.read_bytes()
        encoding = "utf-8-sig" if text.startswith(b"\xef\xbb\xbf") or b"\xc3\xa4" in text else "iso-8859-1"
        yield from csv.DictReader(text.decode(encoding).splitlines(), delimiter=";")


@pytest.fixture(scope="module")
def platform(finished: Callable[[str], Any]) -> Any:
    return finished("espoo_skills_centre")


def test_no_identity_code_is_left_behind(platform: Any) -> None:
    codes = {row["hetu"].strip().upper().encode() for row in extract_rows(platform) if row.get("hetu")}
    assert len(codes) > 500
    found = {
        str(path.relative_to(platform.base))
        for path in files_left_behind(platform)
        if codes & {match.upper() for match in CODE.findall(path.read_bytes())}
    }
    assert found == set()


def test_no_name_is_left_behind(platform: Any) -> None:
    """A name is a surname and a first name of one person in one file; some surnames alone are plain words."""
    names: dict[str, set[str]] = {}
    for row in extract_rows(platform):
        for surname in WORD.findall(row.get("sukunimi") or ""):
            names.setdefault(surname, set()).update(WORD.findall(row["etunimet"]))
    assert len(names) > 300
    found = {}
    for path in files_left_behind(platform):
        if path.suffix in (".parquet", ".hpkg", ".duckdb", ".key"):
            continue  # ciphertext: letters in a row mean nothing there; see the test below
        words = set(WORD.findall(path.read_bytes().decode("utf-8", errors="ignore")))
        persons = [surname for surname in names.keys() & words if names[surname] & words]
        if persons:
            found[str(path.relative_to(platform.base))] = len(persons)
    assert found == {}


def test_no_key_is_left_outside_its_key_file(platform: Any) -> None:
    key_files = sorted(platform.root.path.rglob("*.key"))
    secrets = {key.read_bytes() for key in key_files} | {
        storage._derived(platform.root, purpose) for purpose in ("parquet", "database")
    }
    assert len(key_files) > 10
    forms = {form for s in secrets for form in (s, s.hex().encode(), s.hex().upper().encode(), base64.b64encode(s))}
    found = {
        str(path.relative_to(platform.base))
        for path in files_left_behind(platform)
        if path not in key_files and any(form in content for content in [path.read_bytes()] for form in forms)
    }
    assert found == set()


def test_encrypted_files_hold_nothing_plain(platform: Any) -> None:
    """Neither a column's name nor a state's code stands in any file that holds rows of persons."""
    telling = (b"person_key", b"vocational_education", b"handle", b"benefit_code")
    files = [
        path
        for pattern in ENCRYPTED
        for path in platform.root.path.rglob(pattern)
        if not {"published", "release", "_truth"} & set(path.relative_to(platform.root.path).parts)
    ]
    assert len(files) > 30
    found = {}
    for path in files:
        content = path.read_bytes()
        header = content[:65536].split(b"}", 1)[0] if path.suffix == ".hpkg" else b""
        words = [word for word in telling if word in content and word not in header]
        if words:
            found[path.name] = words
    assert found == {}


def test_nothing_is_open_to_other_users(platform: Any) -> None:
    open_ones = [
        path.name
        for path in platform.root.path.rglob("*.key")
        if path.stat().st_mode & 0o077 or path.parent.stat().st_mode & 0o077
    ]
    assert open_ones == []
