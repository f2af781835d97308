"""Key binding: for this verifier, for this nonce, now, over exactly these disclosures, by the holder's key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick.errors import MalformedInput
from tallystick.keys import LocalSigner
from tallystick.token.binding import MAX_AGE, TOLERANCE, TYP, Binding, Expected, bind, require, verify_binding
from tallystick.token.jose import sign_jws
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import SdJwt, digest_of, parse_sd_jwt
from tests.world import START, key_from

HOLDER, THIEF = key_from("holder"), key_from("thief")
TOKEN = SdJwt("header.payload.signature", ("one", "two"))
EXPECTED = Expected("https://cinema.example", "n-0S6_WzA2Mj")


def bound(**changes: Any) -> SdJwt:
    """The presentation of ``TOKEN``; ``changes`` forge it, signed by the holder."""
    signer = changes.pop("signer", HOLDER)
    typ = changes.pop("typ", TYP)
    claims = {"aud": EXPECTED.audience, "iat": START, "nonce": EXPECTED.nonce, "sd_hash": digest_of(TOKEN.presented)}
    payload = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return replace(TOKEN, binding=sign_jws({"typ": typ}, payload, signer))


@pytest.mark.parametrize("alg", ["ed25519", "es256"])
def test_presented_and_verified(alg: Any) -> None:
    signer: LocalSigner = key_from("holder", alg)
    made = bind(TOKEN, signer, EXPECTED.audience, EXPECTED.nonce, START)
    read = parse_sd_jwt(made.text)
    found = verify_binding(read, signer.public)
    assert found == Binding(EXPECTED.audience, EXPECTED.nonce, START)
    require(found, EXPECTED, START)


REFUSED: dict[str, tuple[SdJwt, str]] = {
    "no binding": (TOKEN, "binding.absent"),
    "another key": (bound(signer=THIEF), "binding.signature"),
    "the algorithm of another key": (bound(signer=key_from("holder", "es256")), "binding.signature"),
    "another type": (bound(typ="JWT"), "typ"),
    "a disclosure fewer": (replace(bound(), disclosures=("one",)), "binding.hash"),
    "a disclosure more": (replace(bound(), disclosures=("one", "two", "three")), "binding.hash"),
    "disclosures in another order": (replace(bound(), disclosures=("two", "one")), "binding.hash"),
    "another token": (replace(bound(), jwt="header.payload.other"), "binding.hash"),
    "hash of the JWT alone": (bound(sd_hash=digest_of(TOKEN.jwt)), "binding.hash"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_shows_no_key(name: str) -> None:
    token, code = REFUSED[name]
    with pytest.raises(TokenRefused) as caught:
        verify_binding(token, HOLDER.public)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("changes", "later", "code"),
    [
        ({"aud": "https://other.example"}, 0, "binding.audience"),
        ({"aud": "https://cinema.example/"}, 0, "binding.audience"),
        ({"nonce": "used before"}, 0, "binding.nonce"),
        ({}, MAX_AGE + 1, "binding.time"),
        ({}, -TOLERANCE - 1, "binding.time"),
    ],
    ids=["another audience", "nearly the audience", "another nonce", "too old", "from the future"],
)
def test_replayed(changes: dict[str, Any], later: int, code: str) -> None:
    found = verify_binding(bound(**changes), HOLDER.public)
    with pytest.raises(TokenRefused) as caught:
        require(found, EXPECTED, START + later)
    assert caught.value.code == code


@pytest.mark.parametrize("later", [MAX_AGE, 0, -TOLERANCE])
def test_the_edges_of_its_time(later: int) -> None:
    found = verify_binding(bound(), HOLDER.public)
    assert found.issued_at == START
    require(found, EXPECTED, START + later)


BAD_CLAIMS: list[dict[str, Any]] = [
    *({"iat": one} for one in (None, "now", True, -1)),
    *({"aud": one} for one in (None, [EXPECTED.audience])),
    *({"nonce": one} for one in (7, "", "x" * 1001)),
    {"sd_hash": None},
]


@pytest.mark.parametrize("changes", BAD_CLAIMS)
def test_claims_that_have_not_their_form(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedInput):
        verify_binding(bound(**changes), HOLDER.public)


def test_other_claims_are_left_alone() -> None:
    """draft-ietf-oauth-sd-jwt-vc: additional claims must be ignored."""
    assert verify_binding(bound(transaction="7"), HOLDER.public) == verify_binding(bound(), HOLDER.public)


def test_a_payload_that_is_no_object() -> None:
    listed = sign_jws({"typ": TYP}, ["aud"], HOLDER)
    with pytest.raises(MalformedInput):
        verify_binding(replace(TOKEN, binding=listed), HOLDER.public)


def test_nothing_is_made_that_would_be_refused() -> None:
    for audience, nonce in (("", "n"), ("a", "")):
        with pytest.raises(MalformedInput):
            bind(TOKEN, HOLDER, audience, nonce, START)
