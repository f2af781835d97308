"""What only the database can tell: damaged pages, rows that no entry asks for, the index that the writer uses."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ledger.store.runs import StatementIds
from ledger.store.sqlite import connect, create
from ledger.store.sqlite_session import SqliteReads
from ledger.upkeep.fsck_rows import Asked, miscounted, values
from ledger.upkeep.replaying import Finding
from tallystick.errors import MalformedInput
from tallystick.statement import Statement
from tallystick.tiles import parse_bundle

_CHUNK = 1000
_MOST = 100


def pages(database: Path) -> Iterator[Finding]:
    """SQLite's own check of every page: trees, cells, indexes against tables."""
    with closing(connect(database)) as connection:
        for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):
            if line != "ok":
                yield Finding(-1, f"{database.name}, as SQLite's integrity_check says: {line}")


def schema(database: Path) -> Iterator[Finding]:
    """Tables and indexes are declared as the migrations declare them."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / database.name
        create(fresh)
        expected, found = _declared(fresh), _declared(database)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            yield Finding(
                -1, f"{database.name} declares {name} as {found.get(name)!r}, expected {expected.get(name)!r}"
            )


def _declared(database: Path) -> dict[str, tuple[str, str]]:
    with closing(connect(database)) as connection:
        return {
            f"{kind} {name}": (table, str(sql))
            for kind, name, table, sql in connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema")
        }


def rows(database: Path, asked: Asked) -> Iterator[Finding]:
    """No row stands for what no entry says, and every private value opens a commitment of its entry.

    ``asked`` is counted on the way.
    """
    with closing(connect(database)) as connection:
        connection.execute("BEGIN")
        ids = _WritersIndex(StatementIds(connection))
        yield from values(SqliteReads(connection), asked, ids.take)
        yield from ids.check()
        counts = {"statements": asked.entries, "disclosures": asked.values, "batches": asked.batches}
        yield from miscounted(counts, lambda table: _one(connection, f"SELECT count(*) FROM {table}"))
        for table, expected in {"mentions": asked.named, "kinds": asked.entries}.items():
            count = _one(connection, f"SELECT coalesce(sum(last - first + 1), 0) FROM {table}")
            if count != expected:
                yield Finding(-1, f"the rows of the table {table} cover {count} positions, the entries give {expected}")


def _one(connection: sqlite3.Connection, query: str) -> int:
    (found,) = connection.execute(query).fetchone()
    return int(found)


def chunks(database: Path) -> Iterator[Finding]:
    """Each row of entries is a bundle of as many as its position says; reading forgives a wrong last length."""
    start = 0
    with closing(connect(database)) as connection:
        for last, data in connection.execute("SELECT position, entries FROM chunks ORDER BY position"):
            try:
                count = len(parse_bundle(data))
                problem = "" if count == last + 1 - start else f"it holds {count} entries, not {last + 1 - start}"
            except MalformedInput as error:
                problem = str(error)
            if last < 0:  # one of no entries has as many as its position says
                problem = f"it holds {len(data)} bytes before the first position"
            if problem:
                yield Finding(start, f"the row of the table chunks for positions {start} to {last}: {problem}")
            start = last + 1


class _WritersIndex:
    """Holds the writer's index of statement ids against where they stand, many at a time."""

    def __init__(self, found: StatementIds) -> None:
        self._found = found
        self._waiting: dict[bytes, int] = {}

    def take(self, position: int, statement: Statement) -> Iterator[Finding]:
        self._waiting[statement.statement_id] = position
        if len(self._waiting) == _CHUNK:
            yield from self.check()

    def check(self) -> Iterator[Finding]:
        found = self._found.find(list(self._waiting))
        for statement_id, position in self._waiting.items():
            if found.get(statement_id) != position:
                yield Finding(
                    position, "the writer's index of statement ids (runs, buckets, filters) does not find this one"
                )
        self._waiting = {}
