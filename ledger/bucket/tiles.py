"""Tiles and the checkpoint as objects under the paths of C2SP tlog-tiles: the bucket itself is a log to read.

A tile is put where there is none, and never again. The checkpoint is put in the place of the one that was seen, and
only by who has that one's epoch or a later one: no late publisher turns it back. Nothing is ever removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from ledger.bucket.objects import Objects
from ledger.errors import Corrupt, Fenced, ObjectsUnreachable
from ledger.nodes import NodeFiles
from ledger.tiles import changed, front
from ledger.tilestore import ALIGNED, CHECKPOINT
from tallystick.tiles import FullTile, Tile

SIDE_BY_SIDE = 8
"""Objects that are put at a time."""
TRIES = 5
"""So often a checkpoint is put again that somebody else replaced in between."""


class BucketTiles:
    """``Tiles`` in an object store. Whoever shows checkpoints does it as the publisher of ``epoch``."""

    def __init__(
        self,
        objects: Objects,
        epoch: int | None = None,
        nodes: NodeFiles | None = None,
        shown: Callable[[], None] = lambda: None,
        side_by_side: int = SIDE_BY_SIDE,
    ) -> None:
        """``nodes``: where the inner nodes of full tiles are kept on this host. ``shown``: told of each checkpoint."""
        self._objects = objects
        self._epoch = epoch
        self._nodes = nodes
        self._shown = shown
        self._side_by_side = side_by_side

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """See ``Tiles``."""
        with ThreadPoolExecutor(self._side_by_side, "tiles") as pool:
            done = [pool.submit(self._put, tile, data) for tile, data in tiles]
        for one in done:
            one.result()

    def _put(self, tile: Tile, data: bytes) -> None:
        if self._nodes and isinstance(data, FullTile):
            self._nodes.keep(tile, data.stages)
        if self._objects.create(tile.path(), bytes(data)):
            return
        found = self._objects.get(tile.path())
        if found is None:
            raise ObjectsUnreachable(f"{self._objects.name} says that it has {tile.path()}, and does not give it")
        if found.data != data:
            raise changed(tile)

    def get(self, tile: Tile) -> bytes:
        """See ``Tiles``."""
        for name in dict.fromkeys((tile, Tile(tile.level, tile.index))):
            found = self._objects.get(name.path())
            if found is not None:
                return front(found.data, tile, name.width)
        raise Corrupt(
            f"the tile {tile.path()} is missing in {self._objects.name}; correct TALLYSTICK_TILES if the log is "
            "elsewhere, copy its public folder there if it moves in, else run `fsck`"
        )

    def find(self, tile: Tile) -> bytes | None:
        """See ``Tiles``."""
        return self._bytes(tile.path())

    def checkpoint(self) -> bytes | None:
        """See ``Tiles``."""
        return self._bytes(CHECKPOINT)

    def put_checkpoint(self, note: str) -> None:
        """See ``Tiles``. Raises ``Fenced`` when a later epoch has shown one."""
        self._replace(CHECKPOINT, note)
        self._shown()

    def aligned(self) -> bytes | None:
        """See ``Tiles``."""
        return self._bytes(ALIGNED)

    def put_aligned(self, note: str) -> None:
        """See ``Tiles``. Raises ``Fenced`` when a later epoch has kept one."""
        self._replace(ALIGNED, note)

    def close(self) -> None:
        """There is nothing to free."""

    def _bytes(self, key: str) -> bytes | None:
        found = self._objects.get(key)
        return found.data if found else None

    def _replace(self, key: str, note: str) -> None:
        if self._epoch is None:
            raise Fenced("only an elected publisher shows checkpoints")
        for _ in range(TRIES):
            found = self._objects.get(key)
            if found and found.epoch > self._epoch:
                raise Fenced(
                    f"the publisher of epoch {found.epoch} shows the checkpoints in {self._objects.name}; "
                    f"this process is of epoch {self._epoch}. If there is no such publisher, somebody else wrote "
                    f"there: remove the object {key}, and what was signed is shown again"
                )
            if found and (found.data, found.epoch) == (note.encode(), self._epoch):
                return  # it was done, though this process was told otherwise
            if self._objects.replace(key, note.encode(), self._epoch, found.tag if found else None):
                return
        raise ObjectsUnreachable(f"{key} in {self._objects.name} changes again and again: somebody else writes there")
