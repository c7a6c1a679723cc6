"""Shares of a root: enough of them bring it back, too few and wrong ones bring nothing."""

from __future__ import annotations

import shutil
import stat
from itertools import combinations
from pathlib import Path

import pytest

from polku.errors import Exit, Refusal
from polku.exchange import keys
from polku.exchange.keyfiles import write_key
from polku.exchange.shares import combine, split

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def steward(tmp_path: Path) -> Path:
    keys.create_party(keys.STEWARD, "small", tmp_path / "steward")
    return tmp_path / "steward"


def exit_of(*arguments: object, **options: object) -> Exit:
    with pytest.raises(Refusal) as caught:
        split(*arguments, **options)  # type: ignore[arg-type]
    return caught.value.exit


def refused(folder: Path, shares: list[Path], party: str = keys.STEWARD) -> Refusal:
    with pytest.raises(Refusal) as caught:
        combine(party, folder, shares)
    assert caught.value.exit is Exit.KEY_UNUSABLE
    return caught.value


@pytest.mark.parametrize(("shares", "threshold"), [(2, 2), (3, 2), (5, 3)])
def test_any_so_many_shares_bring_the_root_back(steward: Path, tmp_path: Path, shares: int, threshold: int) -> None:
    path = keys.root_path(steward, "1")
    root = path.read_bytes()
    files = split(keys.STEWARD, steward, shares, threshold, tmp_path / "out", remove_root=True)
    assert len(files) == shares
    assert not path.exists()
    for some in combinations(files, threshold):
        assert combine(keys.STEWARD, steward, some) == path
        assert path.read_bytes() == root
        path.unlink()
    for few in combinations(files, threshold - 1):
        refused(steward, list(few))
    assert not path.exists()


def test_shares_are_private_files_of_words_that_never_hold_the_root(steward: Path, tmp_path: Path) -> None:
    root = keys.root_key(steward, "1")
    files = split(keys.STEWARD, steward, 3, 2, tmp_path / "out")
    assert keys.root_key(steward, "1") == root
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert sorted((tmp_path / "out").iterdir()) == sorted(files)
    for number, file in enumerate(files, 1):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        title, words = file.read_text().splitlines()
        assert f"share {number} of 3, 2 are needed" in title
        assert len(words.split()) == 33
        assert root.hex() not in words


def test_a_share_may_be_typed_again_from_paper(steward: Path, tmp_path: Path) -> None:
    first, _, third = split(keys.STEWARD, steward, 3, 2, tmp_path / "out", remove_root=True)
    words = first.read_text().splitlines()[1].upper().split()
    first.write_text("\n".join(words))
    combine(keys.STEWARD, steward, [first, third])


def test_a_wrong_mix_is_refused_and_quotes_no_word(steward: Path, tmp_path: Path) -> None:
    first, second, third = split(keys.STEWARD, steward, 3, 2, tmp_path / "out")
    other, *_ = split(keys.STEWARD, steward, 3, 2, tmp_path / "again", remove_root=True)
    words = first.read_text().splitlines()[1].split()
    swapped = tmp_path / "swapped.txt"
    swapped.write_text(" ".join([*words[:-5], words[-4], words[-5], *words[-3:]]))
    misspelt = tmp_path / "misspelt.txt"
    misspelt.write_text(" ".join(["polku", *words[1:]]))
    for wrong in ([], [first], [first, first], [first, second, third], [first, other], [swapped, second], [misspelt]):
        text = str(refused(steward, wrong))
        assert not set(text.split()) & set(words) - {"give"}
    refused(steward, [first, tmp_path / "missing.txt"])
    assert not keys.root_path(steward, "1").exists()


def test_the_root_of_another_party_is_refused_by_the_card(steward: Path, tmp_path: Path) -> None:
    keys.create_party(keys.STEWARD, "small", tmp_path / "other")
    keys.create_party(keys.LINKAGE, "small", tmp_path / "linkage")
    for party, folder in ((keys.STEWARD, "other"), (keys.LINKAGE, "linkage")):
        files = split(party, tmp_path / folder, 2, 2, tmp_path / f"shares of {folder}")
        assert "card" in refused(steward, files).what


def test_a_root_that_is_here_is_not_overwritten(steward: Path, tmp_path: Path) -> None:
    assert "not overwritten" in refused(steward, split(keys.STEWARD, steward, 2, 2, tmp_path / "out")).what


def test_a_root_goes_back_to_its_own_epoch_or_level(tmp_path: Path) -> None:
    for party in (keys.LINKAGE, keys.RESEARCH):
        folder = tmp_path / party
        keys.create_party(party, "small", folder)
        first = split(party, folder, 2, 2, tmp_path / f"{party} first")
        keys.rotate(party, folder, "1", new_root=True)
        second = split(party, folder, 2, 2, tmp_path / f"{party} second")
        roots = [keys.root_path(folder, number) for number in ("1", "2")]
        before = [path.read_bytes() for path in roots]
        for path in roots:
            path.unlink()
        assert [combine(party, folder, files) for files in (first, second)] == roots
        assert [path.read_bytes() for path in roots] == before


def test_a_root_that_its_card_does_not_announce_is_not_split(steward: Path, tmp_path: Path) -> None:
    write_key(keys.root_path(steward, "1"), bytes(32), replace=True)
    assert exit_of(keys.STEWARD, steward, 3, 2, tmp_path / "out", remove_root=True) is Exit.KEY_UNUSABLE
    assert keys.root_path(steward, "1").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("shares", "threshold"), [(1, 1), (3, 1), (2, 3), (17, 2), (3, 0)])
def test_numbers_of_shares_that_protect_nothing_are_refused(
    steward: Path, tmp_path: Path, shares: int, threshold: int
) -> None:
    assert exit_of(keys.STEWARD, steward, shares, threshold, tmp_path / "out") is Exit.USAGE
    assert not (tmp_path / "out").exists()


def test_shares_go_into_a_new_folder_and_only_the_steward_does_without_its_root(steward: Path, tmp_path: Path) -> None:
    assert exit_of(keys.STEWARD, steward, 3, 2, tmp_path) is Exit.USAGE
    keys.create_party(keys.LINKAGE, "small", tmp_path / "linkage")
    arguments = (keys.LINKAGE, tmp_path / "linkage", 3, 2, tmp_path / "out")
    assert exit_of(*arguments, remove_root=True) is Exit.USAGE
    assert keys.root_path(tmp_path / "linkage", "1").exists()


def test_after_the_loss_of_the_machine_card_and_shares_are_enough(steward: Path, tmp_path: Path) -> None:
    """The card is public: any trust file has it."""
    token_key = keys.derived_key(steward, keys.STEWARD, "small", "1")
    files = split(keys.STEWARD, steward, 3, 2, tmp_path / "out")
    card = keys.card_path(steward).read_bytes()
    shutil.rmtree(steward)
    keys.card_path(steward).parent.mkdir(parents=True, mode=0o700)
    keys.card_path(steward).write_bytes(card)
    combine(keys.STEWARD, steward, files[1:])
    keys.renew(keys.STEWARD, steward)
    assert keys.derived_key(steward, keys.STEWARD, "small", "1") == token_key
