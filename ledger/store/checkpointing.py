"""The write-ahead log of SQLite, copied into the database behind the commits instead of by one of them (ADR 0012).

The copying thread never quite finishes while somebody writes. So the writer finishes, before
a transaction: what is left by then is little, and the log begins anew. Not after a commit,
whose answers would wait for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

CHECKPOINT_PAGES = 32768
"""Pages that are written between two copies, about: 128 MiB. The same page is often among them several times."""
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpointer:
    """Used by the one writer. ``connect`` gives the thread a connection of its own."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._thread = ThreadPoolExecutor(1, "checkpoint")
        self._copy: Future[None] | None = None
        self._written = 0

    def committed(self, pages: int) -> None:
        """After each commit, which wrote ``pages``, about."""
        self._written += pages
        if self._copy is None and self._written >= CHECKPOINT_PAGES:
            self._copy = self._thread.submit(self._run)

    def finish(self, writer: sqlite3.Connection) -> None:
        """Before each transaction."""
        if self._copy and self._copy.done():
            # Whatever went wrong, nothing is lost: it is tried again with the next pages.
            self._copy, self._written = None, 0
            writer.execute(_CHECKPOINT).fetchone()

    def wait(self) -> None:
        """Return when no copy is under way, however it ended."""
        if self._copy:
            self._copy.exception()

    def _run(self) -> None:
        with closing(self._connect()) as connection:
            connection.execute(_CHECKPOINT).fetchone()

    def close(self) -> None:
        """End the thread, after the copy under way."""
        self._thread.shutdown()
