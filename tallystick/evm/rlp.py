"""Recursive Length Prefix (Ethereum yellow paper, appendix B), canonical form only.

Decoding accepts exactly the byte strings that encoding produces, so a hash over
RLP names one value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from tallystick.errors import MalformedInput

Item: TypeAlias = bytes | list["Item"]

# Headers, receipts and trie nodes nest four deep at most.
MAX_DEPTH = 8
MAX_BYTES = 1 << 20


def encode(item: bytes | Sequence[object]) -> bytes:
    """RLP of a byte string or of a sequence of encodable items."""
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    if not isinstance(item, list | tuple):
        raise TypeError(f"RLP holds bytes and lists, not {type(item).__name__}")
    payload = b"".join(encode(child) for child in item)
    return _prefix(len(payload), 0xC0) + payload


def encode_int(value: int) -> bytes:
    """RLP of a non-negative integer: big-endian without leading zeros, zero is the empty string."""
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def decode(data: bytes) -> Item:
    """The item that ``data`` encodes. Raises ``MalformedInput`` for anything but one canonical encoding."""
    if len(data) > MAX_BYTES:
        raise MalformedInput(f"RLP of {len(data)} bytes, at most {MAX_BYTES} are read")
    item, end = _decode(data, 0, len(data), 0)
    if end != len(data):
        raise MalformedInput(f"{len(data) - end} bytes follow the RLP item")
    return item


def as_list(item: Item, what: str) -> list[Item]:
    """``item`` if it is a list, else ``MalformedInput`` naming ``what``."""
    if isinstance(item, bytes):
        raise MalformedInput(f"{what} is a byte string, expected a list")
    return item


def as_bytes(item: Item, what: str, length: int | None = None) -> bytes:
    """``item`` if it is a byte string (of ``length`` bytes when given), else ``MalformedInput`` naming ``what``."""
    if not isinstance(item, bytes):
        raise MalformedInput(f"{what} is a list, expected a byte string")
    if length is not None and len(item) != length:
        raise MalformedInput(f"{what} has {len(item)} bytes, expected {length}")
    return item


def as_int(item: Item, what: str, length: int = 32) -> int:
    """The non-negative integer of at most ``length`` bytes that ``item`` encodes, else ``MalformedInput``."""
    data = as_bytes(item, what)
    if len(data) > length or data[:1] == b"\x00":
        raise MalformedInput(f"{what} is not an integer of at most {length} bytes without leading zeros")
    return int.from_bytes(data, "big")


def _prefix(length: int, offset: int) -> bytes:
    if length < 56:
        return bytes([offset + length])
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([offset + 55 + len(size)]) + size


def _decode(data: bytes, start: int, limit: int, depth: int) -> tuple[Item, int]:
    """The item at ``start``, which must end at or before ``limit``, and its end."""
    if depth > MAX_DEPTH:
        raise MalformedInput(f"RLP is nested deeper than {MAX_DEPTH} lists")
    if start >= limit:
        raise MalformedInput("RLP ends where an item should begin")
    first = data[start]
    if first < 0x80:
        return data[start : start + 1], start + 1
    begin, end = _extent(data, start, limit)
    if first < 0xC0:
        if end - begin == 1 and data[begin] < 0x80:
            raise MalformedInput("RLP encodes a small byte with a needless prefix")
        return data[begin:end], end
    children: list[Item] = []
    while begin < end:
        child, begin = _decode(data, begin, end, depth + 1)
        children.append(child)
    return children, end


def _extent(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """Where the payload of the prefixed item at ``start`` begins and ends."""
    short = (data[start] - 0x80) & 0x3F
    begin = start + 1
    length = short
    if short > 55:
        begin += short - 55
        size = data[start + 1 : min(begin, limit)]
        length = int.from_bytes(size, "big")
        if len(size) != short - 55 or size[0] == 0 or length < 56:
            raise MalformedInput("RLP length is cut short or not in its shortest form")
    if begin + length > limit:
        raise MalformedInput("an RLP item is longer than what holds it")
    return begin, begin + length
