"""What a run wrote is checked before its figure counts: every stored byte is read and hashed again, and signed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.nodes import NodeFiles
from ledger.publisher import Publisher
from ledger.reader import PublishedLog
from ledger.store import Store
from ledger.tilestore import TileStore
from tallystick.tree_head import SignedCheckpoint
from tests.world import World

WORLD = World("benchmarks", "log.example/benchmarks")


def now() -> int:
    """Unix seconds."""
    return int(time.time())


@contextmanager
def tile_store(folder: Path) -> Iterator[TileStore]:
    """Tiles of a log in ``folder`` with their inner nodes beside them, as the service keeps them."""
    with closing(NodeFiles(folder / "nodes")) as nodes:
        yield TileStore(folder / "public", nodes=nodes)


@contextmanager
def reader(folder: Path) -> Iterator[PublishedLog]:
    """A reader that knows no tile yet."""
    with closing(NodeFiles(folder / "nodes")) as nodes:
        yield PublishedLog(TileStore(folder / "public"), WORLD.signers.keys, nodes)


def check(folder: Path, store: Store, root: bytes | None = None) -> SignedCheckpoint:
    """Publish a log of opaque entries, which no ``fsck`` could replay: batches, bundles, tiles and root are recomputed.

    Raises ``Corrupt``, or ``AssertionError`` when the tree has another root than the one that the run was told.
    """
    path = folder / "checkpoints.sqlite"
    if not path.exists():
        SqliteCheckpointStore.create(path)
    with closing(SqliteCheckpointStore(path)) as held, tile_store(folder) as tiles:
        held.enter(WORLD.origin)
        signed = Publisher(store, tiles, held, WORLD.signers, now).publish()
    with store.snapshot() as reads:
        assert signed.checkpoint.size == reads.size(), "not all of it was published"
    assert root in (None, signed.checkpoint.root), "the tree has another root than the appender said"
    return signed
