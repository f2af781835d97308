"""The right edge of a tree in tiles: what a log must hold in memory to grow, a few tiles whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from tallystick.merkle import HASH_SIZE, CompactRange, node_hashes
from tallystick.tiles import HEIGHT, WIDTH, FullTile, Tile


class _OpenTile:
    """An unfinished tile: its hashes, and above them those of all complete subtrees, each worked out once."""

    def __init__(self, stages: Sequence[Sequence[bytes]] = ((),) * (HEIGHT + 1)) -> None:
        self.stages = [list(stage) for stage in stages]

    def add(self, nodes: Sequence[bytes]) -> None:
        self.stages[0] += nodes
        for below, above in pairwise(self.stages):
            at = 2 * len(above)
            above += node_hashes(zip(below[at::2], below[at + 1 :: 2], strict=False))

    def edge(self) -> list[bytes]:
        """The complete subtrees, largest first: a stage of an odd number ends in one that has no parent."""
        return [stage[-1] for stage in reversed(self.stages) if len(stage) % 2]


class Frontier:
    """For each tile level its unfinished tile. Level 0 counts leaves."""

    def __init__(self, size: int, levels: Sequence[Sequence[bytes]]) -> None:
        """``levels``: the hashes in each unfinished tile."""
        self.size = size
        self._tiles = [_OpenTile() for _ in levels]
        for tile, nodes in zip(self._tiles, levels, strict=True):
            tile.add(nodes)

    @property
    def levels(self) -> list[list[bytes]]:
        """For each tile level the hashes of its unfinished tile."""
        return [tile.stages[0] for tile in self._tiles]

    @classmethod
    def load(cls, size: int, fetch: Callable[[Tile], bytes]) -> Frontier:
        """The edge of a tree of ``size``, from one partial tile for each level."""
        levels = []
        for level in range((size.bit_length() + HEIGHT - 1) // HEIGHT):
            index, width = divmod(size >> level * HEIGHT, WIDTH)
            levels.append(hashes(fetch(Tile(level, index, width))) if width else [])
        return cls(size, levels)

    def copy(self) -> Frontier:
        """One that grows apart from this one."""
        other = Frontier(self.size, [])
        other._tiles = [_OpenTile(tile.stages) for tile in self._tiles]
        return other

    def extend(self, leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaf hashes; yields each tile that is thereby full, lower levels before the higher ones above them."""
        at = 0
        while at < len(leaves):
            taken = leaves[at : at + WIDTH - self.size % WIDTH]
            self.size += len(taken)
            at += len(taken)
            yield from self._push(0, taken)

    def _push(self, level: int, nodes: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self._tiles):
            self._tiles.append(_OpenTile())
        tile = self._tiles[level]
        tile.add(nodes)
        if len(tile.stages[0]) == WIDTH:
            self._tiles[level] = _OpenTile()
            yield Tile(level, (self.size >> (level + 1) * HEIGHT) - 1), FullTile.of(tile.stages)
            yield from self._push(level + 1, tile.stages[-1])

    def partial_tiles(self, since: int) -> Iterator[tuple[Tile, bytes]]:
        """The unfinished tiles that a tree of ``since`` leaves had not."""
        for level, nodes in enumerate(self.levels):
            count = self.size >> level * HEIGHT
            if nodes and count != since >> level * HEIGHT:
                yield Tile(level, count // WIDTH, len(nodes)), b"".join(nodes)

    def root(self) -> bytes:
        """Root of the tree."""
        edge = [node for tile in reversed(self._tiles) for node in tile.edge()]
        return CompactRange(self.size, edge).root()


def hashes(tile: bytes) -> list[bytes]:
    """The hashes in a tile."""
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]
