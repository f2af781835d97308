"""The points of Ed25519 (RFC 8032 §5.1) by the textbook: for tests that need odd ones."""

from __future__ import annotations

import hashlib

Point = tuple[int, int]

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, FIELD) % FIELD


def add(one: Point, other: Point) -> Point:
    """Their sum."""
    (x, y), (u, v) = one, other
    t = _D * x * u * y * v % FIELD
    return (x * v + u * y) * pow(1 + t, -1, FIELD) % FIELD, (y * v + x * u) * pow(1 - t, -1, FIELD) % FIELD


def times(number: int, point: Point) -> Point:
    """``number`` times the point."""
    total: Point = (0, 1)
    while number:
        total = add(total, point) if number & 1 else total
        point, number = add(point, point), number >> 1
    return total


def encoded(point: Point) -> bytes:
    """§5.1.2."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decoded(data: bytes) -> Point:
    """§5.1.3, of bytes that are a point."""
    number = int.from_bytes(data, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * pow(2, (FIELD - 1) // 4, FIELD) % FIELD
    assert x * x % FIELD == square
    return (x if x & 1 == sign else -x % FIELD), y


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    """k of §5.1.7."""
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ORDER


BASE = decoded((4 * pow(5, -1, FIELD) % FIELD).to_bytes(32, "little"))
_EIGHTH = decoded(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"))
TORSION = [times(number, _EIGHTH) for number in range(8)]
"""The points of small order; the first is the neutral one."""
