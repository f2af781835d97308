"""Model signatures: over exactly this capability, version and weights, and never a statement."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick import canonical, cose, modelsig
from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.capability import Weights
from tallystick.modelsig import CONTENT_TYPE, fingerprint, sign_model, signer_of, verify_model
from tallystick.statement import parse_statement
from tests.core.builders import CAPABILITY, FULL, WEIGHTS, identifier
from tests.world import World, key_from

SIGNER = key_from("provider")
MADE = sign_model(SIGNER, CAPABILITY, "1.0", WEIGHTS)
PAYLOAD = canonical.encode(
    {
        "v": 1,
        "capability": CAPABILITY,
        "version": "1.0",
        "weights": {"sha256": WEIGHTS.sha256, "sm3": WEIGHTS.sm3, "size": 4096},
    }
)


def test_the_form() -> None:
    envelope = cose.parse_sign1(from_base64(MADE))
    assert envelope.protected == {1: -8, 3: CONTENT_TYPE, 4: SIGNER.public.kid}
    assert (envelope.unprotected, envelope.payload) == ({}, PAYLOAD)
    assert signer_of(MADE) == SIGNER.public.kid.hex()
    assert fingerprint(MADE) == hashlib.sha256(from_base64(MADE)).hexdigest()


@pytest.mark.parametrize("alg", ["ed25519", "es256"])
def test_sign_and_verify(alg: Any) -> None:
    signer = key_from("provider", alg)
    made = sign_model(signer, CAPABILITY, "1.0", WEIGHTS)
    verify_model(made, signer.public, CAPABILITY, "1.0", WEIGHTS)
    assert signer_of(made) == signer.public.kid.hex()


def test_everything_that_is_signed_is_compared() -> None:
    other = identifier(modelsig.Letter.CAPABILITY, 9)
    attacks: dict[str, tuple[str, str, Weights]] = {
        "another capability": (other, "1.0", WEIGHTS),
        "another version": (CAPABILITY, "1.1", WEIGHTS),
        "another SHA-256": (CAPABILITY, "1.0", dataclasses.replace(WEIGHTS, sha256="0" * 64)),
        "another SM3": (CAPABILITY, "1.0", dataclasses.replace(WEIGHTS, sm3="0" * 64)),
        "another size": (CAPABILITY, "1.0", dataclasses.replace(WEIGHTS, size=4097)),
    }
    for capability, version, weights in attacks.values():
        with pytest.raises(VerificationFailed, match="the filing describes"):
            verify_model(MADE, SIGNER.public, capability, version, weights)
    for key in (key_from("another").public, key_from("provider", "es256").public):
        with pytest.raises(VerificationFailed):
            verify_model(MADE, key, CAPABILITY, "1.0", WEIGHTS)


def test_every_changed_byte_is_refused() -> None:
    data = from_base64(MADE)
    for at in range(len(data)):
        for flip in (1, 0x40, 0x80):
            bad = to_base64(data[:at] + bytes([data[at] ^ flip]) + data[at + 1 :])
            with pytest.raises((MalformedInput, VerificationFailed)):
                verify_model(bad, SIGNER.public, CAPABILITY, "1.0", WEIGHTS)


def signed(payload: bytes | None = PAYLOAD, unprotected: dict[Any, Any] | None = None, **header: Any) -> str:
    fields: dict[Any, Any] = {1: -8, 3: CONTENT_TYPE, 4: SIGNER.public.kid}
    fields |= {int(label[1:]): value for label, value in header.items()}
    protected = cose.dump({label: value for label, value in fields.items() if value is not None})
    signature = SIGNER.sign(cose.sig_structure(protected, payload or b""))
    return to_base64(cose.dump(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature])))


MALFORMED = {
    "not base64": "*",
    "not COSE": to_base64(b"hello"),
    "empty": "",
    "unprotected content": signed(unprotected={5: 1}),
    "detached payload": signed(None),
    "no content type": signed(_3=None),
    "content type of a statement": signed(_3="application/vnd.tallystick.event+json"),
    "no kid": signed(_4=None),
    "short kid": signed(_4=b"12"),
    "kid as text": signed(_4="a" * 32),
    "an extra label": signed(_15={1: "x"}),
    "payload is no JSON": signed(b"hello"),
    "payload is not canonical": signed(PAYLOAD + b" "),
    "payload with a field more": signed(PAYLOAD[:-1] + b',"x":1}'),
    "payload of version 2": signed(PAYLOAD.replace(b'"v":1', b'"v":2')),
    "too long": to_base64(bytes(5000)),
}


def test_the_variants_start_from_a_good_one() -> None:
    assert signed() == MADE


@pytest.mark.parametrize("name", MALFORMED)
def test_other_forms_are_malformed(name: str) -> None:
    with pytest.raises(MalformedInput):
        verify_model(MALFORMED[name], SIGNER.public, CAPABILITY, "1.0", WEIGHTS)


def test_a_statement_is_no_model_signature_nor_the_other_way_round() -> None:
    world = World()
    statement = world.say(world.provider, "log.policy", world.origin, FULL["log.policy"].body)
    with pytest.raises(MalformedInput):
        signer_of(to_base64(statement.entry))
    with pytest.raises(MalformedInput):
        parse_statement(from_base64(MADE))


@given(st.text(max_size=40) | st.binary(max_size=60).map(to_base64))
def test_any_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput):
        signer_of(text)
