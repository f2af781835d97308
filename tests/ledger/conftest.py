"""A log of the little world on disk, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.genesis import Founding
from ledger.log import Log
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import back_up_shared
from tests.ledger.shared_copies import SIZE, opened
from tests.patience import PATIENCE
from tests.postgres import Server, dsn, postgres
from tests.s3 import bucket, s3
from tests.world import World

__all__ = ["bucket", "dsn", "postgres", "s3"]


def founding(world: World) -> Founding:
    """What the world's log is made of."""
    return Founding(world.origin, world.prefix, world.registrar.id, world.service.id, world.roles)


def later(world: World) -> World:
    """A world of the same keys that makes other identifiers."""
    again = World(world.name, world.origin)
    again._made = 1_000_000
    return again


def open_log(path: Path, world: World, every: float | None = None) -> Log:
    """The log in ``path``, publishing on demand."""
    return Log.open(path, world.signers, lambda: world.clock, publish_every=every)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The main job, one entry a batch (0–28), published at 3, 15 and 29."""
    path = tmp_path_factory.mktemp("template") / "data"
    world = World()
    with Log.create(path, founding(world), world.signers, lambda: world.clock, publish_every=None) as log:
        log.publish_now()
        for count, statement in enumerate(world.main_job()):
            log.submit(statement, world.disclosures.get(statement.statement_id, ())).result()
            if count == 5:
                log.publish_now()
        log.publish_now()
    return path


@pytest.fixture
def data(template: Path, tmp_path: Path) -> Path:
    """A copy of the template."""
    return Path(shutil.copytree(template, tmp_path / "data"))


@pytest.fixture
def world() -> World:
    """The world of the template, later."""
    return later(World())


@pytest.fixture(scope="session")
def begun_log(postgres: Server) -> str:
    """A template database: a shared log with its genesis and its parties."""
    world, name = World(), "begun_log"
    postgres.admin(f"CREATE DATABASE {name} TEMPLATE template_log")
    place = Place(postgres.dsn(name), "founder")
    create_shared(place, founding(world), lambda: world.clock)
    with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0) as log:
        for party in world.parties():
            log.submit(party).result()
        log.publish_now()
    return name


@pytest.fixture
def log_dsn(postgres: Server, begun_log: str) -> Iterator[str]:
    with postgres.database(begun_log) as address:
        yield address


@pytest.fixture(scope="session")
def worked_log(postgres: Server) -> str:
    """A template database: the main job with its private values, published whole."""
    world, name = World(), "worked_log"
    postgres.admin(f"CREATE DATABASE {name} TEMPLATE template_log")
    place = Place(postgres.dsn(name), "founder")
    create_shared(place, founding(world), lambda: world.clock)
    with opened(place.database, world) as log:
        for said in world.main_job():
            log.submit(said, world.disclosures.get(said.statement_id, ())).result()
        assert log.wait_published(SIZE, PATIENCE).checkpoint.size == SIZE
    return name


@pytest.fixture
def worked(postgres: Server, worked_log: str) -> Iterator[str]:
    with postgres.database(worked_log) as address:
        yield address


@pytest.fixture
def empty(postgres: Server) -> Iterator[str]:
    """A database that nothing was ever made in."""
    with postgres.database("template1") as address:
        yield address


@pytest.fixture
def kept(worked: str, tmp_path: Path) -> Path:
    back_up_shared(Place(worked, "operator"), tmp_path / "kept")
    return tmp_path / "kept"
