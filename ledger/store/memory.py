"""The store in memory: for tests and for rehearsals. Snapshots are copies, so cost grows with size."""

from __future__ import annotations

import copy
import threading
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from ledger.errors import LogClosed
from ledger.store.protocol import BatchLine, Line, Record, Search, check_ids
from tallystick.admission import State
from tallystick.tiles import encode_bundle


class MemoryReads:
    """One state of a memory store; also its transaction."""

    def __init__(self) -> None:
        self._entries: list[bytes] = []
        self._ids: dict[int, bytes] = {}
        self._lines: dict[int, Line] = {}
        self._batches: list[BatchLine] = []
        self._by_statement: dict[bytes, int] = {}
        self._by_event: dict[tuple[str, str], int] = {}
        self._states: dict[str, State] = {}
        self._disclosures: dict[int, dict[str, str]] = {}

    def fork(self) -> MemoryReads:
        """A state that changes apart from this one."""
        other = MemoryReads()
        for name, value in vars(self).items():
            setattr(other, name, copy.copy(value))
        return other

    def size(self) -> int:
        """See ``Reads``."""
        return len(self._entries)

    def entries(self, first: int, end: int) -> list[bytes]:
        """See ``Reads``."""
        return self._entries[first:end]

    def holds(self, first: int, end: int, data: bytes) -> bool:
        """See ``Reads``."""
        return encode_bundle(self._entries[first:end]) == data

    def record(self, position: int) -> Record | None:
        """See ``Reads``."""
        line, batch = self._lines.get(position), self.batch_of(position)
        if line is None or batch is None:
            return None
        return Record(
            position,
            self._entries[position],
            self._ids.get(position, b""),
            line.party,
            line.event_id,
            line.type,
            line.subject,
            batch.admitted_at,
            batch.position,
        )

    def search(self, search: Search) -> list[Record]:
        """See ``Reads``."""
        found: list[Record] = []
        for position in range(search.after + 1, self.size()):
            line, record = self._lines.get(position), self.record(position)
            if line and record and _matches(line, record, search):
                found.append(record)
                if len(found) == search.limit:
                    break
        return found

    def next_about(self, subject: str, after: int) -> int | None:
        """See ``Reads``."""
        found = self.search(Search(subject=subject, after=after, limit=1))
        return found[0].position if found else None

    def last_batch(self) -> BatchLine | None:
        """See ``Reads``."""
        return self._batches[-1] if self._batches else None

    def batch_of(self, position: int) -> BatchLine | None:
        """See ``Reads``."""
        at = bisect_left(self._batches, position, key=lambda batch: batch.position)
        return self._batches[at] if at < len(self._batches) else None

    def batches(self, first: int) -> Iterator[BatchLine]:
        """See ``Reads``."""
        yield from self._batches[bisect_left(self._batches, first, key=lambda batch: batch.position) :]

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """See ``Reads``."""
        return {one: self._by_statement[one] for one in statement_ids if one in self._by_statement}

    def position_of_event(self, party: str, event_id: str) -> int | None:
        """See ``Reads``."""
        return self._by_event.get((party, event_id))

    def positions_of_events(self, events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """See ``Reads``."""
        return {one: self._by_event[one] for one in events if one in self._by_event}

    def get(self, key: str) -> State | None:
        """See ``Reads``."""
        return self._states.get(key)

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """See ``Reads``."""
        return {key: self._states[key] for key in keys if key in self._states}

    def states(self) -> Iterator[tuple[str, State]]:
        """See ``Reads``."""
        yield from sorted(self._states.items())

    def disclosures(self, position: int) -> dict[str, str]:
        """See ``Reads``."""
        return dict(self._disclosures.get(position, {}))

    def append(
        self,
        entries: Sequence[bytes],
        statement_ids: Sequence[bytes] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> int:
        """See ``Transaction``."""
        first = len(self._entries)
        check_ids(entries, statement_ids)
        for position, one in enumerate(statement_ids, first):
            if one in self._by_statement:
                raise ValueError(f"the statement id of position {position} is indexed already")
            self._by_statement[one] = position
            self._ids[position] = one
        if meanwhile:
            meanwhile()
        self._entries += entries
        return first

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        """See ``Transaction``."""
        for line in lines:
            event = (line.party, line.event_id)
            if line.position in self._lines or event in self._by_event:
                raise ValueError(f"position or event of position {line.position} is indexed already")
            self._lines[line.position] = line
            self._by_event[event] = line.position
            if line.disclosures:
                self._disclosures[line.position] = dict(line.disclosures)
        self._batches.append(batch)
        self._states.update(states)

    def disclose(self, position: int, texts: Mapping[str, str]) -> None:
        """See ``Transaction``."""
        self._disclosures[position] = {**texts, **self._disclosures.get(position, {})}

    def erase(self, position: int, names: Sequence[str]) -> list[str]:
        """See ``Transaction``."""
        held = dict(self._disclosures.get(position, {}))
        erased = [name for name in names if held.pop(name, None) is not None]
        self._disclosures[position] = held
        return erased


def _matches(line: Line, record: Record, search: Search) -> bool:
    return (
        (search.subject is None or search.subject in line.references)
        and (search.type is None or search.type == line.type)
        and (search.since is None or search.since <= record.admitted_at)
        and (search.until is None or record.admitted_at < search.until)
    )


class MemoryStore:
    """A ``Store`` that is gone with its process."""

    def __init__(self) -> None:
        self._committed = MemoryReads()
        self._writing = threading.Lock()
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[MemoryReads]:
        """See ``Store``."""
        self._check_open()
        yield self._committed

    @contextmanager
    def transaction(self) -> Iterator[MemoryReads]:
        """See ``Store``."""
        with self._writing:
            self._check_open()
            working = self._committed.fork()
            yield working
            self._committed = working

    def close(self) -> None:
        """See ``Store``."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed("the store was closed")
