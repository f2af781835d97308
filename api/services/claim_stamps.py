"""Timestamps on claim signatures, by the authorities that the operator named: asked for while a file is signed.

A file is issued whether anybody answers or not, and its answer says which. Who did not answer is left in peace for a
while, so that an order of a thousand files does not wait a thousand times.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence

from anchors.timestamps.service import Service
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time

PAUSE = 60.0
"""Seconds for which an authority that did not answer is not asked again."""
AHEAD = 3
"""Seconds by which an authority's clock may be ahead of ours: a file is logged at the token's time or after it."""
_MICROS = 1_000_000

Ask = Callable[[bytes], tuple[bytes, int]]
"""From a message to a verified token over it and its time (microseconds). Raises ``TallystickError``."""


@dataclass(frozen=True)
class Dated:
    """What came of it: by whom and of when (UTC) the signature is dated, or why it is not."""

    authority: str | None = None
    time: str | None = None
    missing: str | None = None


NOT_ASKED = Dated(missing="no timestamp authority is named here (TALLYSTICK_TIMESTAMPS)")


class ClaimStamps:
    """The authorities in their order; the first that answers dates the file."""

    def __init__(self, authorities: Sequence[tuple[str, Ask]], clock: Callable[[], int]) -> None:
        self._authorities = tuple(authorities)
        self._clock = clock
        self._lock = threading.Lock()
        self._silent: dict[str, tuple[float, str]] = {}

    def begin(self) -> ClaimStamp:
        """For one file."""
        return ClaimStamp(self, self._clock)

    @property
    def named(self) -> bool:
        """Whether anybody is asked at all."""
        return bool(self._authorities)

    def ask(self, message: bytes) -> tuple[bytes, str, int] | str:
        """A token, whose it is, and its time; or why there is none."""
        why = []
        for name, ask in self._authorities:
            with self._lock:
                until, said = self._silent.get(name, (0.0, ""))
            if until > time.monotonic():
                why.append(f"{name} did not answer lately: {said}")
                continue
            try:
                token, made = ask(message)
            except TallystickError as error:
                why.append(f"{name}: {error}")
                with self._lock:
                    self._silent[name] = (time.monotonic() + PAUSE, str(error)[:200])
                continue
            ahead = made - (self._clock() + AHEAD) * _MICROS
            if ahead <= 0:
                return token, name, made
            why.append(f"{name}: its clock is more than {AHEAD} s ahead of ours")
        return "; ".join(why)


class ClaimStamp:
    """The ``stamper`` of one file. One that is never asked, or by nobody answered, leaves the file without."""

    def __init__(self, stamps: ClaimStamps, clock: Callable[[], int]) -> None:
        self._stamps = stamps
        self._clock = clock
        self._made = 0
        self.dated = NOT_ASKED
        """Of the last signature that it was asked for."""

    def __call__(self, message: bytes) -> bytes | None:
        """A token over ``message``, or None."""
        if not self._stamps.named:
            return None
        found = self._stamps.ask(message)
        if isinstance(found, str):
            self.dated = Dated(missing=found)
            return None
        token, name, made = found
        self._made = max(self._made, made)
        self.dated = Dated(name, format_time(made // _MICROS))
        return token

    async def passed(self) -> None:
        """Wait until our clock is at the token's time: who judges a file as of its entry must not see the future."""
        for _ in range(20 * (AHEAD + 1)):
            if self._clock() * _MICROS >= self._made:
                return
            await asyncio.sleep(0.05)


def asking(services: Sequence[Service], clock: Callable[[], int]) -> ClaimStamps:
    """Over HTTP, those that the operator named. A token that does not hold, or of another time, counts as no answer."""
    if not services:
        return ClaimStamps((), clock)
    from anchors.timestamps.client import TimestampClient

    def ask(client: TimestampClient) -> Ask:
        def one(message: bytes) -> tuple[bytes, int]:
            token, fact = client.stamp(message)
            return token, fact.gen_time

        return one

    return ClaimStamps([(one.name, ask(TimestampClient(one, clock))) for one in services], clock)
