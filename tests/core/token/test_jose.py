"""JWS: one algorithm for each kind of key, one text for each signature; nothing in a header picks the key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tallystick.base64s import from_base64url, to_base64url
from tallystick.errors import MalformedInput
from tallystick.keys import LocalSigner
from tallystick.token.jose import MAX_JWS_CHARACTERS, parse_jws, read_jwk, sign_jws, write_jwk
from tallystick.token.refusal import TokenRefused
from tests.world import key_from

ED25519, ES256 = key_from("jose"), key_from("jose", "es256")
TYP = "test+jwt"


def signed(signer: LocalSigner = ES256) -> str:
    return sign_jws({"typ": TYP}, {"a": 1}, signer)


def with_header(**changes: Any) -> str:
    """A token whose header was changed, and signed again by the right key."""
    head, body, _ = signed().split(".")
    header = {**json.loads(from_base64url(head)), **changes}
    text = f"{to_base64url(json.dumps({k: v for k, v in header.items() if v is not None}).encode())}.{body}"
    return f"{text}.{to_base64url(ES256.sign(text.encode()))}"


@pytest.mark.parametrize(("signer", "alg"), [(ED25519, "EdDSA"), (ES256, "ES256")], ids=["ed25519", "es256"])
def test_signed_and_read(signer: LocalSigner, alg: str) -> None:
    found = parse_jws(signed(signer), TYP)
    found.verify(signer.public)
    assert (found.header, found.payload) == ({"alg": alg, "typ": TYP}, b'{"a":1}')


def test_the_other_name_of_eddsa() -> None:
    """RFC 9864 calls it Ed25519."""
    head = to_base64url(b'{"alg":"Ed25519","typ":"test+jwt"}')
    text = f"{head}.{to_base64url(b'{}')}"
    found = parse_jws(f"{text}.{to_base64url(ED25519.sign(text.encode()))}", TYP)
    found.verify(ED25519.public)
    assert found.header["alg"] == "Ed25519"


@pytest.mark.parametrize("alg", ["none", "None", "", "HS256", "RS256", "ES384", "es256", "ES256K", None, 7, ["ES256"]])
def test_an_algorithm_that_is_not_listed(alg: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        parse_jws(with_header(alg=alg), TYP)
    assert caught.value.code == "alg"


@pytest.mark.parametrize("typ", ["JWT", "TEST+JWT", "application/test+jwt", "test+jwt ", None, 1])
def test_another_type(typ: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        parse_jws(with_header(typ=typ), TYP)
    assert caught.value.code == "typ"


@pytest.mark.parametrize("crit", [["b64"], [], "exp"])
def test_critical_extensions(crit: Any) -> None:
    with pytest.raises(TokenRefused) as caught:
        parse_jws(with_header(crit=crit, b64=False), TYP)
    assert caught.value.code == "crit"


def test_a_key_in_the_header_is_not_followed() -> None:
    """The thief signs, and brings the key along."""
    thief = key_from("thief", "es256")
    token = sign_jws({"typ": TYP, "jwk": write_jwk(thief.public), "kid": "1"}, {"a": 1}, thief)
    with pytest.raises(TokenRefused) as caught:
        parse_jws(token, TYP).verify(ES256.public)
    assert caught.value.code == "signature"


def test_the_algorithm_of_another_key() -> None:
    with pytest.raises(TokenRefused, match="the header says ES256, the key is ed25519"):
        parse_jws(signed(ES256), TYP).verify(ED25519.public)


def test_no_byte_can_be_flipped() -> None:
    text = signed()
    for place in range(len(text)):
        other = "B" if text[place] == "A" else "A"
        with pytest.raises((MalformedInput, TokenRefused)):
            parse_jws(text[:place] + other + text[place + 1 :], TYP).verify(ES256.public)


MALFORMED = {
    "two parts": lambda text: text.rsplit(".", 1)[0],
    "four parts": lambda text: text + ".",
    "padded": lambda text: text + "==",
    "a space": lambda text: " " + text,
    "a line break": lambda text: text + "\n",
    "header in the standard alphabet": lambda text: text.replace("-", "+").replace("_", "/") + "+",
    "no header": lambda text: "." + text.split(".", 1)[1],
    "header is a list": lambda text: to_base64url(b"[]") + "." + text.split(".", 1)[1],
    "a member twice": lambda text: (
        to_base64url(b'{"alg":"none","alg":"ES256","typ":"test+jwt"}') + "." + text.split(".", 1)[1]
    ),
    "header too long": lambda text: to_base64url(b" " * 40_000) + "." + text.split(".", 1)[1],
    "too long": lambda text: "A" * (MAX_JWS_CHARACTERS + 1),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_compact_jws(name: str) -> None:
    with pytest.raises(MalformedInput):
        parse_jws(MALFORMED[name](signed()), TYP)


def test_a_key_of_another_kind_signs_no_token() -> None:
    for alg in ("ml-dsa-44", "es256k"):
        signer = key_from("jose", alg)  # type: ignore[arg-type]
        with pytest.raises(MalformedInput):
            signed(signer)
        with pytest.raises(MalformedInput):
            write_jwk(signer.public)


@pytest.mark.parametrize("signer", [ED25519, ES256], ids=["ed25519", "es256"])
def test_a_jwk_and_back(signer: LocalSigner) -> None:
    assert read_jwk(write_jwk(signer.public)) == signer.public


BAD_JWKS: dict[str, Any] = {
    "a private key": {"d": "AA"},
    "another curve": {"crv": "P-384"},
    "another kind": {"kty": "OKP"},
    "no y": {"y": None},
    "a short coordinate": {"x": "AA"},
    "off the curve": {"x": to_base64url(bytes(32))},
    "a number": {"x": 1},
}


@pytest.mark.parametrize("name", BAD_JWKS)
def test_what_is_no_jwk(name: str) -> None:
    changed = {**write_jwk(ES256.public), **BAD_JWKS[name]}
    with pytest.raises(MalformedInput):
        read_jwk({key: value for key, value in changed.items() if value is not None})


def test_a_jwk_is_an_object() -> None:
    for value in (None, [], "x", {"kty": "OKP", "crv": "Ed25519"}):
        with pytest.raises(MalformedInput):
            read_jwk(value)
