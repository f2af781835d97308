"""The licence credential and the staple: strict reading and writing."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick import canonical
from tallystick.errors import MalformedInput
from tallystick.licence.credential import decode_credential, encode_credential
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
