"""A process that appends and publishes, and goes on when something fails. Run by test_disk_faults.py with the recorder
in it: ``python -m tests.ledger.power.stubborn``.

Each line on standard input is ``folder number error when on``: in a child of this process, so
that Python starts once, operation ``number`` on files of the folder fails (see recorder.c).
A line says how the child ended, and how often something failed.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from pathlib import Path

from ledger.log import Log
from ledger.submission import Receipt, prepare
from tallystick.statement import Statement
from tests.ledger.conftest import later, open_log
from tests.ledger.power.workload import ACKNOWLEDGED
from tests.world import World

PATIENCE = 12


class Child:
    """One run, with one fault in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._world = later(World())
        self._todo = [[self._world.object() for _ in range(1 + turn)] for turn in range(3)]
        # Outside of the folder that fails: what was said was said.
        said = folder.parent.with_name(f"{folder.name}.{ACKNOWLEDGED}")
        self._said = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.failures = 0

    def run(self) -> None:
        """Open, write and publish until all is done, again and again where it fails."""
        while self._todo:
            try:
                with open_log(self._folder / "log", self._world) as log:
                    while self._todo:
                        self._batch(log, self._todo[0])
                        self._todo.pop(0)
            except Exception:
                self._failed()

    def _batch(self, log: Log, said: list[Statement]) -> None:
        """Twice in the same process, before the log is opened anew."""
        for attempt in range(2):
            try:
                for one, outcome in zip(said, log.submit_many([prepare(one) for one in said]).result(), strict=True):
                    assert isinstance(outcome, Receipt)
                    self._say(f"position {outcome.position} {one.statement_id.hex()}")
                self._say(f"published {log.publish_now().note.encode().encode().hex()}")
                return
            except Exception:
                self._failed()
                if attempt:
                    raise

    def _failed(self) -> None:
        self.failures += 1
        if self.failures > PATIENCE:
            os._exit(3)
        if self.failures == 2:
            ctypes.CDLL(None).recorder_arm(ctypes.c_long(-1), 0, 0, 0)  # There is room again.

    def _say(self, line: str) -> None:
        os.write(self._said, f"{line}\n".encode())


def main() -> None:
    """One child for each line."""
    logging.disable()
    for line in sys.stdin:
        folder, number, error, when, on = line.split()
        pid = os.fork()
        if pid == 0:
            child = Child(Path(folder))
            ctypes.CDLL(None).recorder_arm(ctypes.c_long(int(number)), int(error), ord(when), int(on))
            child.run()
            os._exit(100 + child.failures)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
