"""Stray tiles: no signed checkpoint covers them, and the entries that there are do not give them.

A publication that is cut short leaves tiles that no checkpoint covers; the next one finds them as it would make them.
Where the entries that they were made of are lost before that, other entries come to stand there: such a tile would
keep the log from being published for ever, since a tile never changes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from ledger.disk import LocalDisk
from ledger.folder import Folder
from ledger.frontier import Frontier
from ledger.store import Reads, Store
from ledger.tiles import Tiles
from ledger.tilestore import TileStore
from ledger.upkeep import fsck_tree
from ledger.upkeep.replaying import Finding
from tallystick.merkle import leaf_hash
from tallystick.tiles import WIDTH, Tile, encode_bundle

ASIDE = "unpublished"
"""Where a restore puts them, in the data folder, numbered: their bundles may be all that is left of what was said."""


def strays(store: Store, tiles: Tiles, size: int, beyond: Iterable[Tile]) -> Iterator[tuple[Tile, Finding]]:
    """Those of the tiles ``beyond`` a published tree of ``size`` that the entries stored by now do not give."""
    waiting: dict[tuple[int | None, int], list[Tile]] = defaultdict(list)
    for tile in beyond:
        waiting[tile.level, tile.index].append(tile)
    if not waiting:
        return
    # Opened after the tiles were found: of a log in use, what they were made of is in it.
    with store.snapshot() as reads:
        for present, whole in _given(reads, tiles, size):
            for tile in waiting.pop((present.level, present.index), ()):
                found = tiles.find(tile)
                expected = fsck_tree.front_of(whole, replace(tile, width=min(tile.width, present.width)))
                if found is not None and (tile.width > present.width or found != expected):
                    yield tile, _finding(tile, fsck_tree.first_difference(found, expected))
    for rest in waiting.values():
        yield from ((tile, _finding(tile, 0)) for tile in rest)


def _given(reads: Reads, tiles: Tiles, size: int) -> Iterator[tuple[Tile, bytes]]:
    """The tiles and bundles by which the tree of all entries differs from the published one."""
    edge = Frontier.load(size, tiles.get)
    for first in range(size - size % WIDTH, reads.size(), WIDTH):
        entries = reads.entries(first, min(first + WIDTH, reads.size()))
        yield Tile(None, first // WIDTH, len(entries)), encode_bundle(entries)
        yield from edge.extend([leaf_hash(entry) for entry in entries[max(0, size - first) :]])
    yield from edge.partial_tiles(0)


def _finding(tile: Tile, at: int) -> Finding:
    first = tile.index * WIDTH ** ((tile.level or 0) + 1)
    return Finding(
        first,
        f"the tile {tile.path()}, which no signed checkpoint covers, is not what the entries give from byte {at} on: "
        "it was made of entries that are lost, and keeps others from being published. `restore` of a data folder puts "
        "it aside; from a bucket it has to be removed",
    )


def put_aside(folder: Folder, store: Store, size: int) -> Path | None:
    """Move strays beyond a tree of ``size`` out of the public folder; where to, if there were any.

    One that is cut short is gone on with by the next, in a place of its own.
    """
    tiles, disk = TileStore(folder.public), LocalDisk()
    there = [one[0] for one in fsck_tree.files(folder.public) if isinstance(one, tuple)]
    beyond = [tile for tile in there if fsck_tree.is_beyond(tile, size)]
    names = [tile.path() for tile, _ in strays(store, tiles, size, beyond)]
    if not names:
        return None
    aside = next(path for number in count(1) if not (path := folder.path / f"{ASIDE}-{number}").exists())
    changed = [folder.path]
    for name in names:
        source, target = folder.public / name, aside / name
        target.parent.mkdir(parents=True, exist_ok=True)
        disk.rename(source, target)
        changed += [source.parent, *target.parents[: len(target.parents) - len(folder.path.parents) - 1]]
    disk.sync_folders(list(dict.fromkeys(changed)))
    return aside
