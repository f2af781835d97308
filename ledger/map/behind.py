"""SQLite's log behind the file of a map is copied to it by a thread, so that no batch waits for the disk."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, suppress
from pathlib import Path

_TIMES = 3
"""A commit while it copies leaves something to be copied: only a log that was copied whole begins anew."""


class Copying:
    """Copies the log behind one file, now and then. A commit is as durable before as afterwards."""

    def __init__(self, path: Path, every: int) -> None:
        """``every``: bytes that are written between two times."""
        self._path = path
        self._every = every
        self._written = 0
        self._thread: threading.Thread | None = None

    def wrote(self, size: int) -> None:
        """So many bytes were committed."""
        self._written += size
        if self._written >= self._every and not (self._thread and self._thread.is_alive()):
            self._written = 0
            self._thread = threading.Thread(target=self._copy, name="map-copy")
            self._thread.start()

    def end(self) -> None:
        """Wait for what is under way: the file may be closed or removed then."""
        if self._thread:
            self._thread.join()

    def _copy(self) -> None:
        # What fails here is tried again; where a disk is full or damaged, whoever writes there is told.
        with suppress(sqlite3.Error), closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=NORMAL")
            for _ in range(_TIMES):
                _, log, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if log == copied:
                    return
