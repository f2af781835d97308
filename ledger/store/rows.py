"""Rows and values, as many in a statement as it takes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, TypeVar

T = TypeVar("T")

PARAMETERS = 500
"""In a statement, below SQLite's limit of 999 in old builds."""


def insert(connection: sqlite3.Connection, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Put ``rows`` into ``table``; they have a value for each column.

    Each step of SQLite is a turn with the interpreter's lock, and costs more than what it does for a row. A few rows
    are not worth a statement of their own.
    """
    width = len(rows[0]) if rows else 1
    count = PARAMETERS // width
    whole = len(rows) - len(rows) % count
    for at in range(0, whole, count):
        connection.execute(_insertion(table, width, count), list(chain.from_iterable(rows[at : at + count])))
    if whole < len(rows):
        connection.executemany(_insertion(table, width, 1), rows[whole:])


@lru_cache
def _insertion(table: str, width: int, count: int) -> str:
    row = f"({marks(range(width))})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * count)}"


def pieces(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many as a statement takes at a time."""
    for at in range(0, len(values), PARAMETERS):
        yield values[at : at + PARAMETERS]


def marks(values: Sequence[object]) -> str:
    """A question mark for each."""
    return ",".join("?" * len(values))
