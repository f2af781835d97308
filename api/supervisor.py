"""Keeps the worker process running beside the server: started again when it dies, stopped with the server."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the worker is started again; doubled each time, until it lives for longer than the longest."""
PATIENCE = 20.0
"""Seconds that a worker gets to finish its step."""

WORKER = (sys.executable, "-m", "api", "worker", "--supervised")

_log = logging.getLogger(__name__)


class Supervisor:
    """A thread that waits for the worker. Its pipe to the worker's standard input ends with this process, however."""

    def __init__(self, command: Sequence[str] = WORKER) -> None:
        self._command = command
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start the worker and keep it running."""
        self._thread.start()

    def stop(self) -> None:
        """Have the worker finish its step, and wait for it."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            started = time.monotonic()
            code = self._live()
            if self._stopping.is_set():
                return
            if time.monotonic() - started > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            _log.warning("the anchor worker ended with code %d; starting it again in %.1f s", code, pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _live(self) -> int:
        # In a session of its own, so that Ctrl-C reaches it through us alone.
        with subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True) as process:
            while process.poll() is None and not self._stopping.is_set():
                self._stopping.wait(0.1)
            if process.poll() is None:
                self._finish(process)
            return process.wait()

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            _log.warning("the anchor worker did not stop in %.0f s; its outbox survives being killed", PATIENCE)
            process.kill()
