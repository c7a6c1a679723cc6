"""How token keys get from the steward to an authority: sealed and signed, never in a letter or an e-mail.

Belongs here: granting and accepting. Does not belong here: deriving (`tokens`) and other keys (`keys`).

An authority gets two keys: the study's token key, equal for all authorities (national identifiers), and
its register's own (identifiers that are unique within the register only).
"""

from __future__ import annotations

from pathlib import Path

from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import read_key, write_key
from polku.exchange.keys import STEWARD, Trust, root_key, token_key_path
from polku.exchange.package import SUFFIX, Package, writing
from polku.exchange.payload import Payload, write_payload
from polku.exchange.tokens import derive, key_check


def grant(steward: Path, trust: Path, register: str) -> Path:
    """Seal the token keys of the current epoch for the authority of `register`; returns the package."""
    pins = Trust.read(trust)
    keys, root = pins.own(STEWARD, steward), root_key(steward)
    path = steward / "grants" / f"{register}-{pins.epoch}.grant{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with writing(part, _header(pins, register), keys.signing, pins.party(register).sealing_key) as out:
        secrets = {
            "token_key": derive(root, "tok", pins.study, pins.epoch).hex(),
            "register_key": derive(root, "src", pins.study, pins.epoch, register).hex(),
        }
        write_payload(out, secrets)
    part.replace(path)
    return path


def accept(authority: Path, trust: Path, register: str, package: Path) -> Path:
    """Store the token keys that a grant holds; returns the key file.

    Refuses what the steward did not seal for this authority, study and epoch.
    """
    pins = Trust.read(trust)
    keys = pins.own(register, authority)
    with Package.verify(package, pins.signers) as sealed:
        if sealed.sender_key_id != pins.party(STEWARD).verify_key.key_id:
            raise Refusal(
                Exit.SENDER_UNKNOWN,
                "only the steward may grant token keys.",
                file=package.name,
                register=register,
            )
        terms = {name: value for name, value in sealed.header.items() if name != "chunk_bytes"}
        if terms != _header(pins, register):
            raise Refusal(
                Exit.PACKAGE_MISADDRESSED,
                "the grant is for another study, register or epoch.",
                "Ask the steward for the grant of this register.",
                register=register,
                file=package.name,
            )
        payload = Payload(sealed.open(keys.opening), package.name)
        payload.finish()
    token_key = bytes.fromhex(payload.manifest["token_key"])
    if key_check(token_key, stretched=pins.stretched) != pins.key_check:
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the granted key is not the one that the steward's card announces.",
            "Either the trust file is old, or this software spells identifiers differently from the steward's.",
            register=register,
            file=package.name,
        )
    path = token_key_path(authority, pins.epoch)
    write_key(path, token_key + bytes.fromhex(payload.manifest["register_key"]))
    return path


def token_keys(authority: Path, epoch: str) -> tuple[bytes, bytes]:
    """The study's token key and the register's own, as granted."""
    both = read_key(token_key_path(authority, epoch), 64)
    return both[:32], both[32:]


def _header(pins: Trust, register: str) -> dict[str, str]:
    return {"compartment": "grant", "study": pins.study, "register": register, "epoch": pins.epoch}
