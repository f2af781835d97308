"""Connections to PostgreSQL: what each one is set to, a few kept ready, rows in PostgreSQL's binary COPY form."""

from __future__ import annotations

import struct
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ledger.errors import Corrupt, DatabaseUnreachable, LogClosed

Connection: TypeAlias = psycopg.Connection[tuple]

SILENCE = 5
"""Seconds after which a peer that does not answer on the network is given up."""

WRITER = "tallystick sequencer"
"""The name of every connection on which a sequencer may hold locks between two statements: a takeover ends them."""
_HALF_WAY = 10
"""Seconds after which the server gives up a writer's transaction that hears nothing more, should nobody end it."""

# A peer that is gone without a word is noticed: unanswered bytes, and silence on a connection that only listens.
_NETWORK: dict[str, Any] = {
    "connect_timeout": SILENCE,
    "keepalives": 1,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": SILENCE - 2,
    "tcp_user_timeout": SILENCE * 1000,
}
LOCKED = "10s"
"""So long a statement waits for a lock; then it is ``DatabaseUnreachable``, and tried again: its holder may be gone."""
# The server notices too that we are gone: until then it holds the locks of what we had begun.
_SESSION = (
    "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1;"
    f" SET tcp_keepalives_count = {SILENCE - 2}; SET tcp_user_timeout = {SILENCE * 1000};"
    # Where an administrator turned it off for all, this log still waits for its disk.
    " SET synchronous_commit = on;"
    # What is put together here as bytes (rows, arrays) is UTF-8, whatever the environment says.
    " SET client_encoding = 'UTF8'"
)
_UNREACHABLE = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
# Rights can be given, and a server that only reads may be a replica that is promoted in a moment.
_REFUSED = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
_DAMAGED = (psycopg.errors.DataCorrupted, psycopg.errors.IndexCorrupted)
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_NULL = struct.pack("!i", -1)
_TRAILER = struct.pack("!h", -1)
_ARRAY = struct.Struct("!iiiii").pack
_LENGTH = struct.Struct("!i").pack
_BYTEA, _TEXT = psycopg.adapters.types["bytea"], psycopg.adapters.types["text"]


def connect(dsn: str, name: str = "tallystick") -> Connection:
    """A connection in autocommit mode: transactions are begun by hand. Raises ``DatabaseUnreachable``.

    ``name`` is what the database's administrator sees. A commit is on the disk when it returns.
    """
    try:
        # What the caller's address says of the network goes before our defaults.
        given = {**_NETWORK, **_parsed(dsn), "application_name": name}
        connection = psycopg.connect(make_conninfo(**given), autocommit=True)
        connection.execute(f"{_SESSION}; SET lock_timeout = '{LOCKED}'")
        if name == WRITER:
            connection.execute(f"SET idle_in_transaction_session_timeout = '{_HALF_WAY * 1000:.0f}'")
    except psycopg.Error as error:
        raise DatabaseUnreachable(f"the database cannot be used: {_in_a_line(error)}") from None
    return connection


def _parsed(dsn: str) -> dict[str, Any]:
    """The parts of an address. What is wrong with it is not quoted: a password may stand there."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        given = {"host": "@"}
    if "@" in str(given.get("host", "")):
        raise DatabaseUnreachable(
            "the database's address cannot be read: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, where user "
            "and password have %XX for each character that is neither a letter nor a digit (%40 for @, %25 for %)"
        )
    return given


def _in_a_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())


@contextmanager
def reaching() -> Iterator[None]:
    """A connection that broke, a server that went away or that lets nobody write is ``DatabaseUnreachable``.

    Pages that the server finds damaged are ``Corrupt``.
    """
    try:
        yield
    except _UNREACHABLE as error:
        raise DatabaseUnreachable(f"the database does not answer: {_in_a_line(error)}") from error
    except _REFUSED as error:
        raise DatabaseUnreachable(f"the database refuses what the log needs: {_in_a_line(error)}") from error
    except _DAMAGED as error:
        raise Corrupt(f"the server finds its database damaged ({_in_a_line(error)}): restore it") from error


def listen(dsn: str, name: str, channel: LiteralString) -> Connection:
    """A connection that hears what is said on ``channel``. Raises ``DatabaseUnreachable``."""
    connection = connect(dsn, name)
    with reaching():
        connection.execute(f"LISTEN {channel}")
    return connection


class Pool:
    """Connections that were used before and are given out again, one to a thread at a time."""

    def __init__(self, dsn: str, name: str) -> None:
        self.dsn = dsn
        self._name = name
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """One connection; it goes back unless it broke. Raises ``LogClosed``, ``DatabaseUnreachable``."""
        connection = self._take()
        try:
            with reaching():
                yield connection
        finally:
            self._give_back(connection)

    def _take(self) -> Connection:
        with self._lock:
            if self._closed:
                raise LogClosed("the store was closed")
            if self._idle:
                return self._idle.pop()
        return connect(self.dsn, self._name)

    def _give_back(self, connection: Connection) -> None:
        if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
        with self._lock:
            if not self._closed and not connection.broken and not connection.closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close what is idle now, and the rest as it comes back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def copy_rows(connection: Connection, table: LiteralString, rows: Iterable[bytes]) -> None:
    """Put rows, each made by ``row``, into ``table``, whose columns they follow."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"".join((_HEADER, *rows, _TRAILER)))


def row(position: int, values: Sequence[bytes | None]) -> bytes:
    """A position and further columns of type bytea or text."""
    parts = [struct.pack("!hiq", len(values) + 1, 8, position)]
    for value in values:
        parts += (_NULL,) if value is None else (len(value).to_bytes(4, "big"), value)
    return b"".join(parts)


class _Array(bytes):
    """An array as PostgreSQL receives it."""


class _Bytea(_Array):
    """``bytea[]``."""


class _Text(_Array):
    """``text[]``."""


class _ByteaDumper(psycopg.adapt.Dumper):
    format = psycopg.pq.Format.BINARY
    oid = _BYTEA.array_oid

    def dump(self, obj: _Array) -> _Array:
        return obj


class _TextDumper(_ByteaDumper):
    oid = _TEXT.array_oid


psycopg.adapters.register_dumper(_Bytea, _ByteaDumper)
psycopg.adapters.register_dumper(_Text, _TextDumper)


def bytea_array(values: Collection[bytes]) -> bytes:
    """``values`` as one parameter: each entry of a log comes this way, and psycopg looks at each of a list often."""
    return _Bytea(_array(_BYTEA.oid, values))


def text_array(values: Collection[str]) -> bytes:
    """The same of texts."""
    return _Text(_array(_TEXT.oid, [value.encode() for value in values]))


def _array(oid: int, values: Collection[bytes]) -> bytes:
    parts = [_ARRAY(1, 0, oid, len(values), 1)]
    for value in values:
        parts += (_LENGTH(len(value)), value)
    return b"".join(parts)
