"""A process that shares a log and meets with an accident: ``python -m tests.ledger.sharer``, for the fault tests.

Each line on standard input starts one life, in a child of this process so that Python
starts once. A life opens the log, sequences it, and submits one object after the other;
it prints every acknowledged position, and where its accident is when it has come there.
"""

from __future__ import annotations

import ctypes
import dataclasses
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

import ledger.publisher
from ledger.errors import DatabaseUnreachable
from ledger.log import Log
from ledger.shared.candidate import Office
from ledger.shared.log import open_shared
from ledger.shared.place import Place
from ledger.tiles import Tiles
from tallystick.tiles import Tile
from tests.patience import PATIENCE
from tests.world import START, World

STEPS = ("begin", "append", "index", "commit", "integrate", "tiles", "sign", "swap", "show")


def say(*words: object) -> None:
    """One line, in one write."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


class Accident:
    """Happens once: at ``step``, before it or when it is done, after it was armed."""

    def __init__(self, step: str, when: str, what: str) -> None:
        self._step = step
        self._when = when
        self._what = what
        self.armed = False
        self.over = threading.Event()
        self._changed = threading.Condition()
        self._under_way = 0

    def arm(self) -> None:
        """It is to happen to what comes from here on: the end of a publication that was seen may still be under way."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._under_way == 0, PATIENCE)
            self.armed = True

    def around(self, step: str, do: Callable[[], Any]) -> Any:
        """Do a step."""
        with self._changed:
            self._under_way += 1
        try:
            self.come("before", step)
            result = do()
            self.come("done", step)
            return result
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def come(self, when: str, step: str) -> None:
        """Be at a point in the work."""
        if not self.armed or (step, when) != (self._step, self._when):
            return
        self.armed = False
        say("at", step, when)
        if self._what == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self._what == "frozen":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self._what == "error":
            # Signing asks no database: what fails there is a key's own device.
            raise (OSError if step == "sign" else DatabaseUnreachable)(f"planted at {step}, {when}")
        elif self._what == "cut":
            # The test cuts the network, then says so with a signal.
            assert self.over.wait(PATIENCE)


def count_statements(accident: Accident) -> None:
    """Let the accident come after the nth answer of the database, whichever thread it is for."""
    ask = psycopg.Connection.wait
    numbers = itertools.count(1)

    def wait(*given: Any, **more: Any) -> Any:
        answer = ask(*given, **more)
        if accident.armed:
            accident.come("done", f"statement-{next(numbers)}")
        return answer

    psycopg.Connection.wait = wait  # type: ignore[method-assign]


def plan_publication(accident: Accident) -> None:
    """Let integrating and signing be steps: they are functions, and in nobody's hands."""
    for step, function in (("integrate", "integrate"), ("sign", "sign_checkpoint")):
        do = getattr(ledger.publisher, function)

        def planned(*given: Any, step: str = step, do: Callable[..., Any] = do) -> Any:
            return accident.around(step, lambda: do(*given))

        setattr(ledger.publisher, function, planned)


class UnluckyTiles:
    """Tiles whose writer meets with an accident."""

    def __init__(self, inner: Tiles, accident: Accident) -> None:
        self._inner = inner
        self._accident = accident

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        self._accident.around("tiles", lambda: self._inner.put(tiles))

    def put_checkpoint(self, note: str) -> None:
        self._accident.around("show", lambda: self._inner.put_checkpoint(note))


class Unlucky:
    """A store, a transaction or a checkpoint store of which some methods are steps."""

    def __init__(self, inner: Any, accident: Accident, *steps: str) -> None:
        self._inner = inner
        self._accident = accident
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)
        if name not in self._steps:
            return method
        return lambda *given: self._accident.around(name, lambda: method(*given))

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self._accident.come("before", "begin")
        with self._inner.transaction() as working:
            self._accident.come("done", "begin")
            yield Unlucky(working, self._accident, "append", "index")
            self._accident.come("before", "commit")
        self._accident.come("done", "commit")


def adapt(accident: Accident) -> Callable[[Office], Office]:
    """Put unlucky parts into the sequencer's hands."""
    return lambda office: dataclasses.replace(
        office,
        store=Unlucky(office.store, accident),
        tiles=lambda epoch: UnluckyTiles(office.tiles(epoch), accident),
        checkpoints=Unlucky(office.checkpoints, accident, "swap"),
    )


def live(life: dict[str, Any]) -> None:
    """Three statements: one that goes well, one with the accident, and one after it; or more and more, for ever."""
    world = World()
    world._made = (life["number"] + 1) * 1_000_000
    accident, finish = Accident(life["step"], life["when"], life["what"]), threading.Event()
    if life["step"].startswith("statement-"):
        count_statements(accident)
    plan_publication(accident)
    events = {signal.SIGUSR1: accident.over, signal.SIGUSR2: finish}
    # Blocked in every thread and waited for in one: a handler would wait until the main thread wakes up by itself.
    signal.pthread_sigmask(signal.SIG_BLOCK, events)
    threading.Thread(target=lambda: [events[signal.sigwait(events)].set() for _ in events], daemon=True).start()
    place = Place(life["dsn"], f"life {life['number']}", lease=life["lease"])
    with open_shared(
        place, world.signers, lambda: START, publish_every=0.0, patience=60.0, adapt=adapt(accident)
    ) as log:
        submit(log, world)
        log.publish_now()
        while life["what"] == "nothing":
            submit(log, world)
        accident.arm()
        submit(log, world)
        assert finish.wait(PATIENCE)
        submit(log, world)
        log.publish_now()


def submit(log: Log, world: World) -> None:
    """Say before that it is submitted, and afterwards where it stands."""
    said = world.object()
    say("says", said.statement_id.hex())
    say("got", log.submit(said).result().position, said.statement_id.hex())


def main() -> None:
    """One life for each line."""
    die_with_parent()
    for line in sys.stdin:
        life = json.loads(line)
        child = os.fork()
        if child == 0:
            die_with_parent()
            # Said by itself: whatever else it says comes after it.
            say("child", os.getpid())
            if network := life.get("network"):
                enter(network)
            live(life)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say("ended", os.waitstatus_to_exitcode(status))


def die_with_parent() -> None:
    """Whoever is frozen when the tests are killed would be left behind for ever."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def enter(network: str) -> None:
    """Live on another host from here on: in a network namespace."""
    with open(f"/var/run/netns/{network}") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")


if __name__ == "__main__":
    main()
