"""Waiting in tests, always with an end: what never comes fails the test that waits for it, and says what that was."""

from __future__ import annotations

import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO

PATIENCE = 120.0
"""Seconds after which what comes at once on an idle machine is not awaited any more."""


def wait_until(happened: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Look again and again."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"still not after {seconds:.0f} s: {what}"
        time.sleep(0.002)


def join(*threads: threading.Thread) -> None:
    """Wait for the end of threads."""
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive(), f"the thread {thread.name} does not end"


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process, which is killed if it does not come."""
    try:
        return process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)
        raise


class Lines:
    """Lines of a process, as they come. ``next`` gives ``""`` after the last."""

    def __init__(self, stream: IO[str] | None) -> None:
        assert stream is not None
        # Of its own: whoever closes a stream that another thread reads from waits for that thread.
        self._stream = os.fdopen(os.dup(stream.fileno()), encoding="utf-8")
        stream.close()
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            for line in self._stream:
                self._lines.put(line)
        self._lines.put("")

    def next(self, seconds: float = PATIENCE) -> str:
        """The next one."""
        try:
            return self._lines.get(timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"the process said nothing for {seconds:.0f} s") from None

    def close(self) -> None:
        """To be called after the end of the process."""
        join(self._thread)
