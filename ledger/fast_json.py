"""Canonical JSON by orjson, for values that a schema has read or will read: the same, in a tenth of the time.

The core keeps to the standard library; a test holds this against it and against the ``rfc8785`` package.
"""

from __future__ import annotations

import orjson

from tallystick import canonical
from tallystick.canonical import MAX_DEPTH, JsonValue
from tallystick.errors import MalformedInput


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
