"""Parameters of JSON-RPC calls, checked."""

from __future__ import annotations

import re

_HEX = re.compile(r"0x([0-9a-fA-F]{2})*")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


class InvalidParams(ValueError):
    """A JSON-RPC parameter is missing or has the wrong form."""


def parse_bytes(value: object, length: int | None = None) -> bytes:
    """Bytes from JSON-RPC data (or from bytes, as web3 sometimes passes them), of ``length`` when given."""
    if isinstance(value, bytes):
        found = value
    elif isinstance(value, str) and _HEX.fullmatch(value):
        found = bytes.fromhex(value[2:])
    else:
        raise InvalidParams(f"expected 0x and an even number of hex digits, found {value!r}")
    if length is not None and len(found) != length:
        raise InvalidParams(f"expected {length} bytes, found {len(found)}")
    return found


def parse_quantity(value: object) -> int:
    """A number from a JSON-RPC quantity (leading zeros allowed: slots come as 32-byte words) or an int."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise InvalidParams(f"expected 0x and hex digits, found {value!r}")
