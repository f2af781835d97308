"""Reads and writes of one SQLite connection: driver SQL throughout."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ledger.store import chunks, runs
from ledger.store.protocol import BatchLine, Line, Record, Search, check_ids
from ledger.store.states import dump_state, load_state
from tallystick.admission import State

T = TypeVar("T")

_PAGE = 4096
_PARAMETERS = 500  # per statement, below SQLite's limit of 999 in old builds

_RECORD = (
    "SELECT s.position, s.party, s.event_id, s.type, s.subject, b.admitted_at, b.position"
    " FROM statements s JOIN batches b ON b.position ="
    " (SELECT position FROM batches WHERE position >= s.position ORDER BY position LIMIT 1)"
)
_BATCH = "SELECT position, first, admitted_at, digest FROM batches"


class SqliteReads:
    """Reads of one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def size(self) -> int:
        """See ``Reads``."""
        return chunks.size(self._connection)

    def entries(self, first: int, end: int) -> list[bytes]:
        """See ``Reads``."""
        return chunks.read(self._connection, first, end)

    def holds(self, first: int, end: int, data: bytes) -> bool:
        """See ``Reads``."""
        return chunks.holds(self._connection, first, end, data)

    def record(self, position: int) -> Record | None:
        """See ``Reads``."""
        found = self._records(self._connection.execute(f"{_RECORD} WHERE s.position = ?", (position,)).fetchall())
        return found[0] if found else None

    def _records(self, rows: Sequence[tuple[Any, ...]]) -> list[Record]:
        entries = chunks.read_some(self._connection, [row[0] for row in rows])
        return [Record(row[0], *entry, *row[1:]) for row, entry in zip(rows, entries, strict=True)]

    def search(self, search: Search) -> list[Record]:
        """See ``Reads``."""
        query, conditions, order = _RECORD, ["s.position > ?"], "s.position"
        values: list[str | int] = [search.after]
        if search.subject is not None:
            # The index of references gives them in this order; by the other column SQLite would sort all of them first.
            order = "r.position"
            query += " JOIN subject_references r ON r.position = s.position AND r.subject = ? AND r.position > ?"
            values = [search.subject, search.after, search.after]
        if search.type is not None:
            conditions.append("s.type = ?")
            values.append(search.type)
        if search.since is not None:
            # Times never fall: the first batch of that time or later begins the range.
            conditions.append("s.position >= (SELECT min(first) FROM batches WHERE admitted_at >= ?)")
            values.append(search.since)
        if search.until is not None:
            conditions.append("s.position <= (SELECT max(position) FROM batches WHERE admitted_at < ?)")
            values.append(search.until)
        query += f" WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        return self._records(self._connection.execute(query, (*values, search.limit)).fetchall())

    def next_about(self, subject: str, after: int) -> int | None:
        """See ``Reads``."""
        query = "SELECT position FROM subject_references WHERE subject = ? AND position > ? ORDER BY position LIMIT 1"
        row = self._connection.execute(query, (subject, after)).fetchone()
        return row[0] if row else None

    def last_batch(self) -> BatchLine | None:
        """See ``Reads``."""
        return self._batch(f"{_BATCH} ORDER BY position DESC LIMIT 1", ())

    def batch_of(self, position: int) -> BatchLine | None:
        """See ``Reads``."""
        return self._batch(f"{_BATCH} WHERE position >= ? ORDER BY position LIMIT 1", (position,))

    def batches(self, first: int) -> Iterator[BatchLine]:
        """See ``Reads``."""
        for row in self._connection.execute(f"{_BATCH} WHERE position >= ? ORDER BY position", (first,)):
            yield BatchLine(*row)

    def _batch(self, query: str, values: tuple[int, ...]) -> BatchLine | None:
        row = self._connection.execute(query, values).fetchone()
        return BatchLine(*row) if row else None

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See ``Reads``."""
        return runs.find(self._connection, statement_ids)

    def position_of_event(self, party: str, event_id: str) -> int | None:
        """See ``Reads``."""
        query = "SELECT position FROM statements WHERE party = ? AND event_id = ?"
        row = self._connection.execute(query, (party, event_id)).fetchone()
        return row[0] if row else None

    def positions_of_events(self, events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """See ``Reads``."""
        by_party: dict[str, list[str]] = {}
        for party, event_id in events:
            by_party.setdefault(party, []).append(event_id)
        query = "SELECT event_id, position FROM statements WHERE party = ? AND event_id IN"
        return {
            (party, event_id): position
            for party, event_ids in by_party.items()
            for some in _some(event_ids)
            for event_id, position in self._connection.execute(f"{query} ({_marks(some)})", (party, *some))
        }

    def get(self, key: str) -> State | None:
        """See ``Reads``."""
        row = self._connection.execute("SELECT state FROM states WHERE key = ?", (key,)).fetchone()
        return load_state(row[0]) if row else None

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """See ``Reads``."""
        query = "SELECT key, state FROM states WHERE key IN"
        return {
            key: load_state(state)
            for some in _some(list(keys))
            for key, state in self._connection.execute(f"{query} ({_marks(some)})", some)
        }

    def states(self) -> Iterator[tuple[str, State]]:
        """See ``Reads``."""
        for key, state in self._connection.execute("SELECT key, state FROM states ORDER BY key"):
            yield key, load_state(state)

    def disclosures(self, position: int) -> dict[str, str]:
        """See ``Reads``."""
        query = "SELECT name, disclosure FROM disclosures WHERE position = ? ORDER BY name"
        return dict(self._connection.execute(query, (position,)).fetchall())


class SqliteTransaction(SqliteReads):
    """The write transaction of one connection."""

    def __init__(self, connection: sqlite3.Connection, statement_ids: Callable[[], runs.StatementIds]) -> None:
        super().__init__(connection)
        self._statement_ids = statement_ids
        self.erased = False
        self.pages = 1
        """Pages that were changed, about."""

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See ``Reads``."""
        return self._statement_ids().find(statement_ids)

    def append(self, entries: Sequence[bytes], statement_ids: Sequence[bytes] = ()) -> int:
        """See ``Transaction``."""
        first = self.size()
        check_ids(entries, statement_ids)
        if statement_ids:
            self._statement_ids().add(first, statement_ids)
        chunks.write(self._connection, first, entries, statement_ids)
        self.pages += sum(map(len, entries)) // _PAGE + len(entries) // 16
        return first

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        """See ``Transaction``."""
        # The keys of a line are scattered over the indexes.
        self.pages += 4 * len(lines)
        many = self._connection.executemany
        many(
            "INSERT INTO statements VALUES (?, ?, ?, ?, ?)",
            ((line.position, line.party, line.event_id, line.type, line.subject) for line in lines),
        )
        many(
            "INSERT INTO subject_references VALUES (?, ?)",
            ((name, line.position) for line in lines for name in sorted(line.references)),
        )
        many(
            "INSERT INTO disclosures VALUES (?, ?, ?)",
            ((line.position, *item) for line in lines for item in line.disclosures.items()),
        )
        many(
            "INSERT INTO states VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state",
            ((key, dump_state(state)) for key, state in states.items()),
        )
        self._connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?)", (batch.position, batch.first, batch.admitted_at, batch.digest)
        )

    def disclose(self, position: int, texts: Mapping[str, str]) -> None:
        """See ``Transaction``."""
        self.pages += sum(map(len, texts.values())) // _PAGE + len(texts)
        query = "INSERT INTO disclosures VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._connection.executemany(query, [(position, *item) for item in texts.items()])

    def erase(self, position: int, names: Sequence[str]) -> list[str]:
        """See ``Transaction``."""
        held = self.disclosures(position)
        erased = [name for name in dict.fromkeys(names) if name in held]
        query = "DELETE FROM disclosures WHERE position = ? AND name = ?"
        self._connection.executemany(query, [(position, name) for name in erased])
        self.erased = self.erased or bool(erased)
        return erased


def _some(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(values), _PARAMETERS):
        yield values[at : at + _PARAMETERS]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
