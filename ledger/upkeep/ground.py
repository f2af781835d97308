"""Where a log is brought back to: what ``restore`` finds there, and where it puts what it brings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Protocol

from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.disk import LocalDisk
from ledger.folder import Folder
from ledger.store import Store
from ledger.tiles import Tiles
from ledger.tilestore import TileStore

RESTORING = ".restoring"


class Ground(Protocol):
    """A data folder, or the databases of a shared log, while nobody else writes there."""

    evidence: Path
    """Folder that the evidence of a fork is kept in."""
    name: str
    """The place, as the command is given it."""
    checkpoints: str
    """The checkpoint store, for people."""
    anew: str
    """Where tiles that are damaged stand and what to do with them, for people."""

    @property
    def store(self) -> Store:
        """Entries and private values."""
        ...

    @property
    def tiles(self) -> Tiles:
        """What is published."""
        ...

    def signed(self, origin: str) -> str | None:
        """The note that the checkpoint store holds, empty before the first; ``None`` where there is no store."""
        ...

    def remember(self, origin: str, size: int, note: str) -> None:
        """The checkpoint store comes to hold this note; a new one appears with it, or not at all."""
        ...


class FolderGround:
    """See ``Ground``. The caller holds the folder's lock."""

    def __init__(self, folder: Folder, store: Store) -> None:
        self._path = folder.checkpoints
        self.store = store
        self.tiles = TileStore(folder.public)
        self.evidence = folder.path
        self.name = str(folder.path)
        self.checkpoints = str(folder.checkpoints)
        self.anew = f"{folder.public}: move the folder away"

    def signed(self, origin: str) -> str | None:
        """See ``Ground``. Raises ``NoLog`` where it is another log's."""
        if not self._path.exists():
            return None
        with closing(SqliteCheckpointStore(self._path)) as store:
            return store.latest(origin).note

    def remember(self, origin: str, size: int, note: str) -> None:
        """See ``Ground``."""
        path, staged = self._path, self._path.with_name(self._path.name + RESTORING)
        new = not path.exists()
        if new:
            staged.unlink(missing_ok=True)
            SqliteCheckpointStore.create(staged)
        with closing(SqliteCheckpointStore(staged if new else path)) as store:
            if new:
                store.enter(origin)
            epoch = store.take_over(origin)
            store.swap(origin, epoch, store.latest(origin), size, note)
        if new:
            disk = LocalDisk()
            disk.rename(staged, path)
            disk.sync_folders([path.parent])
