"""Published tiles and checkpoint in tables of their own: what readers on any host read, and all that they read.

A partial tile goes when its full one comes, as C2SP tlog-tiles allows: a reader who asks
for the partial one is given the front of the full one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import LiteralString

from ledger.errors import Corrupt, Fenced
from ledger.store.postgres_wire import Connection, Pool
from ledger.tiles import changed, front
from tallystick.tiles import WIDTH, Tile

CHANNEL = "tallystick_published"
"""Notified when another checkpoint is shown."""
_BUNDLE = -1
_AT_ONCE = 64
"""Tiles in one statement: five megabytes of bundles at most."""


class PostgresTiles:
    """``Tiles`` in a database. Whoever shows checkpoints does it as the sequencer of ``epoch``."""

    def __init__(self, pool: Pool, epoch: int | None = None) -> None:
        self._pool = pool
        self._epoch = epoch

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """See ``Tiles``."""
        given = list(tiles)
        for at in range(0, len(given), _AT_ONCE):
            with self._pool.use() as connection, connection.transaction():
                _put(connection, given[at : at + _AT_ONCE])

    def get(self, tile: Tile) -> bytes:
        """See ``Tiles``."""
        with self._pool.use() as connection:
            found = connection.execute(
                "SELECT width, data FROM published_tiles WHERE level = %s AND index = %s AND width IN (%s, 256)"
                " ORDER BY width LIMIT 1",
                _key(tile),
                binary=True,
            ).fetchone()
        if found is None:
            raise Corrupt(f"the tile {tile.path()} is missing; run `fsck`")
        return front(found[1], tile, found[0])

    def find(self, tile: Tile) -> bytes | None:
        """See ``Tiles``."""
        with self._pool.use() as connection:
            query = "SELECT data FROM published_tiles WHERE level = %s AND index = %s AND width = %s"
            found = connection.execute(query, _key(tile), binary=True).fetchone()
        return found[0] if found else None

    def kept(self) -> Iterator[tuple[Tile, bytes]]:
        """Every tile and bundle, a few at a time; every row, for a damaged table may have some that are no tiles."""
        columns = "SELECT level, index, width, data FROM published_tiles"
        behind, last = "", ()
        with self._pool.use() as connection:
            while page := connection.execute(
                f"{columns} {behind} ORDER BY level, index, width LIMIT 64", last, binary=True
            ).fetchall():
                for level, index, width, data in page:
                    yield Tile(None if level == _BUNDLE else level, index, width), data
                behind, last = "WHERE (level, index, width) > (%s, %s, %s)", page[-1][:3]

    def checkpoint(self) -> bytes | None:
        """See ``Tiles``."""
        return self._note("published_checkpoint")

    def put_checkpoint(self, note: str) -> None:
        """See ``Tiles``. Raises ``Fenced`` when a later epoch has shown one."""
        self._replace("published_checkpoint", note)

    def epoch(self) -> int:
        """The latest that has shown or kept a checkpoint here; 0 where none has."""
        query = (
            "SELECT coalesce(max(epoch), 0) FROM"
            " (SELECT epoch FROM published_checkpoint UNION ALL SELECT epoch FROM aligned_checkpoint) AS told"
        )
        with self._pool.use() as connection:
            ((found,),) = connection.execute(query).fetchall()
        return int(found)

    def aligned(self) -> bytes | None:
        """See ``Tiles``."""
        return self._note("aligned_checkpoint")

    def put_aligned(self, note: str) -> None:
        """See ``Tiles``. Raises ``Fenced`` when a later epoch has kept one."""
        self._replace("aligned_checkpoint", note)

    def _note(self, table: LiteralString) -> bytes | None:
        with self._pool.use() as connection:
            found = connection.execute(f"SELECT note FROM {table}", binary=True).fetchone()
        return found[0] if found else None

    def _replace(self, table: LiteralString, note: str) -> None:
        with self._pool.use() as connection, connection.transaction():
            done = connection.execute(
                f"INSERT INTO {table} SELECT 1, %s::bigint, %s::bytea WHERE %s::bigint IS NOT NULL"
                " ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, note = excluded.note"
                f" WHERE {table}.epoch <= excluded.epoch",
                (self._epoch, note.encode(), self._epoch),
            )
            connection.execute(f"NOTIFY {CHANNEL}")
        if done.rowcount != 1:
            raise Fenced(f"a later sequencer shows the checkpoints; this process was elected for {self._epoch}")

    def close(self) -> None:
        """Free its connections."""
        self._pool.close()


def _key(tile: Tile) -> tuple[int, int, int]:
    return _BUNDLE if tile.level is None else tile.level, tile.index, tile.width


def _put(connection: Connection, tiles: Sequence[tuple[Tile, bytes]]) -> None:
    keys = {_key(tile): data for tile, data in tiles}
    columns = [list(column) for column in zip(*keys, strict=True)]
    fresh = connection.execute(
        "INSERT INTO published_tiles SELECT * FROM unnest(%b::int[], %b::bigint[], %b::int[], %b::bytea[])"
        " ON CONFLICT DO NOTHING RETURNING level, index, width",
        (*columns, list(keys.values())),
    ).fetchall()
    for tile, data in tiles if len(fresh) < len(keys) else ():
        if _key(tile) not in set(fresh):
            _check_same(connection, tile, data)
    full = [_key(tile) for tile, _ in tiles if tile.width == WIDTH]
    connection.execute(
        "DELETE FROM published_tiles AS one USING unnest(%s::int[], %s::bigint[]) AS full_one (level, index)"
        " WHERE one.level = full_one.level AND one.index = full_one.index AND width < 256",
        ([level for level, _, _ in full], [index for _, index, _ in full]),
    )


def _check_same(connection: Connection, tile: Tile, data: bytes) -> None:
    query = "SELECT data FROM published_tiles WHERE level = %s AND index = %s AND width = %s"
    found = connection.execute(query, _key(tile), binary=True).fetchone()
    if found is None or found[0] != data:
        raise changed(tile)
