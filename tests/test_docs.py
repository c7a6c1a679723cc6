"""What the documents say of exit codes and commands is what the code does."""

from __future__ import annotations

import re

from polku.errors import Exit
from polku.layout import CHECKOUT


def test_every_exit_code_is_explained_once() -> None:
    text = (CHECKOUT / "docs" / "exit_codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", text, re.MULTILINE)
    assert [(int(code), name) for code, name in rows] == [(int(exit), exit.name) for exit in Exit]


def test_every_make_command_in_the_readme_exists() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`?make ([a-z]+)", (CHECKOUT / "README.md").read_text(encoding="utf-8")))
    assert named
    assert named <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
