"""SD-JWT: what disclosures open, and everything that RFC 9901 §7.1 rejects."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tallystick.base64s import to_base64url
from tallystick.errors import MalformedInput
from tallystick.token.refusal import TokenRefused
from tallystick.token.sdjwt import MAX_CHARACTERS, MAX_DISCLOSURES, SdJwt, digest_of, open_claims, parse_sd_jwt


def disclosure(*array: Any) -> str:
    return to_base64url(json.dumps(array).encode())


A, B = disclosure("salt a", "a", 1), disclosure("salt b", "b", {"c": [1, 2]})
ELEMENT = disclosure("salt", "DE")


# --- the compact form -------------------------------------------------------------


def test_the_parts() -> None:
    assert parse_sd_jwt("jwt~") == SdJwt("jwt", ())
    assert parse_sd_jwt("jwt~a~b~") == SdJwt("jwt", ("a", "b"))
    bound = parse_sd_jwt("jwt~a~kb")
    assert bound == SdJwt("jwt", ("a",), "kb")
    assert (bound.presented, bound.text) == ("jwt~a~", "jwt~a~kb")


@pytest.mark.parametrize("text", ["", "jwt", "~", "~a~", "jwt~~", "jwt~a~~b~", "jwt~ä~", "x" * MAX_CHARACTERS + "~"])
def test_what_is_no_sd_jwt(text: str) -> None:
    with pytest.raises(MalformedInput):
        parse_sd_jwt(text)


def test_too_many_disclosures() -> None:
    many = [str(number) for number in range(MAX_DISCLOSURES)]
    assert len(parse_sd_jwt("~".join(["jwt", *many, ""])).disclosures) == MAX_DISCLOSURES
    with pytest.raises(MalformedInput, match="more than 256"):
        parse_sd_jwt("~".join(["jwt", *many, "x", ""]))
    with pytest.raises(MalformedInput, match="more than 256"):
        parse_sd_jwt("jwt" + "~x" * 100_000)


def test_a_disclosure_that_stands_twice() -> None:
    with pytest.raises(TokenRefused) as caught:
        parse_sd_jwt("jwt~a~b~a~")
    assert caught.value.code == "disclosure.repeated"


# --- what is opened ----------------------------------------------------------------


def test_rfc_9901_section_4() -> None:
    """The claim (§4.2.1, §4.2.3) and the array element (§4.2.2) of the RFC, with the digests that it prints."""
    claim = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
    element = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0"
    payload = {
        "_sd": ["X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"],
        "_sd_alg": "sha-256",
        "nationalities": [{"...": "w0I8EKcdCtUPkGCNUrfwVp2xEgNjtoIDlOxc9-PlOhs"}, "DE"],
    }
    assert open_claims(payload, [claim, element]) == {"family_name": "Möbius", "nationalities": ["FR", "DE"]}
    assert open_claims(payload, [element]) == {"nationalities": ["FR", "DE"]}
    assert open_claims(payload, []) == {"nationalities": ["DE"]}


def test_disclosures_inside_disclosures_and_decoys() -> None:
    inner = disclosure("s", "street", "Weg 1")
    outer = disclosure("s", "address", {"_sd": [digest_of(inner), "decoy"], "country": "DE"})
    payload = {"_sd": [digest_of(outer), "another decoy"], "x": {"_sd": []}, "y": [{"...": "decoy too"}]}
    both = {"address": {"country": "DE", "street": "Weg 1"}, "x": {}, "y": []}
    assert open_claims(payload, [inner, outer]) == both
    assert open_claims(payload, [outer]) == {"address": {"country": "DE"}, "x": {}, "y": []}
    with pytest.raises(TokenRefused) as caught:
        open_claims(payload, [inner])
    assert caught.value.code == "disclosure.unreferenced"


REFUSED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "a disclosure for no digest": ({"_sd": [digest_of(A)]}, [A, B], "disclosure.unreferenced"),
    "a disclosure without any digests": ({"a": 1}, [A], "disclosure.unreferenced"),
    "a digest twice in one list": ({"_sd": [digest_of(A), digest_of(A)]}, [A], "disclosure.digest"),
    "a decoy twice": ({"_sd": ["decoy", "decoy"]}, [], "disclosure.digest"),
    "a digest in two places": ({"_sd": ["x"], "b": {"_sd": ["x"]}}, [], "disclosure.digest"),
    "a digest as claim and element": ({"_sd": ["x"], "b": [{"...": "x"}]}, [], "disclosure.digest"),
    "a digest again in a disclosure": (
        {"_sd": [digest_of(A), digest_of(disclosure("s", "n", {"_sd": [digest_of(A)]}))]},
        [A, disclosure("s", "n", {"_sd": [digest_of(A)]})],
        "disclosure.digest",
    ),
    "a claim that is there already": ({"a": 0, "_sd": [digest_of(A)]}, [A], "disclosure.name"),
    "two disclosures of one name": (
        {"_sd": [digest_of(A), digest_of(disclosure("other", "a", 2))]},
        [A, disclosure("other", "a", 2)],
        "disclosure.name",
    ),
    "a disclosure named _sd": (
        {"_sd": [digest_of(disclosure("s", "_sd", []))]},
        [disclosure("s", "_sd", [])],
        "disclosure.name",
    ),
    "a disclosure named ...": (
        {"_sd": [digest_of(disclosure("s", "...", 1))]},
        [disclosure("s", "...", 1)],
        "disclosure.name",
    ),
    "a disclosure named _sd_alg": (
        {"_sd": [digest_of(disclosure("s", "_sd_alg", 1))]},
        [disclosure("s", "_sd_alg", 1)],
        "disclosure.name",
    ),
    "an element for a claim": ({"_sd": [digest_of(ELEMENT)]}, [ELEMENT], "disclosure.place"),
    "a claim for an element": ({"x": [{"...": digest_of(A)}]}, [A], "disclosure.place"),
    "... beside another name": ({"x": [{"...": "d", "y": 1}]}, [], "disclosure.place"),
    "... outside an array": ({"x": {"...": "d"}}, [], "disclosure.place"),
    "... that is no text": ({"x": [{"...": 1}]}, [], "disclosure.place"),
    "_sd that is no list": ({"_sd": digest_of(A)}, [A], "disclosure.digest"),
    "_sd of numbers": ({"x": {"_sd": [1]}}, [], "disclosure.digest"),
    "another hash": ({"_sd_alg": "sha-512", "_sd": []}, [], "disclosure.algorithm"),
    "a name that is no text": (
        {"_sd": [digest_of(disclosure("s", 1, 1))]},
        [disclosure("s", 1, 1)],
        "disclosure.place",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_rfc_9901_rejects(name: str) -> None:
    payload, disclosures, code = REFUSED[name]
    with pytest.raises(TokenRefused) as caught:
        open_claims(payload, disclosures)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "text", ["!", disclosure("s"), disclosure("s", "n", 1, 2), disclosure(1, "n", 1), "e30", "WzFd"]
)
def test_what_is_no_disclosure(text: str) -> None:
    with pytest.raises(MalformedInput):
        open_claims({"_sd": [digest_of(text)]}, [text])


def test_disclosures_nested_without_end_are_refused_before_the_stack_is() -> None:
    texts, value = [], {}
    for _ in range(200):
        texts.append(disclosure("s", "n", value))
        value = {"_sd": [digest_of(texts[-1])]}
    with pytest.raises(TokenRefused, match="nest deeper"):
        open_claims(value, texts)
