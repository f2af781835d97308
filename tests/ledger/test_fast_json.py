"""Canonical JSON by orjson against the core's and the ``rfc8785`` package's, on all that the profile has."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger import fast_json
from tallystick import canonical
from tallystick.errors import MalformedInput

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-canonical.MAX_INTEGER, canonical.MAX_INTEGER) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)


@settings(max_examples=500)
@given(VALUES)
@example("".join(map(chr, range(0x100))))
@example({chr(one): one for one in range(128)})
@example({"b": 1, "a": 2, "": 3, "aa": 4, "A": 5, "a\0": 6, "a/": 7})
@example([canonical.MAX_INTEGER, -canonical.MAX_INTEGER, 0])
def test_the_same_bytes(value: Any) -> None:
    assert (
        fast_json.encode_read(value) == canonical.encode_read(value) == canonical.encode(value) == rfc8785.dumps(value)
    )


@pytest.mark.parametrize("text", ["\ud800", "x\udfff", "\udc00\ud800"])
def test_the_same_refusal(text: str) -> None:
    for value in (text, {"a": [text]}):
        with pytest.raises(MalformedInput) as core:
            canonical.encode_read(value)
        with pytest.raises(MalformedInput) as fast:
            fast_json.encode_read(value)
        assert str(core.value) == str(fast.value)


def test_every_code_point() -> None:
    for start in range(0, 0x110000, 0x1000):
        text = "".join(chr(one) for one in range(start, start + 0x1000) if not 0xD800 <= one < 0xE000)
        assert fast_json.encode_read(text) == canonical.encode_read(text)
