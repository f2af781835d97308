"""Stored entries become tiles, and tiles are read again and recomputed before anyone signs what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.errors import Corrupt
from ledger.frontier import Frontier, hashes
from ledger.store import BatchLine, Reads, leaves_digest
from ledger.tiles import Tiles, TileSink
from tallystick.merkle import leaf_hashes
from tallystick.tiles import (
    HEIGHT,
    WIDTH,
    Tile,
    bundles_between,
    encode_bundle,
    parse_bundle,
    root_of_full_tile,
    tiles_between,
)

CHUNK = 64 * WIDTH
"""Entries held in memory at a time; a multiple of the tile width."""


def integrate(reads: Reads, tiles: TileSink, edge: Frontier, size: int, *, unfinished: bool = True) -> Frontier:
    """Put the bundles and tiles by which a tree of ``size`` differs from the one that ``edge`` belongs to.

    Leaf hashes come from the stored bytes, which must be those that were appended. Raises
    ``Corrupt``. Without the ``unfinished`` ones no checkpoint of ``size`` can be published.
    """
    grown = edge.copy()
    check = _BatchCheck(reads, edge.size)
    for first in range(edge.size - edge.size % WIDTH, size, CHUNK):
        end = min(first + CHUNK, size)
        entries = reads.entries(first, end)
        if len(entries) != end - first:
            raise Corrupt(f"the store has {len(entries)} of the entries {first} to {end - 1}", first + len(entries))
        leaves = leaf_hashes(entries)
        known = max(0, edge.size - first)
        check_known(first, leaves[:known], edge)
        check.take(leaves[known:], max(first, edge.size))
        wave = [*_bundles(entries, first, end if unfinished else end - end % WIDTH), *grown.extend(leaves[known:])]
        if end == size:
            check.end(size)
            wave += grown.partial_tiles(edge.size) if unfinished else ()
        if wave:
            tiles.put(wave)
    return grown


def _bundles(entries: Sequence[bytes], first: int, end: int) -> Iterator[tuple[Tile, bytes]]:
    for tile in bundles_between(first, max(first, end)):
        at = tile.index * WIDTH - first
        yield tile, encode_bundle(entries[at : at + WIDTH])


def check_known(first: int, leaves: list[bytes], edge: Frontier) -> None:
    """The entries of an unfinished bundle have the leaf hashes that ``edge`` has. Raises ``Corrupt``."""
    for offset, (found, signed) in enumerate(zip(leaves, edge.levels[0] if leaves else (), strict=True)):
        if found != signed:
            raise Corrupt(f"the stored entry {first + offset} is not the one that was signed", first + offset)


def check_last_bundle(reads: Reads, tiles: Tiles, size: int) -> None:
    """A tree of ``size`` that ends with a full bundle has the stored entries in it. Raises ``Corrupt``.

    Of one that does not, ``integrate`` looks at the unfinished bundle. Where the tiles are elsewhere than the store, it
    is this that tells another copy's tree from the store's own.
    """
    if size and size % WIDTH == 0:
        first = size - WIDTH
        leaves = leaf_hashes(reads.entries(first, size))
        found = hashes(tiles.get(Tile(0, first // WIDTH)))
        for offset, (stored, signed) in enumerate(zip(leaves, found, strict=True)):
            if stored != signed:
                raise Corrupt(f"the stored entry {first + offset} is not the one that was signed", first + offset)


class _BatchCheck:
    """Holds leaf hashes against the digest that each batch was given when it was appended."""

    def __init__(self, reads: Reads, start: int) -> None:
        self._batches: Iterator[BatchLine] = reads.batches(start)
        self._leaves: list[bytes] = []
        self._batch = next(self._batches, None)
        if self._batch and self._batch.first < start:
            # A checkpoint was signed inside this batch, and nothing after it: its first entries count again.
            self._leaves = leaf_hashes(reads.entries(self._batch.first, start))

    def take(self, leaves: list[bytes], first: int) -> None:
        """The leaf hashes of ``first`` and the positions after it."""
        if self._batch and not self._leaves and leaves and self._batch.first != first:
            raise Corrupt(f"no batch begins at position {first}", first)
        self._leaves += leaves
        while self._batch and len(self._leaves) >= (count := self._batch.position + 1 - self._batch.first):
            if leaves_digest(self._leaves[:count]) != self._batch.digest:
                where = f"{self._batch.first} to {self._batch.position}"
                raise Corrupt(
                    f"an entry of the batch at positions {where} is not as it was appended; run `fsck`",
                    self._batch.first,
                )
            del self._leaves[:count]
            following = next(self._batches, None)
            if following and following.first != self._batch.position + 1:
                raise Corrupt(f"no batch begins at position {self._batch.position + 1}", self._batch.position + 1)
            self._batch = following

    def end(self, size: int) -> None:
        """No entry is without a batch."""
        if self._leaves:
            raise Corrupt(f"no batch closes over position {size - 1}", size - len(self._leaves))


def recompute(tiles: Tiles, old_size: int, size: int) -> bytes:
    """Root of the tree of ``size``, from tiles and bundles as they were written; raises ``Corrupt`` where they differ.

    Looks at what a tree of ``old_size`` leaves had not; what it had was looked at then.
    """
    for bundle in bundles_between(old_size, size):
        leaves = leaf_hashes(parse_bundle(tiles.get(bundle)))
        _compare(tiles, Tile(0, bundle.index, bundle.width), leaves, bundle)
    for tile in tiles_between(old_size, size):
        if tile.level:
            _recompute_tile(tiles, tile, old_size)
    return Frontier.load(size, tiles.get).root()


def _recompute_tile(tiles: Tiles, tile: Tile, old_size: int) -> None:
    level = tile.level or 0
    first = tile.index * WIDTH
    fresh = max(first, old_size >> level * HEIGHT)
    found = hashes(tiles.get(tile))
    for index in range(fresh, first + tile.width):
        below = Tile(level - 1, index)
        if found[index - first] != root_of_full_tile(tiles.get(below)):
            raise _differ(tile, below, index * WIDTH**level)


def _compare(tiles: Tiles, tile: Tile, expected: list[bytes], source: Tile) -> None:
    found = hashes(tiles.get(tile))
    if found != expected:
        pairs = zip(found, expected, strict=False)
        offset = next((at for at, (have, want) in enumerate(pairs) if have != want), min(len(found), len(expected)))
        raise _differ(tile, source, source.index * WIDTH + offset)


def _differ(tile: Tile, source: Tile, first: int) -> Corrupt:
    return Corrupt(f"the tile {tile.path()} is not what {source.path()} gives from entry {first} on; see `fsck`", first)
