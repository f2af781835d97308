"""Entries of any kind, durable, integrated and in tiles: the parts that ``Log`` rests on, without its policy.

Whoever appends here decides what may stand in the log. Nothing is signed here: a
``Publisher`` over the same store and tiles recomputes what was written, and signs that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType

from ledger.batch import Clock
from ledger.behind import WriteBehind
from ledger.errors import Corrupt
from ledger.frontier import Frontier
from ledger.integrate import check_known, integrate
from ledger.store import BatchLine, Reads, Store, leaves_digest
from ledger.tiles import Tiles, TileSink
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import leaf_hashes
from tallystick.tiles import WIDTH, Tile, encode_bundle, parse_bundle


class Appender:
    """The one writer of a store. Roots are of what was appended; no bundle is put that is not what is stored."""

    def __init__(self, store: Store, tiles: Tiles, clock: Clock, since: Checkpoint | None = None) -> None:
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
        self._integrate()

    @property
    def size(self) -> int:
        """Number of entries."""
        return self._edge.size

    def append(self, entries: Sequence[bytes], statement_ids: Sequence[bytes] = ()) -> bytes:
        """The root of the tree with these entries at its end, which are durable when this returns.

        Statement ids have 32 bytes, one for each entry or none at all; raises ``ValueError``
        when one stands already, and then nothing was appended. Full tiles follow behind.
        """
        with self._store.transaction() as working:
            first = working.append(entries, statement_ids)
            last = self._last if self._last and self._last.position == first - 1 else working.last_batch()
            admitted_at, leaves = max(self._clock(), last.admitted_at if last else 0), leaf_hashes(entries)
            line = BatchLine(first + len(entries) - 1, first, admitted_at, leaves_digest(leaves))
            working.index([], line, {})
        self._last = line
        if first == self._edge.size:
            self._grow(entries, leaves)
        else:
            self._integrate()
        return self._edge.root()

    def _grow(self, entries: Sequence[bytes], leaves: Sequence[bytes]) -> None:
        """By entries that were appended just now, and need not be read and hashed again."""
        grown, at = self._edge.copy(), self._edge.size // WIDTH
        *full, begun = _bundles(self._begun, self._edge.size % WIDTH, entries)
        bundles = [(Tile(None, index), data) for index, data in enumerate(full, at)]
        self._behind.put([*bundles, *grown.extend(leaves)])
        self._edge, self._begun = grown, begun

    def _integrate(self) -> None:
        """Grow to what is stored, whatever that is. Raises ``Corrupt``."""
        with self._store.snapshot() as reads:
            size = reads.size()
            grown = integrate(reads, self._behind, self._edge, size, unfinished=False)
            start = size - size % WIDTH
            begun = reads.entries(start, size)
        check_known(start, leaf_hashes(begun), grown)
        self._edge, self._begun = grown, encode_bundle(begun)

    def settle(self) -> bytes:
        """The root; every tile and bundle of this size is durable, unfinished ones too."""
        with self._store.snapshot() as reads:
            integrate(reads, self._behind, self._edge, self._edge.size)
        self._behind.put(self._edge.partial_tiles(0))
        self._behind.settle()
        return self._edge.root()

    def close(self) -> None:
        """Let go of what was not settled: the store has it."""
        self._behind.close()

    def __enter__(self) -> Appender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _bundles(begun: bytes, count: int, entries: Sequence[bytes]) -> Iterator[bytes]:
    """The bundles that ``entries`` fill, of which the first one has ``count`` already, and the one that they begin."""
    start, room = 0, WIDTH - count
    while start + room <= len(entries):
        yield begun + encode_bundle(entries[start : start + room])
        begun, start, room = b"", start + room, WIDTH
    yield begun + encode_bundle(entries[start:])


class _AsStored:
    """A ``TileSink`` before another one, which gets a bundle only if the store has the same bytes."""

    def __init__(self, store: Store, tiles: TileSink) -> None:
        self._store = store
        self._tiles = tiles

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """See ``TileSink``. Raises ``Corrupt``."""
        wave = list(tiles)
        with self._store.snapshot() as reads:
            for tile, data in wave:
                if tile.level is None:
                    self._compare(reads, tile.index * WIDTH, tile.width, data)
        self._tiles.put(wave)

    def _compare(self, reads: Reads, first: int, width: int, data: bytes) -> None:
        if reads.bundle(first, first + width) == data:
            return
        stored, given = reads.entries(first, first + width), parse_bundle(data)
        # What is stored may be shorter than what was appended.
        at = next((at for at, want in enumerate(given) if stored[at : at + 1] != [want]), 0)
        raise Corrupt(f"the stored entry {first + at} is not as it was appended; run `fsck`", first + at)
