"""Exports of parties at a time: each has its turn, however much one of them asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from api.services.errors import TooMany, Unavailable
from api.services.turns import Turns


class Desk:
    """Work that is done when the test says so."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def ask(self, *names: str) -> None:
        """``studio-2`` is the studio's."""
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._work(name))
            await settle()

    async def _work(self, name: str) -> None:
        async with self.turns.one(name.partition("-")[0]):
            self.begun.append(name)
            await self.ends[name].wait()

    async def end(self, *names: str) -> list[str]:
        """What begins when these end."""
        seen = len(self.begun)
        for name in names:
            self.ends[name].set()
            await settle()
        return self.begun[seen:]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def run(test: Callable[[Desk], Awaitable[None]], turns: Callable[[], Turns] = Turns) -> None:
    async def whole() -> None:
        desk = Desk(turns())
        await test(desk)
        for event in desk.ends.values():
            event.set()
        for task in desk.tasks.values():
            with suppress(TooMany, Unavailable, asyncio.CancelledError):
                await task
        assert (desk.turns._free, desk.turns._working, dict(desk.turns._waiting)) == (2, set(), {})

    asyncio.run(whole())


def test_a_party_that_asks_for_many_keeps_nobody_waiting() -> None:
    async def test(desk: Desk) -> None:
        await desk.ask(*(f"studio-{n}" for n in range(10)))
        assert desk.begun == ["studio-0"]
        await desk.ask("licensee-0")
        assert desk.begun == ["studio-0", "licensee-0"], "it waits for none of the ten"
        assert await desk.end("studio-0") == ["studio-1"]
        assert await desk.end("licensee-0") == []

    run(test)


def test_parties_take_turns_and_each_by_its_order() -> None:
    async def test(desk: Desk) -> None:
        await desk.ask("a-0", "b-0", "a-1", "a-2", "a-3", "c-0", "b-1", "c-1", "d-0")
        assert desk.begun == ["a-0", "b-0"]
        assert await desk.end("a-0") == ["a-1"], "nobody waits longer"
        assert await desk.end("a-1") == ["c-0"]
        assert await desk.end("b-0") == ["b-1"]
        assert await desk.end("c-0") == ["d-0"]
        assert await desk.end("d-0") == ["a-2"]
        assert await desk.end("b-1") == ["c-1"]
        assert await desk.end("a-2", "c-1") == ["a-3"]

    run(test)


def test_too_many_of_one_party_are_told_so_and_the_others_are_not() -> None:
    async def test(desk: Desk) -> None:
        await desk.ask("a-0", "a-1", "a-2", "a-3")
        with pytest.raises(TooMany, match="2 exports"):
            await desk.tasks["a-3"]
        await desk.ask("b-0", "c-0")
        assert desk.begun == ["a-0", "b-0"]
        await desk.ask("c-1")
        with pytest.raises(Unavailable, match="3 exports"):
            await desk.tasks["c-1"]
        await desk.end("a-0")
        await desk.ask("c-2")
        assert not desk.tasks["c-2"].done()

    run(test, lambda: Turns(each=2, in_all=3))


def test_some_parties_together_keep_nobody_out() -> None:
    """Each asks for as much as it may, again and again."""

    async def test(desk: Desk) -> None:
        await desk.ask("a-0", "b-0", "a-1", "a-2", "b-1", "b-2", "c-0", "d-0", "d-1")
        for one_more in ("b-2", "d-1"):
            with pytest.raises(Unavailable, match="3 exports"):
                await desk.tasks[one_more]
        assert [await desk.end("a-0"), await desk.end("b-0")] == [["a-1"], ["b-1"]]
        assert [await desk.end("a-1"), await desk.end("b-1")] == [["c-0"], ["d-0"]]

    run(test, lambda: Turns(each=2, in_all=3))


@pytest.mark.parametrize("when", ["waiting", "come", "working"])
def test_who_goes_away_leaves_his_place(when: str) -> None:
    async def test(desk: Desk) -> None:
        await desk.ask("a-0", "b-0", "c-0", "d-0")
        if when == "come":
            desk.ends["a-0"].set()
            await asyncio.sleep(0)  # the place is given; who gets it has not been told
            assert desk.begun == ["a-0", "b-0"]
        desk.tasks["a-0" if when == "working" else "c-0"].cancel()
        await settle()
        if when == "waiting":
            assert await desk.end("a-0") == ["d-0"]
        assert desk.begun == ["a-0", "b-0", "c-0" if when == "working" else "d-0"]

    run(test)


def test_all_who_wait_go_away_at_once() -> None:
    """As when the service ends: one whose place has just come, and who would be next."""

    async def test(desk: Desk) -> None:
        await desk.ask("a-0", "b-0", "c-0", "d-0", "c-1", "e-0")
        desk.ends["a-0"].set()
        await asyncio.sleep(0)
        for name in ("c-0", "d-0", "c-1"):
            desk.tasks[name].cancel()
        await settle()
        assert desk.begun == ["a-0", "b-0", "e-0"]

    run(test)


def test_work_that_fails_gives_its_place_back() -> None:
    async def fail(turns: Turns) -> None:
        async with turns.one("a"):
            raise ValueError("the export failed")

    async def test(desk: Desk) -> None:
        for _ in range(3):
            with pytest.raises(ValueError, match="the export failed"):
                await fail(desk.turns)

    run(test)
