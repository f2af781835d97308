"""Entries that a database lacks, put back as they were admitted: positions, index, batches and states, from bundles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ledger.errors import Corrupt
from ledger.store import BatchLine, Line, Store, Transaction, leaves_digest
from ledger.submission import prepare
from ledger.tilestore import TileStore
from tallystick.admission import State, StateReader, decide
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.erasure import Erasure
from tallystick.events.log import Batch
from tallystick.merkle import leaf_hash
from tallystick.statement import Statement, parse_statement
from tallystick.tiles import WIDTH, Tile, parse_bundle
from tallystick.times import parse_time

_TOGETHER = 2048
"""Entries committed together, or one batch if it has more."""


def published_entries(tiles: TileStore, first: int, size: int) -> Iterator[bytes]:
    """The entries from position ``first`` of a published tree of ``size``."""
    for index in range(first // WIDTH, (size + WIDTH - 1) // WIDTH):
        start, width = index * WIDTH, min(WIDTH, size - index * WIDTH)
        yield from parse_bundle(tiles.get(Tile(None, index, width)))[max(0, first - start) : width]


def append_published(store: Store, entries: Iterable[bytes], progress: Callable[[int], None]) -> int:
    """Put ``entries`` after those in ``store``; how many private values they commit to, which are not in them.

    Whole batches are committed, so that a crash leaves a log of fewer batches. Raises
    ``Corrupt`` where the rules do not admit what the log admitted, or a batch is cut off.
    """
    missing, source = 0, _batches(entries)
    batch = next(source, None)
    while batch:
        written = 0
        with store.transaction() as working:
            while batch and (not written or written + len(batch) <= _TOGETHER):
                missing += _append(working, batch)
                written += len(batch)
                batch = next(source, None)
        progress(written)
    return missing


def _batches(entries: Iterable[bytes]) -> Iterator[list[Statement]]:
    batch: list[Statement] = []
    for entry in entries:
        try:
            batch.append(parse_statement(entry))
        except MalformedInput as error:
            raise Corrupt(f"a published entry is no statement: {error}; run `fsck` where the log is whole") from None
        if batch[-1].event.type == "log.batch":
            yield batch
            batch = []
    if batch:
        raise Corrupt("the published entries end inside a batch: no checkpoint of this program covers that")


class _Pending:
    def __init__(self, below: StateReader) -> None:
        self._below = below
        self.changes: dict[str, State] = {}

    def get(self, key: str) -> State | None:
        return self.changes.get(key) or self._below.get(key)


def _append(working: Transaction, batch: list[Statement]) -> int:
    first, pending, lines = working.size(), _Pending(working), []
    body: Batch = batch[-1].event.body
    if (body.first, body.last) != (first, first + len(batch) - 2):
        raise Corrupt(
            f"the batch after position {first - 1} closes {body.first} to {body.last}: not of this log", first
        )
    admitted_at = parse_time(batch[-1].event.time)
    for position, statement in enumerate(batch, first):
        ready, event = prepare(statement), statement.event
        try:
            pending.changes.update(decide(statement, position, admitted_at, pending).changes)
        except VerificationFailed as error:
            raise Corrupt(
                f"the rules refuse entry {position}: {error}; run `replay` on a whole log", position
            ) from None
        lines.append(Line(position, ready.party, event.event_id, event.type, event.subject, ready.references))
    digest = leaves_digest(leaf_hash(one.entry) for one in batch)
    working.append([one.entry for one in batch], [one.statement_id for one in batch])
    working.index(lines, BatchLine(first + len(batch) - 1, first, admitted_at, digest), pending.changes)
    # The copy may be older than the erasure, and hold what was erased.
    for statement in batch:
        if isinstance(statement.event.body, Erasure):
            working.erase(statement.event.body.position, statement.event.body.names)
    return sum(len(one.event.commitments) for one in batch)
