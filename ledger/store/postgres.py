"""The store on PostgreSQL: several processes read and submit, the sequencer of the newest epoch alone appends.

A transaction begins by locking the fence and comparing its epoch with that of the
writer: a sequencer that was frozen while another took over finds a newer epoch there,
and has not written anything. Driver SQL throughout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg import sql

from ledger.errors import Fenced, LogClosed, LogExists, NoLog, UnknownSchema
from ledger.store.postgres_scrubbing import Scrubber
from ledger.store.postgres_wire import (
    WRITER,
    Connection,
    Pool,
    bytea_array,
    connect,
    copy_rows,
    reaching,
    row,
    text_array,
)
from ledger.store.protocol import BatchLine, Line, Record, Search, check_ids
from ledger.store.states import dump_state, load_state
from tallystick.admission import State

SCHEMA = "0003"
"""The newest migration, known here so that opening an up-to-date database need not import Alembic."""

_ENCODINGS = ("UTF8", "SQL_ASCII")
"""The second takes bytes as they come, and all of ours are UTF-8."""

# One message each: a commit of a thousand small entries takes no longer than a few of them.
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT coalesce(max(position) + 1, 0) FROM entries"
# The size is asked for when the fence is held: while this waits for it, a commit of ours that was given up may arrive.
_TRANSACTION = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT epoch FROM fence FOR UPDATE;"
    " SELECT coalesce(max(position) + 1, 0) FROM entries"
)
_PAGE = 1000

_RECORD: LiteralString = (
    "SELECT s.position, e.entry, coalesce(e.statement_id, ''), s.party, s.event_id, s.type, s.subject,"
    " b.admitted_at, b.position"
    " FROM statements s JOIN entries e ON e.position = s.position"
    " JOIN batches b ON b.position ="
    " (SELECT position FROM batches WHERE position >= s.position ORDER BY position LIMIT 1)"
)
_APPEND: LiteralString = (
    "INSERT INTO entries (position, entry) SELECT %b::bigint + turn, entry"
    " FROM unnest(%b::bytea[]) WITH ORDINALITY AS given (entry, turn)"
)
_APPEND_WITH_IDS: LiteralString = (
    "INSERT INTO entries (position, entry, statement_id) SELECT %b::bigint + turn, entry, id"
    " FROM unnest(%b::bytea[], %b::bytea[]) WITH ORDINALITY AS given (entry, id, turn)"
)
_BATCH: LiteralString = "SELECT position, first, admitted_at, digest FROM batches"


def create(dsn: str) -> None:
    """Make the tables in an existing database. Raises ``LogExists`` if it has them, ``DatabaseUnreachable``.

    Raises ``UnknownSchema`` where the database cannot keep every text.
    """
    if _schema_of(dsn) is not None:
        raise LogExists("the database has the tables of a log already: open it, or choose another database")
    with connect(dsn) as connection:
        encoding = connection.info.parameter_status("server_encoding")
    if encoding not in _ENCODINGS:
        raise UnknownSchema(
            f"the database keeps text as {encoding}, which cannot hold every name: make one with "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    from ledger.store.postgres_migrate import migrate

    migrate(dsn)


def open_store(dsn: str) -> PostgresStore:
    """The store in a database, migrated if its schema is older.

    Raises ``NoLog``, ``UnknownSchema``, ``DatabaseUnreachable``.
    """
    found = _schema_of(dsn)
    if found is None:
        raise NoLog("the database has no tables of a log: correct its address, or begin a log there")
    if found != SCHEMA:
        if found > SCHEMA:
            raise UnknownSchema(f"the database has schema {found}, this program knows {SCHEMA}: install a newer one")
        from ledger.store.postgres_migrate import migrate

        migrate(dsn)
    return PostgresStore(dsn)


def open_unchanged(dsn: str) -> PostgresStore:
    """As ``open_store``, of a database that is only looked at: ``UnknownSchema`` also where its schema is older."""
    found = _schema_of(dsn)
    if found is not None and found < SCHEMA:
        raise UnknownSchema(f"the database has schema {found}, this program {SCHEMA}: open the log with it once")
    return open_store(dsn)


def _schema_of(dsn: str) -> str | None:
    with connect(dsn) as connection:
        try:
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        except psycopg.errors.UndefinedTable:
            return None
    if len(rows) != 1:
        raise UnknownSchema("the database is not one of this program: its alembic_version has not one row")
    return str(rows[0][0])


class PostgresReads:
    """Reads, and in a write transaction writes, of one connection."""

    def __init__(self, connection: Connection, size: int) -> None:
        self._connection = connection
        self._size = size
        self.erased = False

    def size(self) -> int:
        """See ``Reads``."""
        return self._size

    def _value(self, query: LiteralString, *values: object) -> int | None:
        found = self._connection.execute(query, values).fetchone()
        return found[0] if found else None

    def entries(self, first: int, end: int) -> list[bytes]:
        """See ``Reads``."""
        query = "SELECT entry FROM entries WHERE position >= %s AND position < %s ORDER BY position"
        return [entry for (entry,) in self._connection.execute(query, (first, end), binary=True).fetchall()]

    def holds(self, first: int, end: int, data: bytes) -> bool:
        """See ``Reads``."""
        query = (
            "SELECT string_agg(substr(int4send(length(entry)), 3) || entry, '' ORDER BY position)"
            " FROM entries WHERE position >= %s AND position < %s"
        )
        (found,) = self._connection.execute(query, (first, end), binary=True).fetchall()
        return bool((found[0] or b"") == data)

    def record(self, position: int) -> Record | None:
        """See ``Reads``."""
        found = self._connection.execute(f"{_RECORD} WHERE s.position = %s", (position,)).fetchone()
        return Record(*found) if found else None

    def search(self, search: Search) -> list[Record]:
        """See ``Reads``."""
        query, conditions = _RECORD, ["s.position > %s"]
        values: list[str | int] = [search.after]
        if search.subject is not None:
            query += " JOIN subject_references r ON r.position = s.position AND r.subject = %s AND r.position > %s"
            values = [search.subject, search.after, search.after]
        if search.type is not None:
            conditions.append("s.type = %s")
            values.append(search.type)
        if search.since is not None:
            # Times never fall: the first batch of that time or later begins the range.
            conditions.append("s.position >= (SELECT min(first) FROM batches WHERE admitted_at >= %s)")
            values.append(search.since)
        if search.until is not None:
            conditions.append("s.position <= (SELECT max(position) FROM batches WHERE admitted_at < %s)")
            values.append(search.until)
        query += f" WHERE {' AND '.join(conditions)} ORDER BY s.position LIMIT %s"
        return [Record(*found) for found in self._connection.execute(query, (*values, search.limit))]

    def next_about(self, subject: str, after: int) -> int | None:
        """See ``Reads``."""
        query = "SELECT position FROM subject_references WHERE subject = %s AND position > %s ORDER BY position LIMIT 1"
        return self._value(query, subject, after)

    def last_batch(self) -> BatchLine | None:
        """See ``Reads``."""
        return self._batch(f"{_BATCH} ORDER BY position DESC LIMIT 1")

    def batch_of(self, position: int) -> BatchLine | None:
        """See ``Reads``."""
        return self._batch(f"{_BATCH} WHERE position >= %s ORDER BY position LIMIT 1", position)

    def batches(self, first: int) -> Iterator[BatchLine]:
        """See ``Reads``."""
        query: LiteralString = f"{_BATCH} WHERE position >= %s ORDER BY position LIMIT {_PAGE}"
        while page := self._connection.execute(query, (first,)).fetchall():
            for found in page:
                yield BatchLine(*found)
            if len(page) < _PAGE:
                return
            first = page[-1][0] + 1

    def _batch(self, query: LiteralString, *values: int) -> BatchLine | None:
        found = self._connection.execute(query, values).fetchone()
        return BatchLine(*found) if found else None

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See ``Reads``."""
        query = "SELECT statement_id, position FROM entries WHERE statement_id = ANY(%s)"
        return dict(self._connection.execute(query, (bytea_array(statement_ids),), binary=True).fetchall())

    def position_of_event(self, party: str, event_id: str) -> int | None:
        """See ``Reads``."""
        return self._value("SELECT position FROM statements WHERE party = %s AND event_id = %s", party, event_id)

    def positions_of_events(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """See ``Reads``."""
        query = (
            "SELECT party, event_id, position FROM statements"
            " JOIN unnest(%s::text[], %s::text[]) AS asked (p, e) ON party = p AND event_id = e"
        )
        parties, events = text_array([party for party, _ in pairs]), text_array([event for _, event in pairs])
        found = self._connection.execute(query, (parties, events)).fetchall()
        return {(party, event): position for party, event, position in found}

    def get(self, key: str) -> State | None:
        """See ``Reads``."""
        return self.get_many([key]).get(key)

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """See ``Reads``."""
        query = "SELECT key, state FROM states WHERE key = ANY(%s)"
        found = self._connection.execute(query, (text_array(keys),)).fetchall()
        return {key: load_state(state) for key, state in found}

    def states(self) -> Iterator[tuple[str, State]]:
        """See ``Reads``."""
        # The first page has no bound: no key is below the empty one, which a damaged table may hold.
        query, after = f"SELECT key, state FROM states ORDER BY key LIMIT {_PAGE}", list[str]()
        while page := self._connection.execute(query, after).fetchall():
            for key, state in page:
                yield key, load_state(state)
            query, after = f"SELECT key, state FROM states WHERE key > %s ORDER BY key LIMIT {_PAGE}", [page[-1][0]]

    def disclosures(self, position: int) -> dict[str, str]:
        """See ``Reads``."""
        query = "SELECT name, disclosure FROM disclosures WHERE position = %s ORDER BY name"
        return dict(self._connection.execute(query, (position,)).fetchall())

    def rows(self, table: str) -> int:
        """How many rows a table has."""
        query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
        (found,) = self._connection.execute(query).fetchall()
        return int(found[0])

    def append(
        self,
        entries: Sequence[bytes],
        statement_ids: Sequence[bytes] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> int:
        """See ``Transaction``."""
        check_ids(entries, statement_ids)
        first = self._size
        values = [bytea_array(entries), *([bytea_array(statement_ids)] if statement_ids else [])]
        if meanwhile:
            # What it begins gets the interpreter's lock when the message is on its way, and has it until the answer.
            meanwhile()
        try:
            self._connection.execute(_APPEND_WITH_IDS if statement_ids else _APPEND, (first - 1, *values))
        except psycopg.errors.UniqueViolation as error:
            raise ValueError(f"a statement of this batch is indexed already: {error.diag.message_detail}") from None
        self._size += len(entries)
        return first

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        """See ``Transaction``."""
        copy = self._connection
        if lines:
            copy_rows(copy, "statements", (_statement_row(line) for line in lines))
            named = ((line.position, name) for line in lines for name in line.references)
            copy_rows(copy, "subject_references", (row(at, (name.encode(),)) for at, name in named))
        if any(line.disclosures for line in lines):
            kept = ((line.position, item) for line in lines for item in line.disclosures.items())
            copy_rows(copy, "disclosures", (row(at, (name.encode(), text.encode())) for at, (name, text) in kept))
        if states:
            copy.execute(
                "INSERT INTO states SELECT * FROM unnest(%s::text[], %s::bytea[])"
                " ON CONFLICT (key) DO UPDATE SET state = excluded.state",
                (text_array(states), bytea_array([dump_state(state) for state in states.values()])),
            )
        copy.execute(
            "INSERT INTO batches VALUES (%s, %s, %s, %s)",
            (batch.position, batch.first, batch.admitted_at, batch.digest),
        )

    def disclose(self, position: int, texts: Mapping[str, str]) -> None:
        """See ``Transaction``."""
        query = (
            "INSERT INTO disclosures (position, name, disclosure) SELECT %s, * FROM unnest(%s::text[], %s::text[])"
            " ON CONFLICT DO NOTHING"
        )
        self._connection.execute(query, (position, list(texts), list(texts.values())))

    def erase(self, position: int, names: Sequence[str]) -> list[str]:
        """See ``Transaction``."""
        held = self.disclosures(position)
        erased = [name for name in dict.fromkeys(names) if name in held]
        if erased:
            query = "DELETE FROM disclosures WHERE position = %s AND name = ANY(%s)"
            self._connection.execute(query, (position, erased))
            self._connection.execute("UPDATE scrubbing SET erased = erased + 1")
            self.erased = True
        return erased


def _statement_row(line: Line) -> bytes:
    texts = (line.party, line.event_id, line.type, line.subject)
    return row(line.position, [text.encode() for text in texts])


def _commit(connection: Connection) -> None:
    # Of a transaction in which a statement failed, PostgreSQL makes a rollback and says so only here.
    said = connection.execute("COMMIT").statusmessage
    if said != "COMMIT":
        raise RuntimeError(f"the transaction was not committed but ended with {said}: a statement in it had failed")


def _following(begun: psycopg.Cursor[tuple]) -> tuple:
    """The row of the next one of several statements."""
    begun.nextset()
    found = begun.fetchone()
    assert found is not None  # an aggregate, or the only row of its table
    return found


class PostgresStore:
    """A ``Store``. One connection writes, as the sequencer of ``epoch``; snapshots take theirs from a pool."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self.epoch: int | None = None
        """The epoch that this process was elected for; ``None``: it may not append."""
        self.pool = Pool(dsn, "tallystick reader")
        self._writing = threading.Lock()
        self._writer: Connection | None = None
        self._closed = False
        self._scrubber = Scrubber(self._lend)

    def enter(self, epoch: int | None) -> None:
        """From now on this process writes in ``epoch``; ``None``: it does not."""
        self.epoch = epoch
        if epoch is not None:
            self._scrubber.look()

    @contextmanager
    def snapshot(self) -> Iterator[PostgresReads]:
        """See ``Store``."""
        with self.pool.use() as connection:
            begun = connection.execute(_SNAPSHOT)
            try:
                yield PostgresReads(connection, *_following(begun))
            finally:
                with suppress(psycopg.Error):
                    connection.execute("ROLLBACK")

    @contextmanager
    def transaction(self) -> Iterator[PostgresReads]:
        """See ``Store``. Raises ``Fenced`` when another epoch's sequencer appends now, ``DatabaseUnreachable``."""
        with self._writing:
            connection = self._connect()
            with reaching():
                begun = connection.execute(_TRANSACTION)
                try:
                    self._check_epoch(*_following(begun))
                    working = PostgresReads(connection, *_following(begun))
                    yield working
                    _commit(connection)
                except BaseException:
                    # After a connection that broke nothing is left to roll back.
                    with suppress(psycopg.Error):
                        connection.execute("ROLLBACK")
                    raise
            if working.erased:
                self._scrubber.scrub(connection)

    def _connect(self) -> Connection:
        if self._closed:
            raise LogClosed("the store was closed")
        if self._writer is None or self._writer.closed:
            self._writer = connect(self._dsn, WRITER)
        return self._writer

    def _check_epoch(self, epoch: int) -> None:
        if epoch != self.epoch:
            raise Fenced(f"the sequencer of epoch {epoch} appends; this process is not it (its epoch: {self.epoch})")

    @contextmanager
    def _lend(self) -> Iterator[Connection | None]:
        with self._writing:
            yield None if self._closed or self.epoch is None else self._connect()

    def close(self) -> None:
        """See ``Store``."""
        with self._writing:
            self._closed = True
            self._scrubber.close()
            self.pool.close()
            if self._writer:
                self._writer.close()
