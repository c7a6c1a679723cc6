"""Packages that have landed, put away so that a delivery can be read again, or destroyed for good.

Belongs here: where packages and their data keys are kept, apart from each other. Does not belong here: when a
delivery is destroyed (`erasure`, and whoever keeps the register's retention).

The wrapped data key is cut out of each package. It is kept in one file per delivery, wrapped once more under a
key of the register that is derived from the store's. So the opening key of the research platform alone opens no
archived package, and destroying one small file destroys the delivery, as far as no backup holds that file:
backups of `keys/deliveries/` must not outlive 35 days.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from polku.errors import Exit, Refusal
from polku.exchange.delivery import DATA, LINK, Delivery, part_name
from polku.exchange.files import digest_of
from polku.exchange.folders import publish, take
from polku.exchange.keyfiles import read_key, write_key
from polku.exchange.keypairs import WRAPPED_KEY_BYTES
from polku.exchange.ledger import Ledger
from polku.exchange.package import wrapped_key_at
from polku.layout import DataRoot
from polku.research.storage import ensure_store_key

_PARTS = (DATA, LINK)


def put_away(root: DataRoot, delivery: Delivery, *, keep: bool) -> None:
    """Move the packages of a landed delivery out of the inbox, and their data keys into a file of their own, or,
    when they are not to be kept, nowhere: then nobody can open them again.

    Killed at any moment, the packages are whole in the inbox or their keys are in that file; done again, it
    finishes. A package that arrives twice lies on itself, and its key is not kept again: a destroyed delivery does
    not come back.
    """
    root.archive.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = {part: root.archive / path.name for part, path in delivery.files.items()}
    key_file = _key_file(root, delivery.delivery_id)
    if keep and not key_file.exists() and not any(path.exists() or _hidden(path).exists() for path in kept.values()):
        keys = b"".join(_wrapped_key(delivery.files[part]) for part in _PARTS)
        write_key(key_file, aes_key_wrap_with_padding(_register_key(root, delivery.register), keys))
    for part, path in delivery.files.items():
        take(path, _hidden(kept[part]))
        _cut_out(_hidden(kept[part]), kept[part])


def resume(root: DataRoot) -> int:
    """Finish what a killed run has begun to put away; returns the number of packages."""
    hidden = sorted(root.archive.glob(".*.hpkg.part"))
    for path in hidden:
        _cut_out(path, root.archive / path.name.removeprefix(".").removesuffix(".part"))
    return len(hidden)


def reopen(root: DataRoot, delivery_id: str, folder: Path) -> dict[str, Path]:
    """Put the packages of a landed delivery together again in `folder`, byte for byte as they arrived.

    Refuses KEY_UNUSABLE when the delivery was destroyed, or its key is not of this store, and LEDGER_BROKEN
    when the packages are not those that have landed.
    """
    entry = next((e for e in Ledger(root.ledger).accepted() if e.delivery_id == delivery_id), None)
    if entry is None:
        raise Refusal(Exit.USAGE, "no delivery of this name has landed.", file=delivery_id)
    if not _key_file(root, delivery_id).exists():
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the delivery has been destroyed: its data keys do not exist any more.",
            "Only the authority can send its rows again.",
            register=entry.register,
            file=delivery_id,
        )
    sealed = read_key(_key_file(root, delivery_id), None)
    try:
        keys = aes_key_unwrap_with_padding(_register_key(root, entry.register), sealed)
    except InvalidUnwrap:
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the key file of the delivery was not made with this store's key.",
            "Restore keys/store.key and keys/deliveries/ from the same backup.",
            register=entry.register,
            file=delivery_id,
        ) from None
    made = {}
    for no, part in enumerate(_PARTS):
        name = part_name(delivery_id, part)
        made[part] = folder / name
        part_file = made[part].with_name(f".{name}.part")
        shutil.copyfile(root.archive / name, part_file)
        _write_at(part_file, keys[no * WRAPPED_KEY_BYTES : (no + 1) * WRAPPED_KEY_BYTES])
        if digest_of(part_file) != entry.digests[part]:
            part_file.unlink()
            raise Refusal(
                Exit.LEDGER_BROKEN,
                "the archived package is not the one that has landed.",
                "Restore inbox/landed/ from its backup.",
                register=entry.register,
                file=name,
            )
        publish(part_file, entry.digests[part])
    return made


def destroy(root: DataRoot, delivery_id: str) -> bool:
    """Destroy the data keys of a delivery, so that nobody can open its packages again; whether it had any.

    The file is overwritten before it is removed, which a copying file system or a worn disk may not honour: what
    is left there is wrapped under the register's key.
    """
    path = _key_file(root, delivery_id)
    if not path.exists():
        return False
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    return True


def destroy_register(root: DataRoot, register: str) -> int:
    """Destroy every archived delivery of a register, when its retention ends; returns how many."""
    return sum(destroy(root, entry.delivery_id) for entry in Ledger(root.ledger).accepted(register))


def _key_file(root: DataRoot, delivery_id: str) -> Path:
    return root.keys / "deliveries" / f"{delivery_id}.key"


def _register_key(root: DataRoot, register: str) -> bytes:
    hkdf = HKDF(SHA256(), 32, salt=b"polku store/v1", info=f"archive|{register}".encode())
    return hkdf.derive(read_key(ensure_store_key(root)))


def _wrapped_key(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(wrapped_key_at(file))
        return file.read(WRAPPED_KEY_BYTES)


def _cut_out(hidden: Path, path: Path) -> None:
    """In place, so that the key does not stay on blocks of a removed file; then the package gets its name."""
    _write_at(hidden, bytes(WRAPPED_KEY_BYTES))
    hidden.replace(path)


def _write_at(path: Path, wrapped_key: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(wrapped_key_at(file))
        file.write(wrapped_key)
        file.flush()
        os.fsync(file.fileno())


def _hidden(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
