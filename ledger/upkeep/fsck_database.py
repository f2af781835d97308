"""What only the database can tell: damaged pages, rows that no entry asks for, the index that the writer uses."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from ledger import fast_json
from ledger.store.runs import StatementIds
from ledger.store.sqlite import connect, create
from ledger.store.sqlite_session import SqliteReads
from ledger.upkeep.replaying import Finding, entries_of
from tallystick.commitments import open_commitments, parse_disclosure
from tallystick.errors import MalformedInput, TallystickError
from tallystick.references import references
from tallystick.statement import parse_statement
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


def rows(database: Path) -> Iterator[Finding]:
    """No row stands for what no entry says, and every private value opens a commitment of its entry."""
    with closing(connect(database)) as connection:
        connection.execute("BEGIN")
        statement_ids, waiting = StatementIds(connection), dict[bytes, int]()
        named = values = size = batches = 0
        for position, entry in entries_of(SqliteReads(connection)):
            size = position + 1
            try:
                statement = parse_statement(entry, fast_json.decode)
            except TallystickError:
                continue  # The replay says so.
            named += len(references(statement))
            batches += statement.event.type == "log.batch"
            held = _disclosures(connection, position)
            values += len(held)
            yield from _opened(position, statement.event.commitments, held)
            waiting[statement.statement_id] = position
            if len(waiting) == _CHUNK:
                yield from _found(statement_ids, waiting)
                waiting = {}
        yield from _found(statement_ids, waiting)
        counts = {"statements": size, "disclosures": values, "batches": batches}
        for table, expected in counts.items():
            (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            if count != expected:
                yield Finding(-1, f"the table {table} has {count} rows, the entries give {expected}")
        for table, expected in {"mentions": named, "kinds": size}.items():
            (count,) = connection.execute(f"SELECT coalesce(sum(last - first + 1), 0) FROM {table}").fetchone()
            if count != expected:
                yield Finding(-1, f"the rows of the table {table} cover {count} positions, the entries give {expected}")


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
            if problem:
                yield Finding(start, f"the row of the table chunks for positions {start} to {last}: {problem}")
            start = last + 1


def _disclosures(connection: sqlite3.Connection, position: int) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, disclosure FROM disclosures WHERE position = ?", (position,)).fetchall()


def _opened(position: int, commitments: dict, held: list[tuple[str, str]]) -> Iterator[Finding]:
    for name, disclosure in held:
        try:
            parsed = parse_disclosure(disclosure)
            open_commitments(commitments, [parsed])
            problem = "" if parsed.name == name else f"it discloses {parsed.name!r}"
        except TallystickError as error:
            problem = str(error)
        if problem:
            yield Finding(position, f"the private value {name!r} in the table disclosures: {problem}")


def _found(statement_ids: StatementIds, expected: dict[bytes, int]) -> Iterator[Finding]:
    found = statement_ids.find(list(expected))
    for statement_id, position in expected.items():
        if found.get(statement_id) != position:
            yield Finding(
                position, "the writer's index of statement ids (runs, buckets, filters) does not find this one"
            )
