"""Aligned checkpoints: signed exactly at a multiple of 1,024 leaves, so that the proofs between anchors are short.

The tree of such a size is full at the levels that an anchor would otherwise pay for node by node.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.tiles import Tiles
from tallystick.merkle import HASH_SIZE
from tallystick.tiles import HEIGHT, WIDTH, Tile

ALIGNMENT = 1024
"""Leaves; a multiple of the width of a tile, so that no bundle ends early."""


def aligned_below(size: int, align: int | None) -> int:
    """The largest multiple of ``align`` that a log of ``size`` has reached; 0 where there is none.

    Raises ``ValueError`` unless ``align`` is a multiple of ``ALIGNMENT``.
    """
    if align is None:
        return 0
    if align < 1 or align % ALIGNMENT:
        raise ValueError(f"checkpoints are aligned to multiples of {ALIGNMENT}, not to {align}")
    return size - size % align


def cut_tiles(tiles: Tiles, cut: int, size: int) -> Iterator[tuple[Tile, bytes]]:
    """The partial tiles of the tree of the first ``cut`` leaves that the one of ``size``, which is kept, has wider.

    Fronts of those. Where the wider one is full nothing is wanting: readers take its front.
    """
    for level in range(1, (cut.bit_length() + HEIGHT - 1) // HEIGHT):
        index, width = divmod(cut >> level * HEIGHT, WIDTH)
        wider = min(WIDTH, (size >> level * HEIGHT) - index * WIDTH)
        if width < wider < WIDTH and width:
            yield Tile(level, index, width), tiles.get(Tile(level, index, wider))[: width * HASH_SIZE]
