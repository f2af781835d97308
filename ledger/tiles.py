"""Where published tiles are kept: one small Protocol; files that any web server may serve, or tables for many hosts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Protocol

from ledger.disk import Written
from ledger.errors import Corrupt
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import HASH_SIZE
from tallystick.tiles import WIDTH, Tile


class TileSink(Protocol):
    """Takes tiles and entry bundles."""

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Keep tiles. Raises ``Corrupt`` if one exists with other bytes."""
        ...


@dataclass
class Draft:
    """Tiles that are written under other names, and not durable yet."""

    written: list[Written] = field(default_factory=list)
    names: list[tuple[Path, Path]] = field(default_factory=list)
    """The name that each file has, and the one that it is to have."""
    changed: dict[Path, None] = field(default_factory=dict)
    """Folders that have other names in them than before."""


class DraftSink(TileSink, Protocol):
    """Takes tiles in two steps, of which the second waits for the disk."""

    def draft(self, tiles: Iterable[tuple[Tile, bytes]]) -> Draft:
        """Write tiles under other names. Raises ``Corrupt`` if one exists with other bytes."""
        ...

    def finish(self, drafts: Iterable[Draft]) -> None:
        """Make them durable, all of them, and give them their names, before returning."""
        ...


class Tiles(TileSink, Protocol):
    """Published tiles, entry bundles and the checkpoint. A tile never changes; the checkpoint is replaced."""

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Make tiles durable, all of them, before returning. Raises ``Corrupt`` if one exists with other bytes."""
        ...

    def get(self, tile: Tile) -> bytes:
        """The bytes of a tile or entry bundle; the front of the full one where a partial one is not kept.

        A bundle may hold more entries than were asked for. Raises ``Corrupt`` when there is neither.
        """
        ...

    def find(self, tile: Tile) -> bytes | None:
        """Exactly this tile as it is published, if it is kept."""
        ...

    def put_checkpoint(self, note: str) -> None:
        """Replace the published checkpoint."""
        ...

    def checkpoint(self) -> bytes | None:
        """The published checkpoint, if there is one."""
        ...

    def put_aligned(self, note: str) -> None:
        """Replace the newest aligned checkpoint (``ledger.aligned``)."""
        ...

    def aligned(self) -> bytes | None:
        """The newest aligned checkpoint, if there is one: signed before the published one, or the same."""
        ...


class FileTiles(Tiles, DraftSink, Protocol):
    """Tiles in files."""


class SharedTiles(Tiles, Protocol):
    """Tiles that the processes of a shared log have in common."""

    def close(self) -> None:
        """Free connections, where there are any."""
        ...


def front(data: bytes, tile: Tile, kept: int) -> bytes:
    """What ``tile`` has of a tile that is ``kept`` wide; a bundle stays whole."""
    return data if tile.level is None or tile.width == kept else data[: tile.width * HASH_SIZE]


def changed(tile: Tile) -> Corrupt:
    """What is said of a tile that exists with other bytes than those to be put."""
    return Corrupt(
        f"the tile {tile.path()} exists with other bytes than the stored entries give: one of the two was "
        "changed, or an old database was restored; run `fsck` and restore what it names",
        tile.index * WIDTH ** ((tile.level or 0) + 1),
    )
