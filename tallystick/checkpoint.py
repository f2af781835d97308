"""Checkpoint bodies: C2SP tlog-checkpoint v1.0.0, three lines, no extensions."""

from __future__ import annotations

import re

from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import HASH_SIZE, MAX_SIZE

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: the log's origin, the number of leaves and the root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> str:
        """The note text."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"


def parse_size(text: str) -> int:
    """A number of leaves: ASCII decimal without leading zeros, at most 2^63. Raises ``MalformedInput``."""
    if not _SIZE.fullmatch(text) or int(text) > MAX_SIZE:
        raise MalformedInput(f"{text[:40]!r} is not a tree size")
    return int(text)


def parse_hash(text: str) -> bytes:
    """32 bytes from canonical base64. Raises ``MalformedInput``."""
    found = from_base64(text)
    if len(found) != HASH_SIZE:
        raise MalformedInput(f"a hash has {HASH_SIZE} bytes, found {len(found)}")
    return found


def parse_body(text: str, *, extended: bool = False) -> Checkpoint:
    """A checkpoint from a note text. Raises ``MalformedInput``.

    Extension lines are refused, since nothing audits them. ``extended`` allows them, as the
    specification does, where checkpoints of any log are read; they are no part of what is returned.
    """
    lines = text.split("\n")
    whole = len(lines) == 4 or (extended and len(lines) > 4)
    if not whole or lines[-1] or not lines[0] or not all(lines[3:-1]):
        raise MalformedInput("a checkpoint has three lines: origin, tree size, root hash")
    origin, size, encoded = lines[:3]
    return Checkpoint(origin, parse_size(size), parse_hash(encoded))
