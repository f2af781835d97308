"""Completeness: the ledger's figure, kept up to date while the log grows."""

from __future__ import annotations

import asyncio
import threading
import time

from ledger.log import Log
from ledger.upkeep.completeness import Census, Completeness
from tallystick.lazy_dataclass import dataclass

STEP = 500
"""Entries read in one go: some milliseconds, in which others wait."""
BREATH = 0.01
"""Seconds to wait before the next step."""
PAUSE = 2.0
"""Seconds to wait once every entry has been read."""
SHARE = 50
"""While the log grows, no more than one part in so many of a core: who submits needs it, and the figure can wait."""


@dataclass(frozen=True)
class Figure:
    """``found`` counts the first ``entries`` entries of the log."""

    found: Completeness
    entries: int

    @property
    def share(self) -> float:
        """Complete objects by all; 1 when there are none."""
        return self.found.complete / self.found.objects if self.found.objects else 1.0


class CompletenessCheck:
    """Recomputed from the entries themselves, once each in the life of the process: they never change."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._census = Census()
        self._entries = 0
        self._size: int | None = None
        """When the last step was done."""

    def advance(self) -> Figure:
        """Read up to ``STEP`` more entries, and say what is known then."""
        return self._advance()[0]

    def _advance(self) -> tuple[Figure, int]:
        """And how many entries there are."""
        with self._lock, self._log.store.snapshot() as reads:
            for entry in reads.entries(self._entries, self._entries + STEP):
                self._census.take(self._entries, entry, reads)
                self._entries += 1
            return Figure(self._census.figure(), self._entries), reads.size()

    async def run(self) -> None:
        """Keep up with the log for ever."""
        while True:
            await asyncio.sleep(await asyncio.to_thread(self.step))

    def step(self) -> float:
        """``advance``, and the seconds to wait before the next step."""
        before, began = self._entries, time.thread_time()
        figure, size = self._advance()
        took = time.thread_time() - began
        grown, self._size = size - (self._size or size), size
        if figure.entries - before < STEP:
            # What came while it read can wait for a step of its own.
            return PAUSE
        return max(BREATH, took * (SHARE - 1)) if grown else BREATH
