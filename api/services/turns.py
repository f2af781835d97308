"""Turns at work that keeps a thread for long: whoever asks for much of it waits for himself, and not others for him."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.services.errors import TooMany, Unavailable

AT_A_TIME = 2
"""Pieces of work under way: the others wait, and the threads that serve short requests stay free."""
MOST_WAITING = 16
"""Of one party, beside the one under way."""
MOST_IN_ALL = 256
"""Beyond these a party has one that waits, and no more: who has none is kept out by nobody."""


class Turns:
    """Places for work, of which a party has one at a time. Who waits is served party by party, each by its order.

    For one event loop.
    """

    def __init__(self, at_a_time: int = AT_A_TIME, each: int = MOST_WAITING, in_all: int = MOST_IN_ALL) -> None:
        self._free = at_a_time
        self._each = each
        self._in_all = in_all
        self._working: set[str] = set()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """Those that have waited longest since their last turn come first."""

    @asynccontextmanager
    async def one(self, party: str) -> AsyncIterator[None]:
        """Around one piece of work of ``party``. Raises ``TooMany`` or ``Unavailable`` where too much waits already."""
        await self._take(party)
        try:
            yield
        finally:
            self._give_back(party)

    async def _take(self, party: str) -> None:
        if self._free and party not in self._working:
            # Whoever waits, waits for his own work: else the place would have been given to him.
            self._begin(party)
            return
        own = self._waiting.get(party, ())
        if len(own) >= self._each:
            raise TooMany(f"{len(own)} exports or signed files of {party} wait already, behind the one under way")
        if own and sum(map(len, self._waiting.values())) >= self._in_all:
            raise Unavailable(f"{self._in_all} exports or signed files wait already")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(party, turn)
            else:
                self._give_back(party)  # it had just come
            raise

    def _forget(self, party: str, turn: asyncio.Future[None]) -> None:
        own = self._waiting[party]
        own.remove(turn)
        if not own:
            del self._waiting[party]

    def _begin(self, party: str) -> None:
        self._free -= 1
        self._working.add(party)

    def _give_back(self, party: str) -> None:
        self._free += 1
        self._working.remove(party)
        while self._free and (following := self._next()) is not None:
            self._begin(following)

    def _next(self) -> str | None:
        """Whose turn it is, told so."""
        for party in (one for one in self._waiting if one not in self._working):
            own = self._waiting[party]
            turn = next((one for one in own if not one.done()), None)
            if turn is not None:  # else they all go away, and say so when they come to it
                turn.set_result(None)
                self._waiting.move_to_end(party)
                self._forget(party, turn)
                return party
        return None
