"""`polku keys`: the ceremony as people do it, and each way in which it refuses."""

from __future__ import annotations

import json
import re
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from polku.cli import main
from polku.errors import Exit, Refusal
from polku.exchange import folders, keys
from polku.exchange.issuing import issue
from polku.exchange.keyfiles import write_key
from polku.exchange.pins import pin_path
from polku.layout import DataRoot

PARTIES = ("steward", "linkage", "research", "ura", "koski")
STEPS = ("create", "trust", "pin", "grant", "accept", "split", "combine", "show", "renew", "rotate")
URA = "hetu;tyok1;tappvh;tppvm\n010190-999W;1;2018-09-01;2018-12-31\n131052-900W;2;2018-09-01;\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    return DataRoot.of("mvad")


@pytest.fixture
def ceremony(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> DataRoot:
    """Every party has keys, a pin and, if it is an authority, token keys; an extract waits to be sealed."""
    for party in PARTIES:
        assert step("create", party) == Exit.OK
    assert step("trust", *(keys.card_path(root.party(party)) for party in PARTIES)) == Exit.OK
    for party in PARTIES:
        assert step("pin", party, steward_key_id(root)) == Exit.OK
    grant_all(root, capsys)
    extract = root.authority("ura") / "extract"
    extract.mkdir()
    (extract / "ura_ytyoll.csv").write_text(URA)
    for inbox in (root.inbox, root.linkage / "inbox"):
        inbox.mkdir()
    capsys.readouterr()
    return root


def polku(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def step(name: str, *arguments: object) -> int:
    return polku("keys", name, "--study", "mvad", *arguments)


def steward_key_id(root: DataRoot) -> str:
    return str(json.loads(keys.card_path(root.steward).read_text())["signing_key_id"])


def grant_all(root: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    for register in ("ura", "koski"):
        capsys.readouterr()
        assert step("grant", register) == Exit.OK
        assert step("accept", register, capsys.readouterr().out.strip()) == Exit.OK


def seal() -> int:
    return polku("seal", "--study", "mvad", "--register", "ura", "--extracted-on", "2024-12-31")


def carry(root: DataRoot) -> None:
    for path in root.authority("ura").glob("sealed/*.hpkg"):
        folders.copy(path, root.inbox if ".data." in path.name else root.linkage / "inbox")


@pytest.mark.parametrize("name", STEPS)
def test_every_step_teaches_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        polku("keys", name, "--help")
    assert caught.value.code == 0
    assert f"polku keys {name} --study mvad" in capsys.readouterr().out.split("options:")[0]


def test_the_help_tells_the_ceremony_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        polku("keys", "--help")
    shown = capsys.readouterr().out
    order = re.findall(r"^  \d\. .*polku keys (\w+)", shown, re.MULTILINE)
    assert order == ["create", "trust", "pin", "grant", "accept", "split", "show"]
    assert all(f"    {name} " in shown for name in STEPS)


def test_show_prints_terms_key_ids_and_who_believes_them(
    ceremony: DataRoot, capsys: pytest.CaptureFixture[str]
) -> None:
    assert step("trust", "--expires-on", "2999-12-31", "--revoke", "koski=stolen") == Exit.OK
    capsys.readouterr()
    assert step("show") == Exit.OK
    shown = capsys.readouterr().out
    for line in (
        "serial         2",
        "expires on     2999-12-31",
        "token epoch    1",
        "mode           relay",
        "mvad (test)",
    ):
        assert line in shown
    for party in PARTIES:
        card = keys.read_card(keys.card_path(ceremony.party(party)))
        for key_id in (card.verify_key.key_id.hex(), card.sealing_key.key_id.hex()):
            assert f"{key_id[:16]}  {key_id}{'  REVOKED' if party == 'koski' else ''}\n" in shown
        assert f"believed by    {party}," in shown
    assert shown.count("of koski,") == 2
    assert "stolen" in shown
    for secret in ceremony.path.rglob("*.key"):
        assert secret.read_bytes().hex() not in shown


def test_a_party_that_has_pinned_nobody_believes_nobody(ceremony: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    for path in ceremony.path.rglob("steward.pin"):
        path.unlink()
    assert step("show") == Exit.KEY_UNUSABLE
    assert "serial         1" in capsys.readouterr().out
    assert seal() == Exit.KEY_UNUSABLE
    assert polku("relay", "--study", "mvad") == Exit.KEY_UNUSABLE
    assert polku("verify", "--study", "mvad", "--as", "ura", "x.hpkg") == Exit.KEY_UNUSABLE


def test_a_pin_is_typed_in_groups_and_refused_when_it_is_no_key_id(ceremony: DataRoot) -> None:
    digits = steward_key_id(ceremony)
    pin_path(ceremony.linkage).unlink()
    assert step("pin", "linkage", *(digits[at : at + 4].upper() for at in range(0, 64, 4))) == Exit.OK
    assert polku("relay", "--study", "mvad") == Exit.OK
    assert step("pin", "linkage", digits[:-1]) == Exit.USAGE
    assert step("pin", "linkage", "0" * 64) == Exit.OK
    assert polku("relay", "--study", "mvad") == Exit.KEY_UNUSABLE


def test_an_expired_trust_file_has_its_exit_code(ceremony: DataRoot) -> None:
    assert step("trust", "--expires-on", "2020-01-01") == Exit.USAGE
    with pytest.raises(Refusal, match="expired"):
        issue(
            ceremony.steward, ceremony.trust, [],
            study="mvad", test=True, today=date(2020, 1, 1), expires_on=date(2020, 12, 31),
        )  # fmt: skip
    for refused in (seal(), polku("relay", "--study", "mvad"), step("grant", "ura"), step("show")):
        assert refused == Exit.TRUST_EXPIRED
    assert polku("verify", "--study", "mvad", "--as", "ura", "x.hpkg") == Exit.TRUST_EXPIRED
    assert step("trust") == Exit.OK
    assert seal() == Exit.OK


def test_a_revoked_sender_and_recipient_have_their_exit_code(ceremony: DataRoot) -> None:
    assert seal() == Exit.OK
    carry(ceremony)
    assert step("trust", "--revoke", "ura=stolen") == Exit.OK
    assert polku("relay", "--study", "mvad") == Exit.KEY_REVOKED
    sealed = ceremony.authority("ura").glob("sealed/*.hpkg")
    assert polku("verify", "--study", "mvad", "--as", "koski", *sealed) == Exit.KEY_REVOKED
    assert step("renew", "ura") == Exit.OK
    assert step("trust", keys.card_path(ceremony.authority("ura")), "--revoke", "linkage=lost") == Exit.OK
    assert seal() == Exit.KEY_REVOKED
    assert step("trust", "--revoke", "linkage") == Exit.USAGE


def test_an_older_trust_file_has_its_exit_code(ceremony: DataRoot) -> None:
    old = ceremony.trust.read_bytes()
    assert step("trust", "--revoke", "koski=stolen") == Exit.OK
    assert polku("relay", "--study", "mvad") == Exit.OK
    ceremony.trust.write_bytes(old)
    assert polku("relay", "--study", "mvad") == Exit.KEY_UNUSABLE


def test_keys_of_two_roles_on_one_machine_have_their_exit_code(ceremony: DataRoot, tmp_path: Path) -> None:
    elsewhere = tmp_path / "the steward's own machine"
    shutil.copytree(ceremony.steward, elsewhere / "_steward")
    cards = [keys.read_card(path) for path in ceremony.path.rglob("card.json")]
    today = datetime.now(UTC).date()
    made = issue(
        elsewhere / "_steward", elsewhere / "trust.json", cards,
        study="mvad", test=False, today=today, expires_on=today,
    )  # fmt: skip
    shutil.copy(made.path, ceremony.trust)
    assert polku("relay", "--study", "mvad") == Exit.KEY_UNUSABLE
    assert step("grant", "ura") == Exit.KEY_UNUSABLE
    for folder in (ceremony.path / "authorities", ceremony.path / "keys"):
        shutil.rmtree(folder)
    assert polku("relay", "--study", "mvad") == Exit.OK


def test_a_key_file_that_others_can_read_has_its_exit_code(ceremony: DataRoot) -> None:
    for party, command in (("ura", seal), ("linkage", lambda: polku("relay", "--study", "mvad"))):
        path = keys.key_path(ceremony.party(party), "signing.key")
        path.chmod(0o644)
        assert command() == Exit.KEY_UNUSABLE


def test_a_wrong_root_has_its_exit_code(ceremony: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    assert seal() == Exit.OK
    carry(ceremony)
    for party in ("steward", "linkage", "research"):
        write_key(keys.root_path(ceremony.party(party), "1"), bytes(32), replace=True)
    assert step("grant", "ura") == Exit.KEY_UNUSABLE
    assert polku("relay", "--study", "mvad") == Exit.KEY_UNUSABLE
    assert polku("verify", "--study", "mvad", "--open-as", "research", *ceremony.inbox.iterdir()) == Exit.KEY_UNUSABLE
    assert bytes(32).hex() not in capsys.readouterr().err


def test_a_root_is_carried_away_in_shares_and_brought_back(
    ceremony: DataRoot, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "stick"
    numbers = ("--shares", "3", "--threshold", "2", "--out", out)
    assert step("split", "steward", *numbers, "--remove-root") == Exit.OK
    shares = capsys.readouterr().out.split()
    words = [Path(path).read_text().splitlines()[1] for path in shares]
    assert step("grant", "ura") == Exit.KEY_UNUSABLE
    assert step("split", "linkage", *numbers[:-1], tmp_path / "other") == Exit.OK
    other = capsys.readouterr().out.split()
    assert step("combine", "steward", shares[0], other[0]) == Exit.KEY_UNUSABLE
    assert step("combine", "steward", *other[:2]) == Exit.KEY_UNUSABLE
    assert step("combine", "steward", shares[2]) == Exit.KEY_UNUSABLE
    assert step("combine", "steward", shares[2], shares[0]) == Exit.OK
    assert step("combine", "steward", shares[1], shares[0]) == Exit.KEY_UNUSABLE
    assert step("grant", "ura") == Exit.OK
    assert step("split", "linkage", *numbers[:-1], tmp_path / "third", "--remove-root") == Exit.USAGE
    shown = capsys.readouterr()
    assert not any(words_of_one in shown.out + shown.err for words_of_one in words)


def test_shares_are_refused_where_the_library_is_not_installed(
    ceremony: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "shamir_mnemonic", None)
    monkeypatch.delitem(sys.modules, "polku.exchange.shares", raising=False)
    assert step("split", "steward", "--shares", 3, "--threshold", 2, "--out", tmp_path / "stick") == Exit.USAGE
    assert "polku[ceremony]" in capsys.readouterr().err
    assert not (tmp_path / "stick").exists()


def test_rotation_from_epoch_to_epoch(ceremony: DataRoot, capsys: pytest.CaptureFixture[str]) -> None:
    assert step("rotate", "steward", "--new-root") == Exit.OK
    assert step("rotate", "steward") == Exit.USAGE
    assert step("rotate", "linkage") == Exit.OK
    assert step("trust", "--finish-rotation") == Exit.USAGE
    capsys.readouterr()
    assert step("trust", keys.card_path(ceremony.linkage)) == Exit.OK
    assert "token epoch    2 (leaving 1)" in capsys.readouterr().out
    assert seal() == Exit.KEY_UNUSABLE
    grant_all(ceremony, capsys)
    assert seal() == Exit.OK
    carry(ceremony)
    assert polku("relay", "--study", "mvad") == Exit.OK
    assert step("trust", "--mode", "blinded") == Exit.USAGE
    assert step("trust", "--finish-rotation") == Exit.OK
    assert step("rotate", "research") == Exit.OK
    assert step("trust", keys.card_path(ceremony.path)) == Exit.OK
    assert step("show") == Exit.OK


def test_a_party_is_called_by_a_plain_name(root: DataRoot) -> None:
    assert step("create", "../ura") == Exit.USAGE
    assert polku("keys", "create", "--study", "../mvad", "ura") == Exit.STUDY_INVALID
    assert not list(root.path.parent.rglob("*.key"))


def test_a_trust_file_is_only_issued_for_a_study_that_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The study file says whether it is a test; the steward cannot forget to."""
    monkeypatch.setenv("POLKU_DATA", str(tmp_path))
    assert polku("keys", "create", "--study", "unknown", "steward") == Exit.OK
    assert polku("keys", "trust", "--study", "unknown") == Exit.STUDY_INVALID
