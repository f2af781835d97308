"""What another process, or this one a moment ago, does between two looks at a shared log."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from ledger.errors import OutcomeUnknown
from ledger.shared import letterbox
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.election import Election
from ledger.shared.log import open_shared
from ledger.shared.place import Place
from ledger.store import postgres_wire
from ledger.store.postgres import open_store
from ledger.store.postgres_wire import WRITER, connect
from ledger.submission import Receipt
from tests.ledger.conftest import later
from tests.patience import PATIENCE, join, wait_until
from tests.postgres import Server
from tests.world import World


def test_a_log_that_grows_while_it_is_opened_is_no_old_copy(log_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world, latest, grown = later(World()), PostgresCheckpointStore.latest, list[int]()

    with open_shared(Place(log_dsn, "first"), world.signers, lambda: world.clock, publish_every=0.0) as log:

        def grow(store: PostgresCheckpointStore, origin: str) -> object:
            if threading.current_thread() is threading.main_thread() and not grown:
                receipt = log.submit(world.object()).result(PATIENCE)
                assert isinstance(receipt, Receipt)
                grown.append(log.wait_published(receipt.batch + 1, PATIENCE).checkpoint.size)
            return latest(store, origin)

        monkeypatch.setattr(PostgresCheckpointStore, "latest", grow)
        with open_shared(Place(log_dsn, "second"), world.signers, lambda: world.clock, publish_every=0.0) as second:
            assert second.wait_published(grown[0], PATIENCE).checkpoint.size == grown[0]


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read"])
def test_a_commit_that_was_given_up_and_arrives_is_counted(log_dsn: str, isolation: str) -> None:
    """The connection broke in the middle of it: the server still holds the fence for it when the next batch begins."""
    sizes: list[int] = []
    with psycopg.connect(log_dsn) as connection:
        # What an operator may have set for every session of the database.
        connection.execute(
            f"ALTER DATABASE \"{connection.info.dbname}\" SET default_transaction_isolation = '{isolation}'"
        )
    with closing(open_store(log_dsn)) as store, closing(psycopg.connect(log_dsn)) as given_up:
        ((store.epoch,),) = given_up.execute("SELECT epoch FROM fence FOR UPDATE").fetchall()
        given_up.execute("INSERT INTO entries SELECT max(position) + 1, '' FROM entries")
        with store.snapshot() as reads:
            before = reads.size()

        def begin() -> None:
            with store.transaction() as working:
                sizes.append(working.size())

        thread = threading.Thread(target=begin)
        thread.start()
        with psycopg.connect(log_dsn, autocommit=True) as looking:
            query = "SELECT 1 FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
            wait_until(lambda: looking.execute(query, (WRITER,)).fetchone(), "the next batch waits for the fence")
        given_up.commit()
        join(thread)
    assert sizes == [before + 1]


@pytest.fixture
def operator(postgres: Server, log_dsn: str) -> Iterator[str]:
    """The log by another role, which may not end the sessions of the first."""
    with psycopg.connect(log_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE another_operator LOGIN")
        connection.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO another_operator")
    yield log_dsn.replace("user=postgres", "user=another_operator")
    with psycopg.connect(log_dsn, autocommit=True) as connection:
        connection.execute("DROP OWNED BY another_operator")
        connection.execute("DROP ROLE another_operator")


@pytest.mark.parametrize("locked", [False, True])
def test_who_may_not_end_the_sessions_of_a_writer_takes_over_from_it(
    log_dsn: str, operator: str, locked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_wire, "_HALF_WAY", 0.3)
    with closing(connect(log_dsn, WRITER)) as silent, closing(Election(operator, "next")) as election:
        if locked:
            silent.execute("BEGIN; SELECT epoch FROM fence FOR UPDATE")
        epoch = election.stand()
        assert epoch is not None
        with psycopg.connect(log_dsn) as connection:
            assert connection.execute("SELECT epoch FROM fence").fetchall() == [(epoch,)]


def test_a_fence_that_is_ahead_of_the_lease_is_passed(log_dsn: str) -> None:
    """Part of a database was brought back: an epoch below the fence could write nothing, and would keep its seat."""
    with closing(Election(log_dsn, "next")) as election, psycopg.connect(log_dsn, autocommit=True) as connection:
        connection.execute("UPDATE fence SET epoch = 40")
        assert election.stand() == 41
        assert connection.execute("SELECT epoch FROM fence").fetchall() == [(41,)]


def test_an_answer_that_cannot_be_read_is_no_silence(log_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by another version of the program. What was recorded is told when the statement comes again."""
    world = later(World())
    first, second = world.object(), world.object()
    with open_shared(Place(log_dsn, "one"), world.signers, lambda: world.clock, publish_every=0.0) as log:
        with monkeypatch.context() as patch:
            patch.setattr(letterbox, "unpack_outcomes", lambda answer: {}[answer])
            with pytest.raises(OutcomeUnknown, match="submit the same statement again"):
                log.submit(first).result(PATIENCE)
        receipts = [log.submit(one).result(PATIENCE) for one in (first, second)]
    assert [isinstance(one, Receipt) and one.duplicate for one in receipts] == [True, False]
