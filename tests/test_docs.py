"""What the documents say of exit codes and commands is what the code does."""

from __future__ import annotations

import argparse
import re
from datetime import date

import pytest

from polku.cli import seal
from polku.errors import Exit
from polku.exchange import identifiers
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


# --------------------------------------------------------------------------------------------------- identifiers
IDENTIFIERS = (CHECKOUT / "docs" / "identifiers.md").read_text(encoding="utf-8")


def domain_of(section: str) -> str:
    domains = {"Personal": "fi.hetu", "Numbers": "centre.client", "Business": "fi.business"}
    return next(domain for title, domain in domains.items() if section.startswith(title))


@pytest.mark.parametrize("section", IDENTIFIERS.split("\n## ")[2:], ids=lambda text: text.split()[0])
def test_every_example_of_an_identifier_is_what_the_code_makes_of_it(section: str) -> None:
    examples = re.findall(r"^\| `(.+?)` \| `(.+?)` \| .+ \|$", section, re.MULTILINE)
    assert len(examples) >= 4
    for written, expected in examples:
        text = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), written)
        found = identifiers.canonical(text, domain_of(section), "centre", date(2026, 11, 25), 999)
        assert (found.reason if isinstance(found, identifiers.Refused) else found.canonical) == expected, written


def test_every_reason_to_refuse_an_identifier_is_explained() -> None:
    source = (CHECKOUT / "polku" / "exchange" / "identifiers.py").read_text(encoding="utf-8")
    reasons = set(re.findall(r'"((?:hetu|id|business)_[a-z_]+)"', source))
    assert len(reasons) > 8
    assert {reason for reason in reasons if f"`{reason}`" not in IDENTIFIERS} == set()


def test_the_guide_to_sealing_is_in_step_with_the_command() -> None:
    guide = (CHECKOUT / "docs" / "sealing.md").read_text(encoding="utf-8")
    parser = argparse.ArgumentParser()
    seal.add_arguments(parser)
    options = {option for action in parser._actions for option in action.option_strings}
    described = re.findall(r"^`(--?[a-z].*)`$", guide.split("## OPTIONS")[1].split("## FILES")[0], re.MULTILINE)
    assert {option for line in described for option in re.findall(r"--?[a-z-]+", line)} == options
    synopsis = guide.split("## SYNOPSIS")[1].split("## DESCRIPTION")[0]
    assert set(re.findall(r"--[a-z-]+", synopsis)) == options - {"-h", "--help"}


def test_the_guide_to_sealing_names_every_exit_code_that_can_come() -> None:
    guide = (CHECKOUT / "docs" / "sealing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", guide, re.MULTILINE)
    assert [(int(code), name) for code, name in rows] == [(int(exit), exit.name) for exit in seal.EXITS]


def test_no_option_of_the_official_takes_a_key_or_an_identifier() -> None:
    """Everybody on a machine sees how a command was called."""
    parser = argparse.ArgumentParser()
    seal.add_arguments(parser)
    assert {action.dest for action in parser._actions} == {
        "help", "study", "register", "extracted_on", "period", "extract", "dry_run", "list", "confirmed",
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------- threats
def test_every_protection_names_a_test_that_exists_or_a_limit() -> None:
    """A promise to the privacy officer is not kept by a test that somebody renamed or removed."""
    text = (CHECKOUT / "docs" / "threats.md").read_text(encoding="utf-8")
    written = "\n".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", text))
    assert len(named) > 40
    assert {name for name in named if f"def {name}(" not in written} == set()
    rows = [
        line
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith(("|---", "| who", "| at", "| leak"))
    ]
    assert [row for row in rows if "`test_" not in row and "**Limit" not in row] == []
