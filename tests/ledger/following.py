"""Logs to follow: opaque entries in memory, published to a tree on a disk in memory, under keys of the world."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ledger.copies.known import KnownLog, known_log
from ledger.publisher import Publisher
from ledger.store import leaves_digest
from ledger.store.memory import MemoryStore
from ledger.tilestore import TileStore
from tallystick.merkle import leaf_hash
from tallystick.tiles import Tile
from tests.ledger.faults import ROOT, MemoryCheckpoints, MemoryDisk
from tests.ledger.rawlog import fill
from tests.world import START, World

WORLD = World()
KEYS = WORLD.signers.keys
VKEYS = list(KEYS.verifier_keys())


def known() -> KnownLog:
    """The world's log by all of its keys."""
    return known_log(VKEYS)


class Leader:
    """A log that grows and publishes, and is a ``Source``. ``bend``: what is done to the bytes it serves."""

    name = "the leader"

    def __init__(self, *batches: int, disk: MemoryDisk | None = None) -> None:
        self.store = MemoryStore()
        self.disk = disk or MemoryDisk()
        self.tiles = TileStore(ROOT, self.disk)
        self.bend: Callable[[str, bytes], bytes] = lambda path, data: data
        self.asked: list[str] = []
        self._checkpoints = MemoryCheckpoints()
        for count in batches:
            self.grow(count)

    def grow(self, count: int) -> None:
        """One batch more, published."""
        fill(self.store, count)
        self.publish()

    def publish(self) -> None:
        """Publish what is stored."""
        Publisher(self.store, self.tiles, self._checkpoints, WORLD.signers, lambda: START).publish()

    def checkpoint(self) -> bytes:
        """See ``Source``."""
        return self._serve("checkpoint", self.tiles.checkpoint() or b"")

    def tile(self, tile: Tile) -> bytes:
        """See ``Source``."""
        return self._serve(tile.path(), self.tiles.get(tile))

    def close(self) -> None:
        """See ``Source``."""

    def _serve(self, path: str, data: bytes) -> bytes:
        self.asked.append(path)
        return self.bend(path, data)


def forked(position: int, *batches: int) -> Leader:
    """A log under the same keys whose entry at ``position`` is another one: honest batches, the last one published."""
    leader = Leader()
    for count in batches:
        fill(leader.store, count)
    reads = leader.store._committed
    reads._entries[position] = b"another history"
    for at, batch in enumerate(reads._batches):
        entries = reads._entries[batch.first : batch.position + 1]
        reads._batches[at] = dataclasses.replace(batch, digest=leaves_digest(map(leaf_hash, entries)))
    leader.publish()
    return leader


def write_tree(disk: MemoryDisk, to: Path) -> Path:
    """The files of a disk in memory as a folder."""
    for path, data in disk.files().items():
        file = to / path.relative_to(ROOT)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return to
