"""Tiles written behind the log: a thread makes one wave durable while the next one gathers."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from ledger.tiles import Draft, DraftSink
from tallystick.tiles import Tile

WAVE = 64
"""Tiles worth a wave of their own."""
MANY = 2 * WAVE
"""Tiles that may wait for a wave, as open files; then whoever brings more waits for the wave under way."""


class WriteBehind:
    """A ``TileSink`` before another one. Used by one thread at a time; nothing is durable before ``settle`` returned.

    The thread behind does nothing but wait for the disk: what needs the interpreter's lock again and again is done by
    whoever calls ``write``.
    """

    def __init__(self, tiles: DraftSink) -> None:
        self._tiles = tiles
        self._thread = ThreadPoolExecutor(1, "tiles")
        self._gathered: list[tuple[Tile, bytes]] = []
        self._drafts: list[Draft] = []
        self._drafted = 0
        self._wave: Future[None] | None = None
        self._failed: BaseException | None = None

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Take tiles, and write them if they are worth it. Raises what ``write`` does."""
        self._gathered += tiles
        if len(self._gathered) >= WAVE:
            self.write()

    def write(self, tiles: Iterable[tuple[Tile, bytes]] = ()) -> None:
        """Take tiles, and write all that was taken; raises what was met with any, and then always."""
        if self._failed:
            raise self._failed
        self._gathered += tiles
        try:
            self._draft()
            if self._drafted >= MANY or (self._drafted >= WAVE and self._at_rest()):
                self._wait()
                self._start()
        except BaseException as error:
            self._failed = error
            raise

    def settle(self) -> None:
        """Return when all that was taken is durable. Raises what ``write`` does."""
        self.write()
        try:
            self._wait()
            self._start()
            self._wait()
        except BaseException as error:
            self._failed = error
            raise

    def _draft(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._drafts.append(self._tiles.draft(gathered))
            self._drafted += len(gathered)

    def _at_rest(self) -> bool:
        return self._wave is None or self._wave.done()

    def _wait(self) -> None:
        if self._wave:
            self._wave.result()

    def _start(self) -> None:
        if self._drafts:
            self._wave = self._thread.submit(self._tiles.finish, self._drafts)
            self._drafts, self._drafted = [], 0

    def close(self) -> None:
        """End the thread, after the wave under way."""
        self._thread.shutdown()
