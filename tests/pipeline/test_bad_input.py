"""Bad input never gets through and never loses anything; a killed run is repaired by the next one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from polku.errors import Exit, Refusal
from polku.exchange.ledger import Ledger
from polku.layout import CHECKOUT
from polku.research import landing, opening
from polku.studies import load_study

pytestmark = pytest.mark.pipeline


def state_of(platform: Any) -> dict[str, str]:
    """What users see: digests of the marts' snapshot and of everything published."""
    files = [platform.root.marts, *(p for p in platform.root.published.rglob("*") if p.is_file())]
    return {str(p.relative_to(platform.base)): sha256(p.read_bytes()).hexdigest() for p in files}


def next_delivery(platform: Any, register: str, change: Callable[[Path], None]) -> None:
    """The authority changes its extract and seals it; linkage unit and courier do their part."""
    for path in (platform.root.authority(register) / "extract").glob("*.csv"):
        change(path)
    from polku.demo import carry, seal_extract

    study = load_study(platform.study)
    seal_extract(platform.root, study, register, lambda _: None)
    carry(platform.root, study, lambda _: None)


def add_a_line(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[1]]) + "\n", encoding="utf-8")


def spoil_half_of_the_rows(path: Path) -> None:
    head, *rows = [line.split(";") for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows[::2]:
        row[1] = "77"
    path.write_text("".join(";".join(row) + "\n" for row in [head, *rows]), encoding="utf-8")


def test_a_tampered_package_closes_the_gate_and_changes_nothing(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    before = state_of(platform)
    next_delivery(platform, "ura", add_a_line)
    [package] = platform.root.inbox.glob("ura-*.data.hpkg")
    content = bytearray(package.read_bytes())
    content[len(content) // 2] ^= 1
    package.write_bytes(content)
    done = platform.nightly()
    assert done.returncode == Exit.GATE_CLOSED, done.stderr[-2000:]
    assert "closed gate: landing/ura__employment_spells matches_contract" in done.stderr
    assert state_of(platform) == before
    [reason] = platform.root.quarantine.glob("packages/ura-*/reason.json")
    assert json.loads(reason.read_text(encoding="utf-8"))["exit"] == "PACKAGE_TAMPERED"
    assert len(list(reason.parent.glob("*.hpkg"))) == 2


def test_a_delivery_with_too_many_bad_rows_is_refused_whole(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    before = state_of(platform)
    next_delivery(platform, "ura", spoil_half_of_the_rows)
    done = platform.nightly()
    assert done.returncode == Exit.GATE_CLOSED
    assert "employment_code unknown_code" in done.stderr
    assert state_of(platform) == before
    assert len(Ledger(platform.root.ledger).accepted("ura")) == 1


def test_a_second_delivery_of_the_same_rows_changes_no_figure(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    query = "select * from state_share_by_month order by all"
    before = platform.query(query)
    next_delivery(platform, "ura", add_a_line)
    done = platform.nightly()
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(Ledger(platform.root.ledger).accepted("ura")) == 2
    assert platform.query(query) == before


def test_a_package_that_arrives_twice_is_put_away(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    for package in platform.root.archive.glob("dvv-*"):
        shutil.copyfile(package, platform.root.inbox / package.name)
    assert landing.repair(platform.root) == 1
    assert list(platform.root.inbox.glob("*.hpkg")) == []
    assert len(Ledger(platform.root.ledger).accepted("dvv")) == 1


def test_one_half_of_a_delivery_waits(copy_of: Callable[[str], Any]) -> None:
    platform, study = copy_of("mvad"), load_study("mvad")
    next_delivery(platform, "ura", add_a_line)
    [link] = platform.root.inbox.glob("ura-*.link.hpkg")
    link.rename(platform.base / link.name)
    assert opening.pending(platform.root, study) == []
    [waiting] = opening.waiting(platform.root, study)
    assert waiting.register == "ura"
    (platform.base / link.name).rename(link)
    assert [d.register for d in opening.pending(platform.root, study)] == ["ura"]


@pytest.mark.parametrize("moment", ["staged", "moved", "recorded"])
def test_a_landing_killed_at_any_moment_is_repaired(copy_of: Callable[[str], Any], moment: str) -> None:
    platform, study = copy_of("mvad"), load_study("mvad")
    next_delivery(platform, "ura", add_a_line)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, moment],
        cwd=CHECKOUT,
        env=os.environ | {"POLKU_DATA": str(platform.base)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert landing.repair(platform.root) > 0
    parts = sorted(p.stem for p in (platform.root.landing / "ura" / "employment_spells").glob("*.parquet"))
    assert parts == sorted(e.delivery_id for e in Ledger(platform.root.ledger).accepted("ura"))
    assert not platform.root.incoming.exists()
    for delivery in opening.pending(platform.root, study):
        landing.commit(platform.root, landing.stage(platform.root, study, delivery))
    assert len(Ledger(platform.root.ledger).accepted("ura")) == 2
    assert list(platform.root.inbox.glob("*.hpkg")) == []


KILLED = """
import os, signal, sys
from polku.research import landing, opening
from polku.layout import DataRoot
from polku.exchange.ledger import Ledger
from polku.studies import load_study

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

root, study = DataRoot.of("mvad"), load_study("mvad")
[delivery] = opening.pending(root, study)
staged = landing.stage(root, study, delivery)
moment = sys.argv[1]
if moment == "staged":
    die()
elif moment == "moved":
    Ledger.record = die
else:
    landing._archive = die
landing.commit(root, staged)
"""


def test_a_killed_night_leaves_yesterdays_marts_and_the_next_one_finishes(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    before = state_of(platform)
    new = platform.root.marts.with_suffix(".duckdb.new")
    new.write_bytes(platform.root.marts.read_bytes()[:4096])
    platform.root.incoming.mkdir(parents=True, exist_ok=True)
    (platform.root.incoming / "half.parquet").write_bytes(b"half")
    assert state_of(platform) == before
    assert platform.nightly().returncode == 0
    assert not new.exists()
    assert list(platform.root.incoming.rglob("*")) == []


def test_a_study_that_is_no_test_is_never_played(tmp_path: Path) -> None:
    from polku.cli.demo import run

    class Args:
        study, persons, seed = "mvad", 100, 1

    real = load_study("mvad")
    object.__setattr__(real, "test", False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("polku.cli.demo.load_study", lambda _: real)
        patch.setenv("POLKU_DATA", str(tmp_path))
        with pytest.raises(Refusal, match="not a test study"):
            run(Args())  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
