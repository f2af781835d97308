"""Digest pairs: published vectors of both hashes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.digests import DigestPair, PairHasher, digest_pair
from tallystick.errors import MalformedInput
from tallystick.schema import read, write

# GB/T 32905-2016 appendix A and FIPS 180-4.
VECTORS = [
    (
        b"abc",
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0",
    ),
    (
        b"abcd" * 16,
        hashlib.sha256(b"abcd" * 16).hexdigest(),
        "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732",
    ),
    (
        b"",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b",
    ),
]


@pytest.mark.parametrize(("data", "sha256", "sm3"), VECTORS)
def test_published_vectors(data: bytes, sha256: str, sm3: str) -> None:
    assert digest_pair(data) == DigestPair(sha256, sm3)


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_pieces_hash_as_the_whole(pieces: list[bytes]) -> None:
    hasher = PairHasher()
    for piece in pieces:
        hasher.update(piece)
    assert hasher.pair() == digest_pair(b"".join(pieces))


@pytest.mark.parametrize(
    "bad", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 63 + "\n", "０" * 64, " " + "0" * 63]
)
def test_only_64_lowercase_hex_digits_are_a_digest(bad: str) -> None:
    good = write(digest_pair(b"x"))
    assert read(DigestPair, good) == digest_pair(b"x")
    for name in ("sha256", "sm3"):
        with pytest.raises(MalformedInput, match=f"{name}: expected 64 lowercase hex digits"):
            read(DigestPair, {**good, name: bad})
