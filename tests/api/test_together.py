"""Single drafts that go together: each is answered as if it had come alone, whatever came with it."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from api.batches import pool, together, workshop
from api.batches.pool import Pool
from api.batches.together import Signed, Single, Together
from api.crew import pool as crew_pool
from api.services import drafts
from api.services.errors import Unavailable
from api.services.submission import SMALL
from api.services.voices import Voice
from fixtures.keys import signer
from ledger.submission import Outcome, Receipt, Submission
from tallystick.events.envelope import MAX_PRIVATE
from tests.api.house import House, Party, problem
from tests.api.process import PATIENCE
from tests.api.test_batches import GOOD, account, made_by, seen, spoiled
from tests.api.test_submission import picture

VOICE = Voice("issuer", signer("service"))


# --- who goes with whom ----------------------------------------------------------------


class Desk:
    """Signs what it is given, as ``Submission``s that hold only an id; notes what came together."""

    def __init__(self, house: House, studio: Party) -> None:
        said = made_by(house, None).sign_singles([Single(house.services.voices.of_account(account(studio)), body())])
        (self.made,) = said
        self.open = asyncio.Event()
        self.signed: list[list[bytes]] = []
        self.written: list[list[bytes]] = []

    async def sign(self, singles: Sequence[Single]) -> list[Signed]:
        self.signed.append([one.body for one in singles])
        await self.open.wait()
        if any(one.body == b"fatal" for one in singles):
            raise RuntimeError("a fault of ours")
        kinds: dict[bytes, Signed] = {b"bad": None, b"wrong": ValueError("it is wrong")}
        return [kinds.get(one.body, self._submission(one.body)) for one in singles]

    def _submission(self, name: bytes) -> Submission:
        assert isinstance(self.made, Submission)
        return self.made._replace(statement_id=name)

    async def write(self, submissions: list[Submission]) -> list[Outcome]:
        self.written.append([one.statement_id for one in submissions])
        if any(one.statement_id == b"unwritable" for one in submissions):
            raise OSError("the disk is full")
        if any(one.statement_id == b"forgotten" for one in submissions):
            return []
        return [Receipt(len(self.written), at, 0, False) for at, _ in enumerate(submissions)]


def body(**fields: Any) -> bytes:
    return json.dumps({**GOOD, **fields}).encode()


async def asked(desk: Desk, first: bytes, *rest: bytes) -> list[Any]:
    """What each is told, where ``rest`` came while ``first`` was being signed."""
    made = Together(desk.sign, desk.write)
    tasks = [asyncio.ensure_future(made.take(Single(VOICE, first)))]
    while not desk.signed:
        await asyncio.sleep(0)
    tasks += [asyncio.ensure_future(made.take(Single(VOICE, one))) for one in rest]
    await asyncio.sleep(0)
    desk.open.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


def run(house: House, studio: Party, ask: Callable[[Desk], Awaitable[Any]]) -> tuple[Desk, Any]:
    async def within() -> tuple[Desk, Any]:
        desk = Desk(house, studio)
        return desk, await asyncio.wait_for(ask(desk), PATIENCE)

    return asyncio.run(within())


def test_those_that_come_meanwhile_go_together(house: House, studio: Party) -> None:
    desk, told = run(house, studio, lambda desk: asked(desk, b"0", b"1", b"2", b"3"))
    assert desk.signed == [[b"0"], [b"1", b"2", b"3"]]
    assert desk.written == [[b"0"], [b"1", b"2", b"3"]]
    assert [(made.statement_id, outcome) for made, outcome in told] == [
        (b"0", Receipt(1, 0, 0, False)),
        *((b"%d" % at, Receipt(2, at - 1, 0, False)) for at in (1, 2, 3)),
    ]


def test_a_group_has_a_limit(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "MOST", 2)
    desk, told = run(house, studio, lambda desk: asked(desk, b"0", *(b"%d" % at for at in range(1, 6))))
    assert [len(group) for group in desk.signed] == [1, 2, 2, 1]
    assert [made.statement_id for made, _ in told] == [b"%d" % at for at in range(6)]


def test_what_is_wrong_with_one_is_no_trouble_of_the_others(house: House, studio: Party) -> None:
    desk, told = run(house, studio, lambda desk: asked(desk, b"0", b"bad", b"fatal", b"wrong", b"4"))
    assert isinstance(told[2], RuntimeError)
    assert told[1] == (None, None)
    assert [type(told[3][0]), told[3][1]] == [ValueError, None]
    assert [told[at][0].statement_id for at in (0, 4)] == [b"0", b"4"]
    assert [told[at][1] for at in (0, 4)] == [Receipt(1, 0, 0, False), Receipt(2, 0, 0, False)]
    # Signed anew, one by one; what was never signed was not written.
    assert desk.signed[1:] == [[b"bad", b"fatal", b"wrong", b"4"], [b"bad"], [b"fatal"], [b"wrong"], [b"4"]]
    assert desk.written == [[b"0"], [b"4"]]


def test_when_the_store_fails_all_of_the_group_are_told(house: House, studio: Party) -> None:
    _, told = run(house, studio, lambda desk: asked(desk, b"0", b"unwritable", b"2"))
    assert isinstance(told[0][1], Receipt)
    assert [str(one) for one in told[1:]] == ["the disk is full"] * 2


def test_nobody_is_left_without_an_answer(house: House, studio: Party) -> None:
    """A writer that loses count is our fault, and told as one."""
    _, told = run(house, studio, lambda desk: asked(desk, b"0", b"forgotten", b"2"))
    assert isinstance(told[0][1], Receipt)
    assert [type(one) for one in told[1:]] == [ValueError] * 2


def test_what_the_service_looks_at_itself_is_given_back(
    house: House, studio: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "concerns", lambda made: made.statement_id == b"1")
    desk, told = run(house, studio, lambda desk: asked(desk, b"0", b"1", b"2"))
    assert [(made.statement_id, outcome is None) for made, outcome in told] == [
        (b"0", False),
        (b"1", True),
        (b"2", False),
    ]
    assert desk.written == [[b"0"], [b"2"]]


def test_whoever_goes_away_leaves_the_others(house: House, studio: Party) -> None:
    async def ask(desk: Desk) -> Any:
        made = Together(desk.sign, desk.write)
        first, second = (asyncio.ensure_future(made.take(Single(VOICE, b"%d" % at))) for at in range(2))
        while not desk.signed:
            await asyncio.sleep(0)
        first.cancel()
        desk.open.set()
        return await asyncio.gather(first, second, return_exceptions=True)

    desk, told = run(house, studio, ask)
    assert isinstance(told[0], asyncio.CancelledError)
    assert told[1][0].statement_id == b"1"
    assert desk.written == [[b"0", b"1"]]


# --- signed by a hand, or here: the same -------------------------------------------------


@pytest.fixture(autouse=True)
def many_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "MANY", 1)


@pytest.fixture
def hands(house: House) -> Iterator[Pool]:
    with closing(Pool([house.services.voices.service_key])) as made:
        yield made


def fetched(made: Pool) -> None:
    """The next order finds a hand."""
    crew = made.crew
    crew._fetch(pool._NOTHING)
    assert crew._fetching is not None
    crew._fetching.join(PATIENCE)
    assert not crew._fetching.is_alive()
    assert crew._idle


def test_a_hand_makes_what_this_process_makes(house: House, studio: Party, rival: Party, hands: Pool) -> None:
    fetched(hands)
    chance = random.Random("singles")
    voices = [house.services.voices.of_account(account(one)) for one in (studio, rival)]
    hostile = [b"", b"[]", b'{"a":1},{"b":2}', body() + b"," + body(), b'{"type":"x","type":"y","body":{}}', b"\xff"]
    bodies = [*hostile, body(), *(json.dumps(spoiled(chance)).encode() for _ in range(200))]
    singles = [Single(chance.choice(voices), one) for one in bodies]
    by_hand = made_by(house, hands)._singles_by_hand(singles)
    assert by_hand is not None
    there, here = (made_by(house, crew).sign_singles(singles) for crew in (hands, None))
    assert [one and seen(one) for one in there] == [one and seen(one) for one in here]
    assert there[: len(hostile)] == [None] * len(hostile)
    # A hand says nothing of what is wrong, and made all the rest.
    assert [one is None for one in by_hand] == [not isinstance(one, Submission) for one in there]
    assert {type(one) for one in there} > {Submission, type(None)}


def test_nobody_waits_for_a_hand_to_start(house: House, studio: Party, hands: Pool) -> None:
    single = Single(house.services.voices.of_account(account(studio)), body())
    made = made_by(house, hands)
    assert made._singles_by_hand([single]) is None
    fetched(hands)
    (by_hand,) = made._singles_by_hand([single]) or [None]
    assert isinstance(by_hand, Submission)


def test_a_hand_that_is_lost_is_done_without(
    house: House, studio: Party, hands: Pool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a silent hand has is made here soon: one thread signs for everybody who sends a single draft."""
    fetched(hands)
    (resting,) = hands.crew._idle
    os.kill(resting.pid, signal.SIGSTOP)
    monkeypatch.setattr(crew_pool, "SOON", 0.05)
    single = Single(house.services.voices.of_account(account(studio)), body())
    (made,) = made_by(house, hands).sign_singles([single])
    assert isinstance(made, Submission)
    assert not resting.is_here()
    assert "a hand was lost" in caplog.text


def test_a_hand_that_never_starts_keeps_nobody(house: House, studio: Party) -> None:
    with closing(Pool([house.services.voices.service_key], (sys.executable, "-c", "pass"))) as made:
        single = Single(house.services.voices.of_account(account(studio)), body())
        (signed,) = made_by(house, made).sign_singles([single])
        assert isinstance(signed, Submission)
    with pytest.raises(Unavailable, match="being stopped"):
        made_by(house, made).sign_singles([single])


def test_a_signer_elsewhere_is_not_lent(house: House, studio: Party, hands: Pool) -> None:
    fetched(hands)
    foreign = Single(replace(house.services.voices.of_account(account(studio)), signer=signer("elsewhere")), body())
    assert made_by(house, hands)._singles_by_hand([foreign]) is None


def test_more_private_values_than_an_event_has_are_refused_unsalted(
    house: House, studio: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    salted: list[str] = []
    salt = drafts._salt

    def counted(name: str, value: Any) -> Any:
        salted.append(name)
        return salt(name, value)

    monkeypatch.setattr(drafts, "_salt", counted)
    most, more = ({f"v{n}": n for n in range(count)} for count in (MAX_PRIVATE, MAX_PRIVATE + 1))
    answer = studio.post("/v1/events", {**json.loads(body()), "private": more})
    assert problem(answer) == (422, "malformed", "private")
    assert "expected 1 to 32 items, found 33" in answer.json()["detail"]
    assert salted == []
    studio.post("/v1/events", {**json.loads(body()), "private": most})
    assert len(salted) >= MAX_PRIVATE


def test_large_bodies_are_signed_by_another_thread(house: House, studio: Party) -> None:
    """However few they are: the loop answers others meanwhile."""
    threads: list[str] = []
    service = house.services.submission

    class Workshop:
        def sign_singles(self, singles: Sequence[Single]) -> list[None]:
            threads.append(threading.current_thread().name.split("_")[0])
            return [None] * len(singles)

    voice = house.services.voices.of_account(account(studio))
    kept, service._workshop = service._workshop, Workshop()  # type: ignore[assignment]
    try:
        for large in (b"x", b"x" * (SMALL + 1)):
            asyncio.run(service._sign_singles([Single(voice, large)]))
    finally:
        service._workshop = kept
    assert threads == [threading.current_thread().name.split("_")[0], "singles"]


# --- over HTTP --------------------------------------------------------------------------


def test_many_at_once_are_answered_each_for_itself(house: House, studio: Party, rival: Party) -> None:
    """Good ones, repeated ones, other bodies under the same id, wrong ones: whoever else is under way."""
    good = [{"type": "object.register", "body": picture(b"%d" % at), "event_id": f"t-{at}"} for at in range(24)]
    studio.post("/v1/events/batch", {"events": good[:8]})
    wrong = [{**good[0], "body": {}}, {**good[1], "body": picture(b"another")}, {"type": "object.register"}]
    asked = [(studio, one) for one in (*good, *wrong, *good[8:12])] + [(rival, one) for one in good[:6]]

    def ask(item: tuple[Party, Any]) -> tuple[int, Any]:
        answer = item[0].post("/v1/events", item[1])
        told = answer.json()
        return answer.status_code, told.get("code")

    with ThreadPoolExecutor(len(asked)) as threads:
        told = list(threads.map(ask, asked))
    assert told[:8] == [(200, None)] * 8
    assert told[24:27] == [(422, "malformed"), (409, "conflict"), (422, "malformed")]
    # Asked twice at the same time: recorded once, found once.
    assert [sorted((told[8 + at][0], told[27 + at][0])) for at in range(4)] == [[200, 201]] * 4
    assert told[12:24] == [(201, None)] * 12
    assert told[31:] == [(201, None)] * 6
