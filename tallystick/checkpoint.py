"""Checkpoint bodies: C2SP tlog-checkpoint v1.0.0, three lines, no extensions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tallystick.base64s import from_base64, to_base64
from tallystick.errors import MalformedInput
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


def parse_body(text: str) -> Checkpoint:
    """A checkpoint from a note text. Raises ``MalformedInput``; extension lines are refused (nothing audits them)."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise MalformedInput("a checkpoint has three lines: origin, tree size, root hash")
    origin, size, encoded = lines[:3]
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise MalformedInput(f"{size[:40]!r} is not a tree size")
    root = from_base64(encoded)
    if len(root) != HASH_SIZE:
        raise MalformedInput(f"a root hash has {HASH_SIZE} bytes, found {len(root)}")
    return Checkpoint(origin, int(size), root)
