"""Completeness: the ledger's figure, kept up to date while the log grows."""

from __future__ import annotations

import asyncio
import threading

from ledger.log import Log
from ledger.upkeep.completeness import Census, Completeness
from tallystick.lazy_dataclass import dataclass

STEP = 500
"""Entries read in one go: some milliseconds, in which others wait."""
BREATH = 0.01
"""Seconds to wait before the next step."""
PAUSE = 2.0
"""Seconds to wait once every entry has been read."""


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

    def advance(self) -> Figure:
        """Read up to ``STEP`` more entries, and say what is known then."""
        with self._lock, self._log.store.snapshot() as reads:
            for entry in reads.entries(self._entries, self._entries + STEP):
                self._census.take(self._entries, entry, reads)
                self._entries += 1
            return Figure(self._census.figure(), self._entries)

    async def run(self) -> None:
        """Keep up with the log for ever."""
        read = 0
        while True:
            figure = await asyncio.to_thread(self.advance)
            # What came while it read can wait for a step of its own.
            await asyncio.sleep(BREATH if figure.entries - read >= STEP else PAUSE)
            read = figure.entries
