"""A bucket that gets what a log brought back has and it lacks.

Tiles alone: they are the same whoever puts them, and one that is there with other bytes stops it. The checkpoint is
shown by the service when it opens, for that fences whoever publishes there; to restore on a second machine, for a
rehearsal or by mistake, is to disturb nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from ledger.bucket.objects import Objects
from ledger.bucket.opening import check_bucket
from ledger.bucket.tiles import SIDE_BY_SIDE, BucketTiles
from ledger.checkpoint_store import Held, SqliteCheckpointStore
from ledger.folder import Folder, FolderLock
from ledger.store.sqlite import open_store
from ledger.upkeep.opening import keys_in
from tallystick.tiles import Tile, parse_tile_path
from tallystick.tree_head import CheckpointKeys

Progress = Callable[[int], None]
_AT_ONCE = 8 * SIDE_BY_SIDE
"""Tiles held in memory; a bundle may have 16 MiB."""


def fill(folder: Folder, objects: Objects, progress: Progress = lambda done: None) -> int:
    """Put the tiles of the public folder where they are missing; how many there are. Raises ``LogBusy``; see below."""
    lock = FolderLock(folder)
    try:
        with closing(open_store(folder.database)) as store, store.snapshot() as reads:
            keys = keys_in(reads)
        with closing(SqliteCheckpointStore(folder.checkpoints)) as signed:
            held = signed.latest(keys.origin)
        return fill_from(folder.public, objects, keys, held, progress)
    finally:
        lock.release()


def fill_from(
    public: Path, objects: Objects, keys: CheckpointKeys, held: Held, progress: Progress = lambda done: None
) -> int:
    """Put the tiles in ``public`` where they are missing; how many there are.

    Raises ``WrongLog``, ``HistoryLost`` where the bucket shows more than ``held``, ``Corrupt``, ``ObjectsUnreachable``.
    """
    check_bucket(objects, keys, lambda: held)
    bucket, tiles, count = BucketTiles(objects), _kept(public), 0
    while group := list(islice(tiles, _AT_ONCE)):
        bucket.put(group)
        count += len(group)
        progress(len(group))
    return count


def _kept(public: Path) -> Iterator[tuple[Tile, bytes]]:
    """What ``restore`` wrote there, and compared."""
    for path in sorted((public / "tile").rglob("*")):
        if path.is_file():
            yield parse_tile_path(path.relative_to(public).as_posix()), path.read_bytes()
