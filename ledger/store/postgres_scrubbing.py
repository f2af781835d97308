"""What was erased goes out of the files of its tables too, as soon as nobody can ask for it any more.

A deleted row stays in its table's file until the table is written anew. Then every row is kept that the oldest
snapshot in the database may see, whatever else that one reads: so its end is awaited first. How many erasures there
were, and how many of those are gone from the files, stands in the table ``scrubbing``: another process of the log, or
the next one on this host, does what was left undone.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import AbstractContextManager, suppress
from typing import Protocol

import psycopg
from psycopg import sql

from ledger.errors import DatabaseUnreachable
from ledger.store.postgres_wire import LOCKED, Connection

PATIENCE = 1.0
"""Seconds that an erasure waits for readers, and then for locks of theirs: once. No batch waits for them after that."""
AGAIN = 10.0
"""Seconds after which what was put off is tried again, without waiting."""
_LOOK = 0.02
TABLES = ("disclosures", "submissions")
"""The second: letters that were answered are blank or gone, their bytes stand in its file until it is written anew."""

# The transactions that erased are older than the bound.
_OWED = "SELECT erased, gone, pg_snapshot_xmax(pg_current_snapshot())::xid::text FROM scrubbing"
_GONE = "UPDATE scrubbing SET gone = greatest(gone, %s)"
# A table that was just frozen says which transactions nobody's snapshot can tell from finished ones: all before this.
_FREEZE = "VACUUM (FREEZE) scrubbing"
_PASSED = "SELECT age(relfrozenxid) <= age(%s::xid) FROM pg_class WHERE oid = 'scrubbing'::regclass"

_log = logging.getLogger(__name__)


class Lend(Protocol):
    """Lends the writer's connection, between two of its transactions; ``None`` where this process may not write."""

    def __call__(self) -> AbstractContextManager[Connection | None]: ...


class Scrubber:
    """Of one store. Whoever calls ``scrub`` holds the writer's connection; later attempts borrow it."""

    def __init__(self, lend: Lend) -> None:
        self._lend = lend
        self._owed: tuple[str, ...] = ()
        self._erased = -1
        self._bound = ""
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._closed = False

    def look(self) -> None:
        """Find out, beside the caller, whether an earlier process left anything undone, and do it."""
        self._again(0)

    def scrub(self, connection: Connection) -> None:
        """After an erasure was committed. Whatever comes of this, it is."""
        if self._is_done(connection, PATIENCE):
            return
        _log.warning(
            "what was erased stands still in the files of %s. A reader that began before may be in the way (see "
            "backend_xmin in pg_stat_activity); it is tried again every %.0f seconds",
            " and ".join(self._owed or TABLES),
            AGAIN,
        )
        self._again(AGAIN)

    def close(self) -> None:
        """Try no more."""
        with self._lock:
            self._closed = True
            if self._timer:
                self._timer.cancel()

    def _again(self, seconds: float) -> None:
        with self._lock:
            if self._closed:
                return
            if self._timer:
                self._timer.cancel()
            self._timer = threading.Timer(seconds, self._try)
            self._timer.daemon = True
            self._timer.start()

    def _try(self) -> None:
        done = False
        # The database may be away, or another process be elected by now.
        with suppress(DatabaseUnreachable), self._lend() as connection:
            done = connection is None or self._is_done(connection, 0)
        if not done:
            self._again(AGAIN)

    def _is_done(self, connection: Connection, patience: float) -> bool:
        try:
            self._note(connection)
            self._write_anew(connection, patience)
        except (psycopg.Error, DatabaseUnreachable) as error:
            _log.warning("the tables' files cannot be written anew after an erasure: %s", error)
            return False
        return not self._owed

    def _note(self, connection: Connection) -> None:
        """What is owed. The bound of an erasure stays what it was at first: later readers do not put it off."""
        found = connection.execute(_OWED).fetchone()
        assert found is not None  # the migration made the row
        erased, gone, bound = found
        if erased != self._erased:
            self._erased, self._bound, self._owed = erased, bound, TABLES
        if gone >= erased:
            self._owed = ()

    def _write_anew(self, connection: Connection, patience: float) -> None:
        if not self._owed or not self._is_seen_by_nobody(connection, patience):
            return
        try:
            connection.execute(f"SET lock_timeout = {round(patience * 1000) or LOCKED!r}")
            for table in self._owed:
                if _rewrite(connection, table, waits=patience > 0):
                    self._owed = tuple(one for one in self._owed if one != table)
            if not self._owed:
                connection.execute(_GONE, (self._erased,))
        finally:
            with suppress(psycopg.Error):
                connection.execute(f"SET lock_timeout = '{LOCKED}'")

    def _is_seen_by_nobody(self, connection: Connection, patience: float) -> bool:
        until = time.monotonic() + patience
        while True:
            connection.execute(_FREEZE)
            if connection.execute(_PASSED, (self._bound,)).fetchall() == [(True,)]:
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK)


def _rewrite(connection: Connection, table: str, waits: bool) -> bool:
    """Whether the table has a new file. One that was skipped is told by a warning alone, and by the file."""
    name, file = sql.Identifier(table), sql.SQL("SELECT pg_relation_filenode({})").format(table)
    before = connection.execute(file).fetchall()
    how = sql.SQL("FULL" if waits else "FULL, SKIP_LOCKED")
    with suppress(psycopg.errors.LockNotAvailable):
        connection.execute(sql.SQL("VACUUM ({}) {}").format(how, name))
    return bool(connection.execute(file).fetchall() != before)
