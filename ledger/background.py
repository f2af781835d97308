"""A thread that publishes soon after something was committed, and not more often than it should."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

IDLE_SECONDS = 10.0
"""Looks for something to publish so often even if nobody woke it: a commit may have been done although it failed."""
RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class BackgroundPublisher:
    """``error`` is why the last attempt failed, ``None`` after one that did not; it is tried again."""

    def __init__(self, publish: Callable[[], object], every: float) -> None:
        self._publish = publish
        self._every = every
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Something was committed."""
        self._wanted.set()

    def close(self) -> None:
        """Finish the publication that is under way, then stop."""
        self._closing.set()
        self._wanted.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wanted.wait(IDLE_SECONDS)
            self._wanted.clear()
            if not self._closing.is_set():
                self._attempt()
            self._closing.wait(max(self._every, RETRY_SECONDS) if self.error else self._every)

    def _attempt(self) -> None:
        try:
            self._publish()
            self.error = None
        # Entries are safe without publication: say what is wrong and go on trying.
        except Exception as error:
            if str(error) != str(self.error):
                _log.exception("nothing was published")
            self.error = error
            self._wanted.set()
