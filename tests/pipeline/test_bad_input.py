"""Bad input never gets through and never loses anything; a killed run is repaired by the next one."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from polku.authority.sealing import seal
from polku.errors import Exit, Refusal
from polku.exchange import folders
from polku.exchange.files import digest_of
from polku.exchange.ledger import Ledger
from polku.layout import CHECKOUT
from polku.research import archive, landed, landing, opening
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
    folders.mark(package, digest_of(package))
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
    [landed] = Ledger(platform.root.ledger).accepted("dvv")
    archive.reopen(platform.root, landed.delivery_id, platform.root.inbox)
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
from polku.research import archive, landing, opening
from polku.layout import DataRoot
from polku.exchange import folders
from polku.exchange.files import digest_of
from polku.exchange.ledger import Ledger
from polku.studies import load_study

def die(*_, **__):
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
    landing.archive.put_away = die
landing.commit(root, staged)
"""


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


def test_an_extract_without_rows_lands_and_the_next_one_too(copy_of: Callable[[str], Any]) -> None:
    platform, study = copy_of("mvad"), load_study("mvad")
    for keep in (1, 3):
        next_delivery(platform, "ura", lambda path, keep=keep: _keep(path, keep))
        for delivery in opening.pending(platform.root, study):
            landing.commit(platform.root, landing.stage(platform.root, study, delivery))
    assert landed.totals(platform.root, "ura")["employment_spells"]["deliveries"] == 3


def _keep(path: Path, lines: int) -> None:
    source = CHECKOUT / "examples" / "mvad" / path.name
    path.write_text("".join(source.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]), encoding="utf-8")


@pytest.mark.parametrize("lost", ["ledger.sqlite", "landing/ura/employment_spells"])
def test_a_ledger_and_a_landing_of_different_times_stop_everything(copy_of: Callable[[str], Any], lost: str) -> None:
    platform = copy_of("mvad")
    path = platform.root.path / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = state_of(platform), sorted(platform.root.landing.rglob("*.parquet"))
    with pytest.raises(Refusal, match="not of one time") as refusal:
        landing.repair(platform.root)
    assert refusal.value.exit is Exit.LEDGER_BROKEN
    assert platform.nightly().returncode != 0
    assert (state_of(platform), sorted(platform.root.landing.rglob("*.parquet"))) == before


def test_two_nights_at_once_do_not_meet(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    before = state_of(platform)
    with (platform.root.path / ".nightly.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = platform.nightly()
    assert done.returncode == Exit.ANOTHER_RUN
    assert state_of(platform) == before


def test_a_period_that_cannot_be_is_refused(copy_of: Callable[[str], Any]) -> None:
    platform, study = copy_of("mvad"), load_study("mvad")
    folder = platform.root.authority("ura")
    for made, period in [
        (date(2025, 5, 17), (date(2025, 5, 16), date(2018, 7, 1))),
        (date(2024, 1, 1), (date(2018, 7, 1), date(2024, 6, 30))),
        (date(2099, 7, 2), (date(2018, 7, 1), date(2024, 6, 30))),
    ]:
        with pytest.raises(Refusal) as refusal:
            seal(study, "ura", folder / "extract", folder, platform.root.trust, made, period)
        assert refusal.value.exit is Exit.USAGE


def test_the_store_key_is_not_made_anew_when_it_is_lost(copy_of: Callable[[str], Any]) -> None:
    platform = copy_of("mvad")
    key = platform.root.keys / "store.key"
    key.unlink()
    done = platform.run("polku", "query", "--study", "mvad", "select 1 as one")
    assert done.returncode == Exit.KEY_UNUSABLE
    assert not key.exists()


@pytest.mark.parametrize("youngest", [90, 56], ids=["nobody", "a_few"])
def test_a_group_of_nobody_or_of_a_few_is_named_and_nothing_changes(
    copy_of: Callable[[str], Any], youngest: int
) -> None:
    platform = copy_of("matchit614")
    before = state_of(platform)
    done = platform.python("-c", OTHER_AGES, str(youngest))
    assert done.returncode == Exit.GATE_CLOSED, done.stderr[-2000:]
    said = "closed gate: marts/cohort groups_large_enough: cohort: the group `never_client` has the 10 persons"
    assert said in done.stderr
    assert state_of(platform) == before


OTHER_AGES = """
import sys
from dataclasses import replace
from polku import studies

load, youngest = studies.load_study, int(sys.argv.pop())
studies.load_study = lambda name: replace(load(name), min_age_years=youngest, max_age_years=99)
from orchestration.nightly import main
sys.exit(main())
"""
