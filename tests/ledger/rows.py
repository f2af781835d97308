"""Changing stored entries behind the store's back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ledger.store import chunks


def change_entry(database: Path, position: int, change: Callable[[bytes], bytes]) -> None:
    """Replace the entry at ``position`` by what ``change`` makes of it; its index stays."""
    with closing(sqlite3.connect(database)) as connection, connection:
        first, entries, ids = _take_row(connection, position)
        entries[position - first] = change(entries[position - first])
        chunks.write(connection, first, entries, ids)


def cut_entries(database: Path, size: int) -> None:
    """Take away the entries from position ``size`` on."""
    with closing(sqlite3.connect(database)) as connection, connection:
        first, entries, ids = _take_row(connection, size)
        connection.execute("DELETE FROM chunks WHERE position >= ?", (size,))
        chunks.write(connection, first, entries[: size - first], ids[: size - first])


def _take_row(connection: sqlite3.Connection, position: int) -> tuple[int, list[bytes], list[bytes]]:
    """First position, entries and statement ids of the row that holds ``position``; it is deleted."""
    query = (
        "SELECT coalesce((SELECT max(position) FROM chunks WHERE position < ?), -1) + 1, min(position)"
        " FROM chunks WHERE position >= ?"
    )
    first, last = connection.execute(query, (position, position)).fetchone()
    found = list(chunks.read_some(connection, range(first, last + 1)))
    connection.execute("DELETE FROM chunks WHERE position = ?", (last,))
    return first, [entry for entry, _ in found], [one for _, one in found]
