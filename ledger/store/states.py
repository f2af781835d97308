"""States as stores keep them: canonical JSON bytes, and the hot ones decoded once.

A state is immutable and its bytes say all of it, so that what was decoded from the same bytes may be shared by any
transactions: nothing has to be forgotten when one of them is undone.
"""

from __future__ import annotations

from functools import lru_cache

import orjson

from ledger.fast_json import encode_read
from tallystick.admission import State, decode_state, encode_state

HOT_STATES = 512
HOT_BYTES = 1 << 14
"""A larger state is decoded each time, so that the hot ones are a few MB at most."""


def dump_state(state: State) -> bytes:
    """The bytes of a state."""
    return encode_read(encode_state(state))


def load_state(data: bytes) -> State:
    """Inverse of ``dump_state``. Raises ``MalformedInput`` or ``ValueError`` for what is no state."""
    return _hot(data) if len(data) <= HOT_BYTES else _load(data)


def _load(data: bytes) -> State:
    return decode_state(orjson.loads(data))


_hot = lru_cache(maxsize=HOT_STATES)(_load)
