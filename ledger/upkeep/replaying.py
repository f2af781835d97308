"""Every admission decided again, batch by batch, from the stored entries alone, and held against what is stored."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import field
from pathlib import Path

from ledger import fast_json
from ledger.map.check import compare
from ledger.map.disk import DiskMap
from ledger.store import BatchLine, Reads, Record, Search
from ledger.submission import speaker
from ledger.upkeep.completeness import Census, Completeness
from ledger.upkeep.erasing import still_kept
from tallystick.admission import Refused, State, decide
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.erasure import Erasure
from tallystick.events.log import Batch, MapRoot, Policy
from tallystick.lazy_dataclass import dataclass
from tallystick.references import references
from tallystick.statement import Statement, parse_statement
from tallystick.times import parse_time

_CHUNK = 1000
_LINES = 256
Progress = Callable[[int], None]
"""Told how many more entries are done."""


@dataclass(frozen=True)
class Finding:
    """Something is wrong at ``position``, or, -1, with the log as a whole."""

    position: int
    problem: str

    @property
    def order(self) -> tuple[bool, int]:
        """The first bad position comes first, what has none last."""
        return self.position < 0, self.position

    def __str__(self) -> str:
        return f"position {self.position}: {self.problem}" if self.position >= 0 else self.problem


@dataclass
class Replayed:
    """What the entries give: the state after the last of them, the figure of completeness, and what is wrong.

    ``policies``: each policy's position, and the version of the rules that decided what stands after it.
    """

    entries: int = 0
    states: dict[str, State] = field(default_factory=dict)
    erasures: list[tuple[int, Erasure]] = field(default_factory=list)
    map_roots: list[tuple[int, MapRoot]] = field(default_factory=list)
    policies: list[tuple[int, int]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    completeness: Completeness = field(default_factory=lambda: Census().figure())

    def find(self, position: int, problem: str) -> None:
        """Note that something is wrong."""
        self.findings.append(Finding(position, problem))


def replay_log(reads: Reads, progress: Progress = lambda done: None) -> Replayed:
    """Decide the whole log again. Memory grows with the number of subjects, not of entries."""
    result, census = Replayed(), Census()
    open_batch: list[tuple[int, Statement]] = []
    ids, index = _StatementIds(reads, result), _Index(reads, result)
    first = 0
    for position, entry in entries_of(reads):
        census.take(position, entry, reads)
        result.entries = position + 1
        try:
            statement = parse_statement(entry, fast_json.decode)
        except MalformedInput as error:
            result.find(position, f"the entry is not a statement: {error}")
            continue
        index.check(position, statement)
        ids.take(position, statement.statement_id)
        open_batch.append((position, statement))
        if isinstance(statement.event.body, Erasure):
            result.erasures.append((position, statement.event.body))
        if isinstance(statement.event.body, MapRoot):
            result.map_roots.append((position, statement.event.body))
        if statement.event.type == "log.batch":
            _replay_batch(reads, first, open_batch, result)
            progress(position + 1 - first)
            first, open_batch = position + 1, []
    if first < result.entries:
        result.find(first, "no batch entry closes over this position")
    ids.check()
    _check_states(reads, result)
    _check_vault(reads, result)
    _check_map(reads, result)
    result.completeness = census.figure()
    for gap in result.completeness.incomplete:
        result.find(gap.position, f"the object {gap.subject} lacks: {', '.join(gap.missing)}")
    result.findings.sort(key=lambda finding: finding.order)
    return result


def entries_of(reads: Reads) -> Iterator[tuple[int, bytes]]:
    """Position and bytes of every entry."""
    for first in range(0, reads.size(), _CHUNK):
        yield from enumerate(reads.entries(first, first + _CHUNK), first)


class _StatementIds:
    """Holds what the index says of statement ids against where they stand; many at a time, for each time costs."""

    def __init__(self, reads: Reads, result: Replayed) -> None:
        self._reads = reads
        self._result = result
        self._taken: dict[bytes, int] = {}

    def take(self, position: int, statement_id: bytes) -> None:
        if statement_id in self._taken:
            self.check()
        self._taken[statement_id] = position
        if len(self._taken) >= _CHUNK:
            self.check()

    def check(self) -> None:
        found = self._reads.positions_of(list(self._taken))
        for statement_id, position in self._taken.items():
            if found.get(statement_id) != position:
                self._result.find(position, "the index does not find this statement by its id")
        self._taken = {}


class _Pending:
    """State with the changes of the batch that is being replayed."""

    def __init__(self, below: dict[str, State]) -> None:
        self._below = below
        self.changes: dict[str, State] = {}

    def get(self, key: str) -> State | None:
        return self.changes.get(key) or self._below.get(key)

    def put(self, changes: Iterable[tuple[str, State]]) -> None:
        self.changes.update(changes)


def _replay_batch(reads: Reads, first: int, batch: list[tuple[int, Statement]], result: Replayed) -> None:
    position, closing = batch[-1]
    body: Batch = closing.event.body
    admitted_at = parse_time(closing.event.time)
    if (body.first, body.last) != (first, position - 1):
        result.find(position, f"the batch entry closes {body.first} to {body.last}, expected {first} to {position - 1}")
    stored = reads.batch_of(position)
    if stored is None or (stored.position, stored.first, stored.admitted_at) != (position, first, admitted_at):
        result.find(position, f"the store has the batch as {_text(stored)}, the entry says {first} at {admitted_at}")
    pending = _Pending(result.states)
    for at, statement in batch:
        try:
            pending.put(decide(statement, at, admitted_at, pending).changes)
            if isinstance(statement.event.body, Policy):
                result.policies.append((at, statement.event.body.version))
        except VerificationFailed as error:
            code = f"{error.code}: " if isinstance(error, Refused) else ""
            result.find(at, f"the rules refuse this entry: {code}{error}")
    result.states.update(pending.changes)


def _text(batch: BatchLine | None) -> str:
    return f"{batch.first} to {batch.position} at {batch.admitted_at}" if batch else "none"


class _Index:
    """Holds what the index says of entries against what they say themselves; its lines come many at a time."""

    def __init__(self, reads: Reads, result: Replayed) -> None:
        self._reads = reads
        self._result = result
        self._size = reads.size()
        self._lines: dict[int, Record] = {}
        self._until = -1

    def check(self, position: int, statement: Statement) -> None:
        """It says what the entry says, and finds it by every name that it has. Positions ascend."""
        record, event = self._line(position), statement.event
        expected = (statement.statement_id, speaker(statement), event.event_id, event.type, event.subject)
        if record is None or _indexed(record) != expected:
            self._result.find(position, "the index does not say of this entry what it says itself")
            return
        for name in references(statement):
            if self._reads.next_about(name, position - 1) != position:
                self._result.find(position, f"the index does not find this entry under {name}")

    def _line(self, position: int) -> Record | None:
        if position > self._until:
            self._until = min(position + _LINES, self._size) - 1
            # No line without an entry is asked for: it could not be read, and the count of the lines tells of it.
            found = self._reads.search(Search(after=position - 1, limit=self._until - position + 1))
            self._lines = {record.position: record for record in found}
        return self._lines.get(position)


def _indexed(record: Record) -> tuple[bytes, str, str, str, str]:
    return record.statement_id, record.party, record.event_id, record.type, record.subject


def _check_vault(reads: Reads, result: Replayed) -> None:
    for position, erasure in result.erasures:
        if still_kept(reads, erasure):
            result.find(position, f"values of entry {erasure.position} that this entry says were erased are kept still")


def _check_map(reads: Reads, result: Replayed) -> None:
    """The roots of the map that the log states are those of its entries; a map is made for it, beside nothing else."""
    if not result.map_roots:
        return
    with tempfile.TemporaryDirectory() as folder, closing(DiskMap(Path(folder) / "map.sqlite")) as found:
        for position, stated in result.map_roots:
            try:
                problem = compare(found, position, stated, reads.entries)
            # Entries are missing, which is told elsewhere: no map of what is left is worth a comparison.
            except ValueError as error:
                problem = f"the map cannot be made: {error}"
            if problem:
                result.find(position, problem)


def _check_states(reads: Reads, result: Replayed) -> None:
    try:
        _compare_states(reads, result)
    # A damaged state is no reason to say nothing of the rest.
    except (MalformedInput, ValueError) as error:
        result.find(-1, f"the states cannot be read: {error}")


def _compare_states(reads: Reads, result: Replayed) -> None:
    seen = set()
    for key, state in reads.states():
        seen.add(key)
        if result.states.get(key) != state:
            result.find(-1, f"the state stored under {key} is not what the entries give")
    for key in sorted(result.states.keys() - seen):
        result.find(-1, f"the state that the entries give to {key} is not stored")
