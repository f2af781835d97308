"""What was erased goes out of the files of the server, too: at once, or when the last who may ask for it is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from ledger.store import postgres_scrubbing
from ledger.store.postgres import PostgresStore, open_store
from ledger.store.postgres_migrate import SCRIPTS
from tests.conformance.test_store import line, write
from tests.ledger.test_postgres_store import END, sql
from tests.patience import join, wait_until
from tests.postgres import Server

SECRET = "the-secret-value"


@pytest.fixture
def store(dsn: str) -> Iterator[PostgresStore]:
    """With one value in it."""
    with closing(open_store(dsn)) as opened:
        opened.epoch = 0
        write(opened, [line(0, disclosures={"name": SECRET, "contact": "kept"})])
        yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers are hardly waited for, and looked for again at once."""
    monkeypatch.setattr(postgres_scrubbing, "PATIENCE", 0.05)
    monkeypatch.setattr(postgres_scrubbing, "AGAIN", 0.05)


def stands(dsn: str, server: Server, table: str = "disclosures", text: str = SECRET) -> bool:
    """Whether the table's file has the text in it."""
    sql(dsn, "CHECKPOINT")
    ((path,),) = sql(dsn, f"SELECT pg_relation_filepath('{table}')")
    return text.encode() in (server.folder / path).read_bytes()


def files(dsn: str) -> list[tuple]:
    return sql(dsn, "SELECT pg_relation_filenode('disclosures'), pg_relation_filenode('submissions')")


def owed(dsn: str) -> int:
    ((erased, gone),) = sql(dsn, "SELECT erased, gone FROM scrubbing")
    return int(erased - gone)


def erase(store: PostgresStore) -> None:
    with store.transaction() as working:
        assert working.erase(0, ["name"]) == ["name"]


def test_a_value_is_in_no_file_of_the_vault(store: PostgresStore, dsn: str, postgres: Server) -> None:
    assert stands(dsn, postgres)
    erase(store)
    assert (stands(dsn, postgres), stands(dsn, postgres, text="kept"), owed(dsn)) == (False, True, 0)


def test_a_value_is_in_no_file_of_the_queue(store: PostgresStore, dsn: str, postgres: Server) -> None:
    sql(dsn, f"INSERT INTO submissions (sender, number, work) VALUES ('s', 0, '{SECRET}')")
    sql(dsn, "UPDATE submissions SET answer = '', work = ''")
    assert stands(dsn, postgres, "submissions")
    erase(store)
    assert not stands(dsn, postgres, "submissions")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("read", ["SELECT * FROM disclosures", "SELECT * FROM entries", "SELECT 1 FROM pg_class"])
def test_a_reader_of_anything_puts_it_off_and_no_longer(
    store: PostgresStore, dsn: str, postgres: Server, read: str
) -> None:
    """Whatever a snapshot has read so far, it may still ask for what was there when it began: the server keeps it."""
    with psycopg.connect(dsn) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute(read)
        erase(store)
        assert stands(dsn, postgres)
        assert owed(dsn) == 1
        assert reader.execute("SELECT disclosure FROM disclosures WHERE name = 'name'").fetchall() == [(SECRET,)]
    # No batch is needed for it.
    wait_until(lambda: owed(dsn) == 0, "it is done when the reader is")
    assert not stands(dsn, postgres)


@pytest.mark.usefixtures("hasty")
def test_nothing_is_written_anew_in_vain(store: PostgresStore, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a backup reads for an hour the vault is not copied again and again."""
    before = files(dsn)
    seen = threading.Semaphore(0)
    look = postgres_scrubbing.Scrubber._is_seen_by_nobody

    def counted(scrubber: postgres_scrubbing.Scrubber, *given: object) -> bool:
        found = look(scrubber, *given)  # type: ignore[arg-type]
        seen.release()
        return found

    monkeypatch.setattr(postgres_scrubbing.Scrubber, "_is_seen_by_nobody", counted)
    with psycopg.connect(dsn) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        erase(store)
        for _ in range(4):
            seen.acquire()
        assert files(dsn) == before


@pytest.mark.usefixtures("hasty")
def test_no_batch_waits_for_a_lock_of_a_reader(
    store: PostgresStore, dsn: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that has no snapshot any more and still its lock is waited for once."""
    with psycopg.connect(dsn) as reader:
        reader.execute("SELECT * FROM disclosures")
        erase(store)
        # Whoever waited now would wait for ever.
        monkeypatch.setattr(postgres_scrubbing, "LOCKED", "0")
        worker = threading.Thread(target=lambda: [write(store, [line(at)]) for at in range(1, 4)], daemon=True)
        worker.start()
        join(worker)
        assert stands(dsn, postgres)
        # Of the two tables the other one is not written anew each time.
        before = files(dsn)
        write(store, [line(4)])
        assert files(dsn) == before
    wait_until(lambda: owed(dsn) == 0, "it is done when the reader is")
    assert not stands(dsn, postgres)


def test_the_next_process_does_what_was_left_undone(
    store: PostgresStore, dsn: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The eraser is gone before its reader is."""
    monkeypatch.setattr(postgres_scrubbing, "PATIENCE", 0.05)
    with psycopg.connect(dsn) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT 1")
        erase(store)
        store.close()
    assert (owed(dsn), stands(dsn, postgres)) == (1, True)
    sql(dsn, "UPDATE fence SET epoch = 7")
    with closing(open_store(dsn)) as other:
        other.enter(7)
        wait_until(lambda: owed(dsn) == 0, "the next one does it")
    assert not stands(dsn, postgres)


def test_where_nothing_is_owed_nothing_is_written_anew(store: PostgresStore, dsn: str) -> None:
    erase(store)
    before = files(dsn)
    store.enter(0)
    # Its look borrows the writer's connection, and ends before this does, or finds the store closed.
    write(store, [line(1)])
    store.close()
    assert (owed(dsn), files(dsn)) == (0, before)


@pytest.mark.usefixtures("hasty")
def test_a_server_that_goes_away_meanwhile_is_asked_again(
    store: PostgresStore, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = postgres_scrubbing._rewrite
    ended: list[str] = []

    def broken(connection: psycopg.Connection[tuple], table: str, waits: bool) -> bool:
        if len(ended) < 3:
            ended.append(table)
            sql(dsn, f"{END} 'tallystick sequencer'")
        return original(connection, table, waits)

    monkeypatch.setattr(postgres_scrubbing, "_rewrite", broken)
    erase(store)
    wait_until(lambda: owed(dsn) == 0, "it is done after all")
    assert len(ended) == 3
    write(store, [line(1)])


def test_an_erasure_that_is_not_committed_owes_nothing(store: PostgresStore, dsn: str) -> None:
    def fail() -> None:
        with store.transaction() as working:
            working.erase(0, ["name"])
            raise OSError("planted")

    with pytest.raises(OSError, match="planted"):
        fail()
    with store.transaction() as working:
        assert working.erase(0, ["nobody's"]) == []
    assert owed(dsn) == 0


@pytest.mark.parametrize(("kind", "expected"), [("disclosure.erase", 1), ("object.register", 0)])
def test_of_what_earlier_versions_erased_nobody_knows(postgres: Server, kind: str, expected: int) -> None:
    with postgres.database("template1") as dsn:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS))
        engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0002")
        engine.dispose()
        sql(dsn, f"INSERT INTO statements VALUES (0, 'p', 'e', '{kind}', 's')")
        open_store(dsn).close()
        assert owed(dsn) == expected
