"""Thirty random SIGKILLs of a real process: nothing acknowledged is missing, and no checkpoint ever seen is a fork."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from ledger.bucket.opening import reading
from ledger.bucket.place import parse_place
from ledger.folder import Folder
from ledger.reader import PublishedLog
from ledger.store.sqlite import open_store
from ledger.tiles import Tiles
from ledger.tilestore import TileStore
from ledger.upkeep.fsck import fsck
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import verify_consistency
from tests.ledger.conftest import open_log
from tests.ledger.test_bucket_log import PREFIX, move_in, open_there
from tests.patience import Lines, end
from tests.s3 import Bucket
from tests.world import World

LIVES = 30


class Witness:
    """Remembers every checkpoint that it saw, and demands that each extends the one before."""

    def __init__(self, tiles: Tiles) -> None:
        self._published = PublishedLog(tiles, World().signers.keys)
        self.seen: list[Checkpoint] = [self._published.checkpoint().checkpoint]

    def is_behind(self) -> bool:
        """Whether more is published than it saw."""
        return self._published.checkpoint().checkpoint.size > self.seen[-1].size

    def look(self) -> None:
        latest, before = self._published.checkpoint().checkpoint, self.seen[-1]
        proof = self._published.prove_consistency(before.size, latest.size)
        verify_consistency(before.size, before.root, latest.size, latest.root, proof)
        self.seen.append(latest)


def one_life(
    process: subprocess.Popen[str], lines: Lines, chance: random.Random, ready: Callable[[], bool]
) -> dict[str, int]:
    """Start a child, kill it at a random moment after a random number of acknowledgements; what it acknowledged.

    Not before it is ``ready``: where publishing is slow, no life would publish else.
    """
    assert process.stdin is not None
    print("live", file=process.stdin, flush=True)
    acknowledged: dict[str, int] = {}
    child, killer, enough = 0, None, chance.randint(1, 60)
    while line := lines.next():
        first, second = line.split()
        if first == "ended":
            assert second == "-9", f"the appender ended by itself with {second}"
            break
        if first == "child":
            child = int(second)
        else:
            acknowledged[second] = int(first)
        if child and len(acknowledged) >= enough and killer is None and ready():
            killer = threading.Timer(chance.uniform(0, 0.05), os.kill, (child, signal.SIGKILL))
            killer.start()
    return acknowledged


def kill(witness: Witness, data: Path, lives: int, *place: str) -> dict[str, int]:
    """So many lives, each of which ends somewhere; what was acknowledged, which stands where it was said to."""
    chance = random.Random(20260131)
    acknowledged: dict[str, int] = {}
    command = [sys.executable, "-m", "tests.ledger.appender", str(data), *place]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        lines = Lines(process.stdout)
        for number in range(lives):
            said = one_life(process, lines, chance, witness.is_behind if number % 2 else lambda: True)
            assert not acknowledged.keys() & said.keys()
            acknowledged.update(said)
            witness.look()
            store = open_store(data / "ledger.sqlite")
            with store.snapshot() as reads:
                ids = [bytes.fromhex(one) for one in acknowledged]
                assert {one.hex(): at for one, at in reads.positions_of(ids).items()} == acknowledged
            store.close()
        assert process.stdin is not None
        process.stdin.close()
        end(process)
        lines.close()
    assert len(acknowledged) >= lives
    assert len({one.size for one in witness.seen}) > lives // 2
    return acknowledged


def test_thirty_random_kills(data: Path) -> None:
    witness = Witness(TileStore(data / "public"))
    acknowledged = kill(witness, data, LIVES)
    with open_log(data, World()) as log:
        size = log.publish_now().checkpoint.size
    witness.look()
    report = fsck(Folder(data))
    assert report.findings == ()
    assert report.entries == report.published == size > max(acknowledged.values())


def test_random_kills_of_a_log_in_a_bucket(data: Path, bucket: Bucket) -> None:
    """PUTs that were sent are done or not, or are done after the next life has begun."""
    place = parse_place(bucket.place(PREFIX))
    move_in(data, place)
    witness = Witness(reading(place))
    acknowledged = kill(witness, data, LIVES // 3, bucket.place(PREFIX))
    with open_there(data, World(), place) as log:
        size = log.publish_now().checkpoint.size
    witness.look()
    report = fsck(Folder(data), bucket=place)
    assert report.findings == ()
    assert report.entries == report.published == size > max(acknowledged.values())
