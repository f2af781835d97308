"""One suite for every place where tiles are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.bucket.place import parse_place
from ledger.bucket.s3 import S3Objects
from ledger.bucket.tiles import BucketTiles
from ledger.errors import Corrupt, DatabaseUnreachable, Fenced
from ledger.shared.tiles_postgres import PostgresTiles
from ledger.store.postgres_wire import Pool
from ledger.tiles import Tiles
from ledger.tilestore import TileStore
from tallystick.tiles import Tile


@pytest.fixture(params=["files", "postgres", "s3"])
def tiles(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tiles]:
    if request.param == "files":
        (tmp_path / "public").mkdir()
        yield TileStore(tmp_path / "public")
    elif request.param == "s3":
        place = parse_place(request.getfixturevalue("bucket").place("logs/one"))
        yield BucketTiles(S3Objects(place), 1)
    else:
        with closing(Pool(request.getfixturevalue("dsn"), "tiles")) as pool:
            yield PostgresTiles(pool, 1)


def hashes(count: int) -> bytes:
    return b"".join(bytes([each]) * 32 for each in range(count))


def test_nothing_is_published_at_first(tiles: Tiles) -> None:
    assert tiles.checkpoint() is None
    assert tiles.find(Tile(0, 0)) is None
    with pytest.raises(Corrupt, match="is missing"):
        tiles.get(Tile(0, 0, 3))


def test_tiles_are_read_as_they_were_put(tiles: Tiles) -> None:
    put = {Tile(0, 0): hashes(256), Tile(0, 1, 7): hashes(7), Tile(1, 0, 1): b"r" * 32, Tile(None, 0, 5): b"\0\1a"}
    tiles.put(put.items())
    tiles.put([])
    for tile, data in put.items():
        assert tiles.get(tile) == tiles.find(tile) == data
    assert tiles.find(Tile(0, 1, 8)) is None
    assert tiles.find(Tile(0, 1)) is None


def test_many_tiles_at_once(tiles: Tiles) -> None:
    put = [(Tile(0, index), bytes([index]) * 8192) for index in range(130)]
    tiles.put(iter(put))
    assert all(tiles.get(tile) == data for tile, data in put)


def test_the_front_of_a_full_tile_is_a_partial_one(tiles: Tiles) -> None:
    tiles.put([(Tile(0, 3, 2), hashes(2)), (Tile(0, 3), hashes(256)), (Tile(None, 3), b"a whole bundle")])
    assert tiles.get(Tile(0, 3, 2)) == hashes(2)
    assert tiles.get(Tile(0, 3, 200)) == hashes(200)
    assert tiles.get(Tile(None, 3, 2)) == b"a whole bundle"
    assert tiles.find(Tile(0, 3, 200)) is None


def test_a_tile_never_changes(tiles: Tiles) -> None:
    tiles.put([(Tile(0, 2, 2), hashes(2)), (Tile(0, 1), hashes(256))])
    tiles.put([(Tile(0, 2, 2), hashes(2)), (Tile(0, 2, 3), hashes(3))])
    with pytest.raises(Corrupt, match="with other bytes") as caught:
        tiles.put([(Tile(0, 2, 3), hashes(3)), (Tile(0, 1), bytes(8192))])
    assert caught.value.position == 256
    assert tiles.get(Tile(0, 1)) == hashes(256)


def test_the_checkpoint_is_replaced(tiles: Tiles) -> None:
    tiles.put_checkpoint("one\n")
    assert tiles.checkpoint() == b"one\n"
    tiles.put_checkpoint("two ä\n")
    assert tiles.checkpoint() == "two ä\n".encode()


def test_the_aligned_checkpoint_is_apart_and_is_replaced(tiles: Tiles) -> None:
    assert tiles.aligned() is None
    tiles.put_checkpoint("shown\n")
    assert tiles.aligned() is None
    tiles.put_aligned("one\n")
    tiles.put_aligned("two ä\n")
    assert (tiles.aligned(), tiles.checkpoint()) == ("two ä\n".encode(), b"shown\n")


# --- the database -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("put", "get"),
    [
        (PostgresTiles.put_checkpoint, PostgresTiles.checkpoint),
        (PostgresTiles.put_aligned, PostgresTiles.aligned),
    ],
    ids=["shown", "aligned"],
)
def test_a_sequencer_whose_epoch_is_over_keeps_no_checkpoint(
    dsn: str, put: Callable[[PostgresTiles, str], None], get: Callable[[PostgresTiles], bytes | None]
) -> None:
    with closing(Pool(dsn, "tiles")) as pool:
        old, new, nobody = PostgresTiles(pool, 1), PostgresTiles(pool, 2), PostgresTiles(pool)
        with pytest.raises(Fenced):
            put(nobody, "nobody's\n")
        put(old, "old\n")
        put(new, "new\n")
        for late in (old, nobody):
            with pytest.raises(Fenced):
                put(late, "late\n")
            assert get(late) == b"new\n"


def test_readers_need_no_other_table(dsn: str) -> None:
    with closing(Pool(dsn, "tiles")) as pool:
        PostgresTiles(pool, 1).put([(Tile(0, 0), hashes(256))])
        PostgresTiles(pool, 1).put_checkpoint("shown\n")
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS stranger")
        admin.execute("CREATE ROLE stranger LOGIN")
        admin.execute("GRANT SELECT ON published_tiles, published_checkpoint, aligned_checkpoint TO stranger")
    with closing(Pool(dsn.replace("user=postgres", "user=stranger"), "reader")) as pool:
        reader = PostgresTiles(pool)
        assert reader.get(Tile(0, 0, 9)) == hashes(9)
        assert reader.checkpoint() == b"shown\n"
        with pytest.raises(DatabaseUnreachable, match="permission denied for table entries"), pool.use() as connection:
            connection.execute("SELECT 1 FROM entries")
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("DROP OWNED BY stranger")
        admin.execute("DROP ROLE stranger")
