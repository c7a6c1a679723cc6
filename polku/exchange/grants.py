"""How token keys get from the steward to an authority: sealed and signed, never in a letter or an e-mail.

Belongs here: granting and accepting. Does not belong here: deriving (`tokens`) and other keys (`keys`).

An authority gets two keys: the study's token key, equal for all authorities (national identifiers), and
its register's own (identifiers that are unique within the register only).
"""

from __future__ import annotations

from pathlib import Path

from polku.errors import Exit, Refusal
from polku.exchange.keyfiles import read_key, write_key
from polku.exchange.keys import STEWARD, derived_key, root_key, token_key_path
from polku.exchange.package import SUFFIX, Package, writing
from polku.exchange.payload import Payload, write_payload
from polku.exchange.tokens import derive, key_check
from polku.exchange.trust import Trust


def grant(steward: Path, trust: Path, register: str) -> Path:
    """Seal the token keys of the current epoch for the authority of `register`; returns the package.

    Refuses (KEY_UNUSABLE) when the root is not here, or gives other keys than the trust file announces.
    """
    pins = Trust.read(trust, steward)
    keys, recipient = pins.own(STEWARD, steward), pins.party(register).sealing_key
    token_key = derived_key(steward, STEWARD, pins.study, pins.epoch)
    register_key = derive(root_key(steward, pins.epoch), "src", pins.study, pins.epoch, register)
    _refuse_other_keys(pins, pins.epoch, register, token_key, register_key)
    path = steward / "grants" / f"{register}-{pins.epoch}.grant{SUFFIX}"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with writing(part, _header(pins, register), keys.signing, recipient) as out:
        write_payload(out, {"token_key": token_key.hex(), "register_key": register_key.hex()})
    part.replace(path)
    return path


def accept(authority: Path, trust: Path, register: str, package: Path) -> Path:
    """Store the token keys that a grant holds; returns the key file.

    Refuses what the steward did not seal for this authority, study and epoch.
    """
    pins = Trust.read(trust, authority)
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
    both = [bytes.fromhex(payload.manifest[name]) for name in ("token_key", "register_key")]
    _refuse_other_keys(pins, pins.epoch, register, *both)
    path = token_key_path(authority, pins.epoch)
    write_key(path, b"".join(both))
    return path


def token_keys(authority: Path, epoch: str) -> tuple[bytes, bytes]:
    """The study's token key and the register's own of an epoch, as granted."""
    both = read_key(token_key_path(authority, epoch), 64)
    return both[:32], both[32:]


def granted_keys(authority: Path, pins: Trust, register: str, epoch: str) -> tuple[bytes, bytes]:
    """The same, when they are those that the trust file announces for this epoch (else KEY_UNUSABLE)."""
    if not token_key_path(authority, epoch).exists():
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the steward's grant of the token keys has not arrived or has not been accepted yet.",
            "Ask the steward for it, then: polku keys accept.",
            register=register,
        )
    keys = token_keys(authority, epoch)
    _refuse_other_keys(pins, epoch, register, *keys)
    return keys


def _refuse_other_keys(pins: Trust, epoch: str, register: str, token_key: bytes, register_key: bytes) -> None:
    """A wrong key gives no error later, only persons that do not link."""
    announced = pins.cards[STEWARD].key_checks[epoch], pins.register_checks[epoch].get(register)
    if (key_check(token_key), key_check(register_key)) != announced:
        raise Refusal(
            Exit.KEY_UNUSABLE,
            "the token keys are not those that the steward's card and the trust file announce.",
            "Either the trust file is old, or the grant is, or this software spells identifiers differently from "
            "the steward's.",
            register=register,
        )


def _header(pins: Trust, register: str) -> dict[str, str]:
    return {"compartment": "grant", "study": pins.study, "register": register, "epoch": pins.epoch}
