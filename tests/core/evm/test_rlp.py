from __future__ import annotations

from typing import Any

import pytest
import rlp as oracle
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import MalformedInput
from tallystick.evm import rlp

# Yellow paper and Ethereum wiki examples.
VECTORS: list[tuple[Any, str]] = [
    (b"", "80"),
    (b"\x00", "00"),
    (b"\x7f", "7f"),
    (b"\x80", "8180"),
    (b"dog", "83646f67"),
    ([], "c0"),
    ([b"cat", b"dog"], "c88363617483646f67"),
    ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
    (b"a" * 55, "b7" + "61" * 55),
    (b"a" * 56, "b838" + "61" * 56),
    (b"a" * 1024, "b90400" + "61" * 1024),
    ([b"a" * 54], "f7b6" + "61" * 54),
    ([b"a" * 55], "f838b7" + "61" * 55),
]

NOT_CANONICAL = {
    "nothing": "",
    "a small byte with a prefix": "8100",
    "another": "817f",
    "a short string with a long length": "b801ff",
    "a string of 55 with a long length": "b837" + "61" * 55,
    "a length with a leading zero": "b90038" + "61" * 56,
    "a length of zero bytes cut off": "b8",
    "a length cut short": "b904",
    "a string cut short": "83646f",
    "a list cut short": "c883636174",
    "a child longer than its list": "c283646f67",
    "a long list with a short length": "f801c0",
    "a trailing byte": "83646f6700",
    "two items": "8080",
    "a gigantic length": "bfffffffffffffffff",
    "a gigantic list": "ffffffffffffffffff",
    "lists nested too deep": "c9c8c7c6c5c4c3c2c1c0",
}

ITEMS = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6), max_leaves=20)


def depth(item: Any) -> int:
    return 0 if isinstance(item, bytes) else 1 + max(map(depth, item), default=0)


@pytest.mark.parametrize(("item", "text"), VECTORS)
def test_vectors(item: Any, text: str) -> None:
    assert rlp.encode(item).hex() == text
    assert rlp.decode(bytes.fromhex(text)) == item


@pytest.mark.parametrize("name", NOT_CANONICAL)
def test_other_encodings_are_refused(name: str) -> None:
    with pytest.raises(MalformedInput):
        rlp.decode(bytes.fromhex(NOT_CANONICAL[name]))


@given(ITEMS.filter(lambda item: depth(item) <= rlp.MAX_DEPTH))
def test_round_trip_agrees_with_another_implementation(item: Any) -> None:
    data = rlp.encode(item)
    assert data == oracle.encode(item)
    assert rlp.decode(data) == item


@given(st.binary(max_size=40))
def test_whatever_decodes_is_canonical(data: bytes) -> None:
    try:
        item = rlp.decode(data)
    except MalformedInput:
        return
    assert rlp.encode(item) == data


@given(st.binary(min_size=1, max_size=12).map(lambda tail: bytes([0xC0 + len(tail)]) + tail))
def test_both_implementations_accept_the_same_bytes(data: bytes) -> None:
    try:
        expected = oracle.decode(data, strict=True)
    except oracle.exceptions.DecodingError:
        with pytest.raises(MalformedInput):
            rlp.decode(data)
    else:
        assert rlp.decode(data) == expected


def test_a_long_input_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedInput, match="at most"):
        rlp.decode(b"\x80" * (rlp.MAX_BYTES + 1))


def test_integers_have_no_leading_zeros() -> None:
    assert [rlp.as_int(rlp.decode(rlp.encode_int(n)), "n") for n in (0, 1, 127, 128, 2**64)] == [0, 1, 127, 128, 2**64]
    for wrong in (b"\x00", b"\x00\x01", b"\x01" * 9, []):
        with pytest.raises(MalformedInput):
            rlp.as_int(wrong, "n", length=8)


def test_kinds_and_lengths_are_checked() -> None:
    with pytest.raises(MalformedInput, match="the thing is a byte string"):
        rlp.as_list(b"", "the thing")
    with pytest.raises(MalformedInput, match="the thing is a list"):
        rlp.as_bytes([], "the thing")
    with pytest.raises(MalformedInput, match="has 2 bytes, expected 3"):
        rlp.as_bytes(b"ab", "the thing", 3)


def test_only_bytes_and_lists_are_encoded() -> None:
    with pytest.raises(TypeError):
        rlp.encode("text")  # type: ignore[arg-type]
