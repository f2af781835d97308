"""A sequencer that reaches the database of its log and nothing else: another that reaches all of it takes the seat."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from ledger.bucket.place import parse_place
from ledger.log import Log
from ledger.shared.candidate import Office
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.store import Store
from ledger.store.postgres import open_store
from tallystick.statement import Statement
from tests.ledger.conftest import founding
from tests.ledger.test_shared_damage import full
from tests.patience import PATIENCE, wait_until
from tests.postgres import Server
from tests.s3 import Bucket
from tests.s3 import Server as S3
from tests.world import World

LEASE = 0.5


@dataclass(frozen=True)
class Line:
    """A database role's way to the checkpoint store, which the server can be told to cut."""

    server: Server
    role: str
    dsn: str

    def cut(self) -> None:
        self.server.admin(f"ALTER ROLE {self.role} NOLOGIN")
        self.server.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.role}'")

    def heal(self) -> None:
        self.server.admin(f"ALTER ROLE {self.role} LOGIN")


class House:
    """Processes of one log, each with its own way to what is not in the database of the log."""

    def __init__(self, world: World, database: str, leave: ExitStack) -> None:
        self.world = world
        self.database = database
        self._leave = leave
        self._said: dict[bytes, int] = {}
        self._numbers = itertools.count()

    def open(self, place: Place, **options: Any) -> Log:
        opened = open_shared(place, self.world.signers, lambda: self.world.clock, publish_every=0.0, **options)
        return self._leave.enter_context(opened)

    def say(self, log: Log) -> int:
        """One more party is registered; the size of a checkpoint that covers it."""
        said = self.statement()
        receipt = log.submit(said).result()
        self._said[said.statement_id] = receipt.position
        return receipt.batch + 1

    def statement(self) -> Statement:
        return self.world.register(self.world.someone(f"party {next(self._numbers)}"), "studio")

    def lose_nothing(self, log: Log, place: Place) -> None:
        with log.store.snapshot() as reads:
            assert reads.positions_of(list(self._said)) == self._said
        assert len(self._said) >= 3
        assert fsck_shared(place).findings == ()

    def offered(self) -> bool:
        with psycopg.connect(self.database) as connection:
            return connection.execute("SELECT expires = '-infinity' FROM lease").fetchall() == [(True,)]


def seat(log: Log) -> tuple[str, int]:
    found = log.status().seat
    assert found is not None
    return found.holder, found.epoch


def trouble(log: Log) -> str:
    return str(log.status().publisher_error)


@pytest.fixture
def line(postgres: Server) -> Iterator[Callable[[str, str], Line]]:
    roles: list[tuple[str, str]] = []

    def one(apart: str, role: str) -> Line:
        with psycopg.connect(apart, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {role} LOGIN")
            roles.append((apart, role))
            connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        return Line(postgres, role, apart.replace("user=postgres", f"user={role}"))

    yield one
    for apart, role in roles:
        with psycopg.connect(apart, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}")
            connection.execute(f"DROP ROLE {role}")


@pytest.fixture
def apart(postgres: Server) -> Iterator[str]:
    """The database of the checkpoint store."""
    with postgres.database("template0") as address:
        yield address


@pytest.fixture
def house(dsn: str, apart: str, line: object) -> Iterator[House]:
    world = World()
    create_shared(Place(dsn, "founder", apart), founding(world), lambda: world.clock)
    with ExitStack() as leave:
        house = House(world, dsn, leave)
        yield house


Lines = Callable[[str, str], Line]


def test_who_is_cut_off_from_the_checkpoint_store_alone_gives_the_seat_away(
    dsn: str, apart: str, house: House, line: Lines
) -> None:
    way = line(apart, "way_of_one")
    one = house.open(Place(dsn, "one", way.dsn, LEASE))
    one.wait_published(house.say(one), PATIENCE)
    two = house.open(Place(dsn, "two", apart, LEASE))
    _, epoch = seat(two)
    way.cut()
    size = max(house.say(one), house.say(two))
    # By itself, and what was said in the meantime is published.
    assert two.wait_published(size, PATIENCE).checkpoint.size >= size
    assert seat(two) == ("two", epoch + 1)
    # Whoever is cut off still takes statements, and sees what is published.
    assert one.wait_published(house.say(one), PATIENCE).checkpoint.size > size
    way.heal()
    two.close()
    wait_until(lambda: seat(one)[0] == "one", "it can be elected again")
    one.wait_published(house.say(one), PATIENCE)
    house.lose_nothing(one, Place(dsn, "fsck", apart))


def test_where_nobody_reaches_the_checkpoint_store_the_sequencer_goes_on(
    dsn: str, apart: str, house: House, line: Lines
) -> None:
    ways = [line(apart, "way_of_one"), line(apart, "way_of_two")]
    one, two = (house.open(Place(dsn, name, way.dsn, LEASE)) for name, way in zip(("one", "two"), ways, strict=True))
    one.wait_published(house.say(one), PATIENCE)
    before = seat(one)
    for way in ways:
        way.cut()
    house.say(two)
    wait_until(house.offered, "the seat is offered")
    # The other one looks, and says why it does not take it.
    wait_until(lambda: "not permitted to log in" in trouble(two), "it says what keeps it")
    size = max(house.say(one), house.say(two))
    assert seat(one) == seat(two) == before
    for way in ways:
        way.heal()
    assert two.wait_published(size, PATIENCE).checkpoint.size >= size
    house.lose_nothing(two, Place(dsn, "fsck", apart))


def offers(dsn: str, rounds: int) -> set[object]:
    """Whether the seat was offered, in so many rounds of who has it."""
    seen: dict[str, bool] = {}
    with psycopg.connect(dsn, autocommit=True) as connection:

        def look() -> bool:
            ((version, offered),) = connection.execute("SELECT xmin::text, expires = '-infinity' FROM lease").fetchall()
            seen[version] = offered
            return len(seen) > rounds

        wait_until(look, f"{rounds} rounds")
    return set(seen.values())


def test_who_does_not_publish_for_another_reason_keeps_the_seat(dsn: str, apart: str, house: House) -> None:
    one = house.open(Place(dsn, "one", apart, LEASE))
    one.wait_published(house.say(one), PATIENCE)
    two = house.open(Place(dsn, "two", apart, LEASE))
    before = seat(one)
    with full(dsn, "tiles"):
        size = max(house.say(one), house.say(two), house.say(one))
        wait_until(lambda: trouble(one) != "None", "it says that nothing is published")
        assert offers(dsn, 12) == {False}
        assert seat(one) == before
    assert two.wait_published(size, PATIENCE).checkpoint.size >= size
    assert seat(two) == before
    house.lose_nothing(two, Place(dsn, "fsck", apart))


def test_who_is_cut_off_for_a_moment_keeps_the_seat(dsn: str, apart: str, house: House, line: Lines) -> None:
    way = line(apart, "way_of_one")
    one = house.open(Place(dsn, "one", way.dsn))
    one.wait_published(house.say(one), PATIENCE)
    two = house.open(Place(dsn, "two", apart))
    before = seat(one)
    way.cut()
    size = max(house.say(one), house.say(two))
    wait_until(lambda: "not permitted to log in" in trouble(one), "it says that nothing is published")
    assert offers(dsn, 2) == {False}, "a lease has five rounds"
    way.heal()
    assert two.wait_published(size, PATIENCE).checkpoint.size >= size
    assert seat(two) == before
    house.lose_nothing(two, Place(dsn, "fsck", apart))


class Switch:
    """A store that can become another one."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def test_who_knows_of_entries_that_are_gone_keeps_the_seat(
    dsn: str, apart: str, house: House, line: Lines, postgres: Server
) -> None:
    way, switches = line(apart, "way_of_one"), list[Switch]()

    def adapt(office: Office) -> Office:
        switches.append(Switch(office.store))
        return replace(office, store=switches[0])

    with (
        postgres.database(str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])) as copy,
        closing(open_store(copy)) as old,
    ):
        one = house.open(Place(dsn, "one", way.dsn, LEASE), adapt=adapt)
        one.wait_published(house.say(one), PATIENCE)
        way.cut()
        house.say(one)
        wait_until(lambda: "not permitted to log in" in trouble(one), "it says that nothing is published")
        newest, switches[0].inner = switches[0].inner, old
        offers(dsn, 3)  # the last one may have been made before
        two = house.open(Place(dsn, "two", apart, LEASE))
        assert offers(dsn, 12) == {False}
        assert "is gone from the database" in str(one.status().halted)
        assert seat(one)[0] == seat(two)[0] == "one"
        switches[0].inner = newest
        wait_until(lambda: seat(two)[0] == "two", "another takes over when nothing is missing any more")


@pytest.mark.parametrize("everybody", [False, True])
def test_who_is_cut_off_from_the_bucket(
    dsn: str, apart: str, house: House, bucket: Bucket, s3: S3, monkeypatch: pytest.MonkeyPatch, everybody: bool
) -> None:
    where = parse_place(bucket.place("shared/log"))
    one = house.open(Place(dsn, "one", apart, LEASE, where))
    one.wait_published(house.say(one), PATIENCE)
    if not everybody:
        monkeypatch.setitem(os.environ, "AWS_ACCESS_KEY_ID", "another")
    two = house.open(Place(dsn, "two", apart, LEASE, where))
    before = seat(one)
    s3.plan(denied="writer")
    size = max(house.say(one), house.say(two))
    if everybody:
        wait_until(house.offered, "the seat is offered")
        wait_until(lambda: "access was denied" in trouble(two), "it says what keeps it")
        size = max(house.say(one), house.say(two))
        assert seat(one) == seat(two) == before
        s3.plan()
    assert two.wait_published(size, PATIENCE).checkpoint.size >= size
    if not everybody:
        assert seat(two) == ("two", before[1] + 1)
    s3.plan()
    house.lose_nothing(two, Place(dsn, "fsck", apart, bucket=where))
