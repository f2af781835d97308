"""What is run under the recorder: ``python -m tests.ledger.power.workload append|begin DIR``.

Each acknowledgement is a line in the file ``acknowledged`` of the folder, so that the
record shows between which operations it was given.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ledger.log import Log
from ledger.submission import Receipt, prepare
from tests.ledger.conftest import founding, later, open_log
from tests.world import World

ACKNOWLEDGED = "acknowledged"


class _Tongue:
    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def say(self, line: str) -> None:
        os.write(self._file, f"{line}\n".encode())


def append(folder: Path) -> None:
    """Batches of one to four entries, publications, an erasure (which empties the write-ahead log), and an end."""
    world, tongue = later(World()), _Tongue(folder)
    with open_log(folder / "log", world) as log:
        for turn in range(6):
            said = [world.object() for _ in range(1 + turn % 4)]
            for one, outcome in zip(said, log.submit_many([prepare(one) for one in said]).result(), strict=True):
                assert isinstance(outcome, Receipt)
                tongue.say(f"position {outcome.position} {one.statement_id.hex()}")
            if turn % 2:
                note = log.publish_now().note
                tongue.say(f"published {note.encode().encode().hex()}")
            if turn == 3:
                with log.store.transaction() as working:
                    working.erase(3, ["name"])
                tongue.say("erased 3 name")
    tongue.say("closed")


def begin(folder: Path) -> None:
    """A log is begun, and published once."""
    world, tongue = World(), _Tongue(folder)
    with Log.create(folder / "log", founding(world), world.signers, lambda: world.clock, publish_every=None) as log:
        tongue.say("begun")
        tongue.say(f"published {log.publish_now().note.encode().encode().hex()}")


if __name__ == "__main__":
    {"append": append, "begin": begin}[sys.argv[1]](Path(sys.argv[2]))
