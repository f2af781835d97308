"""A copy of another log in a folder: ``public/`` is a tlog-tiles tree, ``evidence/`` what convicts the log.

One process follows at a time. What is served from ``public/`` was verified before it was written there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from types import TracebackType

from ledger.copies.evidence import save_fork
from ledger.copies.follow import Follower, Step
from ledger.copies.known import KnownLog
from ledger.copies.source import Source
from ledger.errors import Corrupt, ForkSeen, LogExists
from ledger.folder import Folder, FolderLock
from ledger.integrate import recompute
from ledger.map.check import compare
from ledger.map.disk import DiskMap
from ledger.tilestore import TileStore
from ledger.upkeep.rebuild import published_entries
from tallystick.errors import MalformedInput
from tallystick.events.log import Freeze, MapRoot
from tallystick.statement import parse_statement

EVIDENCE = "evidence"
_MAP_ROOT = b'"log.map-root"'


class Mirror:
    """An open copy. Holds the folder's lock until it is closed."""

    def __init__(self, path: Path, log: KnownLog, source: Source) -> None:
        """Makes the folder if it is missing. Raises ``LogExists`` where a log is kept, ``LogBusy``, ``Corrupt``."""
        folder = Folder(path)
        if folder.database.exists():
            raise LogExists(f"{path} is the data folder of a log: a copy needs a folder of its own")
        self._made = None if path.exists() else folder
        folder.make()
        self._lock = FolderLock(folder)
        self._source = source
        self.evidence = path / EVIDENCE
        self.tiles = TileStore(folder.public)
        self.follower = Follower(log, source, self.tiles)

    def step(self, progress: Callable[[int], None] = lambda done: None) -> Step:
        """See ``Follower.step``; the evidence of a fork is kept, and named in the message, before it is raised."""
        try:
            return self.follower.step(progress)
        except ForkSeen as fork:
            kept = save_fork(self.evidence, fork)
            raise ForkSeen(
                f"{fork}; both checkpoints and the proof are kept in {kept}", fork.notes, fork.smaller_root, fork.proof
            ) from None

    def ended(self) -> Freeze | None:
        """What the log said when it ended, if the copy holds that: the last statement, and its batch entry after it."""
        held = self.follower.held()
        if held is None or held.checkpoint.size < 2:
            return None
        said, _ = published_entries(self.tiles, held.checkpoint.size - 2, held.checkpoint.size)
        try:
            body = parse_statement(said).event.body
        except MalformedInput:
            return None  # another program's log may hold anything
        return body if isinstance(body, Freeze) else None

    def check(self) -> int:
        """Recompute the whole copy, which must give the checkpoint that it shows; its size. Raises ``Corrupt``."""
        held = self.follower.held()
        if held is None:
            return 0
        size, root = held.checkpoint.size, held.checkpoint.root
        found = recompute(self.tiles, 0, size)
        if size and found != root:
            raise Corrupt(f"the copy's tiles give root {found.hex()}, its checkpoint says {root.hex()}: copy again")
        self._check_map(size)
        return size

    def _check_map(self, size: int) -> None:
        """Every root of the map that the log states is that of its entries."""

        def entries(first: int, end: int) -> Iterator[bytes]:
            return islice(published_entries(self.tiles, first, size), end - first)

        with tempfile.TemporaryDirectory() as folder, closing(DiskMap(Path(folder) / "map.sqlite")) as found:
            for position, entry in enumerate(published_entries(self.tiles, 0, size)):
                if _MAP_ROOT not in entry:
                    continue
                try:
                    stated = parse_statement(entry).event.body
                except MalformedInput:
                    continue  # as above
                if isinstance(stated, MapRoot):
                    problem = compare(found, position, stated, entries)
                    if problem:
                        raise Corrupt(f"entry {position}: {problem}", position)

    def close(self) -> None:
        """Hang up, and let the next process in."""
        self._source.close()
        if self._made and self.tiles.checkpoint() is None:
            # Nothing was copied, so there is no copy: a mistyped address leaves nothing behind.
            with suppress(OSError):
                self._made.lock.unlink()
                self._made.public.rmdir()
                self._made.path.rmdir()
        self._lock.release()

    def __enter__(self) -> Mirror:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
