"""kill -9 of a witness, again and again, while a log and a thief of its keys both feed it: it never cosigns both."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ledger.witness.folder import add_log, create_witness
from ledger.witness.heads import Heads
from tallystick.cosignature import parse_witness
from tallystick.note import Note, verify_note
from tallystick.witnessing import AddCheckpoint, parse_cosignatures
from tests.architecture.tree import ROOT
from tests.ledger.grove import Tree, grown
from tests.ledger.test_witness import WORLD
from tests.patience import PATIENCE, Lines, end, join

LOG, FORK = grown(WORLD, 400), grown(WORLD, 400, fork_at=7)
ROUNDS = 5


class Feeder(threading.Thread):
    """Grows its tree by one entry a request, as the witness tells it, until the connection breaks."""

    def __init__(self, port: int, tree: Tree, keys: list[str], after: int) -> None:
        super().__init__()
        self._port, self._tree, self._after = port, tree, after
        self._keys = [parse_witness(key) for key in keys]
        self.enough = threading.Event()
        self.cosigned: list[int] = []

    def run(self) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as line:
            old = 0
            try:
                while (size := old + 1) <= 400:
                    note = self._tree.note(size)
                    line.request(
                        "POST", "/add-checkpoint", AddCheckpoint(old, self._tree.proof(old, size), note).encode()
                    )
                    answer = line.getresponse()
                    body = answer.read()
                    if answer.status == 200:
                        verify_note(Note(note.text, parse_cosignatures(body, note.text)), self._keys)
                        self.cosigned.append(size)
                        old = size
                    elif answer.status == 409 and answer.headers["Content-Type"] == "text/x.tlog.size":
                        old = int(body)
                    else:
                        return  # 422: the witness is with the other history
                    if len(self.cosigned) >= self._after:
                        self.enough.set()
            except (OSError, http.client.HTTPException):
                return
            finally:
                self.enough.set()


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, list[str]]:
    voice = create_witness(tmp_path / "w", "witness.example/killed", "secret")
    add_log(tmp_path / "w", WORLD.signers.keys.verifier_keys())
    return tmp_path / "w", list(voice.verifier_keys())


def test_killed_again_and_again(folder: tuple[Path, list[str]]) -> None:
    path, keys = folder
    seen: dict[int, set[int]] = {0: set(), 1: set()}
    for number in range(ROUNDS):
        process = subprocess.Popen(
            [sys.executable, "-m", "ledger", "witness", "serve", str(path), "--port", "0"],
            cwd=ROOT,
            env={"WITNESS_PASSPHRASE": "secret", "PATH": ""},
            stdout=subprocess.PIPE,
            text=True,
        )
        lines = Lines(process.stdout)
        port = int(lines.next().rpartition(":")[2])
        feeders = [Feeder(port, tree, keys, 3 + number) for tree in (LOG, FORK)]
        for feeder in feeders:
            feeder.start()
        for feeder in feeders:
            assert feeder.enough.wait(PATIENCE)
        process.send_signal(signal.SIGKILL)
        end(process)
        lines.close()
        for at, feeder in enumerate(feeders):
            join(feeder)
            seen[at] |= set(feeder.cosigned)
        with closing(Heads(path / "witness.sqlite")) as heads:
            head = heads.get(WORLD.origin)
        assert head is not None
        # What it gave away, it remembers.
        assert head.size >= max(seen[0] | seen[1])
    # Up to entry 7 both histories are one; beyond it, only one of them was ever cosigned.
    assert not (any(size > 7 for size in seen[0]) and any(size > 7 for size in seen[1]))
    assert max(seen[0] | seen[1]) > 7
