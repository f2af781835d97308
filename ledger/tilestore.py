"""Tiles and the checkpoint as files that anybody may serve: C2SP tlog-tiles paths under one folder.

A file is written under another name, synced, renamed, and its folder is synced: who
finds a name finds all of its bytes. A tile never changes; only ``checkpoint`` and ``checkpoint-aligned``
are replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ledger.disk import Disk, LocalDisk
from ledger.errors import Corrupt
from ledger.nodes import NodeFiles
from ledger.tiles import Draft, changed, front
from tallystick.tiles import FullTile, Tile

CHECKPOINT = "checkpoint"
ALIGNED = "checkpoint-aligned"
TEMPORARY = ".tmp"
HELD = 64
"""Files that one draft keeps open until they are synced."""


class TileStore:
    """The public folder of a log. Absent folders are made as they are needed, below ``root`` only."""

    def __init__(self, root: Path, disk: Disk | None = None, nodes: NodeFiles | None = None) -> None:
        """``nodes``: where the inner nodes of full tiles are kept as well."""
        self._root = root
        self._nodes = nodes
        self._disk = disk or LocalDisk()

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Make tiles durable, all of them, before returning. Raises ``Corrupt`` if one exists with other bytes."""
        self.finish([self.draft(tiles)])

    def draft(self, tiles: Iterable[tuple[Tile, bytes]]) -> Draft:
        """See ``DraftSink``."""
        draft, folders = Draft(), dict[str, Path]()
        for tile, data in tiles:
            if self._nodes and isinstance(data, FullTile):
                self._nodes.keep(tile, data.stages)
            where, _, name = tile.path().rpartition("/")
            folder = folders.get(where)
            if folder is None:
                folder = folders[where] = self._root / where
                self._make_folder(folder, draft.changed)
            path = folder / name
            if self._holds(tile, path, data):
                # It may stand there since a crash that came before its folders were synced.
                draft.changed.update(dict.fromkeys(path.parents[: len(path.parents) - len(self._root.parents)]))
            else:
                temporary = folder / (name + TEMPORARY)
                draft.written.append(self._disk.begin_write(temporary, data))
                draft.names.append((temporary, path))
                if len(draft.written) == HELD:
                    self._disk.end_writes(draft.written)
                    draft.written = []
        return draft

    def finish(self, drafts: Iterable[Draft]) -> None:
        """See ``DraftSink``."""
        whole = Draft()
        for draft in drafts:
            whole.written += draft.written
            whole.names += draft.names
            whole.changed |= draft.changed
        self._disk.end_writes(whole.written)
        for temporary, path in whole.names:
            self._disk.rename(temporary, path)
            whole.changed[path.parent] = None
        self._disk.sync_folders(list(whole.changed))

    def _holds(self, tile: Tile, path: Path, data: bytes) -> bool:
        if not self._disk.exists(path):
            return False
        if self._disk.read(path) != data:
            raise changed(tile)
        return True

    def _make_folder(self, folder: Path, changed: dict[Path, None]) -> None:
        if folder != self._root and not self._disk.exists(folder):
            self._make_folder(folder.parent, changed)
            self._disk.make_folder(folder)
            changed[folder.parent] = None

    def get(self, tile: Tile) -> bytes:
        """The bytes of a tile or entry bundle; the front of the full one where a partial one is not kept.

        Raises ``Corrupt`` when there is neither.
        """
        for name in dict.fromkeys((tile, Tile(tile.level, tile.index))):
            try:
                data = self._disk.read(self._root / name.path())
            except FileNotFoundError:
                continue
            return front(data, tile, name.width)
        raise Corrupt(f"the tile {tile.path()} is missing; run `fsck`")

    def find(self, tile: Tile) -> bytes | None:
        """See ``Tiles``."""
        try:
            return self._disk.read(self._root / tile.path())
        except FileNotFoundError:
            return None

    def put_checkpoint(self, note: str) -> None:
        """Replace the published checkpoint."""
        self._replace(CHECKPOINT, note)

    def checkpoint(self) -> bytes | None:
        """The published checkpoint, if there is one."""
        return self._note(CHECKPOINT)

    def put_aligned(self, note: str) -> None:
        """See ``Tiles``."""
        self._replace(ALIGNED, note)

    def aligned(self) -> bytes | None:
        """See ``Tiles``."""
        return self._note(ALIGNED)

    def _replace(self, name: str, note: str) -> None:
        temporary = self._root / (name + TEMPORARY)
        written = self._disk.begin_write(temporary, note.encode())
        self.finish([Draft([written], [(temporary, self._root / name)])])

    def _note(self, name: str) -> bytes | None:
        try:
            return self._disk.read(self._root / name)
        except FileNotFoundError:
            return None
