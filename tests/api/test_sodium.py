"""Ed25519 by libsodium: what is admitted and what is signed is what `cryptography` says, for every odd point."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import nacl.bindings
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from api.batches import hand, sodium
from api.batches.sodium import Quick, check, confirmed, quick
from api.batches.wire import Keys
from tallystick import cose, layout
from tallystick.admission import Refused
from tallystick.admission.signer import check_signature
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.keys import Algorithm, LocalSigner, PublicKey
from tallystick.statement import Statement, statement_again
from tests.core.ed25519_points import BASE, ORDER, TORSION, Point, add, challenge, decoded, encoded, times
from tests.world import key_from

ODD = [(bytes.fromhex(key), bytes.fromhex(signature)) for key, signature in sodium._NOT_OURS]
MESSAGES = [b"", b"message", bytes(range(256)) * 3]


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    sodium._opened.cache_clear()
    yield
    sodium._opened.cache_clear()


def of(message: bytes, signature: bytes, alg: int = -8) -> Statement:
    """A statement as far as checking its signature needs one."""
    made = statement_again(b"", "", b"", None, b"")  # type: ignore[arg-type]
    parts = layout.Parts(b"", alg, b"", "", "", b"", signature)
    made.__dict__.update(parts=parts, to_be_signed=message)
    return made


def outcome(checked: Any, statement: Statement, key: PublicKey) -> Any:
    try:
        checked(statement, key)
    except Refused as refused:
        return refused.code, str(refused)
    return "holds"


def alike(key: PublicKey, message: bytes, signature: bytes) -> Any:
    """How a check ends, by either library."""
    statement = of(message, signature)
    told = outcome(check_signature, statement, key)
    assert outcome(check, statement, key) == told
    if confirmed(key.raw, message, signature):
        key.verify(message, signature)
    return told


def signed(secret: int, nonce: int, key: Point, r: Point, message: bytes) -> bytes:
    """R as given, S as if R were nonce·B and the key secret·B."""
    k = challenge(encoded(r), encoded(key), message)
    return encoded(r) + ((nonce + k * secret) % ORDER).to_bytes(32, "little")


@pytest.mark.parametrize("message", MESSAGES, ids=len)
def test_points_of_small_order_in_key_and_r(message: bytes) -> None:
    """With the cofactor all of these would hold; without, those of which k times the one is minus the other."""
    secret, nonce = 2**200 + 5, 2**190 + 3
    held = 0
    for in_key, in_r in product(range(8), repeat=2):
        key, r = add(times(secret, BASE), TORSION[in_key]), add(times(nonce, BASE), TORSION[in_r])
        signature = signed(secret, nonce, key, r, message)
        ours = (challenge(encoded(r), encoded(key), message) * in_key + in_r) % 8 == 0
        told = alike(PublicKey("ed25519", encoded(key)), message, signature)
        assert (told == "holds") == ours
        held += ours
    assert 8 <= held < 24


def test_what_libsodium_refuses_and_the_equation_does_not_is_admitted() -> None:
    """R of small order, by a signer with a bad nonce: it is admitted as it ever was, for verifiers take it."""
    secret = 2**200 + 5
    key = PublicKey("ed25519", encoded(times(secret, BASE)))
    signature = signed(secret, 0, times(secret, BASE), TORSION[0], b"message")
    assert not confirmed(key.raw, b"message", signature)
    assert alike(key, b"message", signature) == "holds"


def test_other_forms_of_a_signature_are_refused() -> None:
    signer = key_from("one")
    signature = signer.sign(b"message")
    s = int.from_bytes(signature[32:], "little")
    forms = [signature[:32] + (s + times_ * ORDER).to_bytes(32, "little") for times_ in (1, 2, 15)]
    forms += [signature[:at] + bytes([signature[at] ^ 1 << bit]) + signature[at + 1 :] for at, bit in BITS]
    forms += [bytes(64), b"\xff" * 64, signature[32:] + signature[:32], encoded(TORSION[0]) + signature[32:]]
    for form in forms:
        assert alike(signer.public, b"message", form)[0] == "bad-signature"
    # R is the point it was, its y beyond the field: only those of small order have such a form.
    y = 1 + 2**255 - 19
    secret = 2**200 + 5
    key = times(secret, BASE)
    k = challenge(y.to_bytes(32, "little"), encoded(key), b"")
    strange = y.to_bytes(32, "little") + (k * secret % ORDER).to_bytes(32, "little")
    assert alike(PublicKey("ed25519", encoded(key)), b"", strange)[0] == "bad-signature"


BITS = [(at, bit) for at in (0, 1, 31, 32, 33, 63) for bit in range(8)]


def test_the_border_between_signature_and_message_does_not_move() -> None:
    """To libsodium both are one string: without a look at the length this signs another message."""
    signer = key_from("one")
    whole = signer.sign(b"message") + b"message"
    for at in (0, 1, 32, 63, 65, 70, len(whole)):
        assert not confirmed(signer.public.raw, whole[at:], whole[:at])
        assert alike(signer.public, whole[at:], whole[:at])[0] == "bad-signature"
    assert alike(signer.public, whole[64:], whole[:64]) == "holds"


def test_a_header_that_names_another_algorithm_is_refused() -> None:
    signer = key_from("one")
    statement = of(b"message", signer.sign(b"message"), cose.COSE_ALGORITHMS["es256"])
    told = outcome(check, statement, signer.public)
    assert told == outcome(check_signature, statement, signer.public)
    assert told[0] == "bad-signature"


def test_other_keys_are_checked_as_ever() -> None:
    signer = key_from("one", "es256")
    good = of(b"message", signer.sign(b"message"), -7)
    check(good, signer.public)
    for bad in (of(b"messagf", good.parts.signature, -7), of(b"message", good.parts.signature, -8)):
        assert outcome(check, bad, signer.public)[0] == "bad-signature"


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80), st.binary(max_size=70), st.integers(0, 3))
def test_both_always_end_alike(seed: bytes, message: bytes, noise: bytes, how: int) -> None:
    signer = LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    signature = signer.sign(message)
    mixed = bytes(a ^ b for a, b in zip(signature, noise.ljust(64, b"\0"), strict=False))
    shown = [signature, mixed, noise, signature[: len(noise)]][how]
    told = alike(signer.public, message, shown)
    assert (told == "holds") == (shown == signature)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_both_end_alike_under_any_bytes_that_are_a_key(raw: bytes, signature: bytes) -> None:
    try:
        key = PublicKey("ed25519", raw)
    except MalformedInput:
        return
    assert alike(key, b"message", signature) != "holds"


def test_a_library_with_another_equation_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a later libsodium may have: it takes what only the cofactor makes hold, or an S beyond the order."""
    for key, signature in ODD:
        with pytest.raises(VerificationFailed):
            PublicKey("ed25519", key).verify(b"", signature)

    for key, signature in ODD:

        def lenient(given: bytes, key: bytes, taken: bytes = signature) -> bytes:
            if given[:64] != taken:
                raise nacl.exceptions.BadSignatureError
            return given[64:]

        sodium._opened.cache_clear()
        monkeypatch.setattr(nacl.bindings, "crypto_sign_open", lenient)
        assert not confirmed(key, b"", signature)
        assert outcome(check, of(b"", signature), PublicKey("ed25519", key))[0] == "bad-signature"


def test_it_is_asked_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it confirms, nobody else is asked."""
    signer = key_from("one")
    statement = of(b"message", signer.sign(b"message"))
    monkeypatch.setattr(PublicKey, "verify", None)
    assert outcome(check, statement, signer.public) == "holds"


def test_the_odd_signatures_hold_with_the_cofactor() -> None:
    """Else they would say nothing of the library: 8·S·B = 8·R + 8·k·A."""
    for key, signature in ODD[:-1]:
        r, a, s = decoded(signature[:32]), decoded(key), int.from_bytes(signature[32:], "little")
        right = add(r, times(challenge(signature[:32], key, b""), a))
        assert s < ORDER
        assert times(8 * s, BASE) == times(8, right)
        assert times(s, BASE) != right


def test_the_last_of_them_is_a_good_one_with_a_larger_s() -> None:
    key, signature = ODD[-1]
    s = int.from_bytes(signature[32:], "little")
    assert s >= ORDER
    good = signature[:32] + (s - ORDER).to_bytes(32, "little")
    PublicKey("ed25519", key).verify(b"", good)
    assert confirmed(key, b"", good)
    r, a = decoded(signature[:32]), decoded(key)
    assert times(s, BASE) == add(r, times(challenge(signature[:32], key, b""), a)), "the equation alone would take it"


# --- signing -----------------------------------------------------------------------------------------------------


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=700))
def test_signatures_are_the_same_bytes(seed: bytes, message: bytes) -> None:
    signer = LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(seed))
    other = Quick(signer)
    assert other.public == signer.public
    assert other.sign(message) == signer.sign(message)


def test_the_third_vector_of_rfc_8032() -> None:
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    signature = quick(LocalSigner(ed25519.Ed25519PrivateKey.from_private_bytes(seed))).sign(bytes.fromhex("af82"))
    assert signature.hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )


@pytest.mark.parametrize("size", [0, 1, 65_535, 1 << 20])
def test_of_any_length(size: int) -> None:
    signer = key_from("one")
    assert Quick(signer).sign(bytes(size)) == signer.sign(bytes(size))


@pytest.mark.parametrize("alg", ["es256", "ml-dsa-44", "es256k"])
def test_other_signers_stay_as_they_are(alg: Algorithm) -> None:
    signer = key_from("one", alg)
    assert quick(signer) is signer


def test_a_hand_signs_so(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = key_from("one")
    lent = Keys((signer.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),))
    signature, found = signer.sign(b"message"), []
    monkeypatch.setattr(LocalSigner, "sign", None)
    monkeypatch.setattr(hand, "make", lambda order, signers: found.append(signers[0].sign(b"message")))
    hand.begin(lent)(None)  # type: ignore[arg-type]
    assert found == [signature]
