"""The command line: every party's commands do their part, and every failure has its exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from polku import cli
from polku.cli import keys, main, relay, seal
from polku.errors import Exit
from polku.exchange import folders
from polku.exchange.files import digest_of
from polku.layout import DataRoot
from polku.research import intake, opening
from polku.studies import load_study

URA = "hetu;tyok1;tappvh;tppvm\n010190-999W;1;2018-09-01;2018-12-31\n131052-900W;2;2018-09-01;\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    return DataRoot.of("mvad")


def polku(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def set_up(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    parties = ("steward", "linkage", "research", "ura")
    for party in parties:
        assert polku("keys", "create", "--study", "mvad", party) == Exit.OK
    cards = root.path.rglob("card.json")
    assert polku("keys", "trust", "--study", "mvad", *cards) == Exit.OK
    key_id = capsys.readouterr().out.split()[3]
    for party in parties:
        assert polku("keys", "pin", "--study", "mvad", party, key_id) == Exit.OK
    capsys.readouterr()
    assert polku("keys", "grant", "--study", "mvad", "ura") == Exit.OK
    package = capsys.readouterr().out.strip()
    assert polku("keys", "accept", "--study", "mvad", "ura", package) == Exit.OK
    extract = root.authority("ura") / "extract"
    extract.mkdir()
    (extract / "ura_ytyoll.csv").write_text(URA)
    (root.linkage / "inbox").mkdir()
    root.inbox.mkdir()


def test_from_keys_to_a_delivery_that_opens(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, capsys)
    capsys.readouterr()
    assert polku("seal", "--study", "mvad", "--register", "ura", "--extracted-on", "2024-12-31") == Exit.OK
    id_part, data_part = capsys.readouterr().out.split()
    folders.copy(Path(id_part), root.linkage / "inbox")
    folders.copy(Path(data_part), root.inbox)
    assert polku("relay", "--study", "mvad") == Exit.OK
    folders.copy(Path(capsys.readouterr().out.strip()), root.inbox)
    assert polku("verify", "--study", "mvad", "--open-as", "research", *root.inbox.glob("*.hpkg")) == Exit.OK
    assert "signed and whole, 2 rows, by ura (test)" in capsys.readouterr().out
    assert polku("verify", "--study", "mvad", "--as", "linkage", *root.inbox.glob("*.hpkg")) == Exit.OK
    assert "signed, by ura (test)" in capsys.readouterr().out
    assert [delivery.register for delivery in opening.pending(root, load_study("mvad"))] == ["ura"]


def test_a_refusal_gives_its_exit_code_and_its_reason(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, capsys)
    (root.authority("ura") / "extract" / "ura_ytyoll.csv").unlink()
    code = polku("seal", "--study", "mvad", "--register", "ura", "--extracted-on", "2024-12-31")
    assert code == Exit.EXTRACT_MISSING
    shown = capsys.readouterr()
    assert "EXTRACT_MISSING" in shown.err
    assert "ura_ytyoll.csv" in shown.err
    assert shown.out == ""


def test_a_dry_run_tells_counts_and_ends_as_the_real_run(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, capsys)
    order = ("seal", "--study", "mvad", "--register", "ura", "--extracted-on", "2024-12-31")
    assert polku(*order, "--dry-run") == Exit.OK
    assert "ura_ytyoll.csv: 2 of 2 rows would be sealed" in capsys.readouterr().err
    (root.authority("ura") / "extract" / "ura_ytyoll.csv").write_text(URA + "010190-999L;1;2018-09-01;\n")
    listed = root.path / "refused.csv"
    assert polku(*order, "--dry-run", "--list", listed) == Exit.EXTRACT_BREAKS_CONTRACT
    shown = capsys.readouterr()
    assert "refused: column hetu, row 4 (1 in all)" in shown.err
    assert shown.out == ""
    assert "hetu_check_character" in listed.read_text(encoding="utf-8")
    assert not (root.authority("ura") / "sealed").exists()
    assert polku(*order, "--list", listed) == Exit.USAGE


def test_a_tampered_package_gives_its_exit_code(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, capsys)
    polku("seal", "--study", "mvad", "--register", "ura", "--extracted-on", "2024-12-31")
    sealed = Path(capsys.readouterr().out.split()[1])
    content = sealed.read_bytes()
    sealed.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    assert polku("verify", "--study", "mvad", "--as", "ura", sealed) == Exit.PACKAGE_TAMPERED


def test_the_linkage_unit_hears_of_a_refusal_by_exit_code(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    set_up(root, capsys)
    package = root.linkage / "inbox" / ".ura-20241231-0001.id.hpkg.part"
    package.write_bytes(b"half a package")
    folders.publish(package, digest_of(package))
    assert polku("relay", "--study", "mvad") == Exit.PACKAGE_TRUNCATED


def test_an_unexpected_failure_never_shows_its_message(
    root: DataRoot, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("010190-999W")

    monkeypatch.setattr(relay, "relay", fails)
    assert polku("relay", "--study", "mvad") == Exit.UNEXPECTED
    shown = capsys.readouterr()
    assert "010190" not in shown.err + shown.out
    assert "RuntimeError" in shown.err


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_teaches_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        polku(command, "--help")
    assert caught.value.code == 0
    assert f"polku {command} " in capsys.readouterr().out.split("usage:")[1].split("options:")[0].split("\n\n", 1)[1]


def test_wrong_usage_is_said_so(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    for incomplete in (("seal",), ("verify", "--study", "mvad", "package.hpkg")):
        with pytest.raises(SystemExit) as caught:
            polku(*incomplete)
    assert caught.value.code == Exit.USAGE
    assert polku("keys", "create", "--study", "mvad", "../ura") == Exit.USAGE
    assert polku("seal", "--study", "mvad", "--register", "tax", "--extracted-on", "2024-12-31") == Exit.USAGE


def test_a_command_is_imported_only_when_it_is_called() -> None:
    script = "import sys, polku.cli; polku.cli.main(['keys', 'create', '--study', 'x', '/']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert keys.__name__ in done.stdout.split()
    assert seal.__name__ not in done.stdout.split()


def test_a_notice_from_the_authority_to_the_list_of_what_is_due(
    root: DataRoot, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    set_up(root, capsys)
    ids = tmp_path / "ids.csv"
    ids.write_text("hetu\n131052-900W\n")
    words = ["notice", "--study", "mvad", "--register", "ura", "--action", "rectify", "--ids", ids]
    assert polku(*words, "--reason", "inaccurate") == Exit.USAGE
    assert polku(*words, "--reason", "objection", "--received-on", "2026-01-02") == Exit.USAGE
    assert polku(*words, "--reason", "inaccurate", "--received-on", "2026-01-02") == Exit.OK
    out = capsys.readouterr()
    assert "rectify (inaccurate) for 1 person(s)" in out.err
    id_part, data_part = out.out.split()
    folders.copy(Path(id_part), root.linkage / "inbox")
    folders.copy(Path(data_part), root.inbox)
    assert polku("relay", "--study", "mvad") == Exit.OK
    folders.copy(Path(capsys.readouterr().out.strip()), root.inbox)
    study = load_study("mvad")
    (arrived,) = opening.pending(root, study)
    assert intake.take(root, study, arrived, lambda _: None) == ("notice", None)
    assert polku("notice", "--study", "mvad", "--list") == Exit.OK
    listed = capsys.readouterr().out
    assert "rectify (inaccurate), OVERDUE, due 2026-02-02, 1 person(s)" in listed
    assert "131052" not in listed


def test_a_bridge_and_a_rotation_are_refused_without_new_keys(
    root: DataRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(root, capsys)
    assert polku("bridge", "--study", "mvad", "--register", "ura") == Exit.USAGE
    assert polku("bridge", "--study", "mvad", "--register", "vero") == Exit.USAGE
    assert polku("rotate", "--study", "mvad") == Exit.KEY_UNUSABLE
    assert polku("keys", "rotate", "--study", "mvad", "research") == Exit.OK
    assert polku("rotate", "--study", "mvad") == Exit.OK
    assert "level 2 is in force; 0 tokens keyed anew" in capsys.readouterr().err
