"""Entries of any kind, durable, integrated and in tiles: the parts that ``Log`` rests on, without its policy.

Whoever appends here decides what may stand in the log. Nothing is signed here: a
``Publisher`` over the same store and tiles recomputes what was written, and signs that.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from ledger.batch import Clock
from ledger.behind import WriteBehind
from ledger.errors import Corrupt
from ledger.frontier import Frontier
from ledger.integrate import Remembered, integrate
from ledger.store import BatchLine, Store, leaves_digest
from ledger.tiles import Tiles
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import leaf_hashes


class Appender:
    """The one writer of a store. Roots are of stored bytes, each batch held against what was appended."""

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
        self._remembered = Remembered()
        self._behind = WriteBehind(tiles)
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
            first, last = working.append(entries, statement_ids), working.last_batch()
            admitted_at, leaves = max(self._clock(), last.admitted_at if last else 0), leaf_hashes(entries)
            working.index([], BatchLine(first + len(entries) - 1, first, admitted_at, leaves_digest(leaves)), {})
        self._remembered.append(first, entries, leaves)
        return self._integrate()

    def _integrate(self) -> bytes:
        with self._store.snapshot() as reads:
            size = reads.size()
            self._edge = integrate(reads, self._behind, self._edge, size, unfinished=False, remembered=self._remembered)
        return self._edge.root()

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
