"""Plays every party on one machine with invented or published data, so that the whole path can be tried.

Belongs here: the demonstration's order of events. Does not belong here: any step's own work; each is done
by the same function that the real party uses.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from polku.authority.sealing import seal
from polku.exchange import delivery, folders, grants, keys
from polku.exchange.files import digest_of
from polku.exchange.issuing import issue
from polku.exchange.pins import pin
from polku.layout import CHECKOUT, DataRoot
from polku.linkage.relaying import relay
from polku.studies import Study

DAYS_OF_TRUST = 3650
"""Nobody who tries the demonstration again later should have to renew its trust file."""

Say = Callable[[str], None]


def play(root: DataRoot, study: Study, persons: int, seed: int, say: Say) -> None:
    """From extracts to sealed packages in the research platform's inbox.

    Extracts come from `examples/<study>/` where there is one, else from the synthetic twin. Safe to run
    again: an extract that has been sealed unchanged is not sealed again. Only for studies that are a test.
    """
    make_extracts(root, study, persons, seed, say)
    make_keys(root, study, say)
    for register in study.contracts:
        seal_extract(root, study, register, say)
    carry(root, study, say)


def make_extracts(root: DataRoot, study: Study, persons: int, seed: int, say: Say) -> None:
    """Put the extracts of every authority into its folder."""
    example = CHECKOUT / "examples" / study.code
    if not example.is_dir():
        from polku.twin import make_twin

        made = root.path / "authorities" / "made.txt"
        recipe = f"{persons} persons, seed {seed}\n"
        if made.is_file() and made.read_text(encoding="utf-8") == recipe:
            return
        say(f"making the synthetic twin: {recipe.strip()}")
        make_twin(root, study, persons=persons, seed=seed)
        made.write_text(recipe, encoding="utf-8")
        return
    for register, contract in study.contracts.items():
        folder = root.authority(register) / "extract"
        folder.mkdir(parents=True, exist_ok=True)
        for table in contract.tables:
            shutil.copyfile(example / table.file, folder / table.file)


def make_keys(root: DataRoot, study: Study, say: Say, **terms: Any) -> None:
    """Keys of every party, the trust file (on `terms` of `issue`, if any), and the grants to the authorities; once."""
    if root.trust.is_file():
        return
    say("making the keys of every party (in reality each makes its own, on its own machine)")
    folders = {keys.STEWARD: root.steward, keys.LINKAGE: root.linkage, keys.RESEARCH: root.path}
    folders |= {register: root.authority(register) for register in study.contracts}
    cards = []
    for party, folder in folders.items():
        card = keys.card_path(folder)
        cards.append(keys.read_card(card) if card.is_file() else keys.create_party(party, study.code, folder))
    today, part = datetime.now(UTC).date(), root.trust.with_name(".trust.part.json")
    lasting = today + timedelta(days=DAYS_OF_TRUST)
    issue(root.steward, part, cards, study=study.code, test=study.test, today=today, expires_on=lasting, **terms)
    for folder in folders.values():
        pin(folder, cards[0].verify_key.key_id.hex())
    for register in study.contracts:
        if not keys.token_key_path(root.authority(register), keys.EPOCH).is_file():
            package = grants.grant(root.steward, part, register)
            grants.accept(root.authority(register), part, register, package)
    part.replace(root.trust)


def seal_extract(root: DataRoot, study: Study, register: str, say: Say) -> None:
    """Seal the register's extracts, oldest first: one in `extract/`, or those of the twin in `extract/1/` and so on.

    Files that have been sealed already and are the same are not sealed again.
    """
    from polku.twin.deliveries import schedule

    contract, folder = study.contracts[register], root.authority(register)
    made = folder / "extract"
    numbered = sorted(path for path in made.iterdir() if path.is_dir())
    extracts = schedule(study, contract)
    times = extracts if numbered else extracts[-1:]
    for path, extract in zip(numbered or [made], times, strict=True):
        mark, digest = folder / "sealed" / f"{path.name}.sha256", _digest([path / t.file for t in contract.tables])
        if mark.is_file() and mark.read_text(encoding="utf-8") == digest:
            continue
        period = extract.period if numbered else (date(1900, 1, 1), extract.last)
        # New and changed rows alone are fewer than what came before, and so are the rows of a smaller twin.
        report = seal(study, register, path, folder, root.trust, extract.made_on, period, confirmed=True)
        mark.write_text(digest, encoding="utf-8")
        rows = sum(table.rows for table in report.manifest.tables)
        refused = sum(table.rows_read - table.rows_kept for table in report.tables)
        say(f"{register} sealed {rows} rows as {report.delivery_id}; {refused} stayed in its own quarantine")


def carry(root: DataRoot, study: Study, say: Say) -> None:
    """Carry packages from party to party, each of them once."""
    carried = Carried(root.path / "authorities" / "carried.txt")
    for register in study.contracts:
        sealed = root.authority(register) / "sealed"
        carried.copy(sealed, delivery.ID, root.linkage / "inbox")
        carried.copy(sealed, delivery.DATA, root.inbox)
    report = relay(root.linkage, root.trust)
    if report.refused:
        raise report.refused[0]
    if report.relayed:
        say(f"the linkage unit re-keyed {len(report.relayed)} deliveries")
    carried.copy(root.linkage / "outbox", delivery.LINK, root.inbox)


class Carried:
    """The courier's list: what has been carried is not carried again, even when it has moved on since."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names = set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()

    def copy(self, source: Path, compartment: str, into: Path) -> None:
        """Copy new parts of one kind, with their markers."""
        into.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = (each.files.get(compartment) for each in folders.find_parts(source))
        for path in (path for path in found if path and path.name not in self._names):
            folders.copy(path, into)
            self._names.add(path.name)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{path.name}\n")


def _digest(files: list[Path]) -> str:
    return sha256(" ".join(digest_of(path) for path in files).encode()).hexdigest()
