"""The order of the log: idempotency, batches, time, and one answer to each race."""

from __future__ import annotations

import dataclasses
import logging
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import ledger.batch
from ledger.batch import Scribe
from ledger.errors import Conflict, LogClosed, OutcomeUnknown
from ledger.sequencer import Sequencer
from ledger.store import Store
from ledger.store.memory import MemoryStore
from ledger.store.postgres import open_store as open_database
from ledger.store.sqlite import create, open_store
from ledger.submission import Outcome, Receipt, prepare
from tallystick import cose
from tallystick.admission import Refused
from tallystick.commitments import disclose
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.events.party import PartyKey
from tallystick.identifiers import Letter
from tallystick.replay import Placed, replay
from tallystick.statement import Statement, parse_statement, sign_statement
from tests.conformance.policed import PolicedStore
from tests.patience import PATIENCE
from tests.world import START, Someone, World, key_from


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        create(tmp_path / "ledger.sqlite")
        opened: Store = PolicedStore(open_store(tmp_path / "ledger.sqlite"))
    elif request.param == "postgres":
        elected = open_database(request.getfixturevalue("dsn"))
        elected.epoch = 0
        opened = PolicedStore(elected)
    else:
        opened = PolicedStore(MemoryStore())
    yield opened
    opened.close()


@pytest.fixture
def scribe(store: Store, world: World) -> Scribe:
    """A log with its genesis (0–2) and parties (3–6, batch 7)."""
    made = Scribe(store, world.origin, world.roles["log"], lambda: world.clock)
    write(made, world, [world.key_set(), world.policy()])
    write(made, world, world.parties())
    return made


def write(scribe: Scribe, world: World, statements: list[Statement]) -> list[Outcome]:
    return scribe.write([prepare(one, world.disclosures.get(one.statement_id, ())) for one in statements])


def placed(store: Store) -> list[Placed]:
    with store.snapshot() as reads:
        return [Placed(at, parse_statement(entry)) for at, entry in enumerate(reads.entries(0, reads.size()))]


def kinds(store: Store) -> list[str]:
    return [one.statement.event.type for one in placed(store)]


def check_replay(store: Store) -> None:
    """Every entry is admitted again, and leaves the states that are stored."""
    again = replay(placed(store))
    assert again.refused == {}
    with store.snapshot() as reads:
        assert dict(reads.states()) == again.state._states


def test_the_main_job_in_one_batch(scribe: Scribe, store: Store, world: World) -> None:
    job = world.main_job()[4:]  # the parties are there already
    outcomes = write(scribe, world, job)
    assert outcomes == [Receipt(8 + n, 8 + len(job), START, False) for n in range(len(job))]
    assert kinds(store)[-1] == "log.batch"
    check_replay(store)
    with store.snapshot() as reads:
        (registered,) = (one for one in job if one.event.type == "job.register")
        position = reads.positions_of([registered.statement_id])[registered.statement_id]
        assert list(reads.disclosures(position)) == ["parameters"]


def test_each_alone_or_all_together_leave_one_state(store: Store, scribe: Scribe, world: World) -> None:
    other_world = World()
    alone = MemoryStore()
    single = Scribe(alone, other_world.origin, other_world.roles["log"], lambda: other_world.clock)
    write(single, other_world, [other_world.key_set(), other_world.policy()])
    write(scribe, world, world.main_job()[4:])
    for one in other_world.main_job():
        write(single, other_world, [one])
    check_replay(alone)
    check_replay(store)


def test_a_refused_statement_does_not_disturb_the_others(scribe: Scribe, store: Store, world: World) -> None:
    good, bad, also_good = world.object(), world.object(world.outsider), world.object()
    first, refused, second = write(scribe, world, [good, bad, also_good])
    assert isinstance(refused, Refused)
    assert refused.code == "unknown-signer"
    assert (first, second) == (Receipt(8, 10, START, False), Receipt(9, 10, START, False))
    check_replay(store)


def test_nothing_admitted_is_no_batch(scribe: Scribe, store: Store, world: World) -> None:
    before = kinds(store)
    assert isinstance(write(scribe, world, [world.object(world.outsider)])[0], Refused)
    assert scribe.write([]) == []
    assert kinds(store) == before


# --- idempotency ----------------------------------------------------------------------


def test_the_same_statement_keeps_its_place(scribe: Scribe, store: Store, world: World) -> None:
    said = world.object()
    assert write(scribe, world, [said]) == [Receipt(8, 9, START, False)]
    world.clock += 60
    assert write(scribe, world, [said]) == [Receipt(8, 9, START, True)]
    assert len(kinds(store)) == 10


def test_the_same_statement_twice_in_one_batch(scribe: Scribe, store: Store, world: World) -> None:
    said = world.object()
    first, again = write(scribe, world, [said, said])
    assert (first, again) == (Receipt(8, 9, START, False), Receipt(8, 9, START, True))
    assert len(kinds(store)) == 10


def test_another_signature_over_the_same_words(scribe: Scribe, store: Store, world: World) -> None:
    """ECDSA is randomised, and s may be negated: neither makes a second statement."""
    filed = world.capability()[1]
    write(scribe, world, filed[:1])
    tested = filed[1]
    assert tested.issuer == world.tester.id  # signs with ES256
    assert write(scribe, world, [tested]) == [Receipt(10, 11, START, False)]
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    r, s = tested.envelope.signature[:32], int.from_bytes(tested.envelope.signature[32:], "big")
    envelope = tested.envelope
    flipped_bytes = cose.dump(
        cose.cbor2.CBORTag(18, [envelope.protected_bytes, {}, envelope.payload, r + (order - s).to_bytes(32, "big")])
    )
    flipped = parse_statement(flipped_bytes)
    flipped.verify(world.tester.signer.public)
    assert flipped.entry != tested.entry
    assert write(scribe, world, [flipped]) == [Receipt(10, 11, START, True)]


def test_the_same_event_under_another_header(scribe: Scribe, store: Store, world: World) -> None:
    """The party adds a key and says the same event with it: another statement, the same event."""
    second = Someone(world.studio.id, key_from("second key of the studio"))
    added = world.say(world.registrar, "party.key", world.studio.id, PartyKey("add", second.valid_key()))
    said = world.object()
    write(scribe, world, [added, said])
    varied = sign_statement(second.signer, world.studio.id, said.event)
    assert varied.statement_id != said.statement_id
    assert write(scribe, world, [varied]) == [Receipt(9, 10, START, True)]


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_another_event_under_the_same_id(scribe: Scribe, store: Store, world: World, in_one_batch: bool) -> None:
    said, other = world.object(), world.object()
    clash = world.say(
        world.studio, "object.register", other.event.subject, other.event.body, event_id=said.event.event_id
    )
    if in_one_batch:
        first, refused = write(scribe, world, [said, clash])
    else:
        (first,), (refused,) = write(scribe, world, [said]), write(scribe, world, [clash])
    assert first == Receipt(8, 9, START, False)
    assert isinstance(refused, Conflict)
    assert (refused.party, refused.event_id, refused.position) == (world.studio.id, said.event.event_id, 8)


def test_two_parties_may_use_one_event_id(scribe: Scribe, store: Store, world: World) -> None:
    mine = world.object()
    yours = world.object(world.licensee)
    yours = world.say(
        world.licensee, "object.register", yours.event.subject, yours.event.body, event_id=mine.event.event_id
    )
    assert [type(one) for one in write(scribe, world, [mine, yours])] == [Receipt, Receipt]


def test_the_service_speaks_for_a_party_under_its_event_ids(scribe: Scribe, store: Store, world: World) -> None:
    mine = world.object()
    recorded = world.record(
        world.studio, "object.register", mine.event.subject, mine.event.body, event_id=mine.event.event_id
    )
    _, refused = write(scribe, world, [mine, recorded])
    assert isinstance(refused, Conflict)


def test_a_stranger_learns_nothing_of_a_partys_events(scribe: Scribe, store: Store, world: World) -> None:
    said = world.object()
    write(scribe, world, [said])
    forged = dataclasses.replace(world.outsider, id=world.studio.id)
    (refused,) = write(
        scribe,
        world,
        [world.say(forged, "object.register", said.event.subject, said.event.body, event_id=said.event.event_id)],
    )
    assert isinstance(refused, Refused)
    assert refused.code == "unknown-signer"


def test_a_forged_signature_learns_nothing_either(scribe: Scribe, store: Store, world: World) -> None:
    said, other = world.object(), world.object()
    write(scribe, world, [said])
    body = other.event.body
    clash = world.say(world.studio, "object.register", other.event.subject, body, event_id=said.event.event_id).envelope
    forged = cose.dump(cose.cbor2.CBORTag(18, [clash.protected_bytes, {}, clash.payload, bytes(64)]))
    (refused,) = write(scribe, world, [parse_statement(forged)])
    assert isinstance(refused, Refused)
    assert refused.code == "bad-signature"


# --- races ----------------------------------------------------------------------------


@pytest.mark.parametrize("suspended_first", [True, False])
def test_a_suspension_and_a_job_in_one_batch(scribe: Scribe, store: Store, world: World, suspended_first: bool) -> None:
    capability, filed = world.capability()
    write(scribe, world, filed)
    _, job = world.job(capability)
    suspension = world.decide_capability(capability.id, "suspend")
    batch = [suspension, job] if suspended_first else [job, suspension]
    outcomes = write(scribe, world, batch)
    of_suspension, of_job = outcomes if suspended_first else outcomes[::-1]
    assert isinstance(of_suspension, Receipt)
    if suspended_first:
        assert isinstance(of_job, Refused)
        assert of_job.code == "capability-not-approved"
    else:
        assert isinstance(of_job, Receipt)
    check_replay(store)


def test_one_identifier_claimed_twice_in_one_batch(scribe: Scribe, store: Store, world: World) -> None:
    subject = world.identifier(Letter.OBJECT)
    first, second = write(scribe, world, [world.object(subject=subject), world.object(world.licensee, subject=subject)])
    assert isinstance(first, Receipt)
    assert isinstance(second, Refused)
    assert second.code == "already-registered"


# --- time -----------------------------------------------------------------------------


def test_the_clock_of_the_log_never_goes_back(
    scribe: Scribe, store: Store, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.clock += 3600
    write(scribe, world, [world.object()])
    said = world.object()
    world.clock -= 3600
    with caplog.at_level(logging.WARNING):
        (receipt,) = write(scribe, world, [said])
    assert isinstance(receipt, Receipt)
    assert receipt.admitted_at == START + 3600
    assert scribe.clock_behind == 3600
    assert "keeping that time until the clock has caught up" in caplog.text
    world.clock += 7200
    (receipt,) = write(scribe, world, [world.object()])
    assert isinstance(receipt, Receipt)
    assert receipt.admitted_at == START + 7200
    assert scribe.clock_behind == 0
    check_replay(store)


# --- the log's own words --------------------------------------------------------------


def test_nobody_submits_batch_entries(scribe: Scribe, store: Store, world: World) -> None:
    target = AnchorTarget("evm", 1, "00" * 32, "11" * 20, "22" * 32, "33" * 32, "keccak256", "operator")
    outcomes = write(
        scribe,
        world,
        [
            world.object(),
            world.batch(8, 8),
            world.say(world.log, "log.anchor-target", world.origin, target, event_id="batch-99"),
            world.say(world.log, "log.anchor-target", world.origin, target),
        ],
    )
    assert [type(one) for one in outcomes] == [Receipt, Refused, Refused, Receipt]
    check_replay(store)


def test_disclosures_must_open_commitments(world: World) -> None:
    job = world.main_job()[9]
    with pytest.raises(VerificationFailed):
        prepare(job, [disclose("parameters", {"seed": 0}, bytes(16))])


# --- the thread -----------------------------------------------------------------------


@pytest.fixture
def sequencer(scribe: Scribe) -> Iterator[Sequencer]:
    opened = Sequencer(scribe)
    yield opened
    opened.close()


def test_many_callers_share_batches(sequencer: Sequencer, store: Store, world: World) -> None:
    said = [world.object() for _ in range(60)]
    futures: list[Any] = [None] * len(said)

    def call(part: int) -> None:
        for at in range(part, len(said), 6):
            futures[at] = sequencer.submit([prepare(said[at])])

    threads = [threading.Thread(target=call, args=(part,)) for part in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    receipts = [future.result()[0] for future in futures]
    assert [placed(store)[one.position].statement for one in receipts] == said
    check_replay(store)


class Gate(Scribe):
    """A scribe that waits to be let through."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.entered, self.open = threading.Event(), threading.Event()
        self.sizes: list[int] = []

    def write(self, submissions: Any) -> list[Outcome]:
        self.entered.set()
        assert self.open.wait(PATIENCE)
        self.sizes.append(len(submissions))
        return super().write(submissions)


def test_what_waits_is_committed_together(scribe: Scribe, store: Store, world: World) -> None:
    gate = Gate(store, world.origin, world.roles["log"], lambda: world.clock)
    sequencer = Sequencer(gate)
    first = sequencer.submit([prepare(world.object())])
    assert gate.entered.wait(PATIENCE)
    rest = [sequencer.submit([prepare(world.object())]) for _ in range(5)]
    gave_up = sequencer.submit([prepare(world.object())])
    assert gave_up.cancel()
    gate.open.set()
    sequencer.close()
    assert gate.sizes == [1, 5]
    assert [one.result()[0] for one in (first, *rest)] == [Receipt(8, 9, START, False)] + [
        Receipt(10 + n, 15, START, False) for n in range(5)
    ]
    with pytest.raises(CancelledError):
        gave_up.result()


def test_closing_writes_what_waits(scribe: Scribe, store: Store, world: World) -> None:
    sequencer = Sequencer(scribe)
    futures = [sequencer.submit([prepare(world.object())]) for _ in range(9)]
    sequencer.close()
    assert all(isinstance(future.result()[0], Receipt) for future in futures)
    with pytest.raises(LogClosed):
        sequencer.submit([])


def test_the_writer_survives_a_failing_store(
    scribe: Scribe, store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequencer = Sequencer(scribe)
    said = world.object()
    with monkeypatch.context() as patch:
        patch.setattr(Scribe, "write", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OutcomeUnknown, match="disk full"):
            sequencer.submit([prepare(said)]).result()
    assert sequencer.submit([prepare(said)]).result() == [Receipt(8, 9, START, False)]
    sequencer.close()


def test_a_fault_in_deciding_one_statement_spares_the_others(
    scribe: Scribe, store: Store, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, good = world.object(), world.object()
    decide = ledger.batch.decide

    def faulty(statement: Statement, *arguments: Any) -> Any:
        if statement == poison:
            raise ZeroDivisionError
        return decide(statement, *arguments)

    monkeypatch.setattr(ledger.batch, "decide", faulty)
    fault, receipt = write(scribe, world, [poison, good])
    assert isinstance(fault, ZeroDivisionError)
    assert receipt == Receipt(8, 9, START, False)


def test_a_damaged_state_spares_the_statements_that_do_not_need_it(tmp_path: Path, world: World) -> None:
    create(tmp_path / "ledger.sqlite")
    store = open_store(tmp_path / "ledger.sqlite")
    scribe = Scribe(store, world.origin, world.roles["log"], lambda: world.clock)
    write(scribe, world, [world.key_set(), world.policy()])
    write(scribe, world, world.parties())
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database, database:
        database.execute("UPDATE names SET state = '{}' WHERE name = ?", (world.licensee.id,))
    first, second = write(scribe, world, [world.object(world.licensee), world.object(world.studio)])
    assert isinstance(first, MalformedInput)
    assert isinstance(second, Receipt)
    store.close()
