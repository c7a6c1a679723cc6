"""A root in shares: so many custodians together can bring it back, fewer know nothing of it.

Belongs here: splitting and combining, by SLIP-39 (Shamir's scheme with words that can be printed and a digest that
tells a wrong mix). Does not belong here: whose root it is (`keys`). Only this module imports the library, which
comes with the extra `ceremony`; sealing and relaying do without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics

from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import write_key
from polku.exchange.keys import LABELS, STEWARD, Card, card_path, read_card, root_key, root_path
from polku.exchange.tokens import derive, key_check

MOST = 16
"""Shares of one root at most (SLIP-39)."""


def split(party: str, folder: Path, shares: int, threshold: int, out: Path, *, remove_root: bool = False) -> list[Path]:
    """Write the newest root of a party as `shares` files of words into the new folder `out`; returns them.

    Any `threshold` of them give the root back. Before anything is removed or returned the files are read again,
    and it is seen that each of them takes part in giving the root back. Refuses (USAGE) a threshold below 2, for
    one share would be the root itself, a folder that exists, and to remove a root that is in daily use.
    """
    if not 2 <= threshold <= shares <= MOST:
        raise Refusal(Exit.USAGE, f"there can be 2 to {MOST} shares, and at least 2 must be needed to combine.")
    if out.exists():
        raise Refusal(Exit.USAGE, "the folder for the shares exists.", "Name a new one, on what will be carried away.")
    if remove_root and party != STEWARD:
        raise Refusal(Exit.USAGE, "only the steward can do without its root from day to day.")
    card = read_card(card_path(folder))
    root = root_key(folder, card.newest)
    path = _announced_path(party, folder, card, root)
    (words,) = generate_mnemonics(1, [(threshold, shares)], root)
    files = []
    for number, share in enumerate(words, 1):
        title = (
            f"# Polku, {path.stem} of {party}, study {card.study}: share {number} of {shares}, {threshold} are needed"
        )
        files.append(out / f"{card.study}-{party}-{path.stem}-{number}-of-{shares}.txt")
        write_key(files[-1], f"{title}\n{share}\n".encode())
    for first in range(shares):
        some = [files[(first + each) % shares] for each in range(threshold)]
        if _combined(some) != root:
            raise Refusal(Exit.KEY_UNUSABLE, "the shares do not give the root back.", "Destroy them; try again.")
    if remove_root:
        path.unlink()
    return files


def combine(party: str, folder: Path, shares: Iterable[Path]) -> Path:
    """Bring a root back from files of shares; returns the key file.

    Refuses (KEY_UNUSABLE) shares that are too few, damaged or of different sets, a root that the party's card
    does not announce, and to overwrite a root.
    """
    root = _combined(shares)
    path = _announced_path(party, folder, read_card(card_path(folder)), root)
    write_key(path, root)
    return path


def _announced_path(party: str, folder: Path, card: Card, root: bytes) -> Path:
    """Where a root belongs: the first number whose key check on the card is that of a key of this root."""
    checks = card.key_checks
    numbers = [each for each in checks if key_check(derive(root, LABELS[party], card.study, each)) == checks[each]]
    if not numbers:
        raise Refusal(
            Exit.KEY_UNUSABLE,
            f"the root is none that the card of `{party}` announces.",
            "It is of another party, study or time.",
        )
    return root_path(folder, min(numbers, key=int))


def _combined(files: Iterable[Path]) -> bytes:
    try:
        return bytes(combine_mnemonics([_words(file) for file in files]))
    except (MnemonicError, ValueError):
        pass
    # The library's message may quote a word of a share.
    raise Refusal(
        Exit.KEY_UNUSABLE,
        "the shares do not combine: too few or too many, a word misspelt, or of different sets.",
        "Give exactly as many shares of one set as their first line asks for.",
    )


def _words(file: Path) -> str:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        raise Refusal(Exit.KEY_UNUSABLE, "the share cannot be read.", file=file.name) from None
    return " ".join(word for line in lines if not line.startswith("#") for word in line.lower().split())
