"""Landed packages: they can be read again, until the one small file that this needs is destroyed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import folders, keys
from polku.exchange.delivery import DATA, LINK
from polku.exchange.files import digest_of
from polku.exchange.ledger import Ledger
from polku.exchange.package import Package
from polku.layout import CHECKOUT
from polku.research import archive, landing
from tests.polku.parties import Parties
from tests.polku.research.rotating import deliver, small_world, write

FIRST = "persons-20240701-0001"


@pytest.fixture
def world(tmp_path: Path) -> Parties:
    made = small_world(tmp_path)
    deliver(made, "ab", "persons")
    return made


def key_file(world: Parties, delivery_id: str = FIRST) -> Path:
    return world.root.keys / "deliveries" / f"{delivery_id}.key"


def test_an_archived_delivery_is_put_together_byte_for_byte(world: Parties, tmp_path: Path) -> None:
    made = archive.reopen(world.root, FIRST, tmp_path)
    (entry,) = Ledger(world.root.ledger).accepted()
    assert {part: digest_of(path) for part, path in made.items()} == entry.digests
    trust = world.trust()
    with Package.verify(made[DATA], trust.signers) as package:
        assert package.open(trust.own(keys.RESEARCH, world.root.path).opening).read(1)


def test_the_opening_key_alone_opens_no_archived_package(world: Parties) -> None:
    trust = world.trust()
    for part in (DATA, LINK):
        with pytest.raises(Refusal) as refusal:
            Package.verify(world.root.archive / f"{FIRST}.{part}.hpkg", trust.signers)
        assert refusal.value.exit is Exit.PACKAGE_TAMPERED


def test_what_is_destroyed_cannot_be_put_together_and_does_not_come_back(world: Parties, tmp_path: Path) -> None:
    copies = archive.reopen(world.root, FIRST, tmp_path)
    assert archive.destroy(world.root, FIRST)
    assert not archive.destroy(world.root, FIRST)
    for path in copies.values():
        folders.copy(path, world.root.inbox)
    assert landing.repair(world.root) == 1
    assert list(world.root.inbox.glob("*.hpkg")) == []
    with pytest.raises(Refusal, match="destroyed"):
        archive.reopen(world.root, FIRST, tmp_path)


def test_a_registers_deliveries_are_destroyed_together_and_no_others(world: Parties, tmp_path: Path) -> None:
    deliver(world, "ab", "persons", "jobs")
    assert archive.destroy_register(world.root, "persons") == 2
    assert archive.reopen(world.root, "jobs-20240701-0001", tmp_path)


def test_another_stores_key_is_refused(world: Parties, tmp_path: Path) -> None:
    key = world.root.keys / "store.key"
    key.unlink()
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    with pytest.raises(Refusal, match="not made with this store's key"):
        archive.reopen(world.root, FIRST, tmp_path)


def test_an_archived_package_that_was_changed_is_refused(world: Parties, tmp_path: Path) -> None:
    path = world.root.archive / f"{FIRST}.data.hpkg"
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)
    with pytest.raises(Refusal) as refusal:
        archive.reopen(world.root, FIRST, tmp_path)
    assert refusal.value.exit is Exit.LEDGER_BROKEN
    assert list(tmp_path.glob("*.hpkg")) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from polku.layout import DataRoot
from polku.research import archive, intake, opening
from tests.polku.research.rotating import small_study_of

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def second(function):
    calls = []
    def call(*arguments):
        calls.append(1)
        return die() if len(calls) == 2 else function(*arguments)
    return call

root, study = DataRoot("small", Path(sys.argv[1])), small_study_of()
[delivery] = opening.pending(root, study)
match sys.argv[2]:
    case "before": archive.write_key = die
    case "keys": archive._cut_out = die
    case "cut": archive._write_at = second(archive._write_at)
intake.take(root, study, delivery, lambda _: None)
"""


@pytest.mark.parametrize("moment", ["before", "keys", "cut"])
def test_putting_away_that_is_killed_is_finished_by_the_next_run(world: Parties, tmp_path: Path, moment: str) -> None:
    write(world, "ab")
    world.send(world.seal("persons"))
    world.relay()
    code = [sys.executable, "-c", KILLED, str(world.root.path), moment]
    killed = subprocess.run(code, cwd=CHECKOUT, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert world.land() == {}
    assert not [path for path in world.root.inbox.rglob("*") if path.name.endswith(".part")]
    assert list(world.root.inbox.glob("*.hpkg")) == []
    assert archive.reopen(world.root, "persons-20240701-0002", tmp_path)
