"""Tiles written behind the log: a thread makes one wave durable while the next one gathers."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from ledger.tiles import TileSink
from tallystick.tiles import Tile

WAVE = 64
"""Tiles worth a wave of their own."""
_MAX_BYTES = 8 << 20
"""Bytes that may gather; then whoever brings more waits for the wave under way."""


class WriteBehind:
    """A ``TileSink`` before another one. Used by one thread; nothing is durable before ``settle`` has returned."""

    def __init__(self, tiles: TileSink) -> None:
        self._tiles = tiles
        self._thread = ThreadPoolExecutor(1, "tiles")
        self._gathered: list[tuple[Tile, bytes]] = []
        self._bytes = 0
        self._wave: Future[None] | None = None

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Take tiles; raises what an earlier wave met, and then always."""
        for tile, data in tiles:
            self._gathered.append((tile, data))
            self._bytes += len(data)
        if self._bytes > _MAX_BYTES or self._wave is None or self._wave.done():
            self._wait()
            if len(self._gathered) >= WAVE:
                self._start()

    def settle(self) -> None:
        """Return when all that was put is durable; raises what prevented it."""
        self._wait()
        if self._gathered:
            self._start()
            self._wait()

    def _wait(self) -> None:
        if self._wave:
            self._wave.result()

    def _start(self) -> None:
        self._wave = self._thread.submit(self._tiles.put, self._gathered)
        self._gathered, self._bytes = [], 0

    def close(self) -> None:
        """End the thread, after the wave under way."""
        self._thread.shutdown()
