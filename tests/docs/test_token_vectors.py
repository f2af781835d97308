"""docs/vectors/tokens.json, from the text alone, and read by the program."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from typing import Any

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tallystick.keys import KeyText, PublicKey
from tallystick.licence.status_list import Status, verify_status_list
from tallystick.token.binding import verify_binding
from tallystick.token.issuer import require_issuer
from tallystick.token.licence import parse_licence_token
from tallystick.token.metadata import DOCUMENT
from tallystick.token.status_jwt import verify_status_jwt
from tests.docs import by_the_text as told
from tests.docs.vectors import FOLDER

FOUND: dict[str, Any] = json.loads((FOLDER / "tokens.json").read_text(encoding="utf-8"))


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(key: dict[str, str], signed: str, signature: str) -> None:
    """JWS with ES256 or EdDSA, by nothing of ours."""
    raw, made = base64.b64decode(key["public"]), unpadded(signature)
    if key["alg"] == "ed25519":
        ed25519.Ed25519PublicKey.from_public_bytes(raw).verify(made, signed.encode())
        return
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    rs = encode_dss_signature(int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big"))
    point.verify(rs, signed.encode(), ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize(("name", "key"), [("token", "key"), ("binding", "holder")])
def test_a_jws_by_the_text(name: str, key: str) -> None:
    one = FOUND[name]
    signed = ".".join(told.base64url(told.canonical(one[part])) for part in ("header", "claims"))
    assert signed == one["signed"]
    verify(one[key], signed, one["signature"])
    assert f"{signed}.{one['signature']}" in one["compact"]


def test_a_token_by_the_text() -> None:
    one = FOUND["token"]
    for each in one["disclosures"]:
        salt, name, value = each["array"]
        assert told.disclosure(unpadded(salt), name, value) == each["text"]
        assert told.base64url(hashlib.sha256(each["text"].encode()).digest()) == each["digest"]
    assert one["claims"]["_sd"] == sorted(each["digest"] for each in one["disclosures"])
    jwt = f"{one['signed']}.{one['signature']}"
    assert one["compact"] == "~".join([jwt, *(each["text"] for each in one["disclosures"]), ""])
    document = FOUND["type"]["document"].encode()
    digest = base64.b64encode(hashlib.sha256(document).digest()).decode()
    assert FOUND["type"]["integrity"] == one["claims"]["vct#integrity"] == f"sha256-{digest}"
    leaf = x509.load_der_x509_certificate(base64.b64decode(one["header"]["x5c"][0]))
    leaf.verify_directly_issued_by(x509.load_der_x509_certificate(base64.b64decode(one["root"])))


def test_a_presentation_by_the_text() -> None:
    one, whole = FOUND["binding"], FOUND["token"]
    texts = {each["array"][1]: each["text"] for each in whole["disclosures"]}
    jwt = f"{whole['signed']}.{whole['signature']}"
    kept = [text for name, text in texts.items() if name in one["shown"]]
    assert one["presented"] == "~".join([jwt, *kept, ""])
    assert one["claims"] == {
        "aud": one["audience"],
        "iat": whole["claims"]["iat"],
        "nonce": one["nonce"],
        "sd_hash": told.base64url(hashlib.sha256(one["presented"].encode()).digest()),
    }


def test_tokens_as_the_program_reads_them() -> None:
    whole, shown = FOUND["token"], FOUND["binding"]
    read = parse_licence_token(shown["compact"])
    root = base64.b64decode(whole["root"])
    key, _ = require_issuer(read.chain, [root], whole["claims"]["iss"], whole["claims"]["iat"])
    read.jws.verify(key)
    assert key == PublicKey.from_text(KeyText(**whole["key"]))
    assert sorted(one.name for one in read.shown) == sorted(shown["shown"])
    assert verify_binding(read.sd_jwt, read.holder).nonce == shown["nonce"]
    assert FOUND["type"]["document"].encode() == DOCUMENT


def test_a_status_list_by_the_text() -> None:
    one = FOUND["status_list"]
    packed = sum(status << 2 * at for at, status in enumerate(one["statuses"]))
    assert packed.to_bytes(-(-len(one["statuses"]) // 4), "little").hex() == one["packed"]
    envelope = cbor2.loads(bytes.fromhex(one["cwt"]))
    protected, unprotected, payload, signature = envelope.value
    key = PublicKey.from_text(KeyText(**one["key"]))
    assert cbor2.loads(protected) == {1: -8, 4: told.kid(key.alg, key.raw), 16: one["media_type"]}
    assert (envelope.tag, unprotected, payload.hex()) == (18, {}, one["claims"])
    signed = told.to_be_signed(protected, payload)
    ed25519.Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, signed)
    claims = cbor2.loads(payload)
    lst = claims[65533].pop("lst")
    assert zlib.decompress(lst).hex() == one["packed"]
    log = {**one["log"], "root": bytes.fromhex(one["log"]["root"])}
    assert claims == {
        2: one["uri"],
        4: one["expires"],
        6: one["issued"],
        65533: {"bits": 2},
        65534: one["ttl"],
        -65537: log,
    }


def test_the_same_list_as_jwt_by_the_text() -> None:
    one = FOUND["status_list"]
    head, body, signature = one["jwt"].split(".")
    verify(one["key"], f"{head}.{body}", signature)
    claims = json.loads(unpadded(body))
    assert zlib.decompress(unpadded(claims["status_list"]["lst"])).hex() == one["packed"]
    assert (claims["sub"], claims["iat"], claims["exp"], claims["ttl"]) == (
        one["uri"], one["issued"], one["expires"], one["ttl"]
    )  # fmt: skip


def test_lists_as_the_program_reads_them() -> None:
    one = FOUND["status_list"]
    key = PublicKey.from_text(KeyText(**one["key"]))
    read = verify_status_list(bytes.fromhex(one["cwt"]), key, one["uri"])
    assert read == verify_status_jwt(one["jwt"], key, one["uri"])
    assert [read.status(at) for at in range(read.count)] == [Status(status) for status in one["statuses"]]


@pytest.mark.parametrize("one", FOUND["bitstring"], ids=lambda one: one["purpose"])
def test_a_bitstring_by_the_text(one: dict[str, Any]) -> None:
    assert one["list"].startswith("u")
    bits = gzip.decompress(unpadded(one["list"][1:]))
    assert len(bits) * 8 == 131_072
    statuses = FOUND["status_list"]["statuses"]
    ended = {"revocation": (1, 3), "suspension": (2,)}[one["purpose"]]
    assert one["set"] == [at for at, status in enumerate(statuses) if status in ended]
    assert [at for at in range(len(bits) * 8) if bits[at >> 3] & 0x80 >> (at & 7)] == one["set"]
