"""Salted commitments: RFC 9901 disclosures, and nothing but what was committed opens them."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.commitments import MAX_DISCLOSURE_BYTES, Disclosure, disclose, open_commitments, parse_disclosure
from tallystick.digests import DigestPair, digest_pair
from tallystick.errors import MalformedInput, VerificationFailed

SALT = bytes(range(16))


def text_of(value: Any, **how: Any) -> str:
    return urlsafe_b64encode(json.dumps(value, **how).encode()).rstrip(b"=").decode()


# RFC 9901 §4.2.1 and §4.2.3: the disclosure and its digest.
RFC_TEXT = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
RFC_DIGEST = "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"


def test_the_example_of_rfc_9901() -> None:
    found = parse_disclosure(RFC_TEXT)
    assert (found.name, found.value) == ("family_name", "Möbius")
    digest = urlsafe_b64encode(bytes.fromhex(found.commitment.sha256)).rstrip(b"=").decode()
    assert digest == RFC_DIGEST
    assert open_commitments({"family_name": found.commitment}, [found]) == {"family_name": "Möbius"}


def test_another_spelling_of_the_same_words_is_another_commitment() -> None:
    """RFC 9901 §4.2.1: without spaces, or with the letter escaped, the digest differs. Hashed is what was received."""
    array = ["_26bc4LT-ac6q2KI6cBW5es", "family_name", "Möbius"]
    spellings = [RFC_TEXT, text_of(array), text_of(array, separators=(",", ":"), ensure_ascii=False)]
    found = [parse_disclosure(text) for text in spellings]
    assert len({one.commitment for one in found}) == 3
    assert {(one.name, one.value) for one in found} == {("family_name", "Möbius")}
    with pytest.raises(VerificationFailed, match="has SHA-256"):
        open_commitments({"family_name": found[0].commitment}, [found[1]])


def test_the_digest_is_over_the_ascii_of_the_text() -> None:
    made = disclose("price", {"amount": "1200.00"}, SALT)
    assert made.text == text_of(["AAECAwQFBgcICQoLDA0ODw", "price", {"amount": "1200.00"}], separators=(",", ":"))
    assert made.commitment == digest_pair(made.text.encode())
    assert made.commitment.sha256 == hashlib.sha256(made.text.encode()).hexdigest()
    assert parse_disclosure(made.text) == made


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])) | st.lists(st.integers(0, 9)),
    st.binary(min_size=16, max_size=40),
)
def test_round_trip(name: str, value: Any, salt: bytes) -> None:
    made = disclose(name, value, salt)
    assert parse_disclosure(made.text) == made
    assert open_commitments({name: made.commitment}, [made]) == {name: value}
    other = disclose(name, value, bytes([salt[0] ^ 1]) + salt[1:])
    assert other.commitment != made.commitment


@pytest.mark.parametrize("length", [0, 1, 15])
def test_short_salts_are_neither_made_nor_read(length: int) -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        disclose("name", "value", bytes(length))
    short = urlsafe_b64encode(bytes(length)).rstrip(b"=").decode()
    with pytest.raises(MalformedInput, match="fewer than 128 bits"):
        parse_disclosure(text_of([short, "name", "value"]))


GOOD_SALT = "AAECAwQFBgcICQoLDA0ODw"
MALFORMED = {
    "nothing": "",
    "not base64": "*",
    "padded": RFC_TEXT + "=",
    "stray bits": RFC_TEXT[:-1] + "1",
    "standard alphabet": urlsafe_b64encode(b'["' + b"?" * 9).decode().replace("_", "/"),
    "outside ASCII": "é" * 8,
    "not UTF-8": urlsafe_b64encode(b"\xff\xfe\xfd").decode(),
    "not JSON": text_of([1])[:-1],
    "an object": text_of({"a": 1}),
    "a text": text_of("abc"),
    "two members": text_of([GOOD_SALT, "name"]),
    "an array element of RFC 9901": text_of([GOOD_SALT, "value"]),
    "four members": text_of([GOOD_SALT, "name", "value", 1]),
    "salt is a number": text_of([1, "name", "value"]),
    "salt is no base64url": text_of(["a salt that is long enough!", "name", "value"]),
    "name is a number": text_of([GOOD_SALT, 1, "value"]),
    "a float": text_of([GOOD_SALT, "name", 1.5]),
    "a key twice": urlsafe_b64encode(f'["{GOOD_SALT}","n",{{"a":1,"a":2}}]'.encode()).rstrip(b"=").decode(),
    "too long": "A" * (MAX_DISCLOSURE_BYTES + 4),
    "depth bomb": urlsafe_b64encode(b"[" * 90_000).decode(),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str) -> None:
    with pytest.raises(MalformedInput):
        parse_disclosure(MALFORMED[name])


def test_the_size_cap_comes_first() -> None:
    for text in ("A" * (MAX_DISCLOSURE_BYTES + 1), "é" + RFC_TEXT):
        with pytest.raises(MalformedInput, match="a disclosure is ASCII text of at most 1048576 characters"):
            parse_disclosure(text)
    with pytest.raises(MalformedInput, match="not JSON"):
        parse_disclosure("A" * MAX_DISCLOSURE_BYTES)


def commitments(*made: Disclosure) -> dict[str, DigestPair]:
    return {one.name: one.commitment for one in made}


def test_only_what_was_committed_opens() -> None:
    name, price = disclose("name", "Ada", SALT), disclose("price", "12", SALT)
    committed = commitments(name, price)
    assert open_commitments(committed, []) == {}
    assert open_commitments(committed, [price]) == {"price": "12"}
    assert open_commitments(committed, [price, name]) == {"name": "Ada", "price": "12"}
    attacks = {
        "another value": [disclose("name", "Eve", SALT)],
        "another salt": [disclose("name", "Ada", SALT[::-1])],
        "a name that is not committed": [disclose("nick", "Ada", SALT)],
        "the value of another name": [disclose("name", "12", SALT)],
        "the same twice": [name, name],
        "a right and a wrong one": [name, disclose("name", "Eve", SALT)],
        "a value that Python finds equal": [disclose("name", True, SALT)],
    }
    for disclosures in attacks.values():
        with pytest.raises(VerificationFailed):
            open_commitments(committed, disclosures)


def test_a_disclosure_does_not_open_the_commitment_of_another_name() -> None:
    """Swapped commitments: the name stands inside what is hashed."""
    name, price = disclose("name", "Ada", SALT), disclose("price", "12", SALT)
    swapped = {"name": price.commitment, "price": name.commitment}
    for one in (name, price):
        with pytest.raises(VerificationFailed, match=one.name):
            open_commitments(swapped, [one])


def test_both_digests_must_agree() -> None:
    made = disclose("name", "Ada", SALT)
    pair = made.commitment
    for wrong in (DigestPair("0" * 64, pair.sm3), DigestPair(pair.sha256, "0" * 64)):
        with pytest.raises(VerificationFailed):
            open_commitments({"name": wrong}, [made])


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: urlsafe_b64encode(data).rstrip(b"=").decode()))
def test_any_text_is_a_disclosure_or_malformed(text: str) -> None:
    try:
        assert parse_disclosure(text).text == text
    except MalformedInput:
        return
