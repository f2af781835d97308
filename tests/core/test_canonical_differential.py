"""The fast canonical JSON against the plain one: the same value or the same refusal for any bytes whatever."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tallystick import canonical
from tallystick.errors import MalformedInput
from tests.core.oracles import canonical as plain

LIMIT = 1 << 16
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
KEYS = st.text('ab"\\é[{}]\ud800', max_size=3)
VALUES = st.recursive(
    SCALARS | st.text('[]{}"\\\ud800\u20ac\n', max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4) | st.tuples(inner),
    max_leaves=20,
)
PIECES = st.sampled_from(
    [
        '"',
        "\\",
        "[",
        "]",
        "{",
        "}",
        ":",
        ",",
        "1",
        "-",
        "a",
        "\\u",
        "d800",
        "0041",
        " ",
        "null",
        "é",
        '"a":',
        "1.5",
        "\0",
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join)


def outcome(call: Any, *given: Any) -> Any:
    """Of several faults either may name the one that it meets first."""
    try:
        return "value", call(*given)
    except MalformedInput:
        return "refused"


@given(VALUES)
def test_encoding_agrees(value: Any) -> None:
    assert outcome(canonical.encode, value) == outcome(plain.encode, value)


@given(VALUES, st.booleans(), st.booleans())
def test_decoding_what_json_writers_write_agrees(value: Any, escaped: bool, spaced: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped, indent=1 if spaced else None)
    data = text.encode("utf-8", "surrogatepass")
    for name in ("decode", "decode_relaxed"):
        assert outcome(getattr(canonical, name), data, LIMIT) == outcome(getattr(plain, name), data, LIMIT)


@settings(max_examples=1000)
@given(TEXTS)
@example('["]",["]",["]","[","["]]]')
@example('{"a":"}{"}')
@example('["\\\\",["\\"[",[]]]')
@example('{"a":1,"\\u0061":1}')
def test_decoding_any_text_agrees(text: str) -> None:
    data = text.encode()
    for name in ("decode", "decode_relaxed"):
        assert outcome(getattr(canonical, name), data, LIMIT) == outcome(getattr(plain, name), data, LIMIT)


@given(st.binary(max_size=30))
def test_decoding_any_bytes_agrees(data: bytes) -> None:
    assert outcome(canonical.decode_relaxed, data, LIMIT) == outcome(plain.decode_relaxed, data, LIMIT)


OPENERS = {"lists": ("[", "]"), "objects": ('{"a":', "}"), "both": ('[{"a":', "}]"), "hidden": ('["]",', ',"["]')}


@pytest.mark.parametrize("kind", OPENERS)
@pytest.mark.parametrize("inside", ["1", "", '"x"', "[]"])
def test_every_depth_agrees(kind: str, inside: str) -> None:
    """A bracket inside a string closes nothing: what hides behind ``"]"`` is as deep as it is."""
    opener, closer = OPENERS[kind]
    for depth in range(80):
        data = (opener * depth + inside + closer * depth).encode()
        assert outcome(canonical.decode_relaxed, data, LIMIT) == outcome(plain.decode_relaxed, data, LIMIT)
