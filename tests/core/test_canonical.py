"""Canonical JSON: the ``rfc8785`` library as oracle on our profile, and nothing but the canonical bytes is read."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tallystick.canonical import MAX_DEPTH, MAX_INTEGER, decode, decode_relaxed, encode
from tallystick.errors import MalformedInput

LIMIT = 1 << 20
KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
INTEGERS = st.integers(-MAX_INTEGER, MAX_INTEGER)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_agrees_with_rfc8785(value: Any) -> None:
    data = encode(value)
    assert data == rfc8785.dumps(value)
    assert decode(data, LIMIT) == value
    assert decode_relaxed(json.dumps(value, indent=1).encode(), LIMIT) == value


@given(VALUES)
def test_other_spellings_are_read_only_where_people_write(value: Any) -> None:
    for data in (encode(value) + b" ", b" " + encode(value), encode(value) + b"\n"):
        assert decode_relaxed(data, LIMIT) == value
        with pytest.raises(MalformedInput, match="not in canonical form"):
            decode(data, LIMIT)


def test_the_vectors_of_rfc_8785_within_the_profile() -> None:
    """§3.2.2 and §3.2.3: strings with shortest escapes, literals, and keys in order."""
    value = {"string": '€$\x0f\nA\'B"\\\\"/', "literals": [None, True, False]}
    expected = '{"literals":[null,true,false],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert encode(value) == expected.encode()
    assert encode({"\r": "Carriage Return", "1": "One", "\x7f": "Delete", "": "Empty"}) == (
        b'{"":"Empty","\\r":"Carriage Return","1":"One","\x7f":"Delete"}'
    )
    controls = "".join(map(chr, range(32)))
    assert encode(controls) == (
        b'"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011'
        b'\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"'
    )
    assert encode("\u2028\u2029\x7f😀") == '"\u2028\u2029\x7f😀"'.encode()
    assert encode([MAX_INTEGER, -MAX_INTEGER, 0]) == b"[9007199254740991,-9007199254740991,0]"


NOT_CANONICAL = {
    "keys out of order": b'{"b":1,"a":2}',
    "space after colon": b'{"a": 1}',
    "space after comma": b"[1, 2]",
    "trailing newline": b"[1]\n",
    "escaped slash": b'"\\/"',
    "escaped letter": b'"\\u0041"',
    "upper-case escape": b'"\\u000F"',
    "long escape of newline": b'"\\u000a"',
    "escaped text that needs none": b'"\\u20ac"',
    "surrogate pair as escapes": b'"\\ud83d\\ude00"',
    "minus zero": b"-0",
}
NOT_JSON = {
    "nothing": b"",
    "not UTF-8": b'"\xff"',
    "UTF-16": '"a"'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf1",
    "overlong UTF-8": b'"\xc0\xaf"',
    "surrogate in UTF-8": b'"\xed\xa0\x80"',
    "raw newline in a string": b'"\n"',
    "trailing comma": b"[1,]",
    "two values": b"1 2",
    "single quotes": b"'a'",
    "comment": b"/**/1",
    "leading zero": b"01",
    "plus": b"+1",
    "hex": b"0x10",
    "underscore": b"1_0",
    "bare word": b"undefined",
}
OUTSIDE = {
    "float": b"1.0",
    "exponent": b"1e2",
    "huge exponent": b"1e999999",
    "NaN": b"NaN",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"-Infinity",
    "2^53": b"9007199254740992",
    "-2^53": b"-9007199254740992",
    "4,000 digits": b"9" * 4000,
    "5,000 digits": b"9" * 5000,
    "the same key twice": b'{"a":1,"a":1}',
    "the same key twice, once escaped": b'{"a":1,"\\u0061":2}',
    "the same key twice, deep": b'[{"x":{"a":1,"a":2}}]',
    "key outside ASCII": '{"é":1}'.encode(),
    "lone high surrogate": b'"\\ud800"',
    "lone low surrogate": b'"x\\udc00"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "lone surrogate in a key": b'{"\\ud800":1}',
    "too deep": b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1),
    "depth bomb": b"[" * 200_000,
    "closed depth bomb": b"[" * 200_000 + b"]" * 200_000,
    "depth bomb of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("name", NOT_CANONICAL)
def test_other_forms_of_a_value_are_not_canonical(name: str) -> None:
    decode_relaxed(NOT_CANONICAL[name], LIMIT)
    with pytest.raises(MalformedInput, match="not in canonical form"):
        decode(NOT_CANONICAL[name], LIMIT)


@pytest.mark.parametrize("name", [*NOT_JSON, *OUTSIDE])
def test_what_is_no_json_of_the_profile_is_refused_by_both(name: str) -> None:
    data = {**NOT_JSON, **OUTSIDE}[name]
    for read in (decode, decode_relaxed):
        with pytest.raises(MalformedInput):
            read(data, LIMIT)


def test_depth_is_counted_exactly() -> None:
    deepest = b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH
    assert encode(decode(deepest, LIMIT)) == deepest
    objects = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    assert encode(decode(objects, LIMIT)) == objects


def test_depth_bombs_do_not_lean_on_the_recursion_limit() -> None:
    """py_ecc raises it to 100,000 on import; ``json`` then overflows the stack, and the process is gone."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, 100_000))
    try:
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"[":', b"}]")):
            with pytest.raises(MalformedInput, match="nested deeper than 32 levels"):
                decode_relaxed(opening * 100_000 + b"1" + closing * 100_000, LIMIT * 2)
    finally:
        sys.setrecursionlimit(before)


def test_brackets_in_strings_are_no_nesting() -> None:
    for text in ("[" * 500, '"' + "{" * 500, "\\" + "[" * 500 + "\\"):
        assert decode(encode([text, {"k": text}]), LIMIT) == [text, {"k": text}]
    siblings = [[], {}] * 400
    assert decode(encode(siblings), LIMIT) == siblings


def test_the_size_cap_comes_first() -> None:
    with pytest.raises(MalformedInput, match="has 5 bytes, at most 4"):
        decode(b"\xff\xff\xff\xff\xff", 4)
    assert decode(b"1234", 4) == 1234


UNENCODABLE: dict[str, Any] = {
    "float": 1.0,
    "NaN": float("nan"),
    "bytes": b"a",
    "set": {1},
    "object": object(),
    "2^53": 1 << 53,
    "an integer too long to print": 10**6000,
    "integer key": {1: "a"},
    "None key": {None: "a"},
    "key outside ASCII": {"ä": 1},
    "lone surrogate": ["\ud800"],
}
loop: list[Any] = []
loop.append(loop)
UNENCODABLE["recursion"] = loop


@pytest.mark.parametrize("name", UNENCODABLE)
def test_values_outside_the_profile_are_not_written(name: str) -> None:
    with pytest.raises(MalformedInput):
        encode(UNENCODABLE[name])


def test_true_is_not_one() -> None:
    assert (encode(True), encode(1), encode(False), encode(0)) == (b"true", b"1", b"false", b"0")


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_malformed(data: bytes) -> None:
    try:
        value = decode(data, LIMIT)
    except MalformedInput:
        return
    assert encode(value) == data


@given(VALUES, st.data())
def test_mutated_bytes_are_another_value_or_malformed(value: Any, data: st.DataObject) -> None:
    good = encode(value)
    at = data.draw(st.integers(0, len(good) - 1))
    bad = good[:at] + bytes([data.draw(st.integers(0, 255).filter(lambda byte: byte != good[at]))]) + good[at + 1 :]
    try:
        found = decode(bad, LIMIT)
    except MalformedInput:
        return
    assert encode(found) == bad != good


def test_a_name_that_stands_twice_is_found_in_one_look_at_each() -> None:
    """Compared with each one before it, 200,000 names would be twenty thousand million comparisons."""
    names = ",".join(f'"{number:06}":0' for number in range(200_000))
    with pytest.raises(MalformedInput, match="'199999' stands twice"):
        decode(f'{{{names},"199999":0}}'.encode(), 1 << 24)
