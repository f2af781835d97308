"""What is particular to PostgreSQL: the schema, the fence before the log, and connections that break."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from ledger.errors import DatabaseUnreachable, Fenced, LogClosed, LogExists, NoLog, UnknownSchema
from ledger.store.postgres import SCHEMA, PostgresStore, create, open_store
from ledger.store.postgres_catalogue import EXPECTED, TABLES, declared
from ledger.store.postgres_migrate import SCRIPTS
from ledger.store.postgres_tables import Declared
from ledger.store.postgres_wire import bytea_array, connect, text_array
from tallystick.admission.state import Taken
from tests.ledger.rawlog import fill, raw_entry
from tests.postgres import Server

END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = "


@pytest.fixture
def store(dsn: str) -> Iterator[PostgresStore]:
    opened = open_store(dsn)
    opened.epoch = 0
    yield opened
    opened.close()


def sql(dsn: str, query: str) -> list[tuple]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query)  # type: ignore[call-overload]
        return cursor.fetchall() if cursor.description else []


def test_migrations_make_what_the_tables_declare(dsn: str) -> None:
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(dsn))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Declared.metadata) == []
    engine.dispose()
    assert "entries" in Declared.metadata.tables


def test_the_catalogue_that_fsck_expects_is_what_the_migrations_make(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        found = declared(connection)
    assert found == EXPECTED
    tables = {line.split()[1].split(".")[0] for line in found if line.startswith("column ")}
    assert tables == set(TABLES) == {*Declared.metadata.tables, "alembic_version"}
    # NOT NULL stands with its column.
    assert len([line for line in found if line.startswith("column ")]) == len(
        sql(dsn, "SELECT 1 FROM information_schema.columns WHERE table_schema = 'public'")
    )


def test_the_schema_known_without_alembic_is_the_newest() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_opening_what_is_up_to_date_imports_neither_alembic_nor_sqlalchemy(dsn: str) -> None:
    program = (
        "import sys; from ledger.store.postgres import open_store; "
        f"open_store({dsn!r}).close(); "
        "print([name for name in ('alembic', 'sqlalchemy', 'sqlmodel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_opening_creates_nothing(postgres: Server) -> None:
    with postgres.database("template0") as empty:
        with pytest.raises(NoLog, match="correct its address"):
            open_store(empty)
        assert sql(empty, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []


def test_a_database_is_not_begun_twice(dsn: str) -> None:
    with pytest.raises(LogExists):
        create(dsn)


def test_a_later_schema_is_refused(dsn: str) -> None:
    sql(dsn, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnknownSchema, match="install a newer one"):
        open_store(dsn)


def test_nobody_answers(dsn: str) -> None:
    with pytest.raises(DatabaseUnreachable, match="cannot be used"):
        open_store(dsn.replace("dbname=", "dbname=no_"))


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://u:secret%zzword@localhost/x",
        "postgresql://u:secret@word@localhost/x",
        "postgresql://u:secretword@[::1/x",
        "host=localhost password=secret word",
    ],
)
def test_an_address_that_cannot_be_read_is_not_quoted(address: str) -> None:
    """Nor any part of it: where a password ends nobody can tell."""
    with pytest.raises(DatabaseUnreachable, match="address cannot be read: expected postgresql://USER") as caught:
        open_store(address)
    assert "secret" not in str(caught.value)
    assert "word@" not in str(caught.value)


def test_a_message_has_one_line() -> None:
    with pytest.raises(DatabaseUnreachable) as caught:
        open_store("postgresql://u:secretword@localhost:1/x")
    assert "\n" not in str(caught.value)
    assert "secretword" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["LATIN1", "UTF8", "SQL_ASCII"])
def test_a_database_that_cannot_keep_every_text_is_refused(postgres: Server, encoding: str) -> None:
    postgres.admin(f"CREATE DATABASE coded TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C' LOCALE_PROVIDER libc")
    try:
        if encoding == "LATIN1":
            with pytest.raises(UnknownSchema, match="keeps text as LATIN1, which cannot hold every name: make one"):
                create(postgres.dsn("coded"))
        else:
            create(postgres.dsn("coded"))
            open_store(postgres.dsn("coded")).close()
    finally:
        postgres.admin("DROP DATABASE coded WITH (FORCE)")


def test_a_server_that_lets_nobody_write_may_do_so_later(store: PostgresStore, dsn: str) -> None:
    """As a replica does, until it is promoted; the sequencer tries again."""
    fill(store, 1)
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    sql(dsn, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with closing(open_store(dsn)) as opened:
        opened.epoch = 0
        with pytest.raises(DatabaseUnreachable, match="refuses what the log needs: cannot execute"):
            fill(opened, 1)


def test_a_role_without_rights_is_told_what_it_lacks(store: PostgresStore, dsn: str) -> None:
    fill(store, 1)
    sql(dsn, "DROP ROLE IF EXISTS visitor")
    sql(dsn, "CREATE ROLE visitor LOGIN")
    sql(dsn, "GRANT SELECT ON alembic_version TO visitor")
    other = open_store(dsn.replace("user=postgres", "user=visitor"))
    denied = pytest.raises(DatabaseUnreachable, match="permission denied for table entries")
    with closing(other), denied, other.snapshot() as reads:
        reads.size()
    sql(dsn, "DROP OWNED BY visitor")
    sql(dsn, "DROP ROLE visitor")


# --- the fence --------------------------------------------------------------------------


@pytest.mark.parametrize("epoch", [None, 0, 2])
def test_only_the_newest_epoch_appends(store: PostgresStore, dsn: str, epoch: int | None) -> None:
    fill(store, 3)
    sql(dsn, "UPDATE fence SET epoch = 1")
    store.epoch = epoch
    with pytest.raises(Fenced, match="epoch 1 appends"):
        fill(store, 3)
    with store.snapshot() as reads:
        assert reads.size() == 3
    store.epoch = 1
    fill(store, 3)
    with store.snapshot() as reads:
        assert reads.entries(0, 9) == [raw_entry(position) for position in range(6)]


def test_a_takeover_waits_for_the_transaction_that_was_first(store: PostgresStore, dsn: str) -> None:
    with store.transaction() as working:
        working.append([b"entry"])
        with (
            psycopg.connect(dsn, options="-c lock_timeout=50ms") as other,
            pytest.raises(psycopg.errors.LockNotAvailable),
        ):
            other.execute("UPDATE fence SET epoch = 1")
    with store.snapshot() as reads:
        assert reads.size() == 1


def test_a_transaction_whose_connection_was_ended_leaves_nothing(store: PostgresStore, dsn: str) -> None:
    def cut() -> None:
        with store.transaction() as working:
            working.append([b"entry"])
            assert sql(dsn, END + "'tallystick sequencer'") == [(True,)]

    with pytest.raises(DatabaseUnreachable):
        cut()
    with store.snapshot() as reads:
        assert reads.size() == 0
    fill(store, 2)
    with store.snapshot() as reads:
        assert reads.size() == 2


def test_a_failure_that_was_passed_over_is_not_committed(store: PostgresStore) -> None:
    fill(store, 2)

    def pass_over() -> None:
        with store.transaction() as working:
            working.append([b"entry"])
            with suppress(psycopg.errors.DivisionByZero):
                working._connection.execute("SELECT 1 / 0")

    with pytest.raises(RuntimeError, match="was not committed"):
        pass_over()
    with store.snapshot() as reads:
        assert reads.size() == 2
    fill(store, 1)


def test_a_snapshot_whose_connection_was_ended_is_followed_by_a_good_one(store: PostgresStore, dsn: str) -> None:
    with store.snapshot() as reads:
        assert reads.size() == 0
    sql(
        dsn, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'tallystick reader'"
    )
    with pytest.raises(DatabaseUnreachable), store.snapshot() as reads:
        reads.size()
    with store.snapshot() as reads:
        assert reads.size() == 0


def test_nothing_works_after_closing(dsn: str) -> None:
    closed = open_store(dsn)
    closed.close()
    with pytest.raises(LogClosed), closed.snapshot():
        pass
    with pytest.raises(LogClosed), closed.transaction():
        pass


# --- an append ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 300])
def test_what_may_be_done_meanwhile_begins_once_and_before_it_is_known_whether_they_stand(
    store: PostgresStore, count: int
) -> None:
    entries = [raw_entry(at) for at in range(count)]
    called: list[int] = []

    def append(ids: list[bytes]) -> None:
        with store.transaction() as working:
            working.append(entries, ids, lambda: called.append(working.size()))

    append([at.to_bytes(32, "big") for at in range(count)])
    with pytest.raises(ValueError, match="indexed already"):
        append([at.to_bytes(32, "big") for at in range(count - 1, 2 * count - 1)])
    assert called == [0, count]
    with store.snapshot() as reads:
        assert reads.entries(0, 2 * count) == entries
        assert reads.positions_of([bytes(32)]) == {bytes(32): 0}


def test_what_fails_meanwhile_appends_nothing(store: PostgresStore) -> None:
    def fail() -> None:
        raise RuntimeError("closed")

    def append() -> None:
        with store.transaction() as working:
            working.append([b"entry"], meanwhile=fail)

    with pytest.raises(RuntimeError, match="closed"):
        append()
    fill(store, 2)
    with store.snapshot() as reads:
        assert reads.size() == 2


# --- what is sent as bytes ---------------------------------------------------------------


def test_arrays_arrive_as_they_were_given(dsn: str) -> None:
    given: list[bytes] = [b"", b"\0", b"NULL", b'{"a","b"}', b"\\x00", bytes(range(256)), b"x" * 70_000]
    texts = ["", "NULL", 'a "quoted", {bracketed} text', "\\", "名前 – ü 𝄞", "x" * 70_000]
    with connect(dsn) as connection:
        query = "SELECT %s::bytea[] = ARRAY[{}]::bytea[], %s::text[] = ARRAY[{}]::text[]"
        singly = query.format(*(", ".join(["%s"] * len(values)) for values in (given, texts)))
        arrived = connection.execute(singly, (bytea_array(given), *given, text_array(texts), *texts)).fetchone()  # type: ignore[arg-type]
        assert arrived == (True, True)
        empty = connection.execute("SELECT cardinality(%s), cardinality(%s)", (bytea_array([]), text_array([])))
        assert empty.fetchone() == (0, 0)


def test_texts_are_the_same_whatever_the_environment_says_of_them(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conformance.test_store import line, write

    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    name = "名前 – ü"
    with closing(open_store(dsn)) as store:
        store.epoch = 0
        known = Taken("ü")
        write(
            store,
            [line(0, party=name, event_id=name, subject=name, references=frozenset({name}))],
            states={name: known},
        )
        with store.snapshot() as reads:
            assert reads.get_many([name, "other"]) == {name: known}
            assert reads.positions_of_events([(name, name), (name, "other")]) == {(name, name): 0}
            assert reads.position_of_event(name, name) == reads.next_about(name, -1) == 0
    assert sql(dsn, "SELECT octet_length(party), octet_length(key) FROM statements, states") == [
        (len(name.encode()),) * 2
    ]
