"""A log that several processes share, whose tiles are in an object store: one of them shows, all of them read there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest

from ledger.bucket.opening import elected, reading
from ledger.bucket.place import BucketPlace, parse_place
from ledger.bucket.s3 import S3Objects
from ledger.errors import Fenced, ObjectsUnreachable
from ledger.log import Log
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.tilestore import CHECKPOINT
from tests.ledger.commands import run
from tests.ledger.conftest import founding
from tests.patience import wait_until
from tests.s3 import Bucket, Server
from tests.world import World

PUBLISHED = 60.0


@pytest.fixture
def where(bucket: Bucket) -> BucketPlace:
    return parse_place(bucket.place("shared/log"))


@pytest.fixture
def world(dsn: str) -> World:
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    return world


Open = Callable[[str], Log]


@pytest.fixture
def opened(dsn: str, world: World, where: BucketPlace) -> Iterator[Open]:
    with ExitStack() as stack:

        def one(name: str, **options: Any) -> Log:
            place = Place(dsn, name, lease=2.0, bucket=where)
            return stack.enter_context(open_shared(place, world.signers, lambda: world.clock, publish_every=0.0))

        yield one


def rows(dsn: str, table: str) -> int:
    with psycopg.connect(dsn) as connection:
        found = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[call-overload]
    return int(found[0])


def test_what_one_publishes_all_read_in_the_bucket(dsn: str, opened: Open, world: World, where: BucketPlace) -> None:
    one, two = opened("one"), opened("two")
    receipt = two.submit(world.parties()[0]).result()
    heads = [log.wait_published(receipt.batch + 1, PUBLISHED).checkpoint for log in (one, two)]
    assert heads[0] == heads[1]
    for log in (one, two):
        assert log.published.entries([receipt.position], heads[0].size)
        log.published.prove_inclusion(receipt.position, heads[0].size)
    assert [rows(dsn, table) for table in ("published_tiles", "published_checkpoint", "aligned_checkpoint")] == [0] * 3
    report = fsck_shared(Place(dsn, "fsck", bucket=where))
    assert (report.findings, report.published) == ((), heads[0].size)


def test_the_command_checks_it(dsn: str, opened: Open, world: World, bucket: Bucket) -> None:
    log = opened("one")
    log.submit(world.parties()[0]).result()
    log.publish_now()
    address = "postgresql:///?" + dsn.replace(" ", "&")
    assert run("fsck", address, "--tiles", bucket.place("shared/log"))[0] == 0
    assert run("fsck", address)[0] == 1, "nothing is published in the database"


def test_a_sequencer_that_was_deposed_shows_nothing_in_the_bucket(
    dsn: str, opened: Open, world: World, where: BucketPlace
) -> None:
    with closing(opened("one")) as one:
        one.submit(world.parties()[0]).result()
        one.publish_now()
        seat = one.status().seat
    assert seat is not None
    with closing(PostgresCheckpointStore(dsn)) as held:
        late = elected(where, one.published.keys, lambda: held.latest(world.origin), seat.epoch, lambda: None)
    two = opened("two")
    two.submit(world.object()).result()
    two.publish_now()
    found = S3Objects(where).get(CHECKPOINT)
    now = two.status().seat
    assert found is not None
    assert now is not None
    assert found.epoch == now.epoch > seat.epoch
    with pytest.raises(Fenced, match=f"of epoch {now.epoch} shows the checkpoints"):
        late.put_checkpoint("late\n")
    assert reading(where).checkpoint() == found.data


def test_a_store_that_is_away_and_comes_back(opened: Open, world: World, s3: Server) -> None:
    log = opened("one")
    receipt = log.submit(world.parties()[0]).result()
    log.wait_published(receipt.batch + 1, PUBLISHED)
    s3.plan(denied="writer")
    receipt = log.submit(world.object()).result()
    wait_until(lambda: "access was denied" in str(log.status().publisher_error), "the status says it")
    with pytest.raises(ObjectsUnreachable):
        log.published.note()
    s3.plan()
    assert log.wait_published(receipt.batch + 1, PUBLISHED).checkpoint.size == receipt.batch + 1
