"""The store in SQLite: WAL, a commit is on the disk when it returns, driver SQL throughout."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from ledger.errors import LogClosed, LogExists, NoLog, UnknownSchema
from ledger.store.checkpointing import CHECKPOINT_PAGES, Checkpointer
from ledger.store.newest import SCHEMA, make_tables
from ledger.store.runs import StatementIds
from ledger.store.sqlite_session import SqliteReads, SqliteTransaction

# Each connection: commits survive power loss; erased values are overwritten; memory does not grow with the database.
_WAIT = "busy_timeout=10000"
_PRAGMAS = ("synchronous=FULL", "secure_delete=ON", _WAIT, "cache_size=-2048")
_WRITER_CACHE = "cache_size=-16384"  # KiB: a large batch stays in memory


def create(path: Path) -> None:
    """An empty database. Raises ``LogExists`` unless the file is missing, or left blank by a creation cut short."""
    if path.exists() and not _is_blank(path):
        raise LogExists(f"{path} exists already: open it, or choose another folder")
    # Private values stand in it. SQLite gives the files beside it the mode that it has.
    path.touch(mode=0o600)
    with closing(_attach(path)) as connection:
        make_tables(connection)


def _is_blank(path: Path) -> bool:
    connection = _attach(path)
    try:
        return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_schema").fetchone()[0])
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def open_store(path: Path) -> SqliteStore:
    """The store at ``path``, migrated if its schema is older. Never creates: raises ``NoLog``, ``UnknownSchema``."""
    if not path.is_file():
        raise NoLog(f"there is no database {path}: correct the path, or begin a log there with `init`")
    found = schema_of(path)
    if found != SCHEMA:
        if found > SCHEMA:
            raise UnknownSchema(f"{path} has schema {found}, this program knows {SCHEMA}: install a newer one")
        from ledger.store.migrate import migrate

        migrate(path)
    return SqliteStore(path)


def schema_of(path: Path) -> str:
    """The migration that the database is at. Raises ``UnknownSchema`` for any other file, which it leaves alone."""
    connection = _attach(path)
    try:
        (row,) = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise UnknownSchema(f"{path} is not a database of this program: {error}") from None
    finally:
        connection.close()
    return str(row[0])


def connect(path: Path) -> sqlite3.Connection:
    """A connection that does not create the file and leaves transactions to us."""
    connection = _attach(path)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _attach(path: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(path.absolute()))}?mode=rw"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


class SqliteStore:
    """A ``Store``. One connection writes; snapshots take theirs from a pool."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._writer = connect(path)
        self._writer.execute("PRAGMA journal_mode=WAL")
        self._writer.execute(f"PRAGMA {_WRITER_CACHE}")
        # A commit does it only if nobody has done it behind for a long time.
        self._writer.execute(f"PRAGMA wal_autocheckpoint={4 * CHECKPOINT_PAGES}")
        self._checkpointer = Checkpointer(lambda: connect(path))
        self._statement_ids: StatementIds | None = None
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        # What was overwritten in the database before may stand in a write-ahead log that a crash left behind.
        self._stale_wal = True

    @contextmanager
    def snapshot(self) -> Iterator[SqliteReads]:
        """See ``Store``."""
        self._check_open()
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = connect(self._path)
        connection.execute("BEGIN")
        try:
            yield SqliteReads(connection)
        finally:
            connection.rollback()
            if self._closed:
                connection.close()
            else:
                self._idle.append(connection)
                self._scrub_if_free()

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """See ``Store``."""
        with self._writing:
            self._check_open()
            self._checkpointer.finish(self._writer)
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                working = SqliteTransaction(self._writer, self._ids)
                yield working
                self._writer.execute("COMMIT")
            except BaseException:
                # It is of a state that may never have been.
                self._statement_ids = None
                raise
            finally:
                # After a commit nothing is left to roll back; after anything else, all of it.
                self._writer.rollback()
            self._stale_wal = self._stale_wal or working.erased
            self._scrub()
            self._checkpointer.committed(working.pages)

    def _ids(self) -> StatementIds:
        if self._statement_ids is None:
            self._statement_ids = StatementIds(self._writer)
        return self._statement_ids

    def _scrub(self) -> None:
        """Empty the write-ahead log after an erasure; an older snapshot puts it off until that is let go."""
        if not self._stale_wal:
            return
        self._checkpointer.wait()
        self._writer.execute("PRAGMA busy_timeout=0")
        # The transaction is committed, whatever comes of this: it is tried again after the next one.
        with suppress(sqlite3.Error):
            (busy, *_) = self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._stale_wal = bool(busy)
        self._writer.execute(f"PRAGMA {_WAIT}")

    def _scrub_if_free(self) -> None:
        """Where a write is under way, that one scrubs at its end."""
        if self._stale_wal and self._writing.acquire(blocking=False):
            try:
                if not self._closed:
                    self._scrub()
            finally:
                self._writing.release()

    def close(self) -> None:
        """See ``Store``."""
        with self._writing:
            self._closed = True
            self._checkpointer.close()
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed(f"the store {self._path} was closed")
