"""Stored entries, bundles, tiles and the signed root give one another; if not, the first bad byte is named."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from ledger.errors import Corrupt
from ledger.frontier import Frontier
from ledger.store import Reads, leaves_digest
from ledger.tiles import Tiles
from ledger.tilestore import ALIGNED, CHECKPOINT, TEMPORARY
from ledger.upkeep.replaying import Finding
from tallystick.errors import MalformedInput
from tallystick.merkle import HASH_SIZE, leaf_hash
from tallystick.tiles import HEIGHT, MAX_LEVEL, WIDTH, Tile, encode_bundle, parse_tile_path


def batches(reads: Reads) -> Iterator[Finding]:
    """Entries are as they were when they were appended."""
    for batch in reads.batches(0):
        entries = reads.entries(batch.first, batch.position + 1)
        if leaves_digest(leaf_hash(entry) for entry in entries) != batch.digest:
            yield Finding(batch.first, f"an entry of positions {batch.first} to {batch.position} is not as appended")


def tree(reads: Reads, tiles: Tiles, size: int, root: bytes) -> Iterator[Finding]:
    """What a published tree of ``size`` is made of, in one pass over the entries; memory does not grow with it."""
    edge = Frontier(0, [])
    for first in range(0, size, WIDTH):
        entries = reads.entries(first, min(first + WIDTH, size))
        yield from _bundle(tiles, Tile(None, first // WIDTH, min(WIDTH, size - first)), entries)
        for tile, expected in edge.extend([leaf_hash(entry) for entry in entries]):
            yield from _tile(tiles, tile, expected)
    for tile, expected in edge.partial_tiles(0) if edge.size == size else ():
        yield from _tile(tiles, tile, expected)
    if size and (edge.size != size or edge.root() != root):
        yield Finding(-1, f"the {edge.size} stored entries do not give the published root of size {size}")


def _bundle(tiles: Tiles, tile: Tile, entries: list[bytes]) -> Iterator[Finding]:
    data, expected = _get(tiles, tile), encode_bundle(entries)
    if isinstance(data, Finding):
        yield data
    elif data[: len(expected)] != expected or (
        tile.width == len(entries) and not _is_whole(tiles, data, expected, tile)
    ):
        at = first_difference(data, expected)
        offset, inside = _entry_at(entries, at)
        yield Finding(
            tile.index * WIDTH + offset,
            f"the stored entry is not the published one: they differ from byte {inside} of the entry on, byte "
            f"{at} of the entry bundle {tile.path()}; {_judged(tiles, tile, offset, entries)}",
        )


def _is_whole(tiles: Tiles, data: bytes, expected: bytes, tile: Tile) -> bool:
    """Nothing follows, unless the full bundle stands in for a partial one that is gone."""
    return len(data) == len(expected) or (tile.width < WIDTH and tiles.find(tile) is None)


def _entry_at(entries: list[bytes], at: int) -> tuple[int, int]:
    """Which entry byte ``at`` of a bundle belongs to, and which of its bytes it is; its length counts as byte 0."""
    for offset, entry in enumerate(entries):
        if at < 2 + len(entry):
            return offset, max(0, at - 2)
        at -= 2 + len(entry)
    return len(entries), 0


def _judged(tiles: Tiles, tile: Tile, offset: int, entries: list[bytes]) -> str:
    """Which of the two the hash in the tile above speaks for."""
    hashes = _get(tiles, Tile(0, tile.index, tile.width))
    if isinstance(hashes, Finding) or offset >= len(entries):
        return "no hash tells which of the two is right"
    stored = hashes[offset * HASH_SIZE :][:HASH_SIZE] == leaf_hash(entries[offset])
    return "the stored one has the published hash" if stored else "the stored one has not the published hash"


def _tile(tiles: Tiles, tile: Tile, expected: bytes) -> Iterator[Finding]:
    data = _get(tiles, tile)
    if isinstance(data, Finding):
        yield data
    elif data != expected:
        at = first_difference(data, expected)
        first = (tile.index * WIDTH + at // HASH_SIZE) * WIDTH ** (tile.level or 0)
        what = f"the tile {tile.path()} is not what the entries give from entry {first} on"
        yield Finding(first, f"{what}: from byte {at} of {len(data)}")


def _get(tiles: Tiles, tile: Tile) -> bytes | Finding:
    try:
        return tiles.get(tile)
    except (Corrupt, OSError) as error:
        return Finding(tile.index * WIDTH ** ((tile.level or 0) + 1), f"the tile {tile.path()}: {error}")


def first_difference(found: bytes, expected: bytes) -> int:
    """The first byte in which two byte strings differ, which may be the end of the shorter one."""
    low, high = 0, min(len(found), len(expected))
    while low < high:
        middle = (low + high + 1) // 2
        if found[:middle] == expected[:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def files(public: Path) -> Iterator[tuple[Tile, bytes] | Finding]:
    """The tiles in a public folder, and the files in it that are none."""
    for folder, _, names in os.walk(public):
        for file in sorted(names):
            path = Path(folder, file)
            name = path.relative_to(public).as_posix()
            if name in (CHECKPOINT, ALIGNED) or name.endswith(TEMPORARY):
                continue
            try:
                tile = parse_tile_path(name)
            except MalformedInput:
                yield Finding(-1, f"the public folder holds a file that is no tile: {name}")
            else:
                yield tile, path.read_bytes()


def fronts(
    kept: Iterable[tuple[Tile, bytes] | Finding], tiles: Tiles, size: int, beyond: list[Tile]
) -> Iterator[Finding]:
    """Partial tiles of earlier sizes, which readers may still ask for, are the fronts of the present ones.

    Tiles that a tree of ``size`` has not are put into ``beyond``.
    """
    for one in kept:
        if isinstance(one, Finding):
            yield one
            continue
        tile, data = one
        if not _is_of_a_tree(tile):
            where = f"level {tile.level}, index {tile.index}, width {tile.width}"
            yield Finding(-1, f"what is published holds a tile that no tree has: {where}")
            continue
        if is_beyond(tile, size):
            beyond.append(tile)
            continue
        width = min(WIDTH, (size >> (tile.level or 0) * HEIGHT) - tile.index * WIDTH)
        if tile.width < width:
            yield from _front(tiles, tile, data, Tile(tile.level, tile.index, width))


def is_beyond(tile: Tile, size: int) -> bool:
    """Whether a tree of ``size`` has less than this tile."""
    return tile.index * WIDTH + tile.width > size >> (tile.level or 0) * HEIGHT


def _is_of_a_tree(tile: Tile) -> bool:
    return tile.index >= 0 and 1 <= tile.width <= WIDTH and 0 <= (tile.level or 0) <= MAX_LEVEL


def _front(tiles: Tiles, tile: Tile, data: bytes, present: Tile) -> Iterator[Finding]:
    whole = _get(tiles, present)
    if isinstance(whole, Finding):
        yield whole
        return
    expected = front_of(whole, tile)
    if data != expected:
        at = first_difference(data, expected)
        offset = at // HASH_SIZE if tile.level is not None else 0
        first = (tile.index * WIDTH + offset) * WIDTH ** (tile.level or 0)
        yield Finding(first, f"the tile {tile.path()} is not the front of {present.path()}: from byte {at} on")


def front_of(whole: bytes, tile: Tile) -> bytes:
    """What ``tile`` has of one that is as wide or wider."""
    return whole[: _bundle_end(whole, tile.width)] if tile.level is None else whole[: tile.width * HASH_SIZE]


def _bundle_end(bundle: bytes, width: int) -> int:
    at = 0
    for _ in range(width):
        at += 2 + int.from_bytes(bundle[at : at + 2], "big")
    return at
