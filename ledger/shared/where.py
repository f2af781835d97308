"""Where a shared log is published: in tables of its database, or in an object store."""

from __future__ import annotations

from collections.abc import Callable

from ledger.checkpoint_store import Held
from ledger.shared.place import Place
from ledger.shared.tiles_postgres import CHANNEL, PostgresTiles
from ledger.store.postgres_wire import WRITER, Pool
from ledger.tiles import SharedTiles
from tallystick.tree_head import CheckpointKeys


def readers_tiles(place: Place, pool: Pool) -> SharedTiles:
    """For who reads."""
    if place.bucket is None:
        return PostgresTiles(pool)
    # The library is loaded where there is a bucket.
    from ledger.bucket.opening import reading

    return reading(place.bucket)


def elected_tiles(
    place: Place, pool: Pool, keys: CheckpointKeys, latest: Callable[[], Held], epoch: int
) -> SharedTiles:
    """For the sequencer of ``epoch``; ``latest``: what the checkpoint store holds by now.

    Raises ``HistoryLost``, ``WrongLog`` or ``ObjectsUnreachable``.
    """
    if place.bucket is None:
        return PostgresTiles(Pool(place.database, WRITER), epoch)
    from ledger.bucket.opening import elected

    def tell() -> None:
        with pool.use() as connection:
            connection.execute(f"NOTIFY {CHANNEL}")

    return elected(place.bucket, keys, latest, epoch, tell)
