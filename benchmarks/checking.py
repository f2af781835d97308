"""What a run wrote is checked before its figure counts: every stored byte is read and hashed again, and signed."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.publisher import Publisher
from ledger.store import Store
from ledger.tilestore import TileStore
from tallystick.tree_head import SignedCheckpoint
from tests.world import World

WORLD = World("benchmarks", "log.example/benchmarks")


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def check(folder: Path, store: Store, root: bytes | None = None) -> SignedCheckpoint:
    """Publish a log of opaque entries, which no ``fsck`` could replay: batches, bundles, tiles and root are recomputed.

    Raises ``Corrupt``, or ``AssertionError`` when the tree has another root than the one that the run was told.
    """
    path = folder / "checkpoints.sqlite"
    if not path.exists():
        SqliteCheckpointStore.create(path)
    with closing(SqliteCheckpointStore(path)) as held:
        held.enter(WORLD.origin)
        signed = Publisher(store, TileStore(folder / "public"), held, WORLD.signers, now).publish()
    with store.snapshot() as reads:
        assert signed.checkpoint.size == reads.size(), "not all of it was published"
    assert root in (None, signed.checkpoint.root), "the tree has another root than the appender said"
    return signed
