"""Gathering from several witnesses: k of n, no publication waits for long, and what comes late is still shown."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from ledger.errors import DatabaseUnreachable
from ledger.face import Offer
from ledger.witness.client import WitnessAlarm, WitnessFailed
from ledger.witness.gather import Ask, Gatherer, open_gatherer
from tallystick.cosignature import cosign_ed25519
from tallystick.errors import MalformedInput
from tallystick.note import COSIGNATURE_ED25519, Note, Signature, verifier_key, verify_note
from tallystick.tree_head import SignedCheckpoint
from tallystick.witness_policy import WitnessPolicy, parse_policy
from tests.ledger.test_witness_client import signed
from tests.world import START, key_from

NAMES = ("w1", "w2", "w3")
KEYS = {name: key_from(f"gather {name}") for name in NAMES}
LONG = 30.0
"""A deadline that no test waits for."""
WAIT = 60.0
"""Seconds after which something that must happen is said not to happen."""


def url(name: str) -> str:
    return f"https://{name}.example"


def policy(k: int, names: Sequence[str] = NAMES) -> WitnessPolicy:
    lines = [
        f"witness {name} {verifier_key(f'{name}.example', COSIGNATURE_ED25519, KEYS[name].public.raw)} {url(name)}"
        for name in names
    ]
    return parse_policy("\n".join([*lines, f"group g {k} {' '.join(names)}", "quorum g", ""]).encode())


def no_proof(old: int) -> Sequence[bytes]:
    raise AssertionError("the stubs ask for no proof")


def offer(size: int, late: Callable[[SignedCheckpoint, Sequence[Signature]], None]) -> Offer:
    return Offer(signed(size), no_proof, late)


def line(name: str, head: SignedCheckpoint) -> Signature:
    return cosign_ed25519(head.note.text, f"{name}.example", KEYS[name], START)


@dataclass
class Stub:
    """A witness: it does what ``how`` says once ``gate`` is open."""

    name: str
    how: Callable[[SignedCheckpoint], Sequence[Signature]] | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[int] = field(default_factory=list)
    seen: threading.Event = field(default_factory=threading.Event)

    def __call__(self, offer: Offer) -> Sequence[Signature]:
        head = offer.signed
        self.asked.append(head.checkpoint.size)
        self.seen.set()
        assert self.gate.wait(WAIT)
        return [line(self.name, head)] if self.how is None else self.how(head)


def up(name: str) -> Stub:
    stub = Stub(name)
    stub.gate.set()
    return stub


def down(name: str, error: WitnessFailed | None = None) -> Stub:
    def fail(head: SignedCheckpoint) -> Sequence[Signature]:
        raise error or WitnessFailed("no answer")

    stub = Stub(name, fail)
    stub.gate.set()
    return stub


def slow(name: str) -> Stub:
    return Stub(name)


class Late:
    """Takes what comes late."""

    def __init__(self) -> None:
        self.came: list[tuple[int, str]] = []
        self.event = threading.Event()

    def __call__(self, head: SignedCheckpoint, lines: Sequence[Signature]) -> None:
        self.came += [(head.checkpoint.size, one.name) for one in lines]
        self.event.set()


@contextmanager
def without_waiting() -> Iterator[None]:
    """Nothing in here may wait for the deadline."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < LONG


@contextmanager
def gatherer(k: int, *stubs: Stub, deadline: float = LONG, first_pause: float = LONG) -> Iterator[Gatherer]:
    asks: dict[str, Ask] = {url(stub.name): stub for stub in stubs}
    made = Gatherer(policy(k, [stub.name for stub in stubs]), asks, deadline, first_pause)
    try:
        yield made
    finally:
        made.close()
        for stub in stubs:
            stub.gate.set()


def names(lines: Sequence[Signature]) -> set[str]:
    return {one.name.removesuffix(".example") for one in lines}


def test_k_of_n_is_met() -> None:
    late = Late()
    with gatherer(3, up("w1"), up("w2"), up("w3")) as found:
        lines = found.gather(offer(9, late))
        assert names(lines) == {"w1", "w2", "w3"}
        head = signed(9)
        verify_note(Note(head.note.text, tuple(lines)), [one.verifier for one in found.policy.witnesses])
        assert [(one.size, one.error) for one in found.reports()] == [(9, None)] * 3
    assert late.came == []


def test_a_quorum_is_not_kept_waiting_by_the_rest() -> None:
    late, hanging = Late(), slow("w3")
    with gatherer(2, up("w1"), up("w2"), hanging) as found, without_waiting():
        assert names(found.gather(offer(9, late))) == {"w1", "w2"}
        assert hanging.seen.wait(WAIT)
        hanging.gate.set()
        assert late.event.wait(WAIT)
        assert late.came == [(9, "w3.example")]
        assert names(found.gather(offer(9, late))) == {"w1", "w2", "w3"}


def test_a_witness_that_is_offline() -> None:
    late, off = Late(), down("w3")
    with gatherer(2, up("w1"), up("w2"), off) as found:
        assert names(found.gather(offer(9, late))) == {"w1", "w2"}
        assert off.seen.wait(WAIT)
    with gatherer(3, up("w1"), up("w2"), down("w3")) as found, without_waiting():
        # Nobody is left to wait for: it returns long before its deadline.
        assert names(found.gather(offer(9, late))) == {"w1", "w2"}
        reports = {one.url: one for one in found.reports()}
        assert reports[url("w3")].error == "no answer"
        assert (reports[url("w3")].size, reports[url("w3")].alarm) == (-1, False)


def test_the_deadline() -> None:
    late, hanging = Late(), slow("w2")
    with gatherer(2, up("w1"), hanging, deadline=0.2) as found:
        assert names(found.gather(offer(9, late))) == {"w1"}
        # It is at an older checkpoint still: the next publication does not wait for it at all.
        found._deadline = LONG
        with without_waiting():
            assert names(found.gather(offer(12, late))) == {"w1"}
        hanging.gate.set()
        assert late.event.wait(WAIT)
        assert late.came == [(12, "w2.example")]
        assert hanging.asked == [9, 12]


def test_a_witness_that_comes_back() -> None:
    late, off = Late(), down("w2")
    with gatherer(2, up("w1"), off, first_pause=0.01) as found:
        assert names(found.gather(offer(9, late))) == {"w1"}
        off.how = None
        assert late.event.wait(WAIT)
        assert late.came == [(9, "w2.example")]
        assert [one.error for one in found.reports()] == [None, None]
        assert names(found.gather(offer(12, late))) == {"w1", "w2"}


def test_cosignatures_that_are_there_are_not_asked_for() -> None:
    late, first, second = Late(), up("w1"), up("w2")
    head = signed(9)
    cosigned = SignedCheckpoint(head.checkpoint, Note(head.note.text, (*head.note.signatures, line("w1", head))))
    with gatherer(2, first, second) as found:
        assert names(found.gather(Offer(cosigned, no_proof, late))) == {"w1", "w2"}
    assert (first.asked, second.asked) == ([], [9])


def test_a_line_that_is_there_and_does_not_verify_is_asked_for_again() -> None:
    late, first = Late(), up("w1")
    head, other = signed(9), signed(10)
    spoilt = SignedCheckpoint(head.checkpoint, Note(head.note.text, (*head.note.signatures, line("w1", other))))
    with gatherer(1, first) as found:
        assert found.gather(Offer(spoilt, no_proof, late)) == (line("w1", head),)
    assert first.asked == [9]


def test_below_quorum_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    late, off = Late(), down("w2")
    with caplog.at_level(logging.INFO), gatherer(2, up("w1"), off, first_pause=0.01) as found:
        for size in (9, 10, 11):
            found.gather(offer(size, late))
        said = [record.getMessage() for record in caplog.records if "QUORUM" in record.getMessage()]
        assert said == ["the checkpoint of size 9 is BELOW QUORUM: cosigned by w1 so far"]
        assert [record.getMessage() for record in caplog.records].count(f"witness {url('w2')}: no answer") == 1
        off.how = None
        assert late.event.wait(WAIT)
    assert "has its quorum of witnesses again" in caplog.text


def test_an_alarm_is_loud(caplog: pytest.LogCaptureFixture) -> None:
    with gatherer(2, up("w1"), down("w2", WitnessAlarm("it holds another tree"))) as found:
        found.gather(offer(9, Late()))
        assert [(one.alarm, one.error) for one in found.reports()] == [(False, None), (True, "it holds another tree")]
    (record,) = [one for one in caplog.records if "ALARM" in one.getMessage()]
    assert record.levelno == logging.ERROR


def over(size: int) -> Offer:
    return replace(offer(size, Late()), newest=lambda: False)


@pytest.mark.parametrize(
    "error", [WitnessAlarm("it says that it cosigned 12"), ZeroDivisionError("the store was closed")]
)
def test_a_checkpoint_that_was_signed_over_elsewhere_alarms_nobody_and_is_asked_for_no_more(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(head: SignedCheckpoint) -> Sequence[Signature]:
        raise error

    stub = Stub("w1", fail)
    stub.gate.set()
    with gatherer(1, stub, first_pause=0.01) as found, without_waiting():
        assert found.gather(over(9)) == ()
        assert [(one.alarm, one.error) for one in found.reports()] == [(False, None)]
        stub.how = None
        assert names(found.gather(offer(10, Late()))) == {"w1"}
    assert stub.asked == [9, 10]
    assert "ALARM" not in caplog.text
    assert "could not be asked" not in caplog.text


def test_a_witness_that_does_not_answer_is_not_waited_for_when_more_was_signed_meanwhile() -> None:
    off = down("w1")
    with gatherer(1, off) as found, without_waiting():
        assert found.gather(over(9)) == ()
        assert found.gather(offer(10, Late())) == ()
        assert off.asked == [9]
        assert found.reports()[0].error == "no answer"


def test_an_alarm_stays_one_where_nobody_knows_what_was_signed() -> None:
    def unknown() -> bool:
        raise DatabaseUnreachable("the database does not answer")

    with gatherer(1, down("w1", WitnessAlarm("it holds another tree"))) as found:
        found.gather(replace(offer(9, Late()), newest=unknown))
        assert [one.alarm for one in found.reports()] == [True]


def test_our_own_faults_stop_neither_the_log_nor_the_thread(caplog: pytest.LogCaptureFixture) -> None:
    def broken(head: SignedCheckpoint) -> Sequence[Signature]:
        raise ZeroDivisionError("a bug")

    late, stub = Late(), Stub("w1", broken)
    stub.gate.set()
    with gatherer(1, stub, first_pause=0.01) as found:
        assert found.gather(offer(9, late)) == ()
        assert found.reports()[0].error == "it could not be asked: a bug"
        stub.how = None
        assert late.event.wait(WAIT)
    assert "ZeroDivisionError" in caplog.text


def test_a_late_line_that_cannot_be_shown_is_shown_next_time(caplog: pytest.LogCaptureFixture) -> None:
    tried = threading.Event()

    def fail(head: SignedCheckpoint, lines: Sequence[Signature]) -> None:
        tried.set()
        raise OSError("disk full")

    hanging = slow("w1")
    with gatherer(1, hanging, deadline=0.01) as found:
        assert found.gather(offer(9, fail)) == ()
        hanging.gate.set()
        assert tried.wait(WAIT)
        assert names(found.gather(offer(9, fail))) == {"w1"}


def test_two_keys_at_one_address_are_asked_for_once() -> None:
    w1, w2 = (one.key for one in policy(1).witnesses[:2])
    text = f"witness ed {w1} https://same.example\nwitness pq {w2} https://same.example\ngroup g any ed pq\nquorum g\n"
    head, asked = signed(9), []

    def ask(offer: Offer) -> Sequence[Signature]:
        asked.append(offer.signed.checkpoint.size)
        return [line("w1", head), line("w2", head)]

    found = Gatherer(parse_policy(text.encode()), {"https://same.example": ask}, LONG)
    assert names(found.gather(Offer(head, no_proof, Late()))) == {"w1", "w2"}
    found.close()
    assert asked == [9]
    assert found.reports()[0].names == ("ed", "pq")


def test_what_is_remembered_by_those_who_answer_in_time(caplog: pytest.LogCaptureFixture) -> None:
    gate, note = threading.Event(), signed(9).note

    def recall(url: str, origin: str) -> Note | None:
        if "w1" in url:
            return note if origin == "log.example/x" else None
        if "w2" in url:
            raise WitnessFailed("no answer")
        assert gate.wait(WAIT)
        return None

    asks: dict[str, Ask] = {url(name): up(name) for name in NAMES}
    found = Gatherer(policy(1), asks, 0.2, recall=recall)
    assert found.remembered("log.example/x") == (note,)
    gate.set()
    found.close()
    assert "does not say what it cosigned last: no answer" in caplog.text


def test_witnesses_need_addresses() -> None:
    keys = [one.key for one in policy(1).witnesses]
    for text in (f"witness a {keys[0]}\nquorum a\n", f"witness a {keys[0]} ftp://a\nquorum a\n"):
        with pytest.raises(MalformedInput, match="address"):
            open_gatherer(parse_policy(text.encode()), lambda: START, 1)


def test_closing_ends_a_wait() -> None:
    hanging = slow("w1")
    done: list[Sequence[Signature]] = []
    with gatherer(1, hanging) as found:
        thread = threading.Thread(target=lambda: done.append(found.gather(offer(9, Late()))))
        thread.start()
        assert hanging.seen.wait(WAIT)
        found.close()
        thread.join(WAIT)
        assert done == [()]
