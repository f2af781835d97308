"""Entries of 300 bytes that no two are alike, made at next to no cost."""

from __future__ import annotations

import hashlib
import random

SIZE = 300
BATCH = 1_000
_TAIL = SIZE - 8
_NOISE = random.Random(300).randbytes(BATCH * _TAIL)
"""Noise, so that no store gains by compressing."""
_TAILS = [_NOISE[at * _TAIL : (at + 1) * _TAIL] for at in range(BATCH)]


def batch(first: int, count: int = BATCH) -> list[bytes]:
    """The entries of positions ``first`` to ``first + count`` - 1."""
    return [position.to_bytes(8, "big") + _TAILS[position % BATCH] for position in range(first, first + count)]


def batches(total: int) -> list[list[bytes]]:
    """``total`` entries in batches of 1,000."""
    return [batch(first, min(BATCH, total - first)) for first in range(0, total, BATCH)]


def ids(entries: list[bytes]) -> list[bytes]:
    """A statement hash for each entry: in no order, as hashes are."""
    return [hashlib.sha256(entry).digest() for entry in entries]
