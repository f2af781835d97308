"""Canonical JSON: RFC 8785, on a profile with one byte string for each value.

Profile: object keys are ASCII, numbers are integers below 2^53 in magnitude
(amounts are strings), no lone surrogates, no duplicate keys. On this profile
the code-point order of keys equals the UTF-16 order that RFC 8785 §3.2.3 demands.
"""

from __future__ import annotations

import json
import re
from typing import Any, TypeAlias

from tallystick.errors import MalformedInput

JsonValue: TypeAlias = Any
"""None, bool, int, str, list of values, or dict of str to value."""

MAX_INTEGER = (1 << 53) - 1
MAX_DEPTH = 32

# Possessive, and content with an end that never comes: else each quote of an unclosed text is a new beginning.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")
_NO_BRACKET_OR_QUOTE = bytes(set(range(256)) - set(b'[]{}"'))

# Nothing is its own ancestor in what _check has walked to its end.
_to_text = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def encode(value: JsonValue) -> bytes:
    """UTF-8 bytes of ``value`` in canonical form. Raises ``MalformedInput`` outside the profile."""
    _check(value, 0)
    return _utf8(_to_text(value))


def encode_read(value: JsonValue) -> bytes:
    """As ``encode`` for what a schema read or wrote: all but lone surrogates is known to be inside the profile."""
    return _utf8(_to_text(value))


def decode(data: bytes, limit: int) -> JsonValue:
    """The value of which ``data`` is the canonical form.

    Raises ``MalformedInput`` when ``data`` is longer than ``limit`` bytes, is not
    JSON, leaves the profile, or is not canonical.
    """
    value = decode_relaxed(data, limit)
    if _to_text(value).encode() != data:
        raise MalformedInput("the JSON is not in canonical form (RFC 8785): sort keys, no spaces, shortest escapes")
    return value


def decode_relaxed(data: bytes, limit: int) -> JsonValue:
    """As ``decode`` but any spacing and key order: for files that people edit, never for what is hashed or signed."""
    if len(data) > limit:
        raise MalformedInput(f"the JSON has {len(data)} bytes, at most {limit} are read")
    shallow = is_shallow(data)
    if not shallow:
        check_nesting(data)
    try:
        value = _from_text(data.decode("utf-8"))
    except MalformedInput:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"not JSON: {error}") from None
    # What reading has not seen to yet: depth, keys outside ASCII, and surrogates, which UTF-8 has as escapes alone.
    if not (shallow and data.isascii() and b"\\u" not in data):
        _check(value, 0)
    return value


def is_shallow(data: bytes) -> bool:
    """Whether so few operations as these can tell that ``data`` nests less than ``MAX_DEPTH`` deep; most JSON does.

    Without escapes quotes come in pairs, and where all pairs stand together no bracket is between two: the
    brackets that are left are the structure. A round takes one level of each kind out of it, at most two in all.
    """
    plain = _ESCAPE.sub(b"", data) if b"\\" in data else data
    brackets = plain.translate(None, _NO_BRACKET_OR_QUOTE).replace(b'""', b"")
    for _ in range(MAX_DEPTH // 2):
        if not brackets:
            return True
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
    return not brackets


def check_nesting(data: bytes) -> None:
    """Refuse deep nesting (``MalformedInput``) before ``json`` recurses into it.

    Its own guard is the process's recursion limit, which Ethereum libraries raise
    so far that 200 KB of brackets overflow the stack and kill the process.
    """
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", data)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH + 1:
            raise MalformedInput(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set[str]()
        # One look at each name: how many there are is whoever wrote it to decide.
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise MalformedInput(f"the key {twice!r} stands twice in one JSON object")
    return found


def _integer(text: str) -> int:
    value = int(text)
    _check_integer(value)
    return value


def _check_integer(value: int) -> None:
    if abs(value) > MAX_INTEGER:
        raise MalformedInput(f"an integer of {value.bit_length()} bits does not fit below 2^53")


def _no_float(text: str) -> JsonValue:
    raise MalformedInput(f"the number {text[:40]!r} is not an integer; write amounts as strings")


_from_text = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
).decode


def _check(value: JsonValue, depth: int) -> None:
    """Raise ``MalformedInput`` for what is outside the profile. The commonest kinds come first."""
    if depth > MAX_DEPTH:
        raise MalformedInput(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if not value.isascii():
            _utf8(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise MalformedInput(f"the key {key!r} is not ASCII text; a value may be any text")
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, bool) or value is None:
        pass
    elif isinstance(value, int):
        _check_integer(value)
    else:
        raise MalformedInput(f"a {type(value).__name__} has no canonical JSON form")


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedInput("the text holds a lone surrogate, which has no UTF-8 form") from None
