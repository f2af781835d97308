from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from eth_account import Account
from eth_keys import keys
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm import eip712, secp256k1

CHANCE = random.Random(1)


def pair(secret: int) -> tuple[ec.EllipticCurvePrivateKey, keys.PrivateKey]:
    return ec.derive_private_key(secret, ec.SECP256K1()), keys.PrivateKey(secret.to_bytes(32, "big"))


@pytest.mark.parametrize("secret", [1, 2, 3, secp256k1.N - 1, *(CHANCE.randrange(1, secp256k1.N) for _ in range(20))])
def test_signing_and_recovery_agree_with_another_implementation(secret: int) -> None:
    ours, theirs = pair(secret)
    for digest in (bytes(32), b"\xff" * 32, CHANCE.randbytes(32)):
        signature = secp256k1.sign_digest(ours, digest)
        other = theirs.sign_msg_hash(digest).to_bytes()
        assert signature == other[:64] + bytes([other[64] + 27])  # RFC 6979 makes both the same
        public = secp256k1.recover(digest, signature)
        assert public == b"\x04" + theirs.public_key.to_bytes()
        assert secp256k1.address_of(public) == theirs.public_key.to_canonical_address()


@given(st.binary(min_size=65, max_size=65), st.binary(min_size=32, max_size=32))
def test_whatever_recovers_recovers_to_the_same_key_elsewhere(signature: bytes, digest: bytes) -> None:
    signature = signature[:64] + bytes([27 + signature[64] % 2])
    try:
        public = secp256k1.recover(digest, signature)
    except VerificationFailed:
        return
    other = keys.Signature(signature[:64] + bytes([signature[64] - 27]))
    assert public == b"\x04" + other.recover_public_key_from_msg_hash(digest).to_bytes()


ORDER = secp256k1.N.to_bytes(32, "big")
ATTACKS: dict[str, Callable[[bytes], bytes]] = {
    "malleable twin": lambda good: (
        good[:32] + (secp256k1.N - int.from_bytes(good[32:64], "big")).to_bytes(32, "big") + bytes([55 - good[64]])
    ),
    "other v": lambda good: good[:64] + bytes([55 - good[64]]),
    "v 0 or 1": lambda good: good[:64] + bytes([good[64] - 27]),
    "v of EIP-155": lambda good: good[:64] + bytes([good[64] + 10]),
    "zero r": lambda good: bytes(32) + good[32:],
    "zero s": lambda good: good[:32] + bytes(32) + good[64:],
    "r of the order": lambda good: ORDER + good[32:],
    "s of the order": lambda good: good[:32] + ORDER + good[64:],
    "short": lambda good: good[:64],
    "long": lambda good: good + b"\x00",
    "empty": lambda good: b"",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_only_one_form_of_a_signature_is_accepted(attack: str) -> None:
    digest = bytes(range(32))
    good = secp256k1.sign_digest(pair(7)[0], digest)
    address = secp256k1.address_of(secp256k1.recover(digest, good))
    secp256k1.verify_signer(address, digest, good)
    with pytest.raises(VerificationFailed):
        secp256k1.verify_signer(address, digest, ATTACKS[attack](good))


def test_every_flipped_bit_is_refused() -> None:
    digest = CHANCE.randbytes(32)
    good = secp256k1.sign_digest(pair(8)[0], digest)
    address = secp256k1.address_of(secp256k1.recover(digest, good))
    for at in range(65 * 8):
        flipped = (int.from_bytes(good, "big") ^ 1 << at).to_bytes(65, "big")
        with pytest.raises(VerificationFailed):
            secp256k1.verify_signer(address, digest, flipped)
    with pytest.raises(VerificationFailed):
        secp256k1.verify_signer(address, bytes([digest[0] ^ 1]) + digest[1:], good)
    with pytest.raises(VerificationFailed):
        secp256k1.verify_signer(bytes(20), digest, good)


def test_a_signature_that_recovers_to_infinity_is_refused() -> None:
    """With R = G, s = 1 and z = 1 the recovered key is G - G."""
    r = secp256k1.G[0].to_bytes(32, "big")
    one = (1).to_bytes(32, "big")
    v = 27 + (secp256k1.G[1] & 1)
    with pytest.raises(VerificationFailed, match="no key"):
        secp256k1.recover(one, r + one + bytes([v]))


def test_addresses_come_from_uncompressed_keys_alone() -> None:
    public = b"\x04" + pair(9)[1].public_key.to_bytes()
    for wrong in (public[1:], b"\x02" + public[1:33], b"\x06" + public[1:], b""):
        with pytest.raises(MalformedInput):
            secp256k1.address_of(wrong)


# --- EIP-712 --------------------------------------------------------------------------

TYPES = {
    "Checkpoint": [
        {"name": "origin", "type": "bytes32"},
        {"name": "size", "type": "uint64"},
        {"name": "root", "type": "bytes32"},
    ]
}


@settings(max_examples=30)
@given(
    st.binary(min_size=32, max_size=32),
    st.integers(min_value=0, max_value=2**64 - 1),
    st.binary(min_size=32, max_size=32),
)
def test_a_wallet_and_the_core_sign_the_same_checkpoint(origin: bytes, size: int, root: bytes) -> None:
    secret = 0xA11CE
    signed = Account.sign_typed_data(
        secret.to_bytes(32, "big"),
        domain_data={"name": "tallystick", "version": "1"},
        message_types=TYPES,
        message_data={"origin": origin, "size": size, "root": root},
    )
    ours = secp256k1.sign_digest(pair(secret)[0], eip712.checkpoint_digest(origin, size, root))
    assert ours == bytes(signed.signature)
    address = pair(secret)[1].public_key.to_canonical_address()
    eip712.verify_checkpoint(address, origin, size, root, ours)
    with pytest.raises(VerificationFailed):
        eip712.verify_checkpoint(address, origin, size ^ 1, root, ours)
    with pytest.raises(VerificationFailed):
        eip712.verify_checkpoint(address, origin, size, bytes([root[0] ^ 1]) + root[1:], ours)
    with pytest.raises(VerificationFailed):
        eip712.verify_checkpoint(address, bytes([origin[0] ^ 1]) + origin[1:], size, root, ours)


def test_a_checkpoint_message_has_fixed_lengths() -> None:
    for origin, size, root in (
        (b"o" * 31, 1, bytes(32)),
        (bytes(32), 1, b"r" * 33),
        (bytes(32), 1 << 64, bytes(32)),
        (bytes(32), -1, bytes(32)),
    ):
        with pytest.raises(MalformedInput):
            eip712.checkpoint_digest(origin, size, root)


# --- a·P + b·Q in one pass, against one bit after the other ---------------------------------


def plainly(scalar: int, point: tuple[int, int]) -> secp256k1._Jacobian:
    total = secp256k1._INFINITY
    for bit in f"{scalar:b}":
        total = secp256k1._double(total)
        if bit == "1":
            total = secp256k1._add(total, point)
    return total


def affine(point: secp256k1._Jacobian) -> tuple[int, int] | None:
    if point[2] == 0:
        return None
    scale = pow(point[2], -1, secp256k1.P)
    return point[0] * scale**2 % secp256k1.P, point[1] * scale**3 % secp256k1.P


EDGES = [0, 1, 2, 3, 15, 16, 31, 32, 33, (1 << 128) - 1, 1 << 128, 1 << 255, secp256k1.N // 2, secp256k1.N - 1]
LAMBDA = 0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72
SCALARS = st.sampled_from([*EDGES, LAMBDA, secp256k1.N - LAMBDA]) | st.integers(0, secp256k1.N - 1)


@settings(max_examples=60, deadline=None)
@given(SCALARS, SCALARS, st.integers(1, secp256k1.N - 1) | st.sampled_from([1, 2, secp256k1.N - 1, LAMBDA]))
def test_two_multiples_in_one_pass(a: int, b: int, secret: int) -> None:
    second = affine(plainly(secret, secp256k1.G))
    assert second is not None
    summand = affine(plainly(b, second))
    expected = plainly(a, secp256k1.G) if summand is None else secp256k1._add(plainly(a, secp256k1.G), summand)
    assert affine(secp256k1._combine(a, secp256k1.G, b, second)) == affine(expected)


@settings(max_examples=60, deadline=None)
@given(SCALARS, SCALARS)
def test_multiples_of_kept_points(a: int, b: int) -> None:
    total = secp256k1._add_multiple(plainly(a, secp256k1.G), b, secp256k1.G)
    assert affine(total) == affine(plainly((a + b) % secp256k1.N, secp256k1.G))


def test_points_become_affine_together() -> None:
    points = [plainly(scalar, secp256k1.G) for scalar in (1, 2, 7, secp256k1.N - 1, LAMBDA)]
    assert secp256k1._affine(points) == [affine(point) for point in points]
    assert secp256k1._affine([]) == []


def test_a_signature_that_went_wrong_while_it_was_made_is_not_given_out() -> None:
    private, _ = pair(0x51C5)
    digest = CHANCE.randbytes(32)
    signature = secp256k1.sign_digest(private, digest)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    numbers = private.public_key().public_numbers()
    assert secp256k1._is_odd(digest, r, s, (numbers.x, numbers.y)) == signature[64] - 27
    for wrong in ((r + 1, s), (r, s + 1), (r - 1, s)):
        with pytest.raises(RuntimeError, match="does not verify"):
            secp256k1._is_odd(digest, *wrong, (numbers.x, numbers.y))


def test_what_was_signed_is_known_and_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    private, theirs = pair(0x51C4)
    with monkeypatch.context() as patched:
        patched.setattr(secp256k1, "_kept", {})
        patched.setattr(secp256k1, "_reckon_point", None)  # whoever called it would fail
        for number in range(3 * secp256k1._MOST_KEPT):
            digest = number.to_bytes(32, "big")
            assert secp256k1.recover(digest, secp256k1.sign_digest(private, digest))[1:] == theirs.public_key.to_bytes()
        assert len(secp256k1._kept) <= secp256k1._MOST_KEPT


def test_the_endomorphism() -> None:
    x, y = secp256k1.G
    assert affine(plainly(LAMBDA, secp256k1.G)) == (x * secp256k1._BETA % secp256k1.P, y)
    for scalar in (*EDGES, *(CHANCE.randrange(secp256k1.N) for _ in range(50))):
        (one, _), (two, _) = secp256k1._halves(scalar, [])
        assert (one + two * LAMBDA - scalar) % secp256k1.N == 0
        assert max(one.bit_length(), two.bit_length()) <= 129
        for width in (secp256k1._WIDTH, secp256k1._WIDTH_KEPT):
            assert sum(digit << place for place, digit in secp256k1._digits(abs(one), width)) == abs(one)
