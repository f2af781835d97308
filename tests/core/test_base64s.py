"""Base64 with one text for each byte string."""

from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.base64s import from_base64, from_base64url, to_base64, to_base64url
from tallystick.errors import MalformedInput

# RFC 4648 §10.
VECTORS = [
    (b"", ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foob", "Zm9vYg=="), (b"fooba", "Zm9vYmE="),
    (b"foobar", "Zm9vYmFy"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "text"), VECTORS)
def test_rfc_4648_vectors(data: bytes, text: str) -> None:
    assert to_base64(data) == text
    assert from_base64(text) == data
    assert to_base64url(data) == text.rstrip("=")
    assert from_base64url(text.rstrip("=")) == data


def test_the_two_alphabets() -> None:
    assert (to_base64(b"\xfb\xff"), to_base64url(b"\xfb\xff")) == ("+/8=", "-_8")
    for text in ("-_8=", "-_8", "+/8"):
        with pytest.raises(MalformedInput):
            from_base64(text)
    for text in ("+/8", "+/8=", "-_8="):
        with pytest.raises(MalformedInput):
            from_base64url(text)


@given(st.binary(max_size=80))
def test_round_trip(data: bytes) -> None:
    assert from_base64(to_base64(data)) == data == base64.b64decode(to_base64(data))
    assert from_base64url(to_base64url(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v=", "=", "====", "Z", "Zm9vY", " Zm9v", "Zm9v ", "Zm9v\n", "Zm\n9v",
        "Zm9v\r\n", "Zm 9v", "Zm9v*", "Zm9vé", "Ｚm9v", "Zg==Zg==", "\0", "\ud800", "Zm9v\u200b",
    ],
)  # fmt: skip
def test_every_other_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput, match="base64"):
        from_base64(text)


@pytest.mark.parametrize(
    "text", ["Zg==", "Zh", "Zm9", "Z", "Zm9vY", "Zm 9v", "Zm9v\n", "=", "Zm9v.", "é", "\ud800", "A"]
)
def test_every_other_url_safe_text_is_malformed(text: str) -> None:
    with pytest.raises(MalformedInput, match="base64url"):
        from_base64url(text)


@given(st.text(max_size=12) | st.text("AQgw=+/-_ \n", max_size=8))
def test_any_text_is_canonical_or_malformed(text: str) -> None:
    for read, write in ((from_base64, to_base64), (from_base64url, to_base64url)):
        try:
            assert write(read(text)) == text
        except MalformedInput:
            continue


@pytest.mark.parametrize(("alphabet", "longest"), [("Ag=", 9), ("Aw9=\n +-", 5)])
def test_every_short_text_is_canonical_or_malformed(alphabet: str, longest: int) -> None:
    """Padding and strangers at every place of several quanta, for the reader writes only the last one again."""
    taken = 0
    for size in range(longest + 1):
        for text in map("".join, itertools.product(alphabet, repeat=size)):
            try:
                assert to_base64(from_base64(text)) == text
                taken += 1
            except MalformedInput:
                continue
    assert taken == sum(to_base64(base64.b64decode(text)) == text for text in _whole(alphabet, longest))


def _whole(alphabet: str, longest: int) -> list[str]:
    """Those of the texts that have nothing but letters of base64, and padding at the end alone."""
    letters = "".join(one for one in alphabet if one not in "=\n -")
    found = []
    for size in range(0, longest + 1, 4):
        for padding in range(3 if size else 1):
            words = itertools.product(letters, repeat=size - padding)
            found += ["".join(word) + "=" * padding for word in words]
    return found
