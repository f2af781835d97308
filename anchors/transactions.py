"""One transaction of SQLite: all of it, or nothing, whoever else writes to the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def noting(sql: sqlite3.Connection) -> Iterator[None]:
    """``writing`` of what can be seen again: a kill leaves it, and a power failure may take it as long as nothing was
    written after it. The connection is in WAL mode, whose next synced commit makes durable all that stands before it.
    """
    sql.execute("PRAGMA synchronous=NORMAL")
    try:
        with writing(sql):
            yield
    finally:
        sql.execute("PRAGMA synchronous=FULL")


@contextmanager
def writing(sql: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end, roll back on any error. The connection is in autocommit mode (``isolation_level=None``)."""
    sql.execute("BEGIN IMMEDIATE")
    try:
        yield
        sql.execute("COMMIT")
    except BaseException:
        # A failed COMMIT (a full disk) leaves the transaction open.
        if sql.in_transaction:
            sql.execute("ROLLBACK")
        raise
