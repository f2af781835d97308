"""A database put back to an old copy while the log is open: nothing that was acknowledged is given out again."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.batch import Reached, Scribe
from ledger.errors import HistoryLost, LedgerError, LogHalted
from ledger.sequencer import Sequencer
from ledger.shared.log import create_shared, fsck_shared, open_shared
from ledger.shared.place import Place
from ledger.store.sqlite import create, open_store
from ledger.submission import prepare
from tallystick.statement import Statement
from tests.ledger.conftest import founding
from tests.patience import PATIENCE, wait_until
from tests.postgres import Server
from tests.world import World


class Changeable:
    """A store that another one can take the place of."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

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
    with pytest.raises(HistoryLost):
        desk.another()
    desk.another(Reached())


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


# --- a server -----------------------------------------------------------------------------


@contextmanager
def swapped(postgres: Server, name: str) -> Iterator[Callable[[], None]]:
    """A copy of the database as it is now, and what puts it in its place, as a failover to a replica that is late."""

    def off() -> None:
        postgres.admin(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def put() -> None:
        postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        off()
        postgres.admin(f"ALTER DATABASE {name} RENAME TO {name}_lost")
        postgres.admin(f"ALTER DATABASE {name}_old RENAME TO {name}")

    postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    off()
    postgres.admin(f"CREATE DATABASE {name}_old TEMPLATE {name}")
    postgres.admin(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    yield put
    postgres.admin(f"DROP DATABASE IF EXISTS {name}_lost WITH (FORCE)")


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
            with log.store.snapshot() as reads:
                assert reads.size() == 5
    assert fsck_shared(Place(dsn, "fsck")).findings == ()


def _taken(work: Callable[[], bool]) -> bool:
    try:
        return work()
    except LedgerError:
        return False
