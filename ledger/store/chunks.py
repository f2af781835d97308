"""Entries in SQLite: up to 64 of them in a row, for a row costs more than the bytes in it (ADR 0012).

A row holds the entries that follow the row before it, up to ``position``, as an entry bundle
does, each after its length; and their statement ids, if they have any. Rows never change. A row ends
where an entry bundle does (rows of older logs may not), so that bundles are whole rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from tallystick.tiles import encode_bundle

MAX_ENTRIES = 64
MAX_BYTES = 32_768
"""A row is closed by the entry that takes it past this."""
ID_SIZE = 32
_ROWS = 64  # in a statement

_FIRST = "(SELECT coalesce(max(position), -1) + 1 FROM chunks WHERE position < ?)"
# Bytes that are called a text and then bytes again stay what they are.
_HOLDS = (
    f"SELECT CAST(group_concat(entries, '') AS BLOB) = ? AND {_FIRST} = ? AND max(position) = ?"
    " FROM (SELECT position, entries FROM chunks WHERE position BETWEEN ? AND ? ORDER BY position)"
)
_ROW_OF = "FROM chunks WHERE position >= ? ORDER BY position LIMIT 1"


def write(connection: sqlite3.Connection, first: int, entries: Sequence[bytes], statement_ids: Sequence[bytes]) -> None:
    """Put entries at the positions from ``first`` on; one statement id for each, or none at all."""
    rows = (
        (first + end - 1, b"".join(statement_ids[start:end]), encode_bundle(entries[start:end]))
        for start, end in _cut(first, entries)
    )
    # Many in one step: each is a turn with the interpreter's lock, for which others wait meanwhile.
    while some := list(islice(rows, _ROWS)):
        values = [value for row in some for value in row]
        connection.execute(f"INSERT INTO chunks VALUES (?, ?, ?){', (?, ?, ?)' * (len(some) - 1)}", values)


def _cut(first: int, entries: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(entries):
        some = entries[start : start + MAX_ENTRIES - (first + start) % MAX_ENTRIES]
        if sum(map(len, some)) > MAX_BYTES:
            some = _front(some)
        yield start, start + len(some)
        start += len(some)


def _front(entries: Sequence[bytes]) -> Sequence[bytes]:
    room = MAX_BYTES
    for count, entry in enumerate(entries, 1):
        room -= len(entry)
        if room <= 0:
            return entries[:count]
    return entries


def size(connection: sqlite3.Connection) -> int:
    """Number of entries."""
    (last,) = connection.execute("SELECT max(position) FROM chunks").fetchone()
    return 0 if last is None else last + 1


def read(connection: sqlite3.Connection, first: int, end: int) -> list[bytes]:
    """The entries of positions ``first`` to ``end`` - 1, as far as they exist; wrong ones from a damaged row."""
    (start,) = connection.execute(f"SELECT {_FIRST}", (first,)).fetchone()
    found: list[bytes] = []
    query = "SELECT position, entries FROM chunks WHERE position >= ? ORDER BY position"
    for last, data in connection.execute(query, (first,)):
        if start >= end:
            break
        entries = _split(data, last + 1 - start)
        found += entries[max(first - start, 0) : end - start] if start < first or last >= end else entries
        start = last + 1
    return found


def holds(connection: sqlite3.Connection, first: int, end: int, data: bytes) -> bool:
    """Whether the entries of positions ``first`` to ``end`` - 1 are those of an entry bundle; cheap if whole rows."""
    if first < end:
        # One step of SQLite, beside which other threads run.
        (same,) = connection.execute(_HOLDS, (data, first, first, end - 1, first, end - 1)).fetchone()
        if same:
            return True
    return encode_bundle(read(connection, first, end)) == data


def read_some(connection: sqlite3.Connection, positions: Iterable[int]) -> Iterator[tuple[bytes, bytes]]:
    """Entry and statement id at each of these positions, which exist; cheap where neighbours follow one another."""
    query = f"SELECT position, {_FIRST}, statement_ids, entries {_ROW_OF}"
    start, ids, entries = 0, b"", list[bytes]()
    for position in positions:
        if not start <= position < start + len(entries):
            last, start, ids, data = connection.execute(query, (position, position)).fetchone()
            entries = _split(data, last + 1 - start)
        at = position - start
        yield entries[at], ids[at * ID_SIZE : (at + 1) * ID_SIZE]


def id_at(connection: sqlite3.Connection, position: int) -> bytes:
    """The statement id of the entry at ``position``; empty if it has none."""
    query = f"SELECT substr(statement_ids, (? - {_FIRST}) * {ID_SIZE} + 1, {ID_SIZE}) {_ROW_OF}"
    row = connection.execute(query, (position, position, position)).fetchone()
    return bytes(row[0]) if row else b""


def ids_from(connection: sqlite3.Connection, position: int) -> Iterator[tuple[int, bytes]]:
    """Position and statement id of each entry from ``position`` on, of those that have one."""
    (start,) = connection.execute(f"SELECT {_FIRST}", (position,)).fetchone()
    query = "SELECT position, statement_ids FROM chunks WHERE position >= ? ORDER BY position"
    for last, ids in connection.execute(query, (position,)):
        for offset in range(max(position - start, 0), len(ids) // ID_SIZE):
            yield start + offset, ids[offset * ID_SIZE : (offset + 1) * ID_SIZE]
        start = last + 1


def _split(data: bytes, count: int) -> list[bytes]:
    """``count`` entries, whatever ``data`` is: a broken length gives wrong entries, seen by whoever hashes them."""
    entries = []
    at = 0
    try:
        for _ in range(count):
            end = at + 2 + (data[at] << 8 | data[at + 1])
            entries.append(data[at + 2 : end])
            at = end
    except IndexError:
        return [*entries, data[at:], *[b""] * (count - len(entries) - 1)]
    entries[-1] += data[at:]
    return entries
