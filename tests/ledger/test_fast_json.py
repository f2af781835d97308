"""Canonical JSON by orjson against the core's and the ``rfc8785`` package's, on all that the profile has."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger import fast_json
from tallystick import canonical, cose
from tallystick.errors import MalformedInput
from tallystick.events import BODIES
from tallystick.map.about import about
from tallystick.statement import parse_statement
from tests.world import World

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


# --- reading -----------------------------------------------------------------------------


def read_by(decode: Any, data: bytes) -> Any:
    try:
        return decode(data, 1 << 16)
    except MalformedInput as error:
        return str(error)


@settings(max_examples=500)
@given(VALUES)
def test_the_same_value(value: Any) -> None:
    data = canonical.encode(value)
    assert read_by(fast_json.decode, data) == read_by(canonical.decode, data) == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}', b'{"b":1,"a":2}', b'{"a": 1}', b'{"a":1} ', b' {"a":1}', b"", b"nul", b"null", b'{"a":nul}',
        b'{"a":01}', b'{"a":-0}', b'{"a":+1}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":"\\u0041"}', b'{"a":"\\ud800"}',
        b'{"\xc3\xa9":1}', b'{"a":"\xff"}', b'{"a":"\x01"}', b'{"a":"\\/"}', b"[" * 33 + b"]" * 33, b"[" * 5000,
        b'{"a":' * 33 + b"1" + b"}" * 33, b'["' + b"x" * (1 << 16) + b'"]', b'{"a":1}\n', b"\xef\xbb\xbf{}",
    ],
)  # fmt: skip
def test_the_same_refusal_of_bytes(data: bytes) -> None:
    assert read_by(fast_json.decode, data) == read_by(canonical.decode, data)


BASE = b'{"events": [{"type":"x","body":{"a":[1,-2,"t",null,true],"b":{"a":{},"":"a"}},"n":9007199254740991}]}'
STRANGE = [
    b"", b"null", b"NaN", b"[-Infinity]", b"-0", b"[-0.0]", b"[1e5]", b"1E5", b"9007199254740992", b"-9007199254740992",
    b"18446744073709551616", b"1" * 40, b'{"a":1,"a":2}', b'{"a":{"b":"x"},"a":{"b":"x"}}', b'{"":1,"":1}', b"[1,]",
    b'"\x01"', b'"\x7f"', b'"\\u0000"', b'{"\\u0061":1,"a":2}', b'{"\xc3\xa9":1}', b'["\xc3\xa9"]', b'["\\ud800"]',
    b"\x0c1",
    b"\t1\r\n", b"\xef\xbb\xbf1", b"\xff", b"[" * 33 + b"]" * 33, b'{"a":' * 40 + b"1" + b"}" * 40, b"[" * 9000, b'"a',
    b'["' + b"x" * (1 << 16) + b'"]',
]  # fmt: skip


def relaxed_by(decode: Any, data: bytes) -> tuple[type, str]:
    """What is read, so that 1, True and 1.0 are not the same."""
    found = read_by(decode, data)
    return type(found), repr(found)


@settings(max_examples=500)
@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_the_same_value_of_relaxed_json(value: Any, indent: Any, escaped: bool) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=escaped).encode()
    assert relaxed_by(fast_json.decode_relaxed, data) == relaxed_by(canonical.decode_relaxed, data)


PUT = [*STRANGE[:26], *(bytes([one]) for one in b'{}[]":,.e-0 1ax')]


@settings(max_examples=1500)
@given(
    st.sampled_from([BASE, *STRANGE]),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.sampled_from(PUT))),
)
def test_the_same_of_hostile_bodies(data: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    """Anything put anywhere, in place of up to three bytes."""
    for at, cut, put in changes:
        data = data[:at] + put + data[at + cut :]
    assert relaxed_by(fast_json.decode_relaxed, data) == relaxed_by(canonical.decode_relaxed, data)


EVENT = b'{"body":{"target":"10.5555/P-0000-0000-0000-0000-9"},"event_id":"e","subject":"10.5555/x","type":"t","v":1}'


def about_by(payload: bytes, *read: Any) -> Any:
    try:
        return about(payload, *read)
    except (MalformedInput, ValueError, KeyError, TypeError, AttributeError):
        return None


@settings(max_examples=1500)
@given(
    st.lists(
        st.tuples(st.integers(0, 120), st.integers(0, 3), st.sampled_from([*PUT, b'"10.5555/x"', b'"subject":"x",']))
    )
)
def test_the_same_answer_to_what_an_entry_is_about(changes: list[tuple[int, int, bytes]]) -> None:
    """For the map, where numbers may be any and nothing need be canonical."""
    payload = EVENT
    for at, cut, put in changes:
        payload = payload[:at] + put + payload[at + cut :]
    assert about_by(payload, fast_json.read) == about_by(payload)


@pytest.mark.parametrize("data", STRANGE)
def test_the_same_of_strange_members(data: bytes) -> None:
    payload = EVENT.replace(b'"v":1', b'"v":' + data)
    assert about_by(payload, fast_json.read) == about_by(payload)


@pytest.mark.parametrize("data", STRANGE)
def test_the_same_of_strange_bodies(data: bytes) -> None:
    assert relaxed_by(fast_json.decode_relaxed, data) == relaxed_by(canonical.decode_relaxed, data)


@pytest.mark.parametrize(
    "number", ["1.5", "1.0", "1e3", "9007199254740992", "-9007199254740992", "18446744073709551616"]
)
@pytest.mark.parametrize("field", ["size", "v", "sha256", "other"])
def test_numbers_outside_the_profile_are_refused_by_the_schema(number: str, field: str) -> None:
    """All that the faster way lets through of them: whoever reads a statement by it, refuses it none the less."""
    world = World()
    said = world.object().parts
    event = json.loads(said.payload)
    event["body"]["content"][field] = "#"
    payload = canonical.encode(event).replace(b'"#"', number.encode())
    entry = cose.envelope(said.protected, payload, said.signature)
    with pytest.raises(MalformedInput):
        parse_statement(entry, fast_json.decode)
    with pytest.raises(MalformedInput):
        parse_statement(entry)


def numbers(hint: Any, ruled: bool = False) -> Iterator[tuple[Any, bool]]:
    """Each number or free value that an annotation lets in, and whether a rule stands over it."""
    if get_origin(hint) is Annotated:
        base, *_ = get_args(hint)
        yield from numbers(base, True)
    elif dataclasses.is_dataclass(hint):
        for inner in get_type_hints(hint, include_extras=True).values():
            yield from numbers(inner)
    elif get_origin(hint) is Literal:
        return
    elif hint in (int, float, Any):
        yield hint, ruled
    else:
        for inner in get_args(hint):
            yield from numbers(inner)


@pytest.mark.parametrize("body", BODIES.values())
def test_no_event_has_a_number_without_a_rule(body: type[Any]) -> None:
    assert all(ruled for _, ruled in numbers(body))


def test_numbers_are_found() -> None:
    found = [one for body in BODIES.values() for one in numbers(body)]
    assert (int, True) in found
    assert (Any, True) in found
    assert list(numbers(dict[str, int])) == [(int, False)]
