"""Entries that a database lacks, put back as they were admitted: positions, index, batches, states; and private values.

They come from published bundles, which hold no private values, or from another store, which does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from dataclasses import field
from itertools import chain, islice, zip_longest
from typing import TypeAlias

from ledger import fast_json
from ledger.errors import Corrupt, LogExists
from ledger.pending import Pending
from ledger.store import BatchLine, Line, Reads, Store, Transaction, leaves_digest
from ledger.submission import prepare
from ledger.tiles import Tiles
from ledger.upkeep.erasing import erasures
from ledger.upkeep.fsck_rows import misfit
from tallystick.admission import decide
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.erasure import Erasure
from tallystick.events.log import Batch
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import leaf_hash
from tallystick.statement import Statement, parse_statement
from tallystick.tiles import WIDTH, Tile, parse_bundle
from tallystick.times import parse_time

_TOGETHER = 2048
"""Entries committed together, or one batch if it has more."""
_CHUNK = 1000

Values: TypeAlias = Callable[[int], Mapping[str, str]]
"""The private values of the entry at a position, by name, as far as they are known."""


def published_entries(tiles: Tiles, first: int, size: int) -> Iterator[bytes]:
    """The entries from position ``first`` of a published tree of ``size``."""
    for index in range(first // WIDTH, (size + WIDTH - 1) // WIDTH):
        start, width = index * WIDTH, min(WIDTH, size - index * WIDTH)
        yield from parse_bundle(tiles.get(Tile(None, index, width)))[max(0, first - start) : width]


def no_values(position: int) -> Mapping[str, str]:
    """Tiles hold none."""
    return {}


def append_published(
    store: Store, entries: Iterable[bytes], progress: Callable[[int], None], values: Values = no_values
) -> int:
    """Put ``entries`` after those in ``store``, with their ``values``; how many more they commit to, not erased since.

    Whole batches are committed, so that a crash leaves a log of fewer batches. Raises
    ``Corrupt`` where the rules do not admit what the log admitted, or a batch is cut off.
    """
    missing, source = _Missing(), _batches(entries)
    batch = next(source, None)
    while batch:
        written = 0
        with store.transaction() as working:
            while batch and (not written or written + len(batch) <= _TOGETHER):
                _append(working, batch, values, missing)
                written += len(batch)
                batch = next(source, None)
        progress(written)
    return missing.count


def copy_log(source: Reads, target: Store, progress: Callable[[int], None]) -> None:
    """Put what ``source`` has after what ``target`` has, private values too; then both have the same batches.

    Of entries that ``target`` has it gets the private values that it lacks, for tiles hold none. An attempt that was
    cut short is gone on with. Raises ``LogExists`` where ``target`` holds what ``source`` does not, and ``Corrupt``
    where an entry of ``source`` is not as it was appended.
    """
    with target.snapshot() as reads:
        first = reads.size()
        for there, here in zip_longest(source.batches(0), reads.batches(0)):
            if here is None:
                break
            if there != here:
                raise LogExists(
                    f"there are {first} entries, and those from position {here.first} on are not in the copy that was "
                    f"given, which has {source.size()}: a restore replaces nothing. To bring forward what is there "
                    "leave the copy out; to give it up choose an empty place"
                )
    chunks = (source.entries(at, at + _CHUNK) for at in range(first, source.size(), _CHUNK))
    append_published(target, chain.from_iterable(chunks), progress, source.disclosures)
    _bring_values(source, target, first)
    with target.snapshot() as reads:
        for there, here in zip_longest(source.batches(0), reads.batches(0)):
            if there != here:
                at = (there or here).first
                raise Corrupt(f"an entry of the batch from position {at} on is not as it was appended: run `fsck`", at)


def _bring_values(source: Reads, target: Store, end: int) -> None:
    """Private values of the first ``end`` entries, but for what was erased since, and for what opens no commitment."""
    with target.snapshot() as reads:
        gone = {(body.position, name) for _, body in erasures(reads) for name in body.names}
    lacking = _lacking(source, target, end, gone)
    while some := dict(islice(lacking, _CHUNK)):
        with target.transaction() as working:
            for position, values in some.items():
                working.disclose(position, values)


def _lacking(
    source: Reads, target: Store, end: int, gone: Container[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for first in range(0, end, _CHUNK):
        # A snapshot for each: while the writer waits for what to write, none is left open.
        with target.snapshot() as reads:
            found = list(_lacking_in(source, reads, first, min(first + _CHUNK, end), gone))
        yield from found


def _lacking_in(
    source: Reads, reads: Reads, first: int, end: int, gone: Container[tuple[int, str]]
) -> Iterator[tuple[int, dict[str, str]]]:
    for position, entry in enumerate(reads.entries(first, end), first):
        commitments = parse_statement(entry, fast_json.decode).event.commitments
        known = source.disclosures(position) if commitments else {}
        kept = reads.disclosures(position) if known else {}
        wanted = {
            name: text
            for name, text in known.items()
            if name not in kept and (position, name) not in gone and not misfit(commitments, name, text)
        }
        if wanted:
            yield position, wanted


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


@dataclass
class _Missing:
    """Private values that entries commit to, from position ``first`` on, and that nothing gave."""

    first: int | None = None
    count: int = 0
    erased: set[tuple[int, str]] = field(default_factory=set)
    """Erasures are few. Entries of rules version 1 may have the same one twice."""

    def expect(self, position: int, commitments: Collection[str], known: Collection[str]) -> None:
        """Of one more entry."""
        if self.first is None:
            self.first = position
        self.count += len(set(commitments) - set(known))

    def erase(self, working: Transaction, body: Erasure) -> None:
        """Values go; those that had been missing are missed no more."""
        gone = {name for name in body.names if (body.position, name) not in self.erased}
        self.erased.update((body.position, name) for name in gone)
        # The copy may be older than the erasure, and hold what was erased.
        gone -= set(working.erase(body.position, body.names))
        if self.first is not None and body.position >= self.first:
            for entry in working.entries(body.position, body.position + 1):
                self.count -= len(gone & set(parse_statement(entry, fast_json.decode).event.commitments))


def _append(working: Transaction, batch: list[Statement], values: Values, missing: _Missing) -> None:
    first, lines = working.size(), []
    body: Batch = batch[-1].event.body
    if (body.first, body.last) != (first, first + len(batch) - 2):
        raise Corrupt(
            f"the batch after position {first - 1} closes {body.first} to {body.last}: not of this log", first
        )
    admitted_at = parse_time(batch[-1].event.time)
    ready = [prepare(statement) for statement in batch]
    pending = Pending(working, (one.references for one in ready))
    for position, (one, statement) in enumerate(zip(ready, batch, strict=True), first):
        event = statement.event
        try:
            pending.put(decide(statement, position, admitted_at, pending).changes)
        except VerificationFailed as error:
            raise Corrupt(
                f"the rules refuse entry {position}: {error}; run `replay` on a whole log", position
            ) from None
        known = values(position) if event.commitments else {}
        missing.expect(position, event.commitments, known)
        lines.append(Line(position, one.party, event.event_id, event.type, event.subject, one.references, known))
    digest = leaves_digest(leaf_hash(one.entry) for one in batch)
    working.append([one.entry for one in batch], [one.statement_id for one in ready])
    working.index(lines, BatchLine(first + len(batch) - 1, first, admitted_at, digest), pending.changes)
    for statement in batch:
        if isinstance(statement.event.body, Erasure):
            missing.erase(working, statement.event.body)
