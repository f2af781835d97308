"""What is run under the recorder: ``python -m tests.ledger.power.workload WORK DIR``, with one of ``WORK``.

Each acknowledgement is a line in the file ``acknowledged`` of the folder, so that the
record shows between which operations it was given.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from pathlib import Path

import ledger.copies.monitor
from api.rotation import rotate
from api.settings import Settings
from ledger.copies.monitor import Expectations, Monitor
from ledger.copies.source import open_source
from ledger.folder import Folder
from ledger.log import Log
from ledger.submission import Receipt, prepare
from ledger.upkeep.backup import back_up
from ledger.upkeep.restore import restore
from ledger.witness.folder import add_log, create_witness, open_witness
from tallystick.events.log import Role
from tests.ledger.conftest import founding, later, open_log
from tests.ledger.following import known
from tests.ledger.grove import grown
from tests.world import START, World

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


def watch(folder: Path) -> None:
    """A log beside it is watched: at first as it was, then as it is."""
    tongue, ledger.copies.monitor.CHUNK = _Tongue(folder), 4
    expected = Expectations(watched=frozenset({World().provider.id}))
    for source in ("early", "late"):
        with closing(Monitor(folder / "watch", known(), open_source(str(folder / source)), expected)) as monitor:
            monitor.look(World().clock)
            for line in monitor.alarms():
                tongue.say(f"alarm {json.loads(line)['position']}")
    tongue.say("closed")


def backup(folder: Path) -> None:
    """A log is backed up."""
    back_up(Folder(folder / "log"), folder / "kept")
    _Tongue(folder).say("kept")


def restoration(folder: Path) -> None:
    """A log is restored from a backup and brought forward from tiles."""
    restore(Folder(folder / "log"), folder / "kept", open_source(str(folder / "late")), None)
    _Tongue(folder).say("restored")


def witness(folder: Path) -> None:
    """A witness is begun, told of a log, and cosigns it as it grows, once with two requests from one size."""
    tongue, tree = _Tongue(folder), grown(World(), 40)
    create_witness(folder / "witness", "witness.example/w", None)
    tongue.say("begun")
    add_log(folder / "witness", list(tree.world.signers.keys.verifier_keys()))
    tongue.say("added")
    with open_witness(folder / "witness", None, lambda: START) as opened:
        old = 0
        for size in (1, 2, 5, 5, 17, 40):
            answer = opened.add_checkpoint(tree.request(old, size).encode())
            assert answer.status == 200, answer
            tongue.say(f"cosigned {size}")
            old = size


def rotation(folder: Path) -> None:
    """Two keys of a log that stands still are replaced, one after the other."""
    tongue = _Tongue(folder)
    for role in ROTATED:
        rotated = rotate(Settings(data=folder / "data"), role, lambda: START + 60)
        tongue.say(f"{role} {rotated.position} {rotated.new}")


ROTATED: tuple[Role, ...] = ("log", "registrar")
WORK = {
    "append": append,
    "begin": begin,
    "watch": watch,
    "backup": backup,
    "restore": restoration,
    "witness": witness,
    "rotate": rotation,
}

if __name__ == "__main__":
    WORK[sys.argv[1]](Path(sys.argv[2]))
