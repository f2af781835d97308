"""Server and client are killed together, again and again: what was acknowledged stands, and what stands is a log."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.appender import Appender
from ledger.publisher import Publisher
from ledger.store.postgres import open_store
from ledger.tilestore import TileStore
from tallystick.merkle import leaf_hash, leaf_hashes, root_of
from tests.architecture.tree import ROOT
from tests.ledger.faults import MemoryCheckpoints
from tests.ledger.rawlog import raw_entry
from tests.postgres import Server, serve
from tests.world import START, World

BATCH = 300
PROGRAM = """
import sys
from pathlib import Path
from tests.ledger.test_postgres_kill import keep_appending
keep_appending(sys.argv[1], Path(sys.argv[2]))
"""


def entries(first: int, count: int) -> list[bytes]:
    return [raw_entry(at) for at in range(first, first + count)]


def keep_appending(dsn: str, public: Path) -> None:
    """Say the size after each batch, for ever."""
    store = open_store(dsn)
    store.epoch = 0
    log = Appender(store, TileStore(public), lambda: START)
    while True:
        batch = entries(log.size, BATCH)
        log.append(batch, leaf_hashes(batch))
        print(log.size, flush=True)


@pytest.fixture
def mortal() -> Iterator[Server]:
    """A server of this test's own, whose syncs are on."""
    with serve({"listen_addresses": "", "max_wal_size": "256MB", "log_min_messages": "panic"}) as server:
        yield server


def append_until(dsn: str, public: Path, server: Server, batches: int, wait: float) -> int:
    """The last size that was said before all were killed."""
    command = [sys.executable, "-c", PROGRAM, dsn, str(public)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as client:
        assert client.stdout
        said = [int(client.stdout.readline()) for _ in range(batches)]
        time.sleep(wait)
        # The client may still say what it was told before the server died: it counts.
        server.kill()
        client.send_signal(signal.SIGKILL)
        return int((client.stdout.read().split("\n")[:-1] or [said[-1]])[-1])


def test_what_was_acknowledged_outlives_a_kill_of_everything(mortal: Server, tmp_path: Path) -> None:
    public = tmp_path / "public"
    public.mkdir()
    checkpoints, signers = MemoryCheckpoints(), World().signers
    with mortal.database() as dsn:
        for number in range(4):
            said = append_until(dsn, public, mortal, 3 + number, 0.003 * number)
            mortal.start()
            with closing(open_store(dsn)) as store:
                store.epoch = 0
                with store.snapshot() as reads:
                    size = reads.size()
                    assert size >= said
                    assert size % BATCH == 0
                    assert reads.entries(0, size) == entries(0, size)
                    last = leaf_hash(raw_entry(said - 1))
                    assert reads.positions_of([last]) == {last: said - 1}
                tiles = TileStore(public)
                with Appender(store, tiles, lambda: START) as log:
                    assert log.settle() == root_of(leaf_hashes(entries(0, size)))
                signed = Publisher(store, tiles, checkpoints, signers, lambda: START).publish()
                assert signed.checkpoint.size == size
