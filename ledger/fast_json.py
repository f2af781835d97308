"""JSON by orjson and msgspec: what ``tallystick.canonical`` does, in a fraction of the time.

The core keeps to the standard library; a test holds this against it and against the ``rfc8785`` package.
"""

from __future__ import annotations

import msgspec
import orjson

from tallystick import canonical
from tallystick.canonical import MAX_DEPTH, JsonValue, is_shallow
from tallystick.errors import MalformedInput
from tallystick.map.about import read_json


def encode_read(value: JsonValue) -> bytes:
    """See ``tallystick.canonical.encode_read``."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        # All else was read: what is left to go wrong is a lone surrogate.
        raise MalformedInput("the text holds a lone surrogate, which has no UTF-8 form") from None


def decode(data: bytes, limit: int) -> JsonValue:
    """See ``tallystick.canonical.decode``; but of numbers outside the profile a schema must say what is wrong.

    What this does not see at once, or finds wrong, the core reads: text outside ASCII, escapes, deep nesting.
    """
    if len(data) <= limit and data.isascii() and b"\\" not in data and data.count(b"{") + data.count(b"[") <= MAX_DEPTH:
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            value = None
        # Equal bytes: no key stood twice, none out of order, nothing was spelt in another way.
        if value is not None and orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data:
            return value
    return canonical.decode(data, limit)


def read(data: bytes) -> JsonValue:
    """See ``tallystick.map.about.read_json``, which reads all that is not canonical."""
    try:
        value = orjson.loads(data)
        # Equal bytes: there is one way to read them.
        if orjson.dumps(value, option=orjson.OPT_SORT_KEYS) == data:
            return value
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        pass
    return read_json(data)


def decode_relaxed(data: bytes, limit: int) -> JsonValue:
    """See ``tallystick.canonical.decode_relaxed``, which reads what this does not see to be good at once."""
    if len(data) <= limit and data.isascii() and b"\\" not in data and is_shallow(data):
        try:
            value = _plain.decode(data)
            # Raises for an integer of more than 53 bits.
            again = orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
        except (msgspec.DecodeError, orjson.JSONEncodeError):
            return canonical.decode_relaxed(data, limit)
        # Without escapes the quotes are those around texts. A key that stood twice would have taken its own with it.
        if again.count(b'"') == data.count(b'"'):
            return value
    return canonical.decode_relaxed(data, limit)


def _no_float(text: str) -> JsonValue:
    raise msgspec.DecodeError(f"the number {text} is not an integer")


_plain = msgspec.json.Decoder(float_hook=_no_float)
