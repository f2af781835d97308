"""The store in SQLite: WAL, a commit is on the disk when it returns, driver SQL throughout."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from ledger.errors import LogClosed, LogExists, NoLog, UnknownSchema
from ledger.store.protocol import BatchLine, Line, Record, Search
from tallystick import canonical
from tallystick.admission import State, decode_state, encode_state

SCHEMA = "0001"
"""The newest migration, known here so that opening an up-to-date database need not import Alembic."""

# Each connection: commits survive power loss; erased values are overwritten; a large batch stays in memory.
_WAIT = "busy_timeout=10000"
_PRAGMAS = ("synchronous=FULL", "secure_delete=ON", _WAIT, "cache_size=-32768")
T = TypeVar("T")

_PARAMETERS = 500  # per statement, below SQLite's limit of 999 in old builds

_RECORD = (
    "SELECT s.position, e.entry, s.statement_id, s.party, s.event_id, s.type, s.subject, b.admitted_at, b.position"
    " FROM statements s JOIN entries e ON e.position = s.position"
    " JOIN batches b ON b.position ="
    " (SELECT position FROM batches WHERE position >= s.position ORDER BY position LIMIT 1)"
)
_BATCH = "SELECT position, first, admitted_at, digest FROM batches"


def create(path: Path) -> None:
    """An empty database. Raises ``LogExists`` unless the file is missing, or left blank by a creation cut short."""
    if path.exists() and not _is_blank(path):
        raise LogExists(f"{path} exists already: open it, or choose another folder")
    from ledger.store.migrate import migrate

    migrate(path)


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


class SqliteReads:
    """Reads, and in a write transaction writes, of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.erased = False

    def size(self) -> int:
        """See ``Reads``."""
        (last,) = self._connection.execute("SELECT max(position) FROM entries").fetchone()
        return 0 if last is None else last + 1

    def entries(self, first: int, end: int) -> list[bytes]:
        """See ``Reads``."""
        query = "SELECT entry FROM entries WHERE position >= ? AND position < ? ORDER BY position"
        return [entry for (entry,) in self._connection.execute(query, (first, end))]

    def record(self, position: int) -> Record | None:
        """See ``Reads``."""
        row = self._connection.execute(f"{_RECORD} WHERE s.position = ?", (position,)).fetchone()
        return Record(*row) if row else None

    def search(self, search: Search) -> list[Record]:
        """See ``Reads``."""
        query, conditions = _RECORD, ["s.position > ?"]
        values: list[str | int] = [search.after]
        if search.subject is not None:
            query += " JOIN subject_references r ON r.position = s.position AND r.subject = ? AND r.position > ?"
            values = [search.subject, search.after, search.after]
        if search.type is not None:
            conditions.append("s.type = ?")
            values.append(search.type)
        if search.since is not None:
            # Times never fall: the first batch of that time or later begins the range.
            conditions.append("s.position >= (SELECT min(first) FROM batches WHERE admitted_at >= ?)")
            values.append(search.since)
        if search.until is not None:
            conditions.append("s.position <= (SELECT max(position) FROM batches WHERE admitted_at < ?)")
            values.append(search.until)
        query += f" WHERE {' AND '.join(conditions)} ORDER BY s.position LIMIT ?"
        return [Record(*row) for row in self._connection.execute(query, (*values, search.limit))]

    def last_batch(self) -> BatchLine | None:
        """See ``Reads``."""
        return self._batch(f"{_BATCH} ORDER BY position DESC LIMIT 1", ())

    def batch_of(self, position: int) -> BatchLine | None:
        """See ``Reads``."""
        return self._batch(f"{_BATCH} WHERE position >= ? ORDER BY position LIMIT 1", (position,))

    def batches(self, first: int) -> Iterator[BatchLine]:
        """See ``Reads``."""
        for row in self._connection.execute(f"{_BATCH} WHERE position >= ? ORDER BY position", (first,)):
            yield BatchLine(*row)

    def _batch(self, query: str, values: tuple[int, ...]) -> BatchLine | None:
        row = self._connection.execute(query, values).fetchone()
        return BatchLine(*row) if row else None

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See ``Reads``."""
        found: dict[bytes, int] = {}
        for some in _some(statement_ids):
            query = f"SELECT statement_id, position FROM statements WHERE statement_id IN ({_marks(some)})"
            found.update(self._connection.execute(query, some).fetchall())
        return found

    def position_of_event(self, party: str, event_id: str) -> int | None:
        """See ``Reads``."""
        query = "SELECT position FROM statements WHERE party = ? AND event_id = ?"
        row = self._connection.execute(query, (party, event_id)).fetchone()
        return row[0] if row else None

    def positions_of_events(self, events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """See ``Reads``."""
        by_party: dict[str, list[str]] = {}
        for party, event_id in events:
            by_party.setdefault(party, []).append(event_id)
        query = "SELECT event_id, position FROM statements WHERE party = ? AND event_id IN"
        return {
            (party, event_id): position
            for party, event_ids in by_party.items()
            for some in _some(event_ids)
            for event_id, position in self._connection.execute(f"{query} ({_marks(some)})", (party, *some))
        }

    def get(self, key: str) -> State | None:
        """See ``Reads``."""
        row = self._connection.execute("SELECT state FROM states WHERE key = ?", (key,)).fetchone()
        return decode_state(json.loads(row[0])) if row else None

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """See ``Reads``."""
        query = "SELECT key, state FROM states WHERE key IN"
        return {
            key: decode_state(json.loads(state))
            for some in _some(list(keys))
            for key, state in self._connection.execute(f"{query} ({_marks(some)})", some)
        }

    def states(self) -> Iterator[tuple[str, State]]:
        """See ``Reads``."""
        for key, state in self._connection.execute("SELECT key, state FROM states ORDER BY key"):
            yield key, decode_state(json.loads(state))

    def disclosures(self, position: int) -> dict[str, str]:
        """See ``Reads``."""
        query = "SELECT name, disclosure FROM disclosures WHERE position = ? ORDER BY name"
        return dict(self._connection.execute(query, (position,)).fetchall())

    def append(self, entries: Sequence[bytes]) -> int:
        """See ``Transaction``."""
        first = self.size()
        self._connection.executemany("INSERT INTO entries VALUES (?, ?)", enumerate(entries, first))
        return first

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        """See ``Transaction``."""
        many = self._connection.executemany
        many(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?)",
            ((it.position, it.statement_id, it.party, it.event_id, it.type, it.subject) for it in lines),
        )
        many(
            "INSERT INTO subject_references VALUES (?, ?)",
            ((name, line.position) for line in lines for name in sorted(line.references)),
        )
        many(
            "INSERT INTO disclosures VALUES (?, ?, ?)",
            ((line.position, *item) for line in lines for item in line.disclosures.items()),
        )
        many(
            "INSERT INTO states VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state",
            ((key, canonical.encode(encode_state(state))) for key, state in states.items()),
        )
        self._connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?)", (batch.position, batch.first, batch.admitted_at, batch.digest)
        )

    def erase(self, position: int, names: Sequence[str]) -> list[str]:
        """See ``Transaction``."""
        held = self.disclosures(position)
        erased = [name for name in dict.fromkeys(names) if name in held]
        query = "DELETE FROM disclosures WHERE position = ? AND name = ?"
        self._connection.executemany(query, [(position, name) for name in erased])
        self.erased = self.erased or bool(erased)
        return erased


def _some(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(values), _PARAMETERS):
        yield values[at : at + _PARAMETERS]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


class SqliteStore:
    """A ``Store``. One connection writes; snapshots take theirs from a pool."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._writer = connect(path)
        self._writer.execute("PRAGMA journal_mode=WAL")
        # Checkpointing the WAL rarely keeps it off the way of most commits.
        self._writer.execute("PRAGMA wal_autocheckpoint=8192")
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
    def transaction(self) -> Iterator[SqliteReads]:
        """See ``Store``."""
        with self._writing:
            self._check_open()
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                working = SqliteReads(self._writer)
                yield working
                self._writer.execute("COMMIT")
            finally:
                # After a commit nothing is left to roll back; after anything else, all of it.
                self._writer.rollback()
            self._stale_wal = self._stale_wal or working.erased
            self._scrub()

    def _scrub(self) -> None:
        """Empty the write-ahead log after an erasure; an older snapshot puts it off until that is let go."""
        if not self._stale_wal:
            return
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
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed(f"the store {self._path} was closed")
