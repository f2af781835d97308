"""COSE_Sign1: ``cwt`` and ``pycose`` read what we write and we read what they write; one byte string per envelope."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st
from pycose.algorithms import EdDSA, Es256
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key, OKPKey
from pycose.messages import CoseMessage, Sign1Message

from tallystick import cose
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.keys import LocalSigner
from tests.world import key_from

ED, P256 = key_from("cose"), key_from("cose", "es256")
SIGNERS = {"ed25519": ED, "es256": P256}


def secret(signer: LocalSigner) -> bytes:
    if signer.public.alg == "ed25519":
        return bytes(signer.private.private_bytes_raw())
    return int(signer.private.private_numbers().private_value).to_bytes(32, "big")


def pycose_key(signer: LocalSigner, private: bool = False) -> OKPKey | EC2Key:
    raw, d = signer.public.raw, secret(signer) if private else b""
    if signer.public.alg == "ed25519":
        return OKPKey(crv="ED25519", x=raw, d=d)
    return EC2Key(crv="P_256", x=raw[1:33], y=raw[33:], d=d)


def cwt_key(signer: LocalSigner, private: bool = False) -> Any:
    alg = -8 if signer.public.alg == "ed25519" else -7
    fields = {**signer.public.cose_key(), 2: signer.public.kid, 3: alg}
    return COSEKey.new({**fields, -4: secret(signer)} if private else fields)


@pytest.mark.parametrize("alg", SIGNERS)
def test_others_verify_what_we_sign(alg: str) -> None:
    signer = SIGNERS[alg]
    data = cose.sign1(signer, {cose.KID: signer.public.kid}, b"payload")
    assert COSE.new().decode(data, cwt_key(signer)) == b"payload"
    message = CoseMessage.decode(data)
    message.key = pycose_key(signer)
    assert message.verify_signature() is True
    assert (message.payload, message.phdr[KID]) == (b"payload", signer.public.kid)


@pytest.mark.parametrize("alg", SIGNERS)
def test_we_verify_what_others_sign(alg: str) -> None:
    signer = SIGNERS[alg]
    named = EdDSA if alg == "ed25519" else Es256
    message = Sign1Message(phdr={Algorithm: named, KID: signer.public.kid}, payload=b"payload")
    message.key = pycose_key(signer, private=True)
    theirs = [
        message.encode(),
        COSE.new().encode(
            b"payload", cwt_key(signer, private=True), protected={1: named.identifier, 4: signer.public.kid}
        ),
    ]
    for data in theirs:
        found = cose.parse_sign1(data)
        assert (found.payload, found.protected[cose.KID]) == (b"payload", signer.public.kid)
        found.verify(signer.public)
        with pytest.raises(VerificationFailed):
            found.verify(key_from("someone else", signer.public.alg).public)


def test_detached_payloads() -> None:
    found = cose.parse_sign1(cose.sign1(ED, {}, b"payload", detached=True))
    assert found.payload is None
    found.verify(ED.public, b"payload")
    with pytest.raises(VerificationFailed):
        found.verify(ED.public, b"other")
    with pytest.raises(MalformedInput, match="either attached or given"):
        found.verify(ED.public)
    with pytest.raises(MalformedInput, match="either attached or given"):
        cose.parse_sign1(cose.sign1(ED, {}, b"payload")).verify(ED.public, b"payload")


def test_the_key_must_be_of_the_algorithm_that_the_header_names() -> None:
    """Else a verifier could be talked into another algorithm over the same bytes."""
    found = cose.parse_sign1(cose.sign1(ED, {}, b"payload"))
    with pytest.raises(VerificationFailed, match="the header names algorithm -8, the key is es256"):
        found.verify(P256.public)
    header = cose.dump({cose.ALG: -7})
    lying = cose.dump(cbor2.CBORTag(18, [header, {}, b"p", ED.sign(cose.sig_structure(header, b"p"))]))
    with pytest.raises(VerificationFailed, match="the header names algorithm -7, the key is ed25519"):
        cose.parse_sign1(lying).verify(ED.public)


def test_sig_structure_byte_for_byte() -> None:
    """RFC 9052 §4.4: ["Signature1", protected, external_aad, payload]."""
    assert cose.sig_structure(b"\xa1\x01\x27", b"hi") == b"\x84\x6aSignature1\x43\xa1\x01\x27\x40\x42hi"
    assert cose.sign1(ED, {}, b"hi") == b"\xd2\x84\x43\xa1\x01\x27\xa0\x42hi\x58\x40" + ED.sign(
        b"\x84\x6aSignature1\x43\xa1\x01\x27\x40\x42hi"
    )


def envelope(header: bytes = b"\xa1\x01\x27", unprotected: bytes = b"\xa0", payload: bytes = b"\x42hi") -> bytes:
    """A COSE_Sign1 put together by hand, truly signed over the header as given."""
    signed = cbor2.dumps(["Signature1", header, b"", cbor2.loads(payload) or b""])
    return b"\xd2\x84" + cbor2.dumps(header) + unprotected + payload + b"\x58\x40" + ED.sign(signed)


GOOD = envelope()

VARIANTS = {
    "no tag": GOOD[1:],
    "tag 98 (COSE_Sign)": b"\xd8\x62" + GOOD[1:],
    "tag 17 (COSE_Mac0)": b"\xd1" + GOOD[1:],
    "tag 18 in two bytes": b"\xd8\x12" + GOOD[1:],
    "tag 18 twice": b"\xd2" + GOOD,
    "tag 61 (CWT) around it": b"\xd8\x3d" + GOOD,
    "tag 55799 (self-described) around it": b"\xd9\xd9\xf7" + GOOD,
    "array of three": b"\xd2\x83" + GOOD[2:-66],
    "array of five": b"\xd2\x85" + GOOD[2:] + b"\xf6",
    "array of indefinite length": b"\xd2\x9f" + GOOD[2:] + b"\xff",
    "array length in two bytes": b"\xd2\x98\x04" + GOOD[2:],
    "a map": b"\xd2\xa2" + GOOD[2:],
    "trailing byte": GOOD + b"\0",
    "trailing envelope": GOOD + GOOD,
    "leading byte": b"\0" + GOOD,
    "cut short": GOOD[:-1],
    "nothing": b"",
    "true for 1": envelope(b"\xa1\xf5\x27"),
    "1.0 for 1": envelope(b"\xa1\xf9\x3c\x00\x27"),
    "1 in two bytes": envelope(b"\xa1\x18\x01\x27"),
    "1 as a bignum": envelope(b"\xa1\xc2\x41\x01\x27"),
    "-8 in two bytes": envelope(b"\xa1\x01\x38\x07"),
    "algorithm as text": envelope(b"\xa1\x01\x65EdDSA"),
    "algorithm as float": envelope(b"\xa1\x01\xf9\xc8\x00"),
    "algorithm is true": envelope(b"\xa1\x01\xf5"),
    "no algorithm": envelope(b"\xa0"),
    "label 1 twice": envelope(b"\xa2\x01\x27\x01\x26"),
    "label 1 and true": envelope(b"\xa2\x01\x27\xf5\x26"),
    "labels out of order": envelope(b"\xa2\x04\x41\x00\x01\x27"),
    "a byte string as label": envelope(b"\xa2\x01\x27\x41\x00\x00"),
    "null as label": envelope(b"\xa2\x01\x27\xf6\x00"),
    "an array as label": envelope(b"\xa2\x01\x27\x81\x01\x00"),
    "header of indefinite length": envelope(b"\xbf\x01\x27\xff"),
    "header with trailing byte": envelope(b"\xa1\x01\x27\x00"),
    "header is no CBOR": envelope(b"\xff"),
    "header is an array": envelope(b"\x82\x01\x27"),
    "header is empty": envelope(b""),
    "header is a map, not bytes": b"\xd2\x84\xa1\x01\x27\xa0\x42hi" + GOOD[-66:],
    "header in chunks": b"\xd2\x84\x5f\x43\xa1\x01\x27\xff\xa0\x42hi" + GOOD[-66:],
    "header length in two bytes": b"\xd2\x84\x58\x03\xa1\x01\x27\xa0\x42hi" + GOOD[-66:],
    "unprotected is null": envelope(unprotected=b"\xf6"),
    "unprotected is an array": envelope(unprotected=b"\x80"),
    "unprotected is of indefinite length": envelope(unprotected=b"\xbf\xff"),
    "unprotected has a key twice": envelope(unprotected=b"\xa2\x05\x01\x05\x02"),
    "unprotected has true as label": envelope(unprotected=b"\xa1\xf5\x01"),
    "payload is text": envelope(payload=b"\x62hi"),
    "payload is a number": envelope(payload=b"\x01"),
    "payload in chunks": b"\xd2\x84\x43\xa1\x01\x27\xa0\x5f\x42hi\xff" + GOOD[-66:],
    "payload undefined": b"\xd2\x84\x43\xa1\x01\x27\xa0\xf7" + GOOD[-66:],
    "signature is text": GOOD[:-66] + b"\x61a",
    "signature is null": GOOD[:-66] + b"\xf6",
}


def test_the_hand_made_envelope_is_right() -> None:
    assert cose.sign1(ED, {}, b"hi") == GOOD
    cose.parse_sign1(GOOD).verify(ED.public)
    assert cose.parse_sign1(envelope(unprotected=b"\xa1\x05\x01")).unprotected == {5: 1}


@pytest.mark.parametrize("name", VARIANTS)
def test_other_encodings_are_malformed_although_truly_signed(name: str) -> None:
    with pytest.raises(MalformedInput):
        cose.parse_sign1(VARIANTS[name])


def laughs(levels: int) -> bytes:
    """An array in which each shared item holds the one before it twice (tags 28 and 29)."""
    items = [b"\xd8\x1c\x82\x01\x01"]
    for level in range(levels - 1):
        before = b"\xd8\x1d" + cbor2.dumps(level)
        items.append(b"\xd8\x1c\x82" + before + before)
    return b"\x98" + bytes([levels]) + b"".join(items)


BOMBS = {
    "shared references that double 60 times": laughs(60),
    "string references": b"\xd9\x01\x00\x99\x4e\x20\x79\x27\x10" + b"a" * 10000 + b"\xd8\x19\x00" * 19999,
    "an array that claims 2^32 items": bytes.fromhex("9b0000000100000000"),
    "a map that claims 2^62 pairs": bytes.fromhex("bb4000000000000000"),
    "bytes that claim 2^40": bytes.fromhex("5b0000010000000000"),
    "text that claims 2^64 - 1": bytes.fromhex("7bffffffffffffffff"),
    "60,000 nested arrays": b"\x81" * 60_000 + b"\x01",
    "60,000 nested tags": b"\xd2" * 60_000 + b"\x01",
    "60,000 nested maps as keys": b"\xa1" * 60_000 + b"\x01",
    "a decimal fraction with a huge exponent": cbor2.dumps(cbor2.CBORTag(4, [10**17, 3])),
    "a big float with a huge exponent": cbor2.dumps(cbor2.CBORTag(5, [10**12, 3])),
    "a regular expression": cbor2.dumps(cbor2.CBORTag(35, "(a*)*b")),
    "a date": cbor2.dumps(cbor2.CBORTag(0, "2026-01-01T00:00:00Z")),
    "an IP network": cbor2.dumps(cbor2.CBORTag(261, {b"\1\2\3\4": 8})),
    "a mail message": cbor2.dumps(cbor2.CBORTag(36, "From: a")),
    "a fraction by zero": cbor2.dumps(cbor2.CBORTag(30, [1, 0])),
    "a set": cbor2.dumps(cbor2.CBORTag(258, [1, 2])),
    "bad UTF-8": b"\x62\xff\xfe",
    "a reserved length": b"\x1c",
    "a lone break": b"\xff",
    "a surrogate in text": b"\x63\xed\xa0\x80",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_and_python_objects_are_malformed_at_once(name: str) -> None:
    with pytest.raises(MalformedInput):
        cose.load(BOMBS[name], 1 << 20)
    with pytest.raises(MalformedInput):
        cose.parse_sign1(envelope(BOMBS[name]), 1 << 20)


def test_a_tag_inside_a_string_is_just_bytes() -> None:
    for value in (b"\xd8\x1c", "\u00d8", [b"\xd9\x01\x00" * 100, "a" * 300], {1: b"\xc2\x41\x01" * 30_000}):
        assert cose.load(cose.dump(value), 1 << 20) == value


def test_the_size_cap_comes_first() -> None:
    with pytest.raises(MalformedInput, match="has 5 bytes, at most 4 are read"):
        cose.load(b"\xff" * 5, 4)
    with pytest.raises(MalformedInput, match=f"has {len(GOOD)} bytes"):
        cose.parse_sign1(GOOD, len(GOOD) - 1)


ITEMS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=30) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-30, 300) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(ITEMS)
def test_cbor_round_trip(value: Any) -> None:
    assert cose.load(cose.dump(value), 1 << 20) == value


@given(st.binary(max_size=50) | st.binary(max_size=40).map(lambda data: b"\xd2\x84\x43\xa1\x01\x27\xa0" + data))
def test_any_bytes_are_an_envelope_or_malformed(data: bytes) -> None:
    try:
        found = cose.parse_sign1(data)
    except MalformedInput:
        return
    assert cose.dump(cbor2.CBORTag(18, [found.protected_bytes, found.unprotected, found.payload, found.signature])) == (
        data
    )


def test_every_changed_byte_is_malformed_or_fails() -> None:
    for at in range(len(GOOD)):
        for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            bad = GOOD[:at] + bytes([GOOD[at] ^ flip]) + GOOD[at + 1 :]
            with pytest.raises(TallystickError):
                cose.parse_sign1(bad).verify(ED.public)


# Every map that we write: statements, model signatures, status lists and their claims, receipts, COSE keys.
MAPS = [
    (1, 3, 4, 15),
    (1, 2),
    (1, 3, 4),
    (1, 4, 16),
    (2, 4, 6, 65533, 65534, -65537),
    (1, 395),
    (1, -1, -2, -3),
    (1, 4, 15, 395),
    (1, 2, -65538),
    (1, 2, 3, -1, -2),
]


@pytest.mark.parametrize("labels", MAPS)
def test_the_order_of_labels_is_the_byte_order_of_rfc_8949(labels: tuple[int, ...]) -> None:
    """cbor2 sorts shorter keys first (§4.2.3); for these maps that is the core order of §4.2.1."""
    keys = [cbor2.dumps(key) for key in cbor2.loads(cose.dump(dict.fromkeys(labels, 0)))]
    assert keys == sorted(keys)
