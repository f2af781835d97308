"""Which statement stands where: an exact index of statement ids that never touches a page for each id (ADR 0012).

A B-tree of random keys rewrites one page for nearly every key. Here the newest ids are a
table in memory (``chunks`` has them on the disk), and the older ones stand in *runs*:
``FAN`` runs of one level are merged into one of the next, bucket by bucket, a little of it
in each transaction that adds ids. A bucket holds the keys with the same leading bits, in
order; a key is the first eight bytes of an id, and the id itself is compared before a key
counts. For each run a filter in memory, two bytes for a key, says which buckets are worth a
look. All of it is part of the transaction that appends; what is in memory is read again
after one that failed.
"""

from __future__ import annotations

import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from dataclasses import field
from itertools import islice

from ledger.store import chunks
from tallystick.lazy_dataclass import dataclass

TAIL = 32_768
"""Ids in a run of level 0; fewer than this are held in memory beside the runs."""
FAN_BITS = 3
FAN = 1 << FAN_BITS
FIRST_BITS = 7
"""Leading bits that name a bucket of level 0: 256 keys in each, at every level."""
_RECORD = 13  # eight bytes of the id, five of the position: 256 of them fit in a page of SQLite
_FILTER_BITS = 9
_FILTER = 1 << _FILTER_BITS  # bytes for each bucket
_PACE = 8  # keys merged at each level for each one added: eight times what keeps up, for runs cost every look
_SLOT_BITS = 32
_PARAMETERS = 500


@dataclass
class _Run:
    number: int
    level: int
    stop: int
    merged: int
    """Buckets of the level below that have come in; all of them when it is whole."""
    filter: bytearray = field(repr=False)

    @property
    def bits(self) -> int:
        return _bits(self.level)

    @property
    def whole(self) -> bool:
        return self.level == 0 or self.merged == 1 << self.bits - FAN_BITS

    def slot(self, bucket: int) -> int:
        return self.number << _SLOT_BITS | bucket


class StatementIds:
    """The index as the one writer sees it, inside its transaction; to be made anew after one that failed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._runs = [_Run(*row, bytearray()) for row in _runs(connection)]
        for run in self._runs:
            run.filter = self._read_filter(run)
        start = max((run.stop for run in self._runs), default=0)
        self._tail = {one: position for position, one in chunks.ids_from(connection, start)}
        self._due: dict[int, int] = {}

    def find(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Positions of those that stand."""
        tail = self._tail
        found = {one: tail[one] for one in statement_ids if one in tail}
        if self._runs and len(found) < len(statement_ids):
            rest = [one for one in statement_ids if one not in found] if found else statement_ids
            found.update(_look_up(self._connection, self._candidates(rest)))
        return found

    def _candidates(self, statement_ids: Sequence[bytes]) -> list[tuple[int, bytes]]:
        """(slot, id) of each bucket that may hold an id."""
        keys = [key for (key,) in struct.iter_unpack(">Q24x", b"".join(statement_ids))]
        places = [key >> 3 & _FILTER - 1 for key in keys]
        bits = [1 << (key & 7) for key in keys]
        found = []
        for level in {run.level for run in self._runs}:
            # What a level's runs have in common is worked out once: the rest is done for every id and run.
            shift = 64 - _bits(level)
            wheres = [key >> shift << _FILTER_BITS | place for key, place in zip(keys, places, strict=True)]
            for run in self._runs:
                if run.level == level:
                    held, base = run.filter, run.slot(0)
                    found += [
                        (base | key >> shift, one)
                        for where, bit, key, one in zip(wheres, bits, keys, statement_ids, strict=True)
                        if held[where] & bit and _second(held, key, shift)
                    ]
        return found

    def add(self, first: int, statement_ids: Sequence[bytes], absent: Container[bytes] = ()) -> None:
        """The ids of the entries that ``chunks`` is about to get from ``first`` on. Raises ``ValueError``.

        ``absent``: ids that ``find`` did not find in this transaction, and that were not added since.
        """
        fresh = dict(zip(statement_ids, range(first, first + len(statement_ids)), strict=True))
        if len(fresh) < len(statement_ids) or self.find([one for one in statement_ids if one not in absent]):
            raise ValueError("a statement id that was to be appended is indexed already")
        self._tail.update(fresh)
        while len(self._tail) >= TAIL:
            self._spill()
        for level in range(max((run.level for run in self._runs), default=-1) + 1):
            self._merge(level, len(statement_ids))

    def _spill(self) -> None:
        """The oldest ids in memory become a run."""
        # By iterators: tens of thousands of pairs at a time would each be looked at by the garbage collector.
        items = islice(self._tail.items(), TAIL)
        records = sorted([one[:8] + position.to_bytes(_RECORD - 8, "big") for one, position in items])
        (last,) = islice(self._tail.values(), TAIL - 1, TAIL)
        self._put(self._new_run(0, last + 1), 0, 1 << FIRST_BITS, records)
        self._tail = dict(islice(self._tail.items(), TAIL, None))

    def _merge(self, level: int, added: int) -> None:
        """Do what is due of merging the oldest runs of ``level``."""
        due = self._due.get(level, 0) + _PACE * added
        while due >= FAN * TAIL >> FIRST_BITS:
            sources = [run for run in self._runs if run.level == level and run.whole][:FAN]
            if len(sources) < FAN:
                due = 0
                break
            self._merge_bucket(sources, self._target(sources))
            due -= FAN * TAIL >> FIRST_BITS
        self._due[level] = due

    def _target(self, sources: Sequence[_Run]) -> _Run:
        level = sources[0].level + 1
        begun = [run for run in self._runs if run.level == level and not run.whole]
        return begun[0] if begun else self._new_run(level, sources[-1].stop)

    def _merge_bucket(self, sources: Sequence[_Run], target: _Run) -> None:
        bucket = target.merged
        slots = [run.slot(bucket) for run in sources]
        held = self._connection.execute(f"SELECT records FROM buckets WHERE slot IN ({_marks(slots)})", slots)
        records = sorted(record for (data,) in held.fetchall() for record in _split(data))
        self._connection.execute(f"DELETE FROM buckets WHERE slot IN ({_marks(slots)})", slots)
        self._put(target, bucket << FAN_BITS, FAN, records)
        target.merged += 1
        self._connection.execute("UPDATE runs SET merged = ? WHERE run = ?", (target.merged, target.number))
        if target.whole:
            for run in sources:
                self._forget(run)

    def _put(self, run: _Run, first: int, count: int, records: list[bytes]) -> None:
        """Write ``count`` buckets from ``first`` on, and the part of the filter that is theirs."""
        shift = 64 - run.bits
        edges = [((first + at) << shift).to_bytes(8, "big") for at in range(1, count)]
        cuts = [0, *(bisect_left(records, edge) for edge in edges), len(records)]
        rows = [(run.slot(first + at), b"".join(records[cuts[at] : cuts[at + 1]])) for at in range(count)]
        self._connection.executemany("INSERT INTO buckets VALUES (?, ?)", rows)
        bits = run.filter
        for (key,) in struct.iter_unpack(">Q5x", b"".join(records)):
            base = key >> shift << _FILTER_BITS
            bits[base | key >> 3 & _FILTER - 1] |= 1 << (key & 7)
            bits[base | key >> 15 & _FILTER - 1] |= 1 << (key >> 12 & 7)
        part = bytes(bits[first * _FILTER : (first + count) * _FILTER])
        self._connection.execute("INSERT INTO filters VALUES (?, ?)", (run.slot(first), part))

    def _new_run(self, level: int, stop: int) -> _Run:
        number = max((run.number for run in self._runs), default=0) + 1
        run = _Run(number, level, stop, 0, bytearray())
        run.filter = bytearray(_FILTER << run.bits)
        self._connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (number, level, stop, 0))
        self._runs.append(run)
        return run

    def _forget(self, run: _Run) -> None:
        self._runs.remove(run)
        self._connection.execute("DELETE FROM runs WHERE run = ?", (run.number,))
        self._connection.execute("DELETE FROM filters WHERE slot >= ? AND slot < ?", _slots(run))

    def _read_filter(self, run: _Run) -> bytearray:
        bits = bytearray(_FILTER << run.bits)
        query = "SELECT slot, bits FROM filters WHERE slot >= ? AND slot < ?"
        for slot, part in self._connection.execute(query, _slots(run)):
            start = (slot - run.slot(0)) * _FILTER
            bits[start : start + len(part)] = part
        return bits


def find(connection: sqlite3.Connection, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
    """Positions of those that stand, from the database alone: for a snapshot, which knows no filters."""
    runs = [_Run(*row, bytearray()) for row in _runs(connection)]
    asked = set(statement_ids)
    start = max((run.stop for run in runs), default=0)
    found = {one: position for position, one in chunks.ids_from(connection, start) if one in asked}
    rest = [(int.from_bytes(one[:8], "big"), one) for one in asked - found.keys()]
    slots = [(run.slot(key >> 64 - run.bits), one) for run in runs for key, one in rest]
    return {**found, **_look_up(connection, slots)}


def _bits(level: int) -> int:
    """Leading bits that name a bucket."""
    return FIRST_BITS + FAN_BITS * level


def _runs(connection: sqlite3.Connection) -> list[tuple[int, int, int, int]]:
    return connection.execute("SELECT run, level, stop, merged FROM runs ORDER BY run").fetchall()


def _look_up(connection: sqlite3.Connection, candidates: Iterable[tuple[int, bytes]]) -> dict[bytes, int]:
    wanted: dict[int, list[bytes]] = {}
    for slot, one in candidates:
        wanted.setdefault(slot, []).append(one)
    slots, found = list(wanted), {}
    for at in range(0, len(slots), _PARAMETERS):
        some = slots[at : at + _PARAMETERS]
        query = f"SELECT slot, records FROM buckets WHERE slot IN ({_marks(some)})"
        for slot, data in connection.execute(query, some).fetchall():
            for one in wanted[slot]:
                position = _search(connection, data, one)
                if position is not None:
                    found[one] = position
    return found


def _search(connection: sqlite3.Connection, data: bytes, one: bytes) -> int | None:
    """The position that a bucket gives to an id: keys are short, so each that fits is compared in full."""
    at = data.find(one[:8])
    while at >= 0:
        if at % _RECORD == 0:
            position = int.from_bytes(data[at + 8 : at + _RECORD], "big")
            if chunks.id_at(connection, position) == one:
                return position
        at = data.find(one[:8], at + 1)
    return None


def _second(held: bytearray, key: int, shift: int) -> int:
    """The other of the two bits that a key has in a filter."""
    return held[key >> shift << _FILTER_BITS | key >> 15 & _FILTER - 1] & 1 << (key >> 12 & 7)


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + _RECORD] for at in range(0, len(data), _RECORD)]


def _slots(run: _Run) -> tuple[int, int]:
    return run.number << _SLOT_BITS, run.number + 1 << _SLOT_BITS


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
