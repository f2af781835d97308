"""How much clients without a token may ask for."""

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
