"""A log that several processes share: the one that sequences asks the witnesses, and a takeover alarms nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.log import Log
from ledger.shared.candidate import Office
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.witness.client import Reply, WitnessClient
from ledger.witness.gather import Gatherer
from ledger.witness.heads import Heads
from ledger.witness.witness import Voice, Witness
from tallystick.cosignature import parse_witness
from tallystick.note import Note, parse_note
from tallystick.witness_policy import parse_log_verifier, parse_policy
from tests.ledger.conftest import founding
from tests.patience import PATIENCE, wait_until
from tests.world import World, key_from

URL = "https://witness.example"
VOICE = Voice("witness.example", key_from("one ed"), key_from("one pq", "ml-dsa-44"))
POLICY = parse_policy(f"witness w {VOICE.verifier_keys()[1]} {URL}\nquorum w\n".encode())
PUBLISHED = 30.0


class Process:
    """A log opened under a name, with a gatherer of its own; ``asked`` counts its requests."""

    def __init__(
        self, dsn: str, name: str, world: World, witness: Witness, deadline: float = 30.0, **options: Any
    ) -> None:
        self.asked = 0
        self.line = threading.Event()
        self.line.set()
        self._witness = witness
        client = WitnessClient([parse_witness(VOICE.verifier_keys()[1])], self._post, lambda: world.clock)
        self.gatherer = Gatherer(POLICY, {URL: client.cosign}, deadline, recall=self._recall)
        place = Place(dsn, name, lease=2.0)
        self.log: Log = open_shared(
            place, world.signers, lambda: world.clock, publish_every=0.0, cosigners=self.gatherer, **options
        )

    def _post(self, body: bytes) -> Reply:
        self.asked += 1
        assert self.line.wait(PATIENCE)
        answer = self._witness.add_checkpoint(body)
        return Reply(answer.status, answer.media_type, answer.body)

    def _recall(self, url: str, origin: str) -> Note | None:
        answer = self._witness.latest(sha256(origin.encode()).hexdigest())
        return parse_note(answer.body) if answer.status == 200 else None

    def close(self) -> None:
        self.log.close()
        self.gatherer.close()


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    keys = World().signers.keys
    Heads.create(tmp_path / "heads")
    with closing(Heads(tmp_path / "heads")) as heads:
        known = {keys.origin: [parse_log_verifier(key) for key in keys.verifier_keys()[:2]]}
        yield Witness(VOICE, known, heads, lambda: World().clock)


def elected_once(office: Office) -> Office:
    """Lets others sequence after that."""
    stand, stood = office.election.stand, list[int]()

    def once(least: int = 0) -> int | None:
        epoch = None if stood else stand(least)
        stood.extend([epoch] if epoch else [])
        return epoch

    office.election.stand = once  # type: ignore[method-assign]
    return office


def here(log: Log) -> bool:
    seat = log.status().seat
    return seat is not None and seat.here


def cosigners(log: Log) -> list[str]:
    return [line.name for line in log.published.checkpoint().note.signatures][3:]


def test_the_one_that_sequences_asks(dsn: str, witness: Witness) -> None:
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    with ExitStack() as stack:
        one = stack.enter_context(closing(Process(dsn, "one", world, witness)))
        one.log.submit(world.parties()[0]).result()
        one.log.wait_published(5, PUBLISHED)
        two = Process(dsn, "two", world, witness)
        stack.callback(two.close)
        receipt = two.log.submit(world.parties()[1]).result()
        size = receipt.batch + 1
        head = two.log.wait_published(size, PUBLISHED)
        assert [line.name for line in head.note.signatures][3:] == ["witness.example"]
        assert cosigners(one.log) == cosigners(two.log) == ["witness.example"]
        assert one.asked >= 2
        assert two.asked == 0
        one.log.close()
        receipt = two.log.submit(world.parties()[2]).result()
        two.log.wait_published(receipt.batch + 1, PUBLISHED)
        assert cosigners(two.log) == ["witness.example"]
        assert two.asked >= 1
        assert [report.alarm for report in (*one.gatherer.reports(), *two.gatherer.reports())] == [False, False]


def test_who_was_deposed_while_a_witness_did_not_hear_it_alarms_nobody(
    dsn: str, witness: Witness, caplog: pytest.LogCaptureFixture
) -> None:
    """What it asks for is less than the witness has cosigned by the time that it hears it."""
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    with ExitStack() as stack:
        one = stack.enter_context(closing(Process(dsn, "one", world, witness, deadline=0.1, adapt=elected_once)))
        one.log.submit(world.parties()[0]).result()
        one.log.wait_published(5, PUBLISHED)
        wait_until(lambda: cosigners(one.log), "the witness has cosigned the first checkpoint")
        asked = one.asked
        one.line.clear()
        stack.callback(one.line.set)
        size = one.log.submit(world.parties()[1]).result().batch + 1
        one.log.wait_published(size, PUBLISHED)
        wait_until(lambda: one.asked > asked, "it asks for the second one")
        two = stack.enter_context(closing(Process(dsn, "two", world, witness)))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("UPDATE lease SET holder = 'nobody', expires = '-infinity'")
        wait_until(lambda: here(two.log), "another sequences")
        size = two.log.submit(world.parties()[2]).result().batch + 1
        two.log.wait_published(size, PUBLISHED)
        wait_until(lambda: cosigners(two.log), "the witness has cosigned the third one")
        (before,) = one.gatherer.reports()
        one.line.set()
        with one.gatherer._changed:
            task = one.gatherer._task
            assert task is not None
            assert one.gatherer._changed.wait_for(lambda: URL in task.answered, PATIENCE)
        assert one.gatherer.reports() == [before]
        assert [report.alarm for report in (before, *two.gatherer.reports())] == [False, False]
    assert one.asked == asked + 1
    assert "ALARM" not in caplog.text
