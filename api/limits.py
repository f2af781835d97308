"""How much clients without a token may ask for, and how much a party may send at a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api.services.errors import TooMany

PER_SECOND = 20.0
BURST = 200
AT_ONCE = 256
_REMEMBERED = 10_000

AT_A_TIME = 256 << 20
"""Bytes of bodies that one party sends at a time, whole in memory until they are read: four of the largest batches."""
UPLOADED_AT_A_TIME = 8 << 30
"""Bytes that one party uploads at a time, on the disk until they are answered: eight of the largest."""


class Bodies:
    """What is in memory of bodies that parties send, or on the disk. Who sends too much, or never ends, is in nobody
    else's way.
    """

    def __init__(self, most: int = AT_A_TIME) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._held: dict[str, int] = {}

    @contextmanager
    def room(self, party: str, size: int) -> Iterator[None]:
        """Around one request of ``party`` with a body of ``size`` bytes. Raises ``TooMany``."""
        size = max(size, 1)  # What is empty counts too: a party is forgotten by the last of its requests.
        with self._lock:
            held = self._held.get(party, 0)
            if held and held + size > self._most:
                raise TooMany(f"{party} sends {held} bytes already, and more than {self._most} are not taken at a time")
            self._held[party] = held + size
        try:
            yield
        finally:
            with self._lock:
                self._held[party] -= size
                if not self._held[party]:
                    del self._held[party]


class Limits:
    """A bucket of requests for each client, refilled with time, and a bound on what is under way for all of them."""

    def __init__(
        self,
        per_second: float = PER_SECOND,
        burst: int = BURST,
        at_once: int = AT_ONCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._at_once = at_once
        self._clock = clock
        self._lock = threading.Lock()
        self._under_way = 0
        # Client -> when its bucket will be full again. Who is full need not be remembered.
        self._full_at: OrderedDict[str, float] = OrderedDict()

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """Around one request of ``client``. Raises ``TooMany``."""
        with self._lock:
            self._take(client)
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _take(self, client: str) -> None:
        if self._under_way >= self._at_once:
            raise TooMany(f"{self._at_once} requests without a token are under way already")
        now = self._clock()
        full_at = max(now, self._full_at.pop(client, now)) + 1 / self._per_second
        if (full_at - now) * self._per_second > self._burst:
            self._full_at[client] = full_at - 1 / self._per_second
            raise TooMany(f"only {self._per_second:g} requests per second are allowed without a token")
        self._full_at[client] = full_at
        while len(self._full_at) > _REMEMBERED:
            self._full_at.popitem(last=False)
