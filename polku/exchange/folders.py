"""How packages lie in folders: whole, under their own names, each with a marker that says so.

Belongs here: putting packages into folders, finding them there, moving them on, and holding back what is
still being copied. Does not belong here: the container (`package`) and what a delivery is (`delivery`).

The marker `<name>.hpkg.sha256` holds the package's SHA-256 as `sha256sum` writes it and comes after the
package. A receiver does not see a package without one, and holds one that is not what its marker says. The
marker is a courier's word and proves nothing: what a package is, its signatures alone tell.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from polku.errors import Exit, Refusal
from polku.exchange.delivery import DELIVERY_ID, Delivery, now
from polku.exchange.files import create_private, digest_of, open_regular
from polku.exchange.keypairs import VerifyKey
from polku.exchange.package import SUFFIX, Package

MARKER = ".sha256"

_FILE = re.compile(DELIVERY_ID + r"\.(?P<compartment>id|data|link)" + re.escape(SUFFIX))
_MARK = re.compile(rb"([0-9a-f]{64})(\s.*)?", re.DOTALL)
_MAX_MARK_BYTES = 1_000
_COPIED_BYTES = 1 << 20


def find_parts(folder: Path) -> list[Delivery]:
    """Deliveries of which any part lies in `folder` with its marker, by register and sequence number.

    Only names are read, digests when they are asked for.
    """
    found: dict[tuple[str, int, str], dict[str, Path]] = {}
    for path, match in _packages(folder):
        if _is_file(_marker(path)):
            key = (match["register"], int(match["seq"]), match["delivery_id"])
            found.setdefault(key, {})[match["compartment"]] = path
    return [
        Delivery(name, register, seq, files, _Digests(files)) for (register, seq, name), files in sorted(found.items())
    ]


def arriving(folder: Path) -> list[Path]:
    """Packages in `folder` that have no marker yet: receivers wait for whoever is copying them."""
    return sorted(path for path, _ in _packages(folder) if not _is_file(_marker(path)))


def verified(path: Path, signers: Mapping[bytes, VerifyKey | None]) -> Package:
    """`Package.verify` for a package in a folder; holds it (NOT_YET) when it is not what its marker says."""
    try:
        package = Package.verify(path, signers)
    except Refusal:
        if digest_of(path) != announced(path):
            raise _not_yet(path) from None
        raise
    if package.digest != announced(path):
        package.close()
        raise _not_yet(path)
    return package


def mark(path: Path, digest: str) -> None:
    """Put the marker beside a package that is whole: its SHA-256 (hex), in the form of `sha256sum`."""
    part = path.with_name(f".{path.name}{MARKER}.part")
    part.write_text(f"{digest}  {path.name}\n", encoding="ascii")
    part.replace(_marker(path))


def announced(path: Path) -> str | None:
    """The digest on the marker; None when there is no marker, or it is none."""
    try:
        with open_regular(_marker(path)) as file:
            match = _MARK.fullmatch(file.read(_MAX_MARK_BYTES))
    except Refusal:
        return None
    return match[1].decode() if match else None


def publish(part: Path, digest: str) -> Path:
    """Give a finished `.<name>.part` its own name, and then its marker."""
    path = part.rename(part.with_name(part.name.removeprefix(".").removesuffix(".part")))
    mark(path, digest)
    return path


def copy(path: Path, folder: Path) -> Path:
    """Copy a package and its marker into `folder`; under another name first, so that none arrives half.

    The marker is copied, not made: a copy that went wrong does not agree with it.
    """
    digest = announced(path)
    if digest is None:
        raise _not_yet(path)
    part = folder / f".{path.name}.part"
    part.unlink(missing_ok=True)
    with open_regular(path) as source, create_private(part) as target:
        shutil.copyfileobj(source, target, _COPIED_BYTES)
        target.flush()
        os.fsync(target.fileno())
    return publish(part, digest)


def move(path: Path, folder: Path) -> Path:
    """Move a package and its marker into `folder`, on the same file system."""
    digest = announced(path)
    _marker(path).unlink(missing_ok=True)
    moved = path.rename(folder / path.name)
    if digest is not None:
        mark(moved, digest)
    return moved


def take(path: Path, target: Path) -> None:
    """Take a package out of a folder under a name that is none of a package; its marker goes after it."""
    path.replace(target)
    _marker(path).unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Delete a package and its marker."""
    path.unlink()
    _marker(path).unlink(missing_ok=True)


def settle(folder: Path, recorded: Iterable[str]) -> None:
    """Finish or undo what a killed run left: parts that the ledger knows get name and marker, others go."""
    known = set(recorded)
    for part in folder.glob(f".*{SUFFIX}.part"):
        if (digest := digest_of(part)) in known:
            publish(part, digest)
        else:
            part.unlink()
    for path in arriving(folder):
        if (digest := digest_of(path)) in known:
            mark(path, digest)


def set_aside(folder: Path, files: Iterable[Path], refusal: Refusal) -> None:
    """Move refused packages into `folder` with a `reason.json` that holds no value of a row."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    reason = {
        "exit_code": int(refusal.exit),
        "exit": refusal.exit.name,
        "what": refusal.what,
        "advice": refusal.advice,
        "register": refusal.register,
        "file": refusal.file,
        "column": refusal.column,
        "row_no": refusal.row_no,
        "refused_at": now(),
    }
    (folder / "reason.json").write_text(json.dumps(reason, indent=1) + "\n", encoding="utf-8")
    for path in files:
        move(path, folder)


class _Digests(Mapping[str, str]):
    """SHA-256 (hex) by part. A file is read when its digest is first asked for: most only look for names."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files
        self._known: dict[str, str] = {}

    def __getitem__(self, part: str) -> str:
        if part not in self._known:
            self._known[part] = digest_of(self._files[part])
        return self._known[part]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _packages(folder: Path) -> Iterator[tuple[Path, re.Match[str]]]:
    """Regular files, not links to any, that are named like parts."""
    for path in folder.glob(f"*{SUFFIX}"):
        match = _FILE.fullmatch(path.name)
        if match and _is_file(path):
            yield path, match


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _marker(path: Path) -> Path:
    return path.with_name(path.name + MARKER)


def _not_yet(path: Path) -> Refusal:
    return Refusal(
        Exit.NOT_YET,
        "the package is not what its marker says, so it is taken for one that is still being copied; it is held.",
        f"When the copying is over and this stays, copy the package again and then its {MARKER} file.",
        file=path.name,
    )
