"""The plain canonical JSON that ``tallystick.canonical`` must agree with, bytes and refusals: an oracle, slow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from tallystick.errors import MalformedInput

JsonValue: TypeAlias = Any
"""None, bool, int, str, list of values, or dict of str to value."""

MAX_INTEGER = (1 << 53) - 1
MAX_DEPTH = 32

# Possessive, and content with an end that never comes: else each quote of an unclosed text is a new beginning.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def encode(value: JsonValue) -> bytes:
    """UTF-8 bytes of ``value`` in canonical form. Raises ``MalformedInput`` outside the profile."""
    _check(value, 0)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _utf8(text)


def decode(data: bytes, limit: int) -> JsonValue:
    """The value of which ``data`` is the canonical form.

    Raises ``MalformedInput`` when ``data`` is longer than ``limit`` bytes, is not
    JSON, leaves the profile, or is not canonical.
    """
    value = decode_relaxed(data, limit)
    if encode(value) != data:
        raise MalformedInput("the JSON is not in canonical form (RFC 8785): sort keys, no spaces, shortest escapes")
    return value


def decode_relaxed(data: bytes, limit: int) -> JsonValue:
    """As ``decode`` but any spacing and key order: for files that people edit, never for what is hashed or signed."""
    if len(data) > limit:
        raise MalformedInput(f"the JSON has {len(data)} bytes, at most {limit} are read")
    _check_nesting(data)
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_float=_no_float, parse_constant=_no_float
        )
    except MalformedInput:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"not JSON: {error}") from None
    _check(value, 0)
    return value


def _check_nesting(data: bytes) -> None:
    """Refuse deep nesting before ``json`` recurses into it.

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


def _object(pairs: Iterable[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in found:
            raise MalformedInput(f"the key {key!r} stands twice in one JSON object")
        found[key] = value
    return found


def _no_float(text: str) -> JsonValue:
    raise MalformedInput(f"the number {text[:40]!r} is not an integer; write amounts as strings")


def _check(value: JsonValue, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MalformedInput(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        _utf8(value)
    elif isinstance(value, bool) or value is None:
        pass
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise MalformedInput(f"an integer of {value.bit_length()} bits does not fit below 2^53")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str) or not key.isascii():
                raise MalformedInput(f"the key {key!r} is not ASCII text; a value may be any text")
            _check(item, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, depth + 1)
    else:
        raise MalformedInput(f"a {type(value).__name__} has no canonical JSON form")


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedInput("the text holds a lone surrogate, which has no UTF-8 form") from None
