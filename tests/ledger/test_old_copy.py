"""A database put back to an old copy while the log is open: nothing that was acknowledged is given out again."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.batch import Reached, Scribe
from ledger.engine import LocalEngine
from ledger.errors import HistoryLost, LedgerError, LogHalted
from ledger.log import Log
from ledger.publisher import Publisher
from ledger.sequencer import Sequencer
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.store.sqlite import create, open_store
from ledger.submission import prepare
from ledger.tilestore import TileStore
from tallystick.checkpoint import parse_body
from tallystick.merkle import leaf_hashes, root_of, verify_consistency
from tallystick.note import parse_note
from tallystick.statement import Statement
from tests.ledger.conftest import founding
from tests.ledger.faults import MemoryCheckpoints
from tests.patience import PATIENCE, wait_until
from tests.postgres import Server
from tests.world import World


class Changeable:
    """A store that another one can take the place of."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self._left = -1
        self._next: Any = None

    def change_at(self, number: int, inner: Any) -> None:
        """From this look at it on it is the other one."""
        self._left, self._next = number, inner

    def snapshot(self) -> Any:
        self._left -= 1
        if self._left == 0:
            self.inner = self._next
        return self.inner.snapshot()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Desk:
    """A log with its genesis and four parties, and what it was before the last one came."""

    def __init__(self, folder: Path) -> None:
        self.world = World()
        create(folder / "new.sqlite")
        self.new = open_store(folder / "new.sqlite")
        self.store = Changeable(self.new)
        self.reached = Reached()
        self.scribe = self.another()
        *parties, self.late = self.world.parties()
        self.write(self.world.key_set(), self.world.policy())
        self.write(*parties)
        with (
            closing(sqlite3.connect(folder / "new.sqlite")) as now,
            closing(sqlite3.connect(folder / "old.sqlite")) as copy,
        ):
            now.backup(copy)
        shutil.copy(folder / "old.sqlite", folder / "other.sqlite")
        self.old, self.other = open_store(folder / "old.sqlite"), open_store(folder / "other.sqlite")

    def another(self, reached: Reached | None = None) -> Scribe:
        signer = self.world.roles["log"]
        return Scribe(self.store, self.world.origin, signer, lambda: self.world.clock, reached or self.reached)  # type: ignore[arg-type]

    def write(self, *statements: Statement) -> list[Any]:
        return self.scribe.write([prepare(one) for one in statements])

    def size(self) -> int:
        with self.store.snapshot() as reads:
            return int(reads.size())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    for store in (made.new, made.old, made.other):
        store.close()


def test_a_scribe_writes_nothing_into_an_old_copy_and_goes_on_when_the_newest_is_back(desk: Desk) -> None:
    (first,) = desk.write(desk.late)
    before = desk.size()
    desk.store.inner = desk.old
    someone = desk.world.register(desk.world.someone("Someone"), "studio")
    for statement in (someone, desk.late):
        # Neither a new statement gets the place of another, nor is one that stands taken for new.
        with pytest.raises(HistoryLost, match=f"ends with entry {before - 1} was acknowledged here and is gone"):
            desk.write(statement)
    assert desk.size() == before - 2
    desk.store.inner = desk.new
    again, later = desk.write(desk.late, someone)
    assert (again.position, again.duplicate, later.position) == (first.position, True, before)


def test_another_history_of_the_same_length_or_more_is_seen_too(desk: Desk) -> None:
    desk.write(desk.late)
    before = desk.size()
    desk.store.inner = desk.other
    stranger = desk.another(Reached())
    for name in ("One", "Two"):
        stranger.write([prepare(desk.world.register(desk.world.someone(name), "studio"))])
        with pytest.raises(HistoryLost, match=f"is gone from the database, which ends with entry {desk.size() - 1}"):
            desk.write(desk.late)
    assert desk.size() == before + 2


def test_what_another_hand_wrote_after_it_is_no_loss(desk: Desk) -> None:
    desk.another(Reached()).write([prepare(desk.late)])
    (receipt,) = desk.write(desk.late)
    assert receipt.duplicate
    # And what was only seen is known from then on.
    desk.store.inner = desk.old
    with pytest.raises(HistoryLost):
        desk.write(desk.late)


def test_who_is_elected_again_knows_what_it_wrote_before(desk: Desk) -> None:
    desk.write(desk.late)
    desk.store.inner = desk.old
    again = desk.another()
    with pytest.raises(HistoryLost):
        again.write([prepare(desk.late)])
    desk.another(Reached()).write([prepare(desk.late)])


def test_whoever_asks_is_told_what_is_lost_and_no_more(desk: Desk) -> None:
    assert desk.scribe.lost() is None
    desk.write(desk.late)
    assert desk.scribe.lost() is None
    desk.store.inner = desk.old
    assert "an old copy" in str(desk.scribe.lost())
    desk.store.inner = desk.new
    assert desk.scribe.lost() is None


def test_a_batch_that_comes_while_it_is_looked_at_is_not_lost(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks into a state of before, and knows of the batch before it is done looking."""
    snapshot = desk.new.snapshot

    @contextmanager
    def slow() -> Iterator[Any]:
        with snapshot() as reads:
            reads.size()  # it is this state from here on
            monkeypatch.undo()
            desk.write(desk.late)
            yield reads

    monkeypatch.setattr(desk.new, "snapshot", slow)
    assert desk.scribe.lost() is None
    assert desk.reached.newest is not None


def test_each_caller_is_told_why(desk: Desk) -> None:
    desk.write(desk.late)
    desk.store.inner = desk.old
    committed: list[None] = []
    sequencer = Sequencer(desk.scribe, lambda: committed.append(None))
    try:
        outcomes = sequencer.submit([prepare(desk.late), prepare(desk.late)]).result()
        assert [type(one) for one in outcomes] == [LogHalted, LogHalted]
        assert "an old copy" in str(outcomes[0])
        assert committed == []
        desk.store.inner = desk.new
        (outcome,) = sequencer.submit([prepare(desk.late)]).result()
        assert outcome.duplicate  # type: ignore[union-attr]
    finally:
        sequencer.close()


def test_nothing_is_signed_of_what_has_lost_what_was_acknowledged(desk: Desk, tmp_path: Path) -> None:
    """What was signed last is in the other history too: only who wrote what came after it can tell."""
    world, checkpoints = desk.world, MemoryCheckpoints()
    (tmp_path / "public").mkdir()
    tiles = TileStore(tmp_path / "public")
    publisher = Publisher(desk.store, tiles, checkpoints, world.signers, lambda: world.clock)  # type: ignore[arg-type]
    engine = LocalEngine(publisher, desk.scribe, None)
    try:
        signed = engine.publish_now()
        desk.write(desk.late)
        newest = desk.size()
        desk.store.inner = desk.other
        desk.another(Reached()).write([prepare(world.register(world.someone("Another"), "studio"))])
        assert desk.size() == newest
        with pytest.raises(HistoryLost, match="was acknowledged here and is gone"):
            engine.publish_now()
        assert checkpoints.notes == [signed.note.encode()]
        assert tiles.checkpoint() == signed.note.encode().encode()
        assert "was acknowledged here and is gone" in str(engine.status().halted)
        desk.store.inner = desk.new
        assert engine.publish_now().checkpoint.size == newest
        assert engine.status().halted is None
    finally:
        engine.close()


@pytest.mark.parametrize("number", range(1, 6))
def test_a_database_that_changes_places_while_it_is_published_is_not_signed(
    desk: Desk, tmp_path: Path, number: int
) -> None:
    """Whichever of the publication's looks at the store is the first one at the other history."""
    world, checkpoints = desk.world, MemoryCheckpoints()
    (tmp_path / "public").mkdir()
    store = desk.store
    publisher = Publisher(store, TileStore(tmp_path / "public"), checkpoints, world.signers, lambda: world.clock)  # type: ignore[arg-type]
    engine = LocalEngine(publisher, desk.scribe, None)
    try:
        engine.publish_now()
        desk.write(desk.late)
        with desk.new.snapshot() as reads:
            ours = root_of(leaf_hashes(reads.entries(0, reads.size())))
        store.inner = desk.other
        desk.another(Reached()).write([prepare(world.register(world.someone("Another"), "studio"))])
        store.inner = desk.new
        store.change_at(number, desk.other)
        with suppress(HistoryLost):
            assert engine.publish_now().checkpoint.root == ours
        assert all(parse_body(parse_note(note.encode()).text).root == ours for note in checkpoints.notes[1:])
    finally:
        engine.close()


@pytest.fixture
def signed_dsn(postgres: Server) -> Iterator[str]:
    """The checkpoint store's own database, which no failover takes back."""
    with postgres.database("template1") as address:
        yield address


# --- a server -----------------------------------------------------------------------------


@contextmanager
def swapped(postgres: Server, name: str) -> Iterator[Callable[[], None]]:
    """A copy of the database as it is now; what puts it in its place, as a failover to a replica that is late; and
    what, called again, puts the newest one back.
    """

    def put() -> None:
        postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        for old, new in ((name, f"{name}_put"), (f"{name}_kept", name), (f"{name}_put", f"{name}_kept")):
            postgres.admin(f"ALTER DATABASE {old} RENAME TO {new}")
        postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    postgres.admin(f"CREATE DATABASE {name}_kept TEMPLATE {name}")
    postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    try:
        yield put
    finally:
        postgres.admin(f"DROP DATABASE IF EXISTS {name}_kept WITH (FORCE)")


def test_a_server_that_failed_over_to_an_old_copy_gets_nothing_more(dsn: str, postgres: Server) -> None:
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    parties = world.parties()
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with open_shared(Place(dsn, "one"), world.signers, lambda: world.clock, publish_every=3600.0) as log:
        # The next one in an hour.
        log.wait_published(3, PATIENCE)
        log.submit(parties[0]).result()
        with swapped(postgres, str(name)) as put:
            # Acknowledged, and in no checkpoint.
            wait_until(lambda: _taken(lambda: log.submit(parties[1]).result().position == 5), "the log goes on")
            put()
            told: list[str] = []

            def halted() -> bool:
                try:
                    log.submit(parties[2]).result()
                except LogHalted as error:
                    told.append(str(error))
                except LedgerError:
                    return False
                return bool(told)

            wait_until(halted, "the old copy is seen")
            assert "ends with entry 6 was acknowledged here and is gone" in told[0]
            # Who looks at it is told too, and nothing is signed of what may come back as another history.
            wait_until(lambda: _taken(lambda: log.status().halted == told[0]), "the status says it")
            seat = log.status().seat
            assert seat is not None
            assert seat.here
            with log.store.snapshot() as reads:
                assert reads.size() == 5
            # It goes on by itself when the newest is back.
            put()
            wait_until(lambda: _taken(lambda: log.submit(parties[2]).result().position == 7), "the log goes on")
            wait_until(lambda: _taken(lambda: log.status().halted is None), "the status says it")
    assert fsck_shared(Place(dsn, "fsck")).findings == ()


def test_where_what_was_signed_is_gone_nobody_sequences_and_each_caller_is_told(
    dsn: str, signed_dsn: str, postgres: Server
) -> None:
    world = World()
    place = Place(dsn, "one", signed_dsn, lease=1.0)
    create_shared(place, founding(world), lambda: world.clock)
    parties = world.parties()
    name = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0) as log:
        log.wait_published(3, PATIENCE)
        with swapped(postgres, name) as put:
            wait_until(lambda: _taken(lambda: log.submit(parties[0]).result().position == 3), "the log goes on")
            log.wait_published(5, PATIENCE)
            put()
            with psycopg.connect(dsn) as connection:
                # Elected again, it finds what was signed missing.
                connection.execute("UPDATE lease SET epoch = epoch + 7, expires = '-infinity'")
            wait_until(lambda: _taken(lambda: "a checkpoint of 5 was signed" in str(log.status().halted)), "it is seen")
            for _ in range(3):
                (outcome,) = log.submit_many([prepare(parties[1])]).result()
                assert isinstance(outcome, LogHalted)
                assert "the database has 3 entries, a checkpoint of 5 was signed" in str(outcome)
            put()
            wait_until(lambda: _taken(lambda: log.submit(parties[1]).result().position == 5), "the log goes on")
            assert log.status().halted is None
            assert log.wait_published(7, PATIENCE).checkpoint.size == 7
    assert fsck_shared(Place(dsn, "fsck", signed_dsn)).findings == ()


@pytest.mark.parametrize("branched", [False, True])
def test_who_saw_a_checkpoint_that_is_gone_signs_no_second_history(dsn: str, postgres: Server, branched: bool) -> None:
    """The checkpoint store is in the same database, and nobody else remembers: only those who saw what was shown."""
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    parties = world.parties()
    name = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])

    def opened(holder: str) -> Log:
        return open_shared(Place(dsn, holder, lease=1.0), world.signers, lambda: world.clock, publish_every=0.0)

    with closing(opened("one")) as one, ExitStack() as leave:
        one.wait_published(3, PATIENCE)
        two = leave.enter_context(closing(opened("two")))
        put = leave.enter_context(swapped(postgres, name))
        wait_until(lambda: _taken(lambda: one.submit(parties[0]).result().position == 3), "the log goes on")
        shown = two.wait_published(5, PATIENCE)
        put()
        one.close()
        with ExitStack() as branch:
            if branched:
                # Somebody who knows less, started anew, goes on from the old copy, beyond what was shown.
                three = branch.enter_context(closing(opened("three")))
                for said in parties[1:3]:
                    wait_until(functools.partial(said_to, three, said), "the copy goes on")
                three.publish_now()
            held = signed(dsn)
            wait_until(lambda: _taken(lambda: "was shown a" in str(two.status().halted)), "it is seen")
            (outcome,) = two.submit_many([prepare(parties[3])]).result()
            assert isinstance(outcome, LogHalted)
            assert "a checkpoint of 5 leaves" in str(outcome)
            assert signed(dsn) == held
        put()
        wait_until(lambda: _taken(lambda: two.submit(parties[3]).result().position == 5), "the log goes on")
        head = two.wait_published(7, PATIENCE).checkpoint
        verify_consistency(5, shown.checkpoint.root, 7, head.root, two.published.prove_consistency(5, 7))
        assert two.status().halted is None
    assert fsck_shared(Place(dsn, "fsck")).findings == ()


def said_to(log: Log, said: Statement) -> bool:
    return _taken(lambda: log.submit(said).result().position > 0)


def signed(dsn: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("SELECT size, note FROM signed").fetchall()


def _taken(work: Callable[[], bool]) -> bool:
    try:
        return work()
    except LedgerError:
        return False
