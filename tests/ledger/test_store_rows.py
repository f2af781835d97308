"""Rows put many at a time: all of them, in their order, whatever their number; or none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from ledger.store import rows


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("CREATE TABLE pairs (one INTEGER PRIMARY KEY, other TEXT NOT NULL)")
        opened.execute("CREATE TABLE wide (a, b, c, d, e)")
        yield opened


@pytest.mark.parametrize("count", [0, 1, 2, 249, 250, 251, 499, 500, 501, 1001])
def test_every_row_is_put(connection: sqlite3.Connection, count: int) -> None:
    pairs = [(at, f"text {at}") for at in range(count)]
    rows.insert(connection, "pairs", pairs)
    assert connection.execute("SELECT * FROM pairs ORDER BY one").fetchall() == pairs
    wide = [(at, str(at), b"\0", None, -at) for at in range(count)]
    rows.insert(connection, "wide", wide)
    assert connection.execute("SELECT * FROM wide ORDER BY rowid").fetchall() == wide


@pytest.mark.parametrize("again", [0, 100, 249, 250, 260])
def test_a_row_that_stands_is_refused(connection: sqlite3.Connection, again: int) -> None:
    connection.execute("INSERT INTO pairs VALUES (?, 'before')", (again,))
    connection.execute("BEGIN")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        rows.insert(connection, "pairs", [(at, "x") for at in range(261)])
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT * FROM pairs").fetchall() == [(again, "before")]


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1200])
def test_values_come_in_pieces(count: int) -> None:
    found = list(rows.pieces(range(count)))
    assert [one for piece in found for one in piece] == list(range(count))
    assert all(0 < len(piece) <= 500 for piece in found)
