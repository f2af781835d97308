"""The right edge of a tree in tiles: what a log must hold in memory to grow, a few tiles whatever its size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tallystick.merkle import HASH_SIZE, CompactRange
from tallystick.tiles import HEIGHT, WIDTH, FullTile, Tile, root_of_full_tile


class Frontier:
    """For each tile level the hashes of its unfinished tile. Level 0 counts leaves."""

    def __init__(self, size: int, levels: Sequence[Sequence[bytes]]) -> None:
        self.size = size
        self.levels = [list(level) for level in levels]

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
        return Frontier(self.size, self.levels)

    def extend(self, leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add leaf hashes; yields each tile that is thereby full, lower levels before the higher ones above them."""
        at = 0
        while at < len(leaves):
            taken = leaves[at : at + WIDTH - self.size % WIDTH]
            self.size += len(taken)
            at += len(taken)
            yield from self._push(0, taken)

    def _push(self, level: int, nodes: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self.levels):
            self.levels.append([])
        self.levels[level] += nodes
        if len(self.levels[level]) == WIDTH:
            data = FullTile.of(self.levels[level])
            self.levels[level] = []
            yield Tile(level, (self.size >> (level + 1) * HEIGHT) - 1), data
            yield from self._push(level + 1, data.stages[-1:])

    def partial_tiles(self, since: int) -> Iterator[tuple[Tile, bytes]]:
        """The unfinished tiles that a tree of ``since`` leaves had not."""
        for level, nodes in enumerate(self.levels):
            count = self.size >> level * HEIGHT
            if nodes and count != since >> level * HEIGHT:
                yield Tile(level, count // WIDTH, len(nodes)), b"".join(nodes)

    def root(self) -> bytes:
        """Root of the tree."""
        edge = [node for level in reversed(self.levels) for node in _edge(level)]
        return CompactRange(self.size, edge).root()


def _edge(nodes: Sequence[bytes]) -> Iterator[bytes]:
    """The complete subtrees of an unfinished tile, largest first."""
    start = 0
    for level in reversed(range(len(nodes).bit_length())):
        if len(nodes) >> level & 1:
            yield root_of_full_tile(b"".join(nodes[start : start + (1 << level)]))
            start += 1 << level


def hashes(tile: bytes) -> list[bytes]:
    """The hashes in a tile."""
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]
