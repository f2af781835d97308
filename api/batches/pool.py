"""Hands for batches: processes that are started when there is work for them, and leave when there is none (ADR 27).

What a hand makes is not recorded until the sequencer took it, so a hand may die at any moment: its order is given to
another, once, and then given up with an answer that says so. A hand that is silent for too long is killed.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from api.batches.wire import Keys, Lost, Order, SinglesOrder, receive, send, unpack
from api.services.errors import Unavailable
from ledger.submission import Submission
from tallystick.keys import LocalSigner, Signer

COMMAND = (sys.executable, "-m", "api.batches.hand")
PATIENCE = 60.0
"""Seconds in which a hand does an order, or is killed."""
LEAVING = 5.0
"""Seconds that a hand gets to leave."""

_NOTHING = SinglesOrder((), "", "", "")

_log = logging.getLogger(__name__)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Hands of one service, at most as many as it has threads that give orders."""

    def __init__(self, signers: Sequence[Signer], command: Sequence[str] = COMMAND) -> None:
        """``signers``: of the voices; one whose key is not in this process cannot be lent."""
        self._lent = [one for one in signers if isinstance(one, LocalSigner)]
        self._command = command
        self._lock = threading.Lock()
        self._idle: list[Hand] = []
        self._fetching: threading.Thread | None = None
        self._closed = False

    def key_of(self, signer: Signer) -> int | None:
        """Which of the keys that hands have is this signer's."""
        return next((at for at, one in enumerate(self._lent) if one is signer), None)

    def do(self, order: Order) -> list[Submission | None] | None:
        """What a hand made of an order; ``None`` for a body that is not good. Raises ``Unavailable``."""
        for _ in range(2):
            hand = self._take()
            try:
                made = hand.do(order)
            except Lost as error:
                hand.kill()
                _log.warning("a hand was lost with a batch (%s); nothing of it was recorded", error)
                continue
            self._give_back(hand)
            return None if made is None else unpack(made)
        raise Unavailable(
            "the batch could not be prepared, twice; nothing of it was recorded", "submit it again, in smaller parts"
        )

    def do_at_once(self, order: Order) -> list[Submission | None] | None:
        """As ``do``, by a hand that waits for work; ``None`` where there is none: the next order will find one."""
        hand = self._resting()
        if hand is None:
            self._fetch()
            return None
        try:
            made = hand.do(order)
        except Lost as error:
            hand.kill()
            _log.warning("a hand was lost (%s); what it had is done without", error)
            return None
        self._give_back(hand)
        return None if made is None else unpack(made)

    def _fetch(self) -> None:
        """Start a hand, which takes longer than whoever sends one draft would like to wait."""
        with self._lock:
            if not self._closed and not (self._fetching and self._fetching.is_alive()):
                self._fetching = threading.Thread(target=self._start_one, name="fetching", daemon=True)
                self._fetching.start()

    def _start_one(self) -> None:
        with suppress(Unavailable):
            self.do(_NOTHING)

    def _take(self) -> Hand:
        hand = self._resting()
        return hand or Hand(self._command, Keys(tuple(_plain(one) for one in self._lent)))

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
        self._socket.settimeout(PATIENCE)
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

    def do(self, order: Any) -> Any:
        """What it answers. Raises ``Lost``."""
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


def _plain(signer: LocalSigner) -> bytes:
    plain: bytes = signer.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return plain
