"""Where the bytes of a member come from: memory, a file, or a slice of a file. Read by the block, more than once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from tallystick.bundle.container import BLOCK_BYTES
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Slice:
    """``size`` bytes of the file at ``path``, from ``start`` on."""

    path: Path
    start: int
    size: int


Source: TypeAlias = bytes | Path | Slice


def blocks_of(source: Source) -> Iterator[bytes]:
    """The bytes, by the block. Raises ``MalformedInput`` when a file ends before its slice does."""
    if isinstance(source, bytes):
        yield source
        return
    part = source if isinstance(source, Slice) else Slice(source, 0, -1)
    with part.path.open("rb") as file:
        file.seek(part.start)
        left = part.size
        while block := file.read(BLOCK_BYTES if left < 0 else min(BLOCK_BYTES, left)):
            left -= len(block) if left >= 0 else 0
            yield block
    if left > 0:
        raise MalformedInput(f"{part.path.name} ends {left} bytes before the part of it that is asked for")
