"""The arithmetic of the blinded relay against plain integers and published vectors, and what it refuses."""

from __future__ import annotations

import secrets
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polku.errors import Exit, Refusal
from polku.exchange import blinding
from polku.exchange.blinding import ORDER, UNBLINDING

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G_X = "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"

# NIST CAVP, ECC CDH primitive, P-256, counts 0 to 2: x of their point, our scalar, x of the product.
CAVP = [
    (
        "700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287",
        "7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534",
        "46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b",
    ),
    (
        "809f04289c64348c01515eb03d5ce7ac1a8cb9498f5caa50197e58d43a86a7ae",
        "38f65d6dce47676044d58ce5139582d568f64bb16098d179dbab07741dd5caf5",
        "057d636096cb80b67a8c038c890e887d1adfa4195e9b3ce241c8a778c59cda67",
    ),
    (
        "a2339c12d4a03c33546de533268b4ad667debf458b464d77443636440ee7fec3",
        "1accfaf1b97712b85a6f54b148985a1bdc4c9bec0bd258cad4b3d603f49f32c8",
        "2d457b78b4614132477618a5b077965ec90730a8c81a1c75d6d4ec68005d67ec",
    ),
]
# Multiples of the generator (SEC 2): scalar to x.
MULTIPLES = [
    (1, G_X),
    (2, "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"),
    (3, "5ecbe4d1a6330a44c8f7ef951d4bf165e6c6b721efada985fb41661bc6e7fd6c"),
    (112233445566778899, "339150844ec15234807fe862a86be77977dbfb3ae3d96f4c22795513aeaab82f"),
    (ORDER - 1, G_X),
]

scalars = st.integers(1, ORDER - 1)
tokens = st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=4)

Point = tuple[int, int] | None


def lifted(element: bytes) -> Point:
    """A point with this x, by plain integers."""
    x = int.from_bytes(element)
    y = pow(x**3 - 3 * x + B, (P + 1) // 4, P)
    assert y * y % P == (x**3 - 3 * x + B) % P
    return x, y


def on_curve(element: bytes) -> bool:
    """By Euler's criterion."""
    x = int.from_bytes(element)
    return x < P and pow(x**3 - 3 * x + B, (P - 1) // 2, P) in (0, 1)


def added(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(scalar: int, point: Point) -> bytes:
    """x of scalar times point by doubling and adding."""
    total: Point = None
    while scalar:
        total = added(total, point) if scalar & 1 else total
        point, scalar = added(point, point), scalar >> 1
    assert total is not None
    return total[0].to_bytes(32)


def multiplied(element: bytes | None, scalar: int) -> bytes:
    return blinding.multiply([element], scalar, "part")[0]


@pytest.mark.parametrize(("theirs", "ours", "product"), CAVP)
def test_products_are_those_that_nist_published(theirs: str, ours: str, product: str) -> None:
    assert multiplied(bytes.fromhex(theirs), int(ours, 16)).hex() == product


@pytest.mark.parametrize(("scalar", "x"), MULTIPLES)
def test_multiples_of_the_generator_are_the_known_ones(scalar: int, x: str) -> None:
    assert multiplied(bytes.fromhex(G_X), scalar).hex() == x


@given(scalars, scalars)
def test_products_are_those_of_plain_integers(point: int, scalar: int) -> None:
    element = multiplied(bytes.fromhex(G_X), point)
    assert multiplied(element, scalar) == times(scalar, lifted(element))


@given(tokens, scalars, scalars, st.sampled_from(["fi.hetu", "jobs.case"]))
def test_unblinding_leaves_what_the_linkage_key_alone_would_make(
    values: list[bytes], r: int, k: int, id_type: str
) -> None:
    blinded = blinding.blind([id_type] * len(values), values, r)
    unblinding = blinding.read_unblinding(blinding.unblinding(r), "part")
    linked = blinding.multiply(blinding.multiply(blinded, k, "part"), unblinding, "part")
    assert linked == blinding.blind([id_type] * len(values), values, k)


@given(st.lists(st.binary(min_size=16, max_size=16), min_size=2, max_size=8, unique=True))
def test_two_tokens_or_two_id_types_have_two_elements(values: list[bytes]) -> None:
    made = {x for id_type in ("fi.hetu", "jobs.case") for x in blinding.blind([id_type] * len(values), values, 1)}
    assert len(made) == 2 * len(values)


@given(st.sampled_from(["fi.hetu", "jobs.case"]), st.binary(min_size=16, max_size=16))
def test_the_point_of_a_token_is_the_first_hash_on_the_curve(id_type: str, token: bytes) -> None:
    """Another point for the same token would link to nobody, without any error: this rule may never change."""
    message = b"polku blinded v1\0" + id_type.encode() + b"\0" + token
    hashes = (sha256(message + number.to_bytes(4)).digest() for number in range(256))
    assert blinding.blind([id_type], [token], 1) == [next(x for x in hashes if on_curve(x))]


def test_blindings_are_fresh_and_undone_by_their_inverse() -> None:
    drawn = [blinding.new_blinding() for _ in range(100)]
    assert len(set(drawn)) == 100
    assert all(r * int(blinding.unblinding(r)[UNBLINDING], 16) % ORDER == 1 for r in drawn)


def test_the_linkage_scalar_follows_from_its_key_alone() -> None:
    one, other = secrets.token_bytes(32), secrets.token_bytes(32)
    assert blinding.link_scalar(one) == blinding.link_scalar(one) != blinding.link_scalar(other)
    assert 0 < blinding.link_scalar(one) < ORDER


HOSTILE = {
    "off the curve": next(x for x in (n.to_bytes(32) for n in range(99)) if not on_curve(x)),
    "the field's prime": P.to_bytes(32),
    "an element above the prime": (P + 5).to_bytes(32),
    "all ones": b"\xff" * 32,
    "too short": bytes.fromhex(G_X)[:31],
    "too long": bytes.fromhex(G_X) + b"\0",
    "an uncompressed rest": bytes.fromhex(G_X) * 2,
    "the identity": b"",
    "nothing": None,
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_element_is_refused_and_nothing_said_of_it(hostile: bytes | None) -> None:
    with pytest.raises(Refusal) as caught:
        blinding.multiply([bytes.fromhex(G_X), hostile], 7, "part.hpkg")
    with pytest.raises(Refusal) as other:
        blinding.multiply([b""], 7, "part.hpkg")
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE
    assert str(caught.value) == str(other.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@settings(max_examples=300)
@given(st.binary(min_size=32, max_size=32))
def test_an_element_is_accepted_where_plain_integers_find_it_on_the_curve(drawn: bytes) -> None:
    try:
        assert multiplied(drawn, 1) == drawn
        accepted = True
    except Refusal:
        accepted = False
    assert accepted == on_curve(drawn)


@pytest.mark.parametrize(
    "value", [None, 5, "", "0" * 64, f"{ORDER:064x}", "f" * 64, "1", "g" * 64, " " + "1" * 63, "1" * 66, ["1"]]
)
def test_a_manifest_without_a_scalar_is_refused(value: object) -> None:
    with pytest.raises(Refusal) as caught:
        blinding.read_unblinding({UNBLINDING: value}, "part.hpkg")
    assert caught.value.exit is Exit.DELIVERY_INCOMPLETE
    with pytest.raises(Refusal):
        blinding.read_unblinding({}, "part.hpkg")
