"""Batches that hands prepare: the same as this process would, whatever is in them and whatever becomes of the hands."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from api.accounts import Account
from api.batches import hand, wire, workshop
from api.batches.pool import COMMAND, Pool
from api.batches.workshop import Prepared, Workshop
from api.crew import pool as crew
from api.crew import working
from api.crew.wire import Lost, send
from api.services.errors import Unavailable
from ledger.submission import Submission
from tallystick.base64s import to_base64
from tallystick.statement import parse_statement
from tests.api.house import House, Party, problem
from tests.api.process import PATIENCE, ROOT
from tests.api.test_submission import picture

GOOD: dict[str, Any] = {
    "type": "object.register",
    "body": picture(),
    "event_id": "e-1",
    "subject": "10.5555/A-000G-40R4-0M30-E209-9",
    "time": "2026-02-01T00:00:00Z",
}
DIES = """
import os, runpy, signal, sys
from pathlib import Path
mark = Path(sys.argv[1])
if mark.exists():
    mark.unlink()
    import api.batches.hand as hand
    hand.sign = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    from api.crew.working import main
    main(hand.begin)
runpy.run_module("api.batches.hand", run_name="__main__")
"""


@pytest.fixture(autouse=True)
def everything_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workshop, "WORTH", 0)


@pytest.fixture(scope="module")
def hands(house: House) -> Iterator[Pool]:
    with closing(Pool([house.services.voices.service_key])) as made:
        yield made


def made_by(house: House, made: Pool | None) -> Workshop:
    return Workshop(house.services.log, house.services.voices, lambda: house.world.clock, made)


def account(party: Party) -> Account:
    return Account("", party.id, frozenset({"submit"}))


def seen(one: Submission | Exception) -> Any:
    """All of a submission but the signature, which chance makes; of an error what a client is told."""
    if isinstance(one, Exception):
        return type(one), str(one), vars(one)
    one.statement.verify(one.verified_with)  # type: ignore[arg-type]
    said = (one.statement.parts._replace(signature=b""), one.statement.event, one.statement.envelope.protected)
    return said, one.statement_id, one.party, one.references, one.disclosures, one.verified_with


def sign_both(house: House, studio: Party, hands: Pool, body: bytes) -> tuple[Prepared | None, Prepared | None]:
    voice = house.services.voices.of_account(account(studio))
    return made_by(house, hands).sign_body(voice, body), made_by(house, None).sign_body(voice, body)


def batch(*items: Any) -> bytes:
    return json.dumps({"events": items}).encode()


def spoiled(chance: random.Random) -> Any:
    """A draft with something else in it, most often something wrong."""
    strange = [None, 1, -1, 1 << 52, "", "x", "\0", "é" * 70, "\u202e", [], {}, ["x"], {"x": 1}, True]
    event = json.loads(json.dumps(GOOD))
    if chance.random() < 0.3:
        event[chance.choice(["type", "event_id", "subject", "time"])] = chance.choice(["", "x", "\0", "é" * 70])
        return event
    place = chance.choice([event["body"], event["body"]["content"], event["body"]["basis"][0]])
    name = chance.choice([*place, "other"])
    if chance.random() < 0.2:
        place.pop(name, None)
    else:
        place[name] = chance.choice(strange)
    return event


def test_a_hand_makes_what_this_process_makes(house: House, studio: Party, hands: Pool) -> None:
    chance = random.Random("spoiled")
    body = batch(GOOD, *(spoiled(chance) for _ in range(400)), {**GOOD, "event_id": "last"})
    there, here = sign_both(house, studio, hands, body)
    assert there is not None
    assert here is not None
    assert [seen(one) for one in there.items] == [seen(one) for one in here.items]
    assert list(there.drafts()) == list(here.drafts())
    assert 2 < sum(isinstance(one, Submission) for one in there.items) < 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"events":[{"type":"object.register","body":{},"body":{}}]}',
        b'{"events":[{"type":"object.register","body":{"size":1.5}}]}',
        b'{"events":[{"type":"object.register","body":{"size":9007199254740992}}]}',
        b'{"events":[{"type":"object.register","body":{"size":1e3}}]}',
        b'{"events":[{"type":"object.register","body":{"x":"\\ud800"}}]}',
        b'{"events":[{"type":"object.register","body":' + b'{"x":' * 40 + b"1" + b"}" * 42 + b"]}",
        b'{"events":' + b"[" * 100_000,
        b'{"events":[]}',
        b'{"events":[1]}',
        b'{"statements":[{"statement":"0oRD"}]}',
        b"\xff",
        b"",
    ],
)
def test_a_body_that_is_not_good_is_left_alone(house: House, studio: Party, hands: Pool, body: bytes) -> None:
    assert sign_both(house, studio, hands, body) == (None, None)


def test_private_values_are_salted_there(house: House, studio: Party, hands: Pool) -> None:
    there, _ = sign_both(house, studio, hands, batch(*({**GOOD, "private": {"title": "é"}} for _ in range(2))))
    assert there is not None
    one, two = there.items
    assert isinstance(one, Submission)
    assert isinstance(two, Submission)
    assert one.disclosures["title"] != two.disclosures["title"]
    assert set(one.statement.event.commitments) == {"title"}


def test_statements_are_checked_there(house: House, studio: Party, rival: Party, hands: Pool) -> None:
    world = house.world
    good, foreign = world.object(studio.who), world.object(rival.who)
    forged = good.entry[:-1] + bytes([good.entry[-1] ^ 1])
    entries = [good.entry, foreign.entry, forged, b"", good.entry[:-1]]
    body = json.dumps({"statements": [{"statement": to_base64(one)} for one in entries]}).encode()
    there = made_by(house, hands).check_body(account(studio), body)
    here = made_by(house, None).check_body(account(studio), body)
    assert there is not None
    assert here is not None
    assert [seen(one) for one in there.items] == [seen(one) for one in here.items]
    assert [isinstance(one, Submission) for one in there.items] == [True, False, False, False, False]


def test_a_statement_that_stands_is_recognised_whatever_became_of_its_key(
    house: House, studio: Party, rival: Party, hands: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the hand refuses, the service looks at again: only there it is known that the statement stands."""
    said = house.world.object(studio.who)
    assert studio.state(said).status_code == 201
    body = json.dumps({"statements": [{"statement": to_base64(said.entry)}]}).encode()
    refusing = made_by(house, hands)
    order = refusing._order
    monkeypatch.setattr(refusing, "_order", lambda *asked: dataclasses.replace(order(*asked), states=()))
    prepared = refusing.check_body(account(studio), body)
    assert prepared is not None
    assert [isinstance(one, Submission) for one in prepared.items] == [True]


# --- over HTTP, with the server's own pool ---------------------------------------------


def test_batches_over_http(house: House, studio: Party) -> None:
    """Recorded once, found again, refused each by itself: as without hands."""
    events = [{"type": "object.register", "body": picture(), "event_id": f"h-{at}"} for at in range(20)]
    events[7] = {**events[7], "body": {}}
    first, again = (studio.post("/v1/events/batch", {"events": events}).json()["results"] for _ in range(2))
    for at, (one, other) in enumerate(zip(first, again, strict=True)):
        if at == 7:
            assert one == other
            assert (one["code"], one["field"]) == ("malformed", "body.kind")
        else:
            assert (one["duplicate"], other) == (False, {**one, "duplicate": True})
    changed = [{**one, "body": picture(b"another")} for one in events if one is not events[7]]
    found = studio.post("/v1/events/batch", {"events": changed}).json()["results"]
    assert {one["code"] for one in found} == {"conflict"}


def test_the_registrar_signs_with_its_own_key(house: House) -> None:
    body = {"kind": "person", "roles": ["studio"], "keys": []}
    answer = house.registrar.post("/v1/events/batch", {"events": [{"type": "party.register", "body": body}]})
    (told,) = answer.json()["results"]
    entry = house.registrar.get(f"/v1/entries/{told['position']}").content
    assert parse_statement(entry).kid == house.services.voices.registrar_key.public.kid


# --- what becomes of hands ----------------------------------------------------------------


def test_hands_that_were_killed_are_replaced(house: House, studio: Party, hands: Pool) -> None:
    for _ in range(2):
        prepared, _ = sign_both(house, studio, hands, batch(GOOD))
        assert prepared is not None
        assert isinstance(prepared.items[0], Submission)
        (resting,) = hands.crew._idle
        os.kill(resting.pid, signal.SIGKILL)


@pytest.fixture
def dying(house: House, tmp_path: Path) -> Iterator[tuple[Pool, Path]]:
    """A pool whose next hand kills itself over its order, as often as there is a mark."""
    mark = tmp_path / "mark"
    with closing(Pool([house.services.voices.service_key], (sys.executable, "-c", DIES, str(mark)))) as made:
        yield made, mark


def test_an_order_is_given_to_another_hand(
    house: House, studio: Party, dying: tuple[Pool, Path], caplog: pytest.LogCaptureFixture
) -> None:
    made, mark = dying
    mark.touch()
    prepared, _ = sign_both(house, studio, made, batch(GOOD))
    assert prepared is not None
    assert isinstance(prepared.items[0], Submission)
    assert not mark.exists()
    assert "a hand was lost with a batch" in caplog.text


def test_an_order_that_kills_every_hand_is_given_up(
    house: House, studio: Party, dying: tuple[Pool, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, mark = dying
    start = crew.Hand.__init__

    def marked(*given: Any) -> None:
        mark.touch()
        start(*given)

    monkeypatch.setattr(crew.Hand, "__init__", marked)
    monkeypatch.setattr(house.services.submission, "_workshop", made_by(house, made))
    before = house.services.log.status().size
    answer = studio.post("/v1/events/batch", {"events": [GOOD]})
    assert problem(answer) == (503, "unavailable", None)
    assert answer.headers["retry-after"] == "1"
    assert house.services.log.status().size == before


def test_a_silent_hand_is_killed(house: House, studio: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "PATIENCE", 0.2)
    silent = (sys.executable, "-c", f"import time; time.sleep({PATIENCE})")
    started: list[crew.Hand] = []
    start = crew.Hand.__init__

    def kept(self: crew.Hand, *given: Any) -> None:
        started.append(self)
        start(self, *given)

    monkeypatch.setattr(crew.Hand, "__init__", kept)
    with closing(Pool([house.services.voices.service_key], silent)) as made, pytest.raises(Unavailable):
        sign_both(house, studio, made, batch(GOOD))
    assert [one.is_here() for one in started] == [False, False]


def test_a_hand_leaves_when_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "IDLE_SECONDS", 0.05)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, wire.Keys(()))
        with pytest.raises(Lost, match="timed out"):
            working.work(theirs, hand.begin)


def test_a_closed_pool_gives_no_orders_and_leaves_nobody(house: House, studio: Party) -> None:
    made = Pool([house.services.voices.service_key])
    sign_both(house, studio, made, batch(GOOD))
    (resting,) = made.crew._idle
    made.close()
    assert not resting.is_here()
    with pytest.raises(Unavailable, match="being stopped"):
        sign_both(house, studio, made, batch(GOOD))


def test_keys_stand_neither_in_the_command_nor_in_the_environment(
    house: House, studio: Party, hands: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_KEY_PASSPHRASE", "correct horse")
    with closing(Pool([house.services.voices.service_key])) as made:
        sign_both(house, studio, made, batch(GOOD))
        (resting,) = made.crew._idle
        told = Path(f"/proc/{resting.pid}")
        assert (told / "cmdline").read_bytes().split(b"\0")[1:-1] == [one.encode() for one in COMMAND[1:]]
        assert b"TALLYSTICK" not in (told / "environ").read_bytes()
        held = {os.readlink(one) for one in (told / "fd").iterdir()}
        assert not [one for one in held if str(house.services.settings.data) in one]


def test_a_signer_elsewhere_is_not_lent(house: House, studio: Party) -> None:
    """A key in a module of its own cannot be given to a hand: the service signs in this process."""

    class Elsewhere:
        def __init__(self) -> None:
            self.public = house.services.voices.service_key.public
            self.sign = house.services.voices.service_key.sign

    with closing(Pool([Elsewhere()])) as made:
        said = dataclasses.replace(house.services.voices.of_account(account(studio)), signer=Elsewhere())
        prepared = made_by(house, made).sign_body(said, batch(GOOD))
        assert prepared is not None
        assert isinstance(prepared.items[0], Submission)
        assert made.crew._idle == []


def test_hands_end_with_their_service_even_by_kill_9() -> None:
    script = """
import sys, time
from api.batches.pool import Pool
from api.batches.wire import DraftOrder
from tallystick.keys import LocalSigner
made = Pool([LocalSigner.generate("ed25519")])
made.do(DraftOrder(b"", 0, "i", None, "10.5555", "o", "2026-02-01T00:00:00Z"))
print(made.crew._idle[0].pid, flush=True)
time.sleep(600)
"""
    command = (sys.executable, "-c", script)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as service:
        try:
            assert service.stdout is not None
            orphan = int(service.stdout.readline())
        finally:
            service.kill()
    # Only what nobody waits for any more disappears by itself.
    wait_for(lambda: not is_running(orphan))


def is_running(pid: int) -> bool:
    """Not gone, and not a zombie that nobody has buried yet."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)
