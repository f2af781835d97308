"""Statements: outside implementations agree, no byte may change, and every rule of form is its own refusal."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import cbor2
import pytest
from cwt import COSE
from pycose.messages import CoseMessage

from tallystick import canonical, cose
from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.events import Event, encode_event
from tallystick.events.log import Policy
from tallystick.merkle import leaf_hash
from tallystick.statement import CONTENT_TYPE, MAX_ENTRY_BYTES, parse_statement, sign_statement
from tallystick.versions import UnknownVersion
from tests.core.builders import FULL
from tests.core.test_cose import cwt_key, pycose_key
from tests.core.test_keys import P256_ORDER
from tests.world import World, key_from

ORIGIN = "log.example/a"
ED, P256 = key_from("statement"), key_from("statement", "es256")
EVENT = Event("log.policy", "e-1", ORIGIN, "2026-02-01T00:00:00Z", Policy("tallystick-admission", 1))
PAYLOAD = encode_event(EVENT)
GOOD = sign_statement(ED, "issuer", EVENT)


@pytest.mark.parametrize("signer", [ED, P256], ids=["ed25519", "es256"])
def test_others_verify_our_statements(signer: Any) -> None:
    made = sign_statement(signer, "issuer", EVENT)
    assert COSE.new().decode(made.entry, cwt_key(signer)) == PAYLOAD
    message = CoseMessage.decode(made.entry)
    message.key = pycose_key(signer)
    assert message.verify_signature() is True
    assert (message.payload, message.phdr[15], message.uhdr) == (PAYLOAD, {1: "issuer", 2: ORIGIN}, {})


def test_the_header_as_the_profile_says() -> None:
    assert GOOD.envelope.protected == {1: -8, 3: CONTENT_TYPE, 4: ED.public.kid, 15: {1: "issuer", 2: ORIGIN}}
    assert (GOOD.issuer, GOOD.kid, GOOD.event) == ("issuer", ED.public.kid, EVENT)
    assert GOOD.leaf == leaf_hash(GOOD.entry) == hashlib.sha256(b"\0" + GOOD.entry).digest()
    assert parse_statement(GOOD.entry) == GOOD
    GOOD.verify(ED.public)


def test_the_statement_id_is_over_what_is_signed() -> None:
    structure = cbor2.dumps(["Signature1", GOOD.envelope.protected_bytes, b"", PAYLOAD])
    assert GOOD.statement_id == hashlib.sha256(structure).digest()


def test_a_flipped_s_is_another_entry_of_the_same_statement() -> None:
    made = sign_statement(P256, "issuer", EVENT)
    s = P256_ORDER - int.from_bytes(made.entry[-32:], "big")
    other = parse_statement(made.entry[:-32] + s.to_bytes(32, "big"))
    other.verify(P256.public)
    assert other.statement_id == made.statement_id
    assert other.leaf != made.leaf


def check_changed_bytes(step: int) -> None:
    said = World().object()
    said.verify(key_from("little world/studio").public)
    for at in range(len(said.entry)):
        for flip in range(1, 256, step):
            bad = said.entry[:at] + bytes([said.entry[at] ^ flip]) + said.entry[at + 1 :]
            try:
                found = parse_statement(bad)
            except MalformedInput:
                continue
            with pytest.raises(VerificationFailed):
                found.verify(key_from("little world/studio").public)
            in_signature = at >= len(said.entry) - 64
            assert (found.statement_id == said.statement_id) == in_signature
            assert found.leaf != said.leaf


def test_changed_bytes_are_malformed_or_fail() -> None:
    check_changed_bytes(37)


@pytest.mark.exhaustive
def test_every_changed_byte_is_malformed_or_fails() -> None:
    check_changed_bytes(1)


def test_cut_or_longer_entries_are_malformed() -> None:
    for length in range(len(GOOD.entry)):
        with pytest.raises(MalformedInput):
            parse_statement(GOOD.entry[:length])
    for more in (b"\0", b"\xf6", GOOD.entry):
        with pytest.raises(MalformedInput):
            parse_statement(GOOD.entry + more)


def signed(
    header: dict[Any, Any] | None = None, payload: bytes | None = PAYLOAD, unprotected: dict[Any, Any] | None = None
) -> bytes:
    """A truly signed envelope whose header differs by ``header`` (``None`` leaves a label out)."""
    fields = {**GOOD.envelope.protected, **(header or {})}
    protected = cose.dump({label: value for label, value in fields.items() if value is not None})
    signature = ED.sign(cose.sig_structure(protected, payload or b""))
    return cose.dump(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]))


def event(**changes: Any) -> bytes:
    value = {**canonical.decode(PAYLOAD, 1 << 16), **changes}
    return canonical.encode({name: one for name, one in value.items() if one is not None})


KID = ED.public.kid
FORM = {
    "unprotected content": (signed(unprotected={5: 1}), "unprotected header of a statement must be empty"),
    "a receipt in the unprotected header": (signed(unprotected={394: [b""]}), "must be empty"),
    "detached payload": (signed(payload=None), "must be attached"),
    "no content type": (signed({3: None}), "expected 1, 3, 4 and 15"),
    "no kid": (signed({4: None}), "expected 1, 3, 4 and 15"),
    "no claims": (signed({15: None}), "expected 1, 3, 4 and 15"),
    "critical extensions": (signed({2: [3]}), "expected 1, 3, 4 and 15"),
    "a text label": (signed({"x": 1}), "expected 1, 3, 4 and 15"),
    "algorithm ML-DSA-44": (signed({1: -48}), "signed with EdDSA"),
    "algorithm ES256K": (signed({1: -47}), "signed with EdDSA"),
    "algorithm HMAC": (signed({1: 5}), "signed with EdDSA"),
    "another content type": (signed({3: "application/json"}), "the content type is"),
    "content type as number": (signed({3: 50}), "the content type is"),
    "content type of a model signature": (signed({3: "application/vnd.tallystick.model-digest+json"}), "content type"),
    "short kid": (signed({4: KID[:31]}), "thumbprint of 32 bytes"),
    "long kid": (signed({4: KID + b"\0"}), "thumbprint of 32 bytes"),
    "kid as text": (signed({4: "a" * 32}), "thumbprint of 32 bytes"),
    "claims as array": (signed({15: ["issuer", ORIGIN]}), "must be iss"),
    "no sub": (signed({15: {1: "issuer"}}), "must be iss"),
    "an expiry": (signed({15: {1: "issuer", 2: ORIGIN, 4: 1}}), "must be iss"),
    "iss as bytes": (signed({15: {1: b"issuer", 2: ORIGIN}}), "must be iss"),
    "sub null": (signed({15: {1: "issuer", 2: None}}), "must be iss"),
    "true for iss": (signed({15: {True: "issuer", 2: ORIGIN}}), "neither an integer nor text"),
    "2.0 for sub": (signed({15: {1: "issuer", 2.0: ORIGIN}}), "neither an integer nor text"),
    "another sub": (signed({15: {1: "issuer", 2: "log.example/b"}}), "the header is about 'log.example/b'"),
    "payload is no JSON": (signed(payload=b"hello"), "not JSON"),
    "payload is empty": (signed(payload=b""), "not JSON"),
    "payload is not canonical": (signed(payload=PAYLOAD + b" "), "not in canonical form"),
    "payload is a list": (signed(payload=b"[]"), "expected an object"),
    "an unknown field": (signed(payload=event(extra=1)), "extra: unknown field"),
    "an unknown type": (signed(payload=event(type="log.other")), "unknown event type 'log.other'"),
    "recorded_for null": (signed(payload=PAYLOAD[:-1] + b',"z":null}'), "unknown field"),
}


def test_the_variants_start_from_a_good_one() -> None:
    assert signed() == GOOD.entry
    parse_statement(signed(payload=event()))


@pytest.mark.parametrize("name", FORM)
def test_every_rule_of_form(name: str) -> None:
    data, says = FORM[name]
    with pytest.raises(MalformedInput, match=says):
        parse_statement(data)


def test_a_later_version_says_what_to_install() -> None:
    for version in (0, 2, 3):
        with pytest.raises(UnknownVersion, match=f"event version {version}.*install a newer one"):
            parse_statement(signed(payload=event(v=version)))
    for version in (True, "1", None):
        with pytest.raises(MalformedInput) as caught:
            parse_statement(signed(payload=event(v=version)))
        assert not isinstance(caught.value, UnknownVersion)


def test_an_entry_is_never_longer_than_a_bundle_can_hold() -> None:
    assert MAX_ENTRY_BYTES == 65_535
    with pytest.raises(MalformedInput, match="has 65536 bytes, at most 65535 are read"):
        parse_statement(bytes(65_536))
    with pytest.raises(MalformedInput, match="not a COSE_Sign1"):
        parse_statement(cose.dump(bytes(65_535 - 3)))
    keys = FULL["log.key-set"].body.keys
    large = dataclasses.replace(keys[1], proof=to_base64(bytes(2420)))
    body = dataclasses.replace(FULL["log.key-set"].body, keys=(*keys[2:], *[large] * 11))
    sign_statement(ED, "issuer", dataclasses.replace(FULL["log.key-set"], body=body))
    body = dataclasses.replace(body, keys=(*keys[4:], *[large] * 13))
    with pytest.raises(MalformedInput, match="at most 65535 are read"):
        sign_statement(ED, "issuer", dataclasses.replace(FULL["log.key-set"], body=body))


def test_an_issuer_is_shown_as_it_is() -> None:
    """Reports and refusals print it: no escapes for a terminal, no turned text, no second line."""
    for issuer in ("", "a\nb", "\x1b[2J", "a\x9b31m", "\u202eP-0000", "a\u2028b", "i" * 256):
        with pytest.raises(MalformedInput, match=r"the issuer \(iss\)"):
            sign_statement(ED, issuer, EVENT)
    for issuer in ("i" * 255, "工作室", "a b"):
        assert sign_statement(ED, issuer, EVENT).issuer == issuer


def test_another_key_or_algorithm_does_not_verify() -> None:
    for key in (key_from("else").public, P256.public, key_from("statement", "es256k").public):
        with pytest.raises(TallystickError):
            GOOD.verify(key)
