"""What others read: checkpoint, proofs and entries, from the public folder alone, never from the database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ledger.errors import Corrupt, NoLog
from ledger.nodes import NodeFiles
from ledger.tiles import Tiles
from tallystick.merkle import HASH_SIZE, prove_consistency, prove_inclusion
from tallystick.tiles import HEIGHT, WIDTH, Tile, TileReader, parse_bundle, stages
from tallystick.tree_head import CheckpointKeys, SignedCheckpoint, verify_tree_head

_KEPT_TILES = 256
"""Tiles kept in memory with the nodes in them: 4 MiB."""


class PublishedLog:
    """Reads of a published log; from any thread."""

    def __init__(self, tiles: Tiles, keys: CheckpointKeys, nodes: NodeFiles | None = None) -> None:
        """``nodes``: where the inner nodes of full tiles are kept, if they are."""
        self._tiles = tiles
        self.keys = keys
        self._nodes = nodes
        self._kept = lru_cache(maxsize=_KEPT_TILES)(self._load)

    def checkpoint(self) -> SignedCheckpoint:
        """The latest published checkpoint, its signatures verified. Raises ``NoLog`` before the first."""
        return verify_tree_head(self.note(), self.keys)

    def note(self) -> bytes:
        """The bytes of the latest published checkpoint."""
        note = self._tiles.checkpoint()
        if note is None:
            raise NoLog("no checkpoint is published yet")
        return note

    def aligned(self) -> bytes | None:
        """The bytes of the newest aligned checkpoint (``ledger.aligned``), if there is one."""
        return self._tiles.aligned()

    def find(self, tile: Tile) -> bytes | None:
        """Exactly this tile or bundle, if it is published."""
        return self._tiles.find(tile)

    def nodes(self, size: int) -> TileReader:
        """A ``merkle.NodeReader`` over the tiles of a published tree of ``size``."""
        return TileReader(size, self._tiles.get, lambda tile: self._stages(tile, size))

    def prove_inclusion(self, index: int, size: int) -> list[bytes]:
        """Proof of leaf ``index`` in a published tree of ``size``. Raises ``ValueError`` outside it."""
        return prove_inclusion(self.nodes(size), index, size)

    def prove_consistency(self, old_size: int, size: int) -> list[bytes]:
        """Proof that a published tree of ``size`` extends its first ``old_size`` leaves."""
        return prove_consistency(self.nodes(size), old_size, size)

    def entries(self, positions: Sequence[int], size: int) -> list[bytes]:
        """The entries at ``positions``, in that order, of a published tree of ``size``. Raises ``ValueError``."""
        bundles: dict[int, list[bytes]] = {}
        for position in positions:
            if not 0 <= position < size:
                raise ValueError(f"no entry {position} in a tree of {size}")
            index = position // WIDTH
            if index not in bundles:
                bundles[index] = self._bundle(index, min(WIDTH, size - index * WIDTH))
        return [bundles[position // WIDTH][position % WIDTH] for position in positions]

    def _bundle(self, index: int, width: int) -> list[bytes]:
        found = parse_bundle(self._tiles.get(Tile(None, index, width)))[:width]
        if len(found) != width:
            raise Corrupt(f"the bundle {Tile(None, index, width).path()} has {len(found)} entries; run `fsck`")
        return found

    def _stages(self, tile: Tile, size: int) -> Sequence[bytes]:
        """What ``tallystick.tiles.stages`` gives of a tile of the tree of ``size``."""
        if tile.level == 0 and tile.width == WIDTH and self._nodes:
            # Each proof wants another one of these, so none is kept; the level above says if the record is right.
            above = tile.index // WIDTH
            parent = self._kept(Tile(1, above, min(WIDTH, (size >> HEIGHT) - above * WIDTH)))[0]
            at = tile.index % WIDTH * HASH_SIZE
            found = self._nodes.stages(tile)
            if found and found[-1] == parent[at : at + HASH_SIZE]:
                return found
        return self._kept(tile)

    def _load(self, tile: Tile) -> Sequence[bytes]:
        return stages(self._tiles.get(tile))
