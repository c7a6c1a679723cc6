"""What a process that handles keys would give away, asked of real processes of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polku.errors import Exit
from polku.process import Swap, swap

CODE = "010190-999W"
CRASHES = {
    "exception": f"raise ValueError('{CODE}')",
    "cause": f"try: int('{CODE}')\nexcept ValueError as e: raise KeyError('{CODE}') from e",
    "thread": (
        f"import threading\ndef f(): raise ValueError('{CODE}')\nt = threading.Thread(target=f)\nt.start(); t.join()"
    ),
    "destructor": f"class A:\n  def __del__(self): raise ValueError('{CODE}')\nA()",
    "warning": f"import warnings; warnings.warn('{CODE}', RuntimeWarning)",
    "foreign log": f"import logging; logging.getLogger('foreign').error('%s', '{CODE}')",
    "foreign log of an exception": (
        f"import logging\ntry: int('{CODE}')\nexcept ValueError: logging.getLogger('foreign').exception('failed')"
    ),
    "own log of an exception": (
        f"import logging\ntry: int('{CODE}')\nexcept ValueError: logging.getLogger('polku').exception('failed')"
    ),
}


def python(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process that was hardened first."""
    hardened = "from polku import process\nprocess.harden()\n" + script
    return subprocess.run([sys.executable, "-c", hardened], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("crash", CRASHES)
def test_no_failure_shows_a_value(crash: str) -> None:
    done = python(CRASHES[crash])
    assert done.stderr
    assert CODE not in done.stderr + done.stdout


def test_a_message_that_cannot_be_formatted_is_not_shown_in_pieces() -> None:
    done = python(f"import logging; logging.getLogger('polku').error('%d', '{CODE}')")
    assert (done.returncode, done.stderr) == (0, "")


def test_memory_is_not_dumped_and_files_are_private(tmp_path: Path) -> None:
    facts = json.loads(
        python(
            "import ctypes, json, os, resource\n"
            f"open({str(tmp_path / 'made')!r}, 'w').close()\n"
            "print(json.dumps([ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)]))"
        ).stdout
    )
    assert facts == [0, [0, 0]]
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_memory_is_locked_where_there_is_no_limit() -> None:
    """The report may say so only where it is so."""
    done = python(
        "from pathlib import Path\nlocked = process._status(Path('/proc/self/status'), 'VmLck') != '0 kB'\n"
        "print(locked == process._may_lock_all() == (process.swap() is process.Swap.LOCKED))"
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize(("flag", "environment"), [("-i", {}), ("-B", {"PYTHONINSPECT": "1"})])
def test_an_interpreter_that_stays_open_is_refused(flag: str, environment: dict[str, str]) -> None:
    command = [sys.executable, flag, "-m", "polku", "--version"]
    done = subprocess.run(
        command, env=os.environ | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert Exit.USAGE.name in done.stderr
    assert done.stdout == ""


SWAP_FILE = "Filename Type Size Used Priority\n"


@pytest.mark.parametrize(
    ("locked", "areas", "kind"),
    [
        ("8 kB", "/dev/sda2 partition 1 0 -2\n", Swap.LOCKED),
        ("0 kB", "", Swap.NONE),
        ("0 kB", "/dev/zram0 partition 1 0 -2\n", Swap.NONE),
        ("0 kB", "/dev/dm-1 partition 1 0 -2\n", Swap.ENCRYPTED),
        ("0 kB", "/dev/dm-2 partition 1 0 -2\n", Swap.OPEN),
        ("0 kB", "/dev/dm-1 partition 1 0 -2\n/swapfile file 1 0 -3\n", Swap.OPEN),
    ],
)
def test_swap_that_is_not_known_to_be_encrypted_is_open(tmp_path: Path, locked: str, areas: str, kind: Swap) -> None:
    (tmp_path / "status").write_text(f"Name:\tpolku\nVmLck:\t{locked}\n")
    (tmp_path / "swaps").write_text(SWAP_FILE + areas)
    for device, uuid in {"dm-1": "CRYPT-PLAIN-swap", "dm-2": "LVM-swap"}.items():
        folder = tmp_path / device / "dm"
        folder.mkdir(parents=True)
        (folder / "uuid").write_text(uuid)
    assert swap(tmp_path / "status", tmp_path / "swaps", tmp_path) is kind
