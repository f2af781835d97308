"""A process that is frozen or cut off in the middle of a word to the database: nobody waits for it without an end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest

from ledger.errors import DatabaseUnreachable, OutcomeUnknown
from ledger.shared.letterbox import Letterbox
from ledger.shared.log import create_shared, open_shared
from ledger.shared.packing import pack_submissions
from ledger.shared.place import Place
from ledger.store import postgres_wire
from ledger.store.postgres import PostgresStore, open_store
from ledger.submission import Receipt, prepare
from tests.ledger.conftest import founding
from tests.patience import wait_until
from tests.world import World


@pytest.fixture
def world(dsn: str) -> World:
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    return world


@pytest.fixture
def frozen(dsn: str) -> Iterator[psycopg.Connection]:
    """A process that says nothing any more, and of which the server does not know that."""
    with closing(psycopg.connect(dsn)) as connection:
        yield connection
        with suppress(psycopg.Error):
            connection.rollback()


def rows(dsn: str, query: str) -> list[tuple]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]


def test_letters_that_somebody_holds_are_not_waited_for_without_an_end(
    dsn: str, world: World, frozen: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_wire, "LOCKED", "200ms")
    party = prepare(world.parties()[0])
    with closing(Letterbox(dsn, patience=0.01)) as letters:
        # Nobody sequences; what was left is held by one who is frozen, so that it cannot be taken back.
        left = letters.submit([party])
        wait_until(lambda: rows(dsn, "SELECT 1 FROM submissions") or left.done(), "the letter is left")
        frozen.execute("SELECT * FROM submissions FOR UPDATE")
        with pytest.raises(OutcomeUnknown):
            left.result(60)
    with open_shared(Place(dsn, "next"), world.signers, lambda: world.clock, publish_every=0.0) as log:
        # Others are answered beside it, and the log closes, with the letter still held.
        assert isinstance(log.submit(world.parties()[1]).result(60), Receipt)
    frozen.rollback()


def test_a_writer_that_fell_silent_in_a_transaction_is_put_out(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_wire, "_HALF_WAY", 0.2)

    def fall_silent(store: PostgresStore) -> None:
        with store.transaction() as working:
            rows(dsn, "UPDATE fence SET epoch = epoch RETURNING epoch")
            working.append([b"entry"])

    with closing(open_store(dsn)) as store:
        store.epoch = 0
        with pytest.raises(DatabaseUnreachable):
            fall_silent(store)


def test_a_lock_is_waited_for_with_an_end(
    dsn: str, frozen: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_wire, "LOCKED", "100ms")
    frozen.execute("UPDATE fence SET epoch = epoch")
    with (
        closing(open_store(dsn)) as store,
        pytest.raises(DatabaseUnreachable, match="lock timeout"),
        store.transaction(),
    ):
        pass


def test_what_was_answered_is_blank(dsn: str, world: World) -> None:
    """Its sender died before it took the answer: private values do not wait for it."""
    party = world.parties()[0]
    said = prepare(party, world.disclosures.get(party.statement_id, ()))
    with psycopg.connect(dsn) as connection:
        query = "INSERT INTO submissions (sender, number, work) VALUES ('dead', 0, %s)"
        connection.execute(query, (pack_submissions([said]),))
    with open_shared(Place(dsn, "next"), world.signers, lambda: world.clock, publish_every=0.0):
        found = "SELECT work FROM submissions WHERE answer IS NOT NULL"
        wait_until(lambda: rows(dsn, found), "the letter is answered")
        assert rows(dsn, found) == [(b"",)]
