"""A shared log with the main job in it, copies of it, and what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg

from ledger.log import Log
from ledger.shared.log import open_shared
from ledger.shared.place import Place
from ledger.shared.tiles_postgres import PostgresTiles
from ledger.shared.upkeep import fsck_shared
from ledger.store.postgres import open_store
from ledger.submission import Receipt
from tallystick.tiles import Tile
from tests.patience import PATIENCE
from tests.postgres import Server
from tests.world import World

SIZE = 29


@contextmanager
def opened(dsn: str, world: World, checkpoints: str | None = None) -> Iterator[Log]:
    place = Place(dsn, "one", checkpoints)
    with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0) as log:
        yield log


def at_step(step: int) -> World:
    """The world of the log, making identifiers that it makes at no other step."""
    world = World()
    world._made = step * 1_000_000
    return world


@contextmanager
def copy_of(postgres: Server, dsn: str) -> Iterator[str]:
    """The database as it is now, and one day was."""
    with postgres.database(str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])) as address:
        yield address


def url(dsn: str) -> str:
    given = psycopg.conninfo.conninfo_to_dict(dsn)
    return f"postgresql:///{given['dbname']}?host={given['host']}&user={given['user']}"


def go_on(dsn: str, world: World, parties: int = 0, checkpoints: str | None = None) -> int:
    """Three objects and some parties, who have a private value each, published; the size."""
    with opened(dsn, world, checkpoints) as log:
        new = [world.someone(f"party {number}") for number in range(parties)]
        for said in (*(world.object() for _ in range(3)), *(world.register(one, "licensee") for one in new)):
            placed = log.submit(said, world.disclosures.get(said.statement_id, ())).result()
        return log.wait_published(placed.batch + 1, PATIENCE).checkpoint.size


def sound(dsn: str, world: World, size: int, checkpoints: str | None = None) -> None:
    """The log has ``size`` entries, goes on, and nothing is wrong with it."""
    before = fsck_shared(Place(dsn, "fsck", checkpoints))
    assert (before.findings, before.entries, before.published) == ((), size, size)
    with opened(dsn, world, checkpoints) as log:
        placed = log.submit(world.object()).result()
        assert isinstance(placed, Receipt)
        assert log.wait_published(size + 2, PATIENCE).checkpoint.size == size + 2
    assert fsck_shared(Place(dsn, "fsck", checkpoints)).findings == ()


def values(dsn: str) -> dict[int, dict[str, str]]:
    with closing(open_store(dsn)) as store, store.snapshot() as reads:
        found = {position: reads.disclosures(position) for position in range(reads.size())}
    return {position: one for position, one in found.items() if one}


def published(dsn: str) -> dict[Tile, bytes]:
    with closing(open_store(dsn)) as store:
        return dict(PostgresTiles(store.pool).kept())


def sizes(dsn: str) -> tuple[int, bytes | None]:
    with closing(open_store(dsn)) as store, store.snapshot() as reads:
        return reads.size(), PostgresTiles(store.pool).checkpoint()


def mirror(dsn: str, folder: Path) -> Path:
    """What a mirror of the log has, as files."""
    for tile, data in published(dsn).items():
        path = folder / tile.path()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    note = sizes(dsn)[1]
    assert note is not None
    (folder / "checkpoint").write_bytes(note)
    return folder
