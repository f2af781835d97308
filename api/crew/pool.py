"""Hands are started when there is work for them, and leave when there is none.

What a hand makes is nobody's until the service took it, so a hand may die at any moment: its order is given to another,
once, and then given up with an answer that says so. A hand that is silent for too long is killed.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from api.crew.wire import Lost, receive, send
from api.services.errors import Unavailable

PATIENCE = 60.0
"""Seconds in which a hand does an order, or is killed."""
SOON = 5.0
"""Seconds in which it does what the service could do as well: others wait for that."""
LEAVING = 5.0
"""Seconds that a hand gets to leave."""

_log = logging.getLogger(__name__)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew:
    """Hands of one kind, at most as many as there are threads that give orders."""

    def __init__(self, command: Sequence[str], first: Any, what: str, hint: str = "try again a little later") -> None:
        """``first``: the message with the keys; ``what``: an order is about; ``hint``: when one is given up."""
        self._command, self._first = command, first
        self._what, self._hint = what, hint
        self._lock = threading.Lock()
        self._idle: list[Hand] = []
        self._fetching: threading.Thread | None = None
        self._closed = False

    def give(self, order: Any) -> Any:
        """What a hand made of an order. Raises ``Unavailable`` where hands die of it, twice."""
        for _ in range(2):
            hand = self._take()
            try:
                made = hand.do(order)
            except Lost as error:
                hand.kill()
                _log.warning("a hand was lost with %s (%s); nothing of it was recorded", self._what, error)
                continue
            self._give_back(hand)
            return made
        raise Unavailable(f"{self._what} could not be prepared, twice; nothing of it was recorded", self._hint)

    def give_at_once(self, order: Any, nothing: Any) -> Any | None:
        """As ``give``, by a hand that waits for work; ``None`` where there is none: the next order will find one.

        ``nothing``: an order that asks for nothing, for a hand that is only to be there.
        """
        hand = self._resting()
        if hand is None:
            self._fetch(nothing)
            return None
        try:
            made = hand.do(order, SOON)
        except Lost as error:
            hand.kill()
            _log.warning("a hand was lost (%s); what it had is done without", error)
            return None
        self._give_back(hand)
        return made

    def _fetch(self, nothing: Any) -> None:
        """Start a hand, which takes longer than whoever sends one draft would like to wait."""
        with self._lock:
            if not self._closed and not (self._fetching and self._fetching.is_alive()):
                self._fetching = threading.Thread(target=self._start_one, args=(nothing,), name="fetching", daemon=True)
                self._fetching.start()

    def _start_one(self, nothing: Any) -> None:
        with suppress(Unavailable):
            self.give(nothing)

    def _take(self) -> Hand:
        return self._resting() or Hand(self._command, self._first)

    def _resting(self) -> Hand | None:
        while True:
            with self._lock:
                if self._closed:
                    raise Unavailable("the service is being stopped; nothing was recorded")
                hand = self._idle.pop() if self._idle else None
            if hand is None or hand.is_here():
                return hand
            hand.kill()

    def _give_back(self, hand: Hand) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(hand)
                return
        hand.leave()

    def close(self) -> None:
        """Send those home that rest; the others go when they are done."""
        with self._lock:
            self._closed = True
            resting, self._idle = self._idle, []
        for hand in resting:
            hand.leave()
        if self._fetching:
            self._fetching.join()


class Hand:
    """One process. ``first``: the message with its keys, which it gets before the first order."""

    def __init__(self, command: Sequence[str], first: Any) -> None:
        self._socket, theirs = socket.socketpair()
        # What a hand is told it is told here: nothing of the settings, which may have the passphrase of the keys.
        bare = {name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}
        with theirs:
            # In a session of its own, so that Ctrl-C reaches it through us alone.
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=bare, start_new_session=True
            )
        self._first: Any = first

    @property
    def pid(self) -> int:
        """For the operating system."""
        return self._process.pid

    def do(self, order: Any, patience: float | None = None) -> Any:
        """What it answers, within ``patience`` seconds (``PATIENCE``). Raises ``Lost``."""
        self._socket.settimeout(PATIENCE if patience is None else patience)
        if self._first is not None:
            send(self._socket, self._first)
            self._first = None
        send(self._socket, order)
        return receive(self._socket)

    def is_here(self) -> bool:
        """One that had nothing to do for long has left."""
        return self._process.poll() is None

    def leave(self) -> None:
        """It goes when its socket ends."""
        self._socket.close()
        try:
            self._process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """It holds nothing that anybody would miss."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
