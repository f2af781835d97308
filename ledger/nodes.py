"""The inner nodes of full tiles, kept beside them: a proof then reads hashes instead of working them out.

One file for each tile level, a record for each tile: its 511 nodes and a digest over them. It is
derived from the tiles, is not synced, and may be deleted: a record that is missing, torn
or of another tree is found out by its digest and its root, and the tile itself is used.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tallystick.merkle import HASH_SIZE
from tallystick.tiles import HEIGHT, WIDTH, Tile

_STARTS = [(2 * WIDTH - (2 * WIDTH >> stage)) * HASH_SIZE for stage in range(HEIGHT + 2)]
_NODES = _STARTS[-1]
_RECORD = _NODES + 32


class NodeFiles:
    """The files of one log, in a folder of their own; made when they are first written. From any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[int, int], int] = {}
        self._opening = threading.Lock()

    def keep(self, tile: Tile, stages: Sequence[bytes]) -> None:
        """Write the record of a full hash tile."""
        data = b"".join(stages)
        os.pwrite(self._file(tile, os.O_WRONLY | os.O_CREAT), data + sha256(data).digest(), tile.index * _RECORD)

    def stages(self, tile: Tile) -> list[bytes] | None:
        """See ``tallystick.tiles.stages``; ``None`` when there is no whole record of a full hash tile."""
        try:
            record = os.pread(self._file(tile, os.O_RDONLY), _RECORD, tile.index * _RECORD)
        except FileNotFoundError:
            return None
        data = record[:_NODES]
        if sha256(data).digest() != record[_NODES:]:
            return None
        return [data[start:end] for start, end in itertools.pairwise(_STARTS)]

    def _file(self, tile: Tile, flags: int) -> int:
        level = tile.level or 0
        with self._opening:
            if (level, flags) not in self._open:
                if flags & os.O_CREAT:
                    self._folder.mkdir(exist_ok=True)
                self._open[level, flags] = os.open(self._folder / str(level), flags | os.O_CLOEXEC, 0o644)
            return self._open[level, flags]

    def close(self) -> None:
        """Free the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open = {}
