"""The sequencer is lost at each step, in each way: nothing is lost or forked, and another takes over by itself."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.log import Log
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.log import open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import verify_consistency
from tests.ledger.conftest import later
from tests.ledger.sharer import STEPS
from tests.patience import Lines, end, wait_until
from tests.world import World

LONG = 60.0
"""A lease that no slow machine loses; where it must end, the test ends it."""


class Lives:
    """The process whose children live and end; what each one said."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.ledger.sharer"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lines = Lines(self._process.stdout)
        self._number = 0
        self.child = 0
        self.said: set[str] = set()
        self.got: dict[str, int] = {}

    def begin(self, dsn: str, what: str, step: str = "", when: str = "", **more: Any) -> None:
        self._number += 1
        life = {"number": self._number, "dsn": dsn, "what": what, "step": step, "when": when, "lease": LONG, **more}
        assert self._process.stdin is not None
        print(json.dumps(life), file=self._process.stdin, flush=True)
        self.child = 0

    def until(self, *expected: str) -> str:
        """Read until a line that begins with one of these words."""
        while line := self._lines.next():
            first, *words = line.split()
            if first == "child":
                self.child = int(words[0])
            elif first == "says":
                self.said.add(words[0])
            elif first == "got":
                assert words[1] not in self.got
                self.got[words[1]] = int(words[0])
            if first in expected and self.child:
                if first == "ended":
                    self.child = 0
                return line.strip()
            assert first != "ended", f"the process ended by itself: {line}"
        raise AssertionError("the process that keeps the lives ended")

    def signal(self, number: int) -> None:
        os.kill(self.child, number)

    def stopped(self) -> None:
        """Wait until the child sleeps: it says where it is a moment before it stops itself."""
        stat = Path(f"/proc/{self.child}/stat")
        wait_until(lambda: stat.read_text().rpartition(") ")[2][0] == "T", "the child stops")

    def bury(self) -> None:
        """A test that failed leaves a child behind that waits for a word, and nobody else would end it."""
        if self.child:
            self.signal(signal.SIGKILL)
            self.until("ended")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        end(self._process)
        self._lines.close()


@pytest.fixture(scope="module")
def keeper() -> Iterator[Lives]:
    with closing(Lives()) as lives:
        yield lives


@pytest.fixture
def lives(keeper: Lives) -> Iterator[Lives]:
    keeper.said, keeper.got = set(), {}
    yield keeper
    keeper.bury()


class Rescue:
    """Another process of the same log; remembers every checkpoint that it saw."""

    def __init__(self, dsn: str, lease: float = LONG) -> None:
        self.dsn = dsn
        self.world = later(World())
        clock = self.world.clock
        self.log: Log = open_shared(
            Place(dsn, "rescue", lease=lease), self.world.signers, lambda: clock, publish_every=0.0, patience=60.0
        )
        self.seen: list[Checkpoint] = []
        self.got: dict[str, int] = {}

    def look(self) -> None:
        latest = self.log.published.checkpoint().checkpoint
        if self.seen:
            before = self.seen[-1]
            proof = self.log.published.prove_consistency(before.size, latest.size)
            verify_consistency(before.size, before.root, latest.size, latest.root, proof)
        self.seen.append(latest)

    def work(self) -> None:
        """Submit, publish, look."""
        said = self.world.object()
        self.got[said.statement_id.hex()] = self.log.submit(said).result().position
        self.log.publish_now()
        self.look()

    def check(self, lives: Lives) -> None:
        """Whatever was acknowledged stands where it was said to; whatever was said stands once at most."""
        with self.log.store.snapshot() as reads:
            ids = [bytes.fromhex(one) for one in (*lives.said, *self.got)]
            found = {one.hex(): at for one, at in reads.positions_of(ids).items()}
        assert found.items() >= {**lives.got, **self.got}.items()
        assert len(set(found.values())) == len(found)
        self.look()
        report = fsck_shared(Place(self.dsn, "fsck"))
        assert report.findings == ()
        assert report.published >= self.seen[0].size

    def close(self) -> None:
        self.log.close()


def end_lease(dsn: str) -> None:
    """As if it had run out."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE lease SET expires = '-infinity'")


POINTS = [(step, when) for step in STEPS for when in ("before", "done")]


@pytest.mark.parametrize(("step", "when"), POINTS)
def test_killed(lives: Lives, log_dsn: str, step: str, when: str) -> None:
    lives.begin(log_dsn, "killed", step, when)
    assert lives.until("at") == f"at {step} {when}"
    assert lives.until("ended") == "ended -9"
    end_lease(log_dsn)
    with closing(Rescue(log_dsn)) as rescue:
        rescue.look()
        rescue.work()
        # What the dead one had left in the queue was said: it stands, exactly once.
        with rescue.log.store.snapshot() as reads:
            assert len(reads.positions_of([bytes.fromhex(one) for one in lives.said])) == len(lives.said)
        rescue.check(lives)


@pytest.mark.parametrize(("step", "when"), POINTS)
def test_frozen_until_another_took_over(lives: Lives, log_dsn: str, step: str, when: str) -> None:
    lives.begin(log_dsn, "frozen", step, when)
    assert lives.until("at") == f"at {step} {when}"
    lives.stopped()
    end_lease(log_dsn)
    with closing(Rescue(log_dsn)) as rescue:
        rescue.look()
        rescue.work()
        seat = rescue.log.status().seat
        assert seat is not None
        assert seat.here
        lives.signal(signal.SIGCONT)
        lives.signal(signal.SIGUSR2)
        # It goes on where it was, finds that it is deposed, and is one of many from then on.
        assert lives.until("ended") == "ended 0"
        assert lives.said == lives.got.keys()
        rescue.work()
        assert rescue.log.status().seat == seat
        with closing(PostgresCheckpointStore(log_dsn)) as held:
            assert held.latest(rescue.world.origin).epoch == seat.epoch
        rescue.check(lives)


@pytest.mark.parametrize("number", range(1, 46))
def test_frozen_after_each_statement(lives: Lives, log_dsn: str, number: int) -> None:
    """Whatever locks it holds in its sleep, in whichever thread: another takes over and goes on."""
    step = f"statement-{number}"
    lives.begin(log_dsn, "frozen", step, "done")
    assert lives.until("at") == f"at {step} done"
    lives.stopped()
    end_lease(log_dsn)
    with closing(Rescue(log_dsn)) as rescue:
        rescue.work()
        lives.signal(signal.SIGCONT)
        lives.signal(signal.SIGUSR2)
        assert lives.until("ended") == "ended 0"
        assert lives.said == lives.got.keys()
        rescue.work()
        rescue.check(lives)


@pytest.mark.parametrize(("step", "when"), POINTS)
def test_failed_or_failed_but_done(lives: Lives, log_dsn: str, step: str, when: str) -> None:
    lives.begin(log_dsn, "error", step, when)
    assert lives.until("at") == f"at {step} {when}"
    lives.signal(signal.SIGUSR2)
    assert lives.until("ended") == "ended 0"
    assert lives.said == lives.got.keys()
    with closing(Rescue(log_dsn)) as rescue:
        rescue.check(lives)


@pytest.mark.parametrize("what", ["killed", "frozen"])
def test_another_takes_over_by_itself_when_the_lease_has_run_out(lives: Lives, log_dsn: str, what: str) -> None:
    lives.begin(log_dsn, what, "append", "done", lease=1.0)
    lives.until("at")
    if what == "frozen":
        lives.stopped()
    with closing(Rescue(log_dsn, lease=1.0)) as rescue:
        rescue.work()
        if what == "frozen":
            lives.signal(signal.SIGCONT)
            lives.signal(signal.SIGUSR2)
        lives.until("ended")
        rescue.check(lives)


# --- random kills -----------------------------------------------------------------------------


def check_random_kills(lives: Lives, dsn: str, count: int) -> None:
    """Each life is killed at a random moment while another process goes on submitting."""
    chance = random.Random(20261121)
    with ExitStack() as stack:
        rescue = stack.enter_context(closing(Rescue(dsn, lease=1.0)))
        rescue.work()
        for _ in range(count):
            # The one that will be killed is to be the sequencer: nobody else stands meanwhile.
            rescue.close()
            end_lease(dsn)
            lives.begin(dsn, "nothing", lease=1.0)
            enough = len(lives.got) + chance.randint(2, 40)
            while len(lives.got) < enough:
                lives.until("got")
            killer = threading.Timer(chance.uniform(0, 0.03), lives.signal, [signal.SIGKILL])
            killer.start()
            world, got, seen = rescue.world, rescue.got, rescue.seen
            rescue = stack.enter_context(closing(Rescue(dsn, lease=1.0)))
            rescue.world, rescue.got, rescue.seen = world, got, seen
            assert lives.until("ended") == "ended -9"
            rescue.work()
        rescue.check(lives)


def test_three_random_kills(lives: Lives, log_dsn: str) -> None:
    check_random_kills(lives, log_dsn, 3)


@pytest.mark.exhaustive
def test_thirty_random_kills(lives: Lives, log_dsn: str) -> None:
    check_random_kills(lives, log_dsn, 30)
