"""CBOR of strangers (RFC 8949), decoded only where it has one meaning: one item, few tags, no key of a map twice."""

from __future__ import annotations

import io
from typing import Any

import cbor2

from tallystick.cose import TAG_SIGN1, check_tags
from tallystick.errors import MalformedInput

MAX_CBOR = 4 << 20
"""Bytes of the largest CBOR item that is decoded: one byte may be one object of 60."""
MAX_DEPTH = 64
_TAGS = frozenset({0, 1, TAG_SIGN1})
"""Times as text and as seconds, and the signature: all that C2PA uses."""
_ARRAY, _MAP, _TAG = 4, 5, 6
_BREAK = 0xFF


def decode_cbor(data: bytes, what: str) -> Any:
    """Decode exactly one CBOR item. Raises MalformedInput."""
    if len(data) > MAX_CBOR:
        raise MalformedInput(f"the CBOR of the {what} has {len(data)} bytes, at most {MAX_CBOR} are read")
    stream = io.BytesIO(data)
    try:
        check_tags(data, _TAGS)
        value = cbor2.load(stream)
        end = _walk(data, 0, MAX_DEPTH)
    except MalformedInput as error:
        raise MalformedInput(f"{what}: {error}") from None
    except (cbor2.CBORError, RecursionError, ValueError, TypeError, OverflowError, IndexError) as error:
        raise MalformedInput(f"the CBOR of the {what} does not decode: {error}") from None
    if stream.tell() != len(data):
        raise MalformedInput(f"{len(data) - stream.tell()} bytes follow the CBOR of the {what}")
    if end != len(data):
        raise MalformedInput(f"the CBOR of the {what} ends elsewhere for two readers")
    return value


def _walk(data: bytes, at: int, depth: int) -> int:
    """Where the item at ``at`` ends. Refuses a map with a key twice: one reader takes the first, another the last."""
    if depth == 0:
        raise MalformedInput(f"nested deeper than {MAX_DEPTH}")
    major, argument = data[at] >> 5, data[at] & 31
    at += 1
    if 24 <= argument <= 27:
        width = 1 << argument - 24
        argument, at = int.from_bytes(data[at : at + width]), at + width
    elif argument == 31:
        return _walk_indefinite(data, at, depth, major)
    if major in (2, 3):
        return at + argument
    if major == _MAP:
        keys: list[tuple[int, int]] = []
        for _ in range(argument):
            begin, at = at, _walk(data, at, depth - 1)
            keys.append((begin, at))
            at = _walk(data, at, depth - 1)
        _require_unique(data, keys)
    elif major == _ARRAY:
        for _ in range(argument):
            at = _walk(data, at, depth - 1)
    elif major == _TAG:
        at = _walk(data, at, depth - 1)
    return at


def _walk_indefinite(data: bytes, at: int, depth: int, major: int) -> int:
    keys: list[tuple[int, int]] = []
    while data[at] != _BREAK:
        begin, at = at, _walk(data, at, depth - 1)
        if major == _MAP:
            keys.append((begin, at))
            at = _walk(data, at, depth - 1)
    _require_unique(data, keys)
    return at + 1


def _require_unique(data: bytes, keys: list[tuple[int, int]]) -> None:
    # Decoded, because a key may be written in several ways; text and bytes of equal content are two keys.
    seen = {(type(key), key) for key in (cbor2.loads(data[begin:end]) for begin, end in keys)}
    if len(seen) != len(keys):
        raise MalformedInput("a map has a key twice")
