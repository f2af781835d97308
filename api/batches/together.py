"""Drafts that come one by one at the same time go together: signed as one batch, written as one (ADR 48).

While one group is being signed the next one gathers, as statements do before the sequencer: a lone draft waits for
nobody, and a hundred clients share the changes of thread and process that would cost more than their signatures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeAlias

from api.services.vetting import concerns
from api.services.voices import Voice
from ledger.submission import Outcome, Submission
from tallystick.lazy_dataclass import dataclass

MOST = 256
"""Drafts in a group."""


class Single(NamedTuple):
    """The body of a request with one draft, and in whose voice it is to be signed."""

    voice: Voice
    body: bytes


Signed: TypeAlias = Submission | Exception | None
"""What the sequencer takes, or why there is nothing; ``None`` for a body that is not good in every respect."""


@dataclass(frozen=True)
class _Waiting:
    single: Single
    done: asyncio.Future[tuple[Signed, Outcome | None]]


class Together:
    """Of one event loop."""

    def __init__(
        self,
        sign: Callable[[Sequence[Single]], Awaitable[list[Signed]]],
        write: Callable[[list[Submission]], Awaitable[list[Outcome]]],
    ) -> None:
        self._sign = sign
        self._write = write
        self._waiting: list[_Waiting] = []
        self._signing: asyncio.Task[None] | None = None
        self._writing: set[asyncio.Task[None]] = set()

    async def take(self, single: Single) -> tuple[Signed, Outcome | None]:
        """What became of a draft; without an outcome it is the caller's to write: it has to be looked at before.

        Raises what signing or writing raised.
        """
        loop = asyncio.get_running_loop()
        waiting = _Waiting(single, loop.create_future())
        self._waiting.append(waiting)
        if self._signing is None:
            self._signing = loop.create_task(self._sign_all())
        return await waiting.done

    async def _sign_all(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                await self._sign_group(group)
        finally:
            self._signing = None

    async def _sign_group(self, group: list[_Waiting]) -> None:
        try:
            signed = await self._sign([one.single for one in group])
        except Exception as error:
            if len(group) == 1:
                _give(group[0], error)
                return
            # Whoever it was: what is wrong with one request is no trouble of those that came with it.
            for one in group:
                await self._sign_group([one])
            return
        writable: list[tuple[_Waiting, Submission]] = []
        for one, made in zip(group, signed, strict=True):
            if isinstance(made, Submission) and not concerns(made):
                writable.append((one, made))
            else:
                _give(one, (made, None))
        if writable:
            task = asyncio.create_task(self._write_group(writable))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    async def _write_group(self, group: list[tuple[_Waiting, Submission]]) -> None:
        try:
            outcomes = await self._write([submission for _, submission in group])
            for (one, submission), outcome in zip(group, outcomes, strict=True):
                _give(one, (submission, outcome))
        # Nobody is left without an answer, whatever went wrong.
        except Exception as error:
            for one, _ in group:
                _give(one, error)


def _give(waiting: _Waiting, found: tuple[Signed, Outcome | None] | Exception) -> None:
    if waiting.done.done():
        return  # whoever asked has gone
    if isinstance(found, Exception):
        waiting.done.set_exception(found)
    else:
        waiting.done.set_result(found)
