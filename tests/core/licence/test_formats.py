"""The licence credential and the staple: strict reading and writing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tallystick import canonical
from tallystick.errors import MalformedInput
from tallystick.licence.credential import (
    MAX_ENTRIES,
    CredentialWriter,
    LicenceCredential,
    ShownEntry,
    decode_credential,
    encode_credential,
)
from tallystick.licence.staple import decode_staple, encode_staple

from .paper import Paper


@pytest.fixture(scope="module")
def paper() -> Paper:
    return Paper()


def test_the_credential_round_trips_within_its_limit(paper: Paper) -> None:
    credential = paper.credential()
    value = encode_credential(credential)
    assert decode_credential(value) == credential
    assert len(canonical.encode(value)) < 40_000


def test_the_staple_round_trips(paper: Paper) -> None:
    staple = paper.staple()
    assert decode_staple(encode_staple(staple)) == staple


def changed(paper: Paper, **changes: Any) -> dict[str, Any]:
    value = {**encode_credential(paper.credential()), **changes}
    return {name: each for name, each in value.items() if each is not None}


BAD_CREDENTIAL: dict[str, tuple[Any, str]] = {
    "another version": (lambda paper: changed(paper, v=2), "licence version 2; .* install a newer one"),
    "an unknown field": (lambda paper: changed(paper, price="1"), r"licence\.price: unknown field"),
    "no status": (lambda paper: changed(paper, status=None), r"licence\.status: missing"),
    "entries out of order": (
        lambda paper: changed(paper, entries=encode_credential(paper.credential())["entries"][::-1]),
        r"licence\.entries: expected entries in order",
    ),
    "an entry twice": (
        lambda paper: changed(paper, entries=[encode_credential(paper.credential())["entries"][8]] * 2),
        r"licence\.entries: expected entries in order",
    ),
    "grant not shown": (lambda paper: changed(paper, grant=99), r"licence\.grant: entry 99 is not among"),
    "disclosures of an entry not shown": (
        lambda paper: changed(paper, disclosures={"99": ["e30"]}),
        r"licence\.disclosures\.99: no entry",
    ),
    "an index with a zero before it": (
        lambda paper: changed(paper, disclosures={"08": ["e30"]}),
        r"licence\.disclosures\.08: no entry",
    ),
    "an empty list of disclosures": (
        lambda paper: changed(paper, disclosures={"8": []}),
        r"licence\.disclosures\.8: expected 1 to 32 items",
    ),
    "base64 that is not canonical": (
        lambda paper: changed(paper, entries=[{"index": 8, "entry": "QR==", "proof": []}]),
        "is not canonical base64",
    ),
    "more than the limit": (lambda paper: changed(paper, checkpoint="x" * 524_288), "at most 524288 are read"),
    "a list": (lambda paper: [], "licence: expected an object"),
}


@pytest.mark.parametrize("name", BAD_CREDENTIAL)
def test_a_malformed_credential_is_refused(paper: Paper, name: str) -> None:
    make, message = BAD_CREDENTIAL[name]
    with pytest.raises(MalformedInput, match=message):
        decode_credential(make(paper))


def test_many_are_written_as_each_alone(paper: Paper) -> None:
    writer, whole = CredentialWriter(), paper.credential()
    several = [whole, replace(whole, disclosures={}), whole, replace(whole, checkpoint="another\n")]
    assert [writer.write(one) for one in several] == [canonical.encode(encode_credential(one)) for one in several]


UNWRITABLE: dict[str, tuple[Any, str]] = {
    "nothing shown": (lambda one: replace(one, entries=()), "items, found 0"),
    "entries out of order": (lambda one: replace(one, entries=one.entries[::-1]), "entries in order"),
    "an entry twice": (lambda one: replace(one, entries=one.entries[:1] * 2), "entries in order"),
    "more entries than are read": (
        lambda one: replace(one, entries=tuple(ShownEntry(n, "QUJD", ()) for n in range(MAX_ENTRIES + 1))),
        "expected 1 to 512 items, found 513",
    ),
    "the last entry is no base64": (
        lambda one: replace(one, entries=(*one.entries, ShownEntry(99, "QR==", ()))),
        "is not canonical base64",
    ),
    "a proof of the last is none": (
        lambda one: replace(one, entries=(*one.entries, ShownEntry(99, "QUJD", ("QUJ",)))),
        "base64",
    ),
    "grant not shown": (lambda one: replace(one, grant=99), "entry 99 is not among"),
    "disclosures of an entry not shown": (lambda one: replace(one, disclosures={"99": ("e30",)}), "no entry"),
    "another version": (lambda one: replace(one, v=2), "expected one of 1"),
    "a lone surrogate": (lambda one: replace(one, checkpoint="\ud800"), "surrogate|UTF-8"),
    "more than the limit": (lambda one: replace(one, disclosures={"8": ("e" * 524_288,)}), "524288"),
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_nothing_is_written_that_nobody_would_read(paper: Paper, name: str) -> None:
    change, message = UNWRITABLE[name]
    writer, good = CredentialWriter(), paper.credential()
    writer.write(good)  # what it knows already makes no difference
    bad: LicenceCredential = change(good)
    with pytest.raises(MalformedInput):
        encode_credential(bad)
    with pytest.raises(MalformedInput, match=message):
        writer.write(bad)


def test_a_malformed_staple_is_refused(paper: Paper) -> None:
    data = encode_staple(paper.staple())
    value = canonical.decode(data, len(data))
    for bad, message in (
        (data + b" ", "not in canonical form"),
        (canonical.encode({**value, "v": 2}), "licence status version 2; .* install a newer one"),
        (canonical.encode({**value, "at": 1}), r"status\.at: unknown field"),
        (canonical.encode({**value, "proof": ["QUJD"] * 65}), r"status\.proof: expected 0 to 64 items"),
        (bytes(600_001), "at most 600000 are read"),
        (b"", "not JSON"),
    ):
        with pytest.raises(MalformedInput, match=message):
            decode_staple(bad)
