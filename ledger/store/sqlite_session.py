"""Reads and writes of one SQLite connection: driver SQL throughout."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ledger.store import chunks, event_ids, names, runs
from ledger.store.protocol import BatchLine, Line, Record, Search, check_ids
from ledger.store.rows import insert
from ledger.store.states import dump_state, load_state
from tallystick.admission import State

_PAGE = 4096

_COLUMNS = "SELECT s.position, s.party, s.event_id, s.type, s.subject, b.admitted_at, b.position"
_STATEMENTS = (
    "statements s JOIN batches b ON b.position ="
    " (SELECT position FROM batches WHERE position >= s.position ORDER BY position LIMIT 1)"
)
_RECORD = f"{_COLUMNS} FROM {_STATEMENTS}"
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
        source, conditions, order = _STATEMENTS, ["s.position > ?"], "s.position"
        values: list[str | int] = [search.after]
        if search.type is not None:
            conditions.append("s.type = ?")
            values.append(search.type)
        # Rows of entries that follow one another come first: in their order the entries need not be sorted.
        if search.subject is not None:
            source = f"mentions r CROSS JOIN {_STATEMENTS}"
            conditions.append(f"r.name = {names.NUMBER}")
            values += [names.name_key(search.subject), search.subject]
        elif search.type is not None:
            source = f"kinds r CROSS JOIN {_STATEMENTS}"
            conditions.append("r.type = ?")
            values.append(search.type)
        if source != _STATEMENTS:
            order = "r.last, s.position"
            conditions.append("r.last > ? AND s.position BETWEEN r.first AND r.last")
            values.append(search.after)
        if search.since is not None:
            # Times never fall: the first batch of that time or later begins the range.
            conditions.append("s.position >= (SELECT min(first) FROM batches WHERE admitted_at >= ?)")
            values.append(search.since)
        if search.until is not None:
            conditions.append("s.position <= (SELECT max(position) FROM batches WHERE admitted_at < ?)")
            values.append(search.until)
        query = f"{_COLUMNS} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY {order} LIMIT ?"
        return self._records(self._connection.execute(query, (*values, search.limit)).fetchall())

    def next_about(self, subject: str, after: int) -> int | None:
        """See ``Reads``."""
        return names.next_mention(self._connection, subject, after + 1)

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
        return self.positions_of_events([(party, event_id)]).get((party, event_id))

    def positions_of_events(self, events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """See ``Reads``."""
        return event_ids.find(self._connection, dict(zip(events, event_ids.event_keys(events), strict=True)))

    def get(self, key: str) -> State | None:
        """See ``Reads``."""
        state = names.state_of(self._connection, key)
        return None if state is None else load_state(state)

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """See ``Reads``."""
        found = names.find(self._connection, dict(zip(keys, names.keys_of(keys), strict=True)))
        return {key: load_state(state) for key, _, state in found if state is not None}

    def states(self) -> Iterator[tuple[str, State]]:
        """See ``Reads``."""
        for key, state in self._connection.execute(
            "SELECT name, state FROM names WHERE state IS NOT NULL ORDER BY name"
        ):
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
        self._absent: set[bytes] = set()
        """Statement ids that were looked for in this transaction, and stand nowhere."""
        self._event_ids = event_ids.EventIds(connection)
        self._names = names.Names(connection)
        self.erased = False
        self.pages = 1
        """Pages that were changed, about."""

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See ``Reads``."""
        found = self._statement_ids().find(statement_ids)
        self._absent.update([one for one in statement_ids if one not in found])
        return found

    def positions_of_events(self, events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """See ``Reads``."""
        return self._event_ids.find(events)

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """See ``Reads``."""
        return {key: load_state(state) for key, state in self._names.states(keys).items()}

    def append(
        self,
        entries: Sequence[bytes],
        statement_ids: Sequence[bytes] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> int:
        """See ``Transaction``."""
        first = self.size()
        check_ids(entries, statement_ids)
        if statement_ids:
            self._statement_ids().add(first, statement_ids, self._absent)
            self._absent.difference_update(statement_ids)
        chunks.write(self._connection, first, entries, statement_ids)
        self.pages += sum(map(len, entries)) // _PAGE + len(entries) // 16
        return first

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        """See ``Transaction``."""
        # The keys of a line, its event's and its name's, are scattered; all else stands side by side.
        self.pages += 2 * len(lines)
        self._event_ids.add(lines)
        self._names.write(lines, {key: dump_state(state) for key, state in states.items()})
        disclosed = [(line.position, *item) for line in lines for item in line.disclosures.items()]
        insert(self._connection, "statements", [line[:5] for line in lines])
        insert(self._connection, "kinds", names.spans([(line.type, line.position) for line in lines]))
        insert(self._connection, "disclosures", disclosed)
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
