"""What is particular to SQLite: the schema, its migrations, and opening without creating."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlmodel import SQLModel

from ledger.errors import LogExists, NoLog, UnknownSchema
from ledger.store import BatchLine, Line, Search, checkpointing, newest, tables
from ledger.store.migrate import SCRIPTS, migrate
from ledger.store.newest import SCHEMA
from ledger.store.sqlite import SqliteStore, connect, create, open_store


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite"
    create(path)
    return path


def sql(path: Path, statement: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_migrations_make_what_the_tables_declare(database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    declared = {
        name: table.dialect_options["sqlite"].get("with_rowid") for name, table in SQLModel.metadata.tables.items()
    }
    engine.dispose()
    for name, with_rowid in declared.items():
        (row,) = sql(database, f"SELECT sql FROM sqlite_schema WHERE name = '{name}'")
        assert ("WITHOUT ROWID" in str(row[0])) == (with_rowid is False), name
    assert tables.ChunkRow.__tablename__ in declared


def test_a_database_is_begun_as_migrations_would_have_made_it(database: Path, tmp_path: Path) -> None:
    migrated = tmp_path / "migrated.sqlite"
    migrate(migrated)
    declared = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    assert sql(database, declared) == sql(migrated, declared)
    for pragma in ("page_size", "encoding", "auto_vacuum", "user_version"):
        assert sql(database, f"PRAGMA {pragma}") == sql(migrated, f"PRAGMA {pragma}")
    version = "SELECT version_num FROM alembic_version"
    assert sql(database, version) == sql(migrated, version) == [(SCHEMA,)]


def test_tables_that_could_not_all_be_made_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.sqlite"
    monkeypatch.setattr(newest, "_MADE", (*newest._MADE, "CREATE TABLE nonsense"))
    with pytest.raises(sqlite3.OperationalError):
        create(path)
    assert sql(path, "SELECT name FROM sqlite_schema") == []
    monkeypatch.undo()
    create(path)
    open_store(path).close()


def test_beginning_imports_neither_alembic_nor_sqlalchemy(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ledger.store.sqlite import create; "
        f"create(Path({str(tmp_path / 'ledger.sqlite')!r})); "
        "print([name for name in ('alembic', 'sqlalchemy', 'sqlmodel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_schema_known_without_alembic_is_the_newest() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_opening_what_is_up_to_date_imports_neither_alembic_nor_sqlalchemy(database: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ledger.store.sqlite import open_store; "
        f"open_store(Path({str(database)!r})).close(); "
        "print([name for name in ('alembic', 'sqlalchemy', 'sqlmodel') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_mistyped_path_creates_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoLog, match="correct the path"):
        open_store(tmp_path / "legder.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_a_database_is_not_begun_twice(database: Path) -> None:
    with pytest.raises(LogExists):
        create(database)


def test_another_file_is_no_blank_database(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"a letter to my aunt")
    with pytest.raises(LogExists):
        create(path)
    assert path.read_bytes() == b"a letter to my aunt"


def test_a_later_schema_is_refused(database: Path) -> None:
    sql(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnknownSchema, match="install a newer one"):
        open_store(database)


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 20])
def test_another_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(content)
    with pytest.raises(UnknownSchema):
        open_store(path)
    assert path.read_bytes() == content


def test_a_migration_that_fails_leaves_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    path = tmp_path / "ledger.sqlite"
    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(OSError, match="disk full"):
        migrate(path)
    assert sql(path, "SELECT name FROM sqlite_schema") == []
    monkeypatch.undo()
    create(path)
    open_store(path).close()


def test_a_commit_is_synced_to_the_disk(database: Path) -> None:
    store = SqliteStore(database)
    assert store._writer.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_an_erased_value_is_nowhere_in_the_files(database: Path) -> None:
    store = open_store(database)
    with store.transaction() as working:
        working.append([b"entry"])
        secret = {"name": "a secret that must be gone", "other": "kept"}
        working.index([Line(0, "p", "e", "t", "s", frozenset(), secret)], BatchLine(0, 0, 1, b"d"), {})
    assert any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    with store.transaction() as working:
        working.erase(0, ["name"])
    assert not any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    store.close()


def test_an_open_snapshot_puts_the_scrubbing_off(database: Path) -> None:
    store = open_store(database)
    secret = {"name": "a secret that must be gone"}
    with store.transaction() as working:
        working.append([b"entry"])
        working.index([Line(0, "p", "e", "t", "s", frozenset(), secret)], BatchLine(0, 0, 1, b"d"), {})
    with store.snapshot() as reads:
        assert reads.disclosures(0) == secret
        with store.transaction() as working:
            working.erase(0, ["name"])
        assert reads.disclosures(0) == secret
        assert any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    assert not any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    store.close()


def test_what_a_killed_process_left_to_scrub_is_scrubbed(database: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path; from ledger.store.sqlite import open_store\n"
        "from ledger.store import BatchLine, Line\n"
        f"store = open_store(Path({str(database)!r}))\n"
        "lines = [Line(0, 'p', 'e', 't', 's', frozenset(), {'name': 'a secret that must be gone'})]\n"
        "with store.transaction() as working:\n"
        "    working.append([b'entry']); working.index(lines, BatchLine(0, 0, 1, b'd'), {})\n"
        "store._scrub = lambda: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with store.transaction() as working:\n"
        "    working.erase(0, ['name'])\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == -signal.SIGKILL
    assert any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    store = open_store(database)
    with store.transaction() as working:
        assert working.disclosures(0) == {}
    assert not any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    store.close()


def test_entries_survive_the_process(database: Path) -> None:
    program = (
        "import os, signal; from pathlib import Path; from ledger.store.sqlite import open_store\n"
        "from ledger.store import BatchLine, Line\n"
        f"store = open_store(Path({str(database)!r}))\n"
        "with store.transaction() as working:\n"
        "    working.append([b'kept'])\n"
        "    working.index([Line(0, 'p', 'e', 't', 's', frozenset())], BatchLine(0, 0, 1, b'd'), {})\n"
        "with store.transaction() as working:\n"
        "    working.append([b'never committed'])\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == -9
    store = open_store(database)
    with store.snapshot() as reads:
        assert reads.entries(0, 9) == [b"kept"]
    store.close()


def test_the_write_ahead_log_is_copied_behind_the_commits_and_begins_anew(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpointing, "CHECKPOINT_PAGES", 50)
    store, wal = open_store(database), database.with_name(database.name + "-wal")
    sizes = []
    for first in range(0, 40_000, 1000):
        with store.transaction() as working:
            working.append([b"e" * 300] * 1000)
            working.index([], BatchLine(first + 999, first, 1, bytes(32)), {})
        if store._checkpointer._copy:
            store._checkpointer._copy.result()
        sizes.append(wal.stat().st_size)
    assert database.stat().st_size > 3 * max(sizes)  # 12 MB passed through it
    with store.snapshot() as reads:
        assert reads.entries(0, 40_000) == [b"e" * 300] * 40_000
    store.close()


def test_the_writer_finishes_a_copy_before_a_transaction_and_nothing_follows_a_commit(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpointing, "CHECKPOINT_PAGES", 1)
    store, said = open_store(database), list[str]()
    for first in range(2):
        with store.transaction() as working:
            working.append([b"e"])
            working.index([], BatchLine(first, first, 1, bytes(32)), {})
        assert store._checkpointer._copy is not None
        store._checkpointer._copy.result()
        store._writer.set_trace_callback(said.append)
    store._writer.set_trace_callback(None)
    store.close()
    assert (said[0], said[1], said[-1]) == ("PRAGMA wal_checkpoint(PASSIVE)", "BEGIN IMMEDIATE", "COMMIT")


def test_a_copy_that_fails_behind_is_made_up_for(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpointing, "CHECKPOINT_PAGES", 50)
    store, failed = open_store(database), []

    def fail() -> sqlite3.Connection:
        failed.append(1)
        raise sqlite3.OperationalError("disk I/O error")

    store._checkpointer._connect = fail
    for first in range(0, 4000, 1000):
        with store.transaction() as working:
            working.append([b"e" * 300] * 1000)
            working.index([], BatchLine(first + 999, first, 1, bytes(32)), {})
        if store._checkpointer._copy:
            store._checkpointer._copy.exception()
    assert len(failed) == 4
    assert database.stat().st_size > 600_000
    store.close()


@pytest.mark.parametrize(
    "search", [Search(), Search(subject="s"), Search(type="t"), Search(subject="s", type="t"), Search(since=1, until=9)]
)
def test_a_search_takes_what_it_finds_in_order_and_sorts_nothing(database: Path, search: Search) -> None:
    """A page of one party's events would else cost all of them: a sort reads its whole input before the first row."""
    store = open_store(database)
    with store.transaction() as working:
        working.append([b"entry"])
        working.index([Line(0, "p", "e", "t", "s", frozenset({"s"}))], BatchLine(0, 0, 1, b"d"), {})
    with store.snapshot() as reads:
        said: list[str] = []
        reads._connection.set_trace_callback(said.append)
        reads.search(search)
        reads._connection.set_trace_callback(None)
        (query,) = [one for one in said if "statements s" in one]
        plan = [step for *_, step in reads._connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    store.close()
    assert any(step.startswith("SEARCH") for step in plan), plan
    assert [step for step in plan if "TEMP B-TREE" in step] == []


def test_an_erasure_waits_for_the_copy_behind(database: Path) -> None:
    store = open_store(database)
    with store.transaction() as working:
        working.append([b"entry"])
        working.index(
            [Line(0, "p", "e", "t", "s", frozenset(), {"name": "a secret that must be gone"})],
            BatchLine(0, 0, 1, b"d"),
            {},
        )
    copying, leave = threading.Event(), threading.Event()

    def slow() -> sqlite3.Connection:
        connection = connect(database)
        connection.set_progress_handler(lambda: copying.set() or (leave.wait(10) and None), 1)
        return connection

    store._checkpointer._connect = slow
    store._checkpointer._copy = store._checkpointer._thread.submit(store._checkpointer._run)
    assert copying.wait(10)
    timer = threading.Timer(0.05, leave.set)
    timer.start()
    with store.transaction() as working:
        working.erase(0, ["name"])
    assert leave.is_set()
    assert not any(b"a secret that must be gone" in path.read_bytes() for path in database.parent.iterdir())
    store.close()
