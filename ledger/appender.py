"""Entries of any kind, durable, integrated and in tiles: the parts that ``Log`` rests on, without its policy.

Whoever appends here decides what may stand in the log. Nothing is signed here: a
``Publisher`` over the same store and tiles recomputes what was written, and signs that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import NamedTuple

from ledger.batch import Clock
from ledger.behind import WriteBehind
from ledger.errors import Corrupt, LogClosed
from ledger.frontier import Frontier
from ledger.integrate import check_known, integrate
from ledger.store import BatchLine, Reads, Store, leaves_digest
from ledger.tiles import Draft, DraftSink, FileTiles
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import leaf_hashes
from tallystick.tiles import WIDTH, Tile, encode_bundle, parse_bundle

BESIDE = 64
"""From so many entries on, the tree grows while the disk commits them; handing over costs more for fewer."""


AT_ONCE = 1 << 20
"""Bytes of bundles that are compared with the store in one question."""


class Appender:
    """The one writer of a store. Roots are of what was appended; no bundle is put that is not what is stored."""

    def __init__(self, store: Store, tiles: FileTiles, clock: Clock, since: Checkpoint | None = None) -> None:
        """``since``: the checkpoint published last, from which integration goes on; ``clock`` gives Unix seconds.

        Raises ``Corrupt`` when the tiles do not give its root, or the entries after it changed.
        """
        self._store = store
        self._tiles = tiles
        self._clock = clock
        self._edge = Frontier.load(since.size, tiles.get) if since else Frontier(0, [])
        if since and self._edge.root() != since.root:
            raise Corrupt(f"the tiles do not give the root that was signed for size {since.size}; run `fsck`")
        self._begun = b""
        """The unfinished bundle, if there is one."""
        self._last: BatchLine | None = None
        """The batch appended last, which need not be asked for: in PostgreSQL that is a message and its answer."""
        self._behind = WriteBehind(_AsStored(store, tiles))
        self._beside = ThreadPoolExecutor(1, "tree")
        # Begins its thread: one that cannot begin is met here, and not when something was given to it already.
        self._beside.submit(bool).result()
        self._closed = False
        self._growing: Future[_Grown] | None = None
        self._writing: Future[None] | None = None
        self._integrate()

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._edge.size

    def append(self, entries: Sequence[bytes], statement_ids: Sequence[bytes] = ()) -> bytes:
        """The root of the tree with these entries at its end, which are durable when this returns.

        Statement ids have 32 bytes, one for each entry or none at all; raises ``ValueError``
        when one stands already, and ``LogClosed`` after ``close``, and then nothing was appended. Full tiles follow
        behind: what is met with those of a batch before is raised after this one was committed, and ever after.
        """
        if self._closed:
            raise LogClosed("this appender was closed: make another one over the same store and tiles")
        self._rest()
        leaves = leaf_hashes(entries)
        digest = leaves_digest(leaves)
        with self._store.transaction() as working:
            follows = working.size() == self._edge.size
            beside = partial(self._start, entries, leaves) if follows and len(entries) >= BESIDE else None
            first = working.append(entries, statement_ids, beside)
            last = self._last if self._last and self._last.position == first - 1 else working.last_batch()
            admitted_at = max(self._clock(), last.admitted_at if last else 0)
            line = BatchLine(first + len(entries) - 1, first, admitted_at, digest)
            working.index([], line, {})
            if beside:
                beside()
        self._last = line
        if not follows:
            self._rest()
            self._integrate()
            return self._edge.root()
        # Only now: what is kept in memory and what goes behind is what was committed.
        grown = self._growing.result() if self._growing else _grow(self._edge, self._begun, entries, leaves)
        self._growing = None
        self._write(grown.tiles)
        # And only now: where tiles were not handed over, the next append makes them again, from what is stored.
        self._edge, self._begun = grown.edge, grown.begun
        return grown.root

    def _start(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """Let the tree grow beside, unless it does already: while SQLite writes and waits for the disk, or PostgreSQL
        has got the entries, nobody holds the interpreter's lock.
        """
        if not self._growing:
            # If they are not committed after all, nobody asks for it.
            self._growing = self._beside.submit(_grow, self._edge, self._begun, entries, leaves)

    def _write(self, tiles: list[tuple[Tile, bytes]]) -> None:
        """Have tiles of committed entries written beside: the tree of the next batch waits for that, there, and so do
        the next tiles. Raises what was met with the last ones, as soon as that is known.
        """
        if tiles or (self._writing and self._writing.done()):
            self._written()
        if tiles:
            self._writing = self._beside.submit(self._behind.write, tiles)

    def _written(self) -> None:
        """Return when nothing is written beside. Raises what was met there, and then always."""
        if self._writing:
            self._writing.result()
            self._writing = None

    def _rest(self) -> None:
        """Return when nothing is done beside, for whatever came of it: an append may have failed meanwhile."""
        if self._growing:
            self._growing.exception()
            self._growing = None

    def _integrate(self) -> None:
        """Grow to what is stored, whatever that is. Raises ``Corrupt``."""
        self._written()
        with self._store.snapshot() as reads:
            size = reads.size()
            if size < self._edge.size:
                raise Corrupt(
                    f"the store has {size} entries, {self._edge.size} were signed or appended: it is an old copy", size
                )
            grown = integrate(reads, self._behind, self._edge, size, unfinished=False)
            start = size - size % WIDTH
            begun = reads.entries(start, size)
        check_known(start, leaf_hashes(begun), grown)
        self._edge, self._begun = grown, encode_bundle(begun)

    def settle(self) -> bytes:
        """The root; every tile and bundle of this size is durable, unfinished ones too."""
        self._rest()
        self._written()
        with self._store.snapshot() as reads:
            integrate(reads, self._behind, self._edge, self._edge.size)
        self._behind.put(self._edge.partial_tiles(0))
        self._behind.settle()
        return self._edge.root()

    def close(self) -> None:
        """Let go of what was not settled: the store has it."""
        self._closed = True
        self._beside.shutdown()
        self._behind.close()

    def __enter__(self) -> Appender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Grown(NamedTuple):
    """A tree that has grown by a batch: its full tiles and bundles that are new, and the bundle that is begun."""

    edge: Frontier
    root: bytes
    tiles: list[tuple[Tile, bytes]]
    begun: bytes


def _grow(edge: Frontier, begun: bytes, entries: Sequence[bytes], leaves: Sequence[bytes]) -> _Grown:
    """By entries that are appended just now, and need not be read and hashed again."""
    grown, at = edge.copy(), edge.size // WIDTH
    *full, begun = _bundles(begun, edge.size % WIDTH, entries)
    bundles = [(Tile(None, index), data) for index, data in enumerate(full, at)]
    tiles = [*bundles, *grown.extend(leaves)]
    return _Grown(grown, grown.root(), tiles, begun)


def _bundles(begun: bytes, count: int, entries: Sequence[bytes]) -> Iterator[bytes]:
    """The bundles that ``entries`` fill, of which the first one has ``count`` already, and the one that they begin."""
    start, room = 0, WIDTH - count
    while start + room <= len(entries):
        yield begun + encode_bundle(entries[start : start + room])
        begun, start, room = b"", start + room, WIDTH
    yield begun + encode_bundle(entries[start:])


class _AsStored:
    """A ``DraftSink`` before another one, which gets a bundle only if the store has the same bytes."""

    def __init__(self, store: Store, tiles: DraftSink) -> None:
        self._store = store
        self._tiles = tiles

    def draft(self, tiles: Iterable[tuple[Tile, bytes]]) -> Draft:
        """See ``DraftSink``. Raises ``Corrupt``."""
        taken = list(tiles)
        with self._store.snapshot() as reads:
            for first, end, data in _together(taken):
                self._compare(reads, first, end, data)
        return self._tiles.draft(taken)

    def finish(self, drafts: Iterable[Draft]) -> None:
        """See ``DraftSink``."""
        self._tiles.finish(drafts)

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """See ``TileSink``. Raises ``Corrupt``."""
        self.finish([self.draft(tiles)])

    def _compare(self, reads: Reads, first: int, end: int, data: bytes) -> None:
        if reads.holds(first, end, data):
            return
        stored, given = reads.entries(first, end), parse_bundle(data)
        # What is stored may be shorter than what was appended.
        at = next((at for at, want in enumerate(given) if stored[at : at + 1] != [want]), 0)
        raise Corrupt(f"the stored entry {first + at} is not as it was appended; run `fsck`", first + at)


def _together(tiles: Iterable[tuple[Tile, bytes]]) -> Iterator[tuple[int, int, bytes]]:
    """First position, end and bytes of the bundles among ``tiles``: neighbours as one, so that the store is asked once.

    What is put together stays below ``AT_ONCE``, unless one bundle alone is longer.
    """
    first = end = length = 0
    some: list[bytes] = []
    for tile, data in tiles:
        if tile.level is not None:
            continue
        start = tile.index * WIDTH
        if some and (start != end or length + len(data) > AT_ONCE):
            yield first, end, b"".join(some)
            some = []
        if not some:
            first, length = start, 0
        some.append(data)
        end, length = start + tile.width, length + len(data)
    if some:
        yield first, end, b"".join(some)
