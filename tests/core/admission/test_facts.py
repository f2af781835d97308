"""Rules for capture records, custody and platform documents: who may say it, and that a chain has no hole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from tallystick.admission.state import LOG, CaptureState, CustodyState, LogState, attested_key, capture_key, custody_key
from tallystick.digests import digest_pair
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    CustodyAcceptance,
    CustodyRecord,
    Notary,
    PlatformDocument,
    Title,
)
from tallystick.identifiers import Letter
from tallystick.statement import Statement
from tallystick.times import format_time
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import Someone

PAIR = digest_pair(b"a document")
ONE, TWO = "11" * 32, "22" * 32
Make = Callable[[Stage], Statement]


def now(stage: Stage, later: int = 0) -> str:
    return format_time(stage.world.clock + later)


def capture(stage: Stage, who: Someone | None = None, subject: str | None = None, **fields: Any) -> Statement:
    body: dict[str, Any] = {"method": "camera", "started": now(stage, -60), "ended": now(stage), "clocks": (), **fields}
    who = who or stage.world.studio
    return stage.world.say(who, "capture.record", subject or stage.source, CaptureRecord(**body))


def captured(stage: Stage) -> int:
    stage.admit(capture(stage))
    return stage.position - 1


def attest(stage: Stage, who: Someone, record: int, subject: str | None = None) -> Statement:
    return stage.world.say(who, "capture.attest", subject or stage.source, CaptureAttestation(record, "witness"))


def custody(stage: Stage, who: Someone | None = None, subject: str | None = None, **fields: Any) -> Statement:
    body: dict[str, Any] = {
        "event": "fix",
        "at": now(stage),
        "before": ONE,
        "after": ONE,
        "outcome": "suc",
        "agent": "sha256sum 9.1",
        **fields,
    }
    return stage.world.say(who or stage.world.studio, "custody.record", subject or stage.source, CustodyRecord(**body))


def accept(stage: Stage, who: Someone, record: int, **fields: Any) -> Statement:
    body: dict[str, Any] = {"at": now(stage), "digest": ONE, "outcome": "suc", **fields}
    return stage.world.say(who, "custody.accept", stage.source, CustodyAcceptance(record, **body))


def handed(stage: Stage) -> int:
    """The studio hands its object to the rival: position of the transfer."""
    stage.admit(custody(stage, event="tra", receiver=stage.rival.id))
    return stage.position - 1


def document(stage: Stage, who: Someone | None = None, subject: str | None = None, **fields: Any) -> Statement:
    body: dict[str, Any] = {
        "limb": "system",
        "title": Title("信息安全管理体系认证", "Certificate of an information security management system"),
        "issuer": "A certifier",
        "valid_from": "2026-01-01T00:00:00Z",
        "document": PAIR,
        "size": 10,
        **fields,
    }
    who = who or stage.world.registrar
    return stage.world.say(who, "platform.file", subject or stage.world.origin, PlatformDocument(**body))


def version_3(stage: Stage) -> Stage:
    log = stage.state.get(LOG)
    assert isinstance(log, LogState)
    stage.state.apply([(LOG, dataclasses.replace(log, rules=3))])
    return stage


def after_fixity(**fields: Any) -> Make:
    """A second custody record, the first standing right before it."""

    def make(stage: Stage) -> Statement:
        stage.admit(custody(stage))
        first = stage.position - 1
        said = {
            name: first + value if name == "previous" and value is not None else value for name, value in fields.items()
        }
        return custody(stage, **said)

    return make


def attested_twice(stage: Stage) -> Statement:
    record = captured(stage)
    stage.admit(attest(stage, stage.rival, record))
    return attest(stage, stage.rival, record)


def after_transfer(make: Callable[[Stage, int], Statement]) -> Make:
    return lambda stage: make(stage, handed(stage))


def accepted_then(make: Callable[[Stage, int], Statement]) -> Make:
    def prepared(stage: Stage) -> Statement:
        stage.admit(accept(stage, stage.rival, handed(stage)))
        return make(stage, stage.position - 1)

    return prepared


def after_deaccession(stage: Stage) -> Statement:
    stage.admit(custody(stage, event="dea"))
    return custody(stage, previous=stage.position - 1)


NOTARY = Notary("Notary office of Example", "2026-17", PAIR, "2026-02-01T00:00:00Z")

CASES: Refusals = {
    "a capture under version 3": Refusal("policy-too-old", "type", lambda s: capture(version_3(s))),
    "a capture by another than the holder": Refusal("not-holder", "iss", lambda s: capture(s, s.rival)),
    "a capture of an object that nobody registered": Refusal(
        "unregistered", "subject", lambda s: capture(s, subject=s.world.identifier(Letter.OBJECT))
    ),
    "a capture by the log": Refusal("no-party", "iss", lambda s: capture(s, s.world.log)),
    "a capture that ends before it begins": Refusal(
        "inconsistent", "body.started", lambda s: capture(s, started=now(s, 1))
    ),
    "a capture to come": Refusal("time-in-future", "body.ended", lambda s: capture(s, ended=now(s, 301))),
    "a capture with an unknown notary": Refusal(
        "unregistered",
        "body.notary.party",
        lambda s: capture(s, notary=dataclasses.replace(NOTARY, party=s.world.outsider.id)),
    ),
    "a capture borne out by nothing registered": Refusal(
        "unregistered", "body.related[0]", lambda s: capture(s, related=(s.world.identifier(Letter.OBJECT),))
    ),
    "an attestation to nothing": Refusal("unregistered", "body.record", lambda s: attest(s, s.rival, 3)),
    "an attestation to another object's record": Refusal(
        "wrong-subject", "subject", lambda s: attest(s, s.rival, captured(s), s.foreign)
    ),
    "an attestation to one's own record": Refusal(
        "inconsistent", "iss", lambda s: attest(s, s.world.studio, captured(s))
    ),
    "a second attestation": Refusal("already-used", "body.record", attested_twice),
    "custody by another than the holder": Refusal("not-holder", "iss", lambda s: custody(s, s.rival)),
    "custody of what nobody registered": Refusal(
        "unregistered", "subject", lambda s: custody(s, subject=s.world.identifier(Letter.OBJECT))
    ),
    "a first record that follows another": Refusal("unregistered", "body.previous", lambda s: custody(s, previous=3)),
    "a record that leaves the one before out": Refusal("wrong-state", "body.previous", after_fixity(previous=None)),
    "a record that names an older one": Refusal("wrong-state", "body.previous", after_fixity(previous=-1)),
    "a record that names one to come": Refusal("unregistered", "body.previous", after_fixity(previous=1)),
    "custody to come": Refusal("time-in-future", "body.at", lambda s: custody(s, at=now(s, 301))),
    "a transfer to nobody": Refusal("incomplete", "body.receiver", lambda s: custody(s, event="tra")),
    "a fixity check with a receiver": Refusal("incomplete", "body.receiver", lambda s: custody(s, receiver=s.rival.id)),
    "a transfer to a stranger": Refusal(
        "unregistered", "body.receiver", lambda s: custody(s, event="tra", receiver=s.world.outsider.id)
    ),
    "a transfer to oneself": Refusal(
        "inconsistent", "body.receiver", lambda s: custody(s, event="tra", receiver=s.world.studio.id)
    ),
    "custody after its end": Refusal("wrong-state", "subject", after_deaccession),
    "the receiver before it accepted": Refusal(
        "not-holder", "iss", after_transfer(lambda s, at: custody(s, s.rival, previous=at))
    ),
    "the old custodian after the transfer": Refusal(
        "not-holder", "iss", accepted_then(lambda s, at: custody(s, previous=at))
    ),
    "acceptance of no transfer": Refusal(
        "wrong-state", "body.record", lambda s: (s.admit(custody(s)), accept(s, s.rival, s.position - 1))[1]
    ),
    "acceptance of nothing": Refusal("unregistered", "body.record", lambda s: accept(s, s.rival, 3)),
    "acceptance by another": Refusal(
        "not-holder", "iss", after_transfer(lambda s, at: accept(s, s.world.licensee, at))
    ),
    "acceptance to come": Refusal(
        "time-in-future", "body.at", after_transfer(lambda s, at: accept(s, s.rival, at, at=now(s, 301)))
    ),
    "acceptance once more": Refusal("wrong-state", "body.record", accepted_then(lambda s, at: accept(s, s.rival, at))),
    "a document by a party": Refusal("not-entitled", "iss", lambda s: document(s, s.world.studio)),
    "a document of another platform": Refusal(
        "wrong-subject", "subject", lambda s: document(s, subject="log.example/else")
    ),
    "a document that ends before it begins": Refusal(
        "inconsistent", "body.valid_until", lambda s: document(s, valid_until="2026-01-01T00:00:00Z")
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    error = check_refusal(CASES[name])
    assert error.code == CASES[name].code


def test_a_capture_record_and_who_bears_it_out() -> None:
    stage = new_stage()
    record = captured(stage)
    stage.admit(attest(stage, stage.rival, record))
    assert stage.state.get(capture_key(record)) == CaptureState(stage.source, stage.world.studio.id)
    assert stage.state.get(attested_key(record, stage.rival.id)) is not None


def test_custody_goes_over_with_the_acceptance() -> None:
    stage = new_stage()
    studio, rival = stage.world.studio.id, stage.rival.id
    at = handed(stage)
    assert stage.state.get(custody_key(stage.source)) == CustodyState(studio, at, rival)
    stage.admit(accept(stage, stage.rival, at))
    assert stage.state.get(custody_key(stage.source)) == CustodyState(rival, at + 1)
    stage.admit(custody(stage, stage.rival, previous=at + 1, event="dea"))
    assert stage.state.get(custody_key(stage.source)) == CustodyState(rival, at + 2, None, at + 2)


def test_a_transfer_that_is_declined_or_failed_stays_where_it_was() -> None:
    stage = new_stage()
    studio = stage.world.studio.id
    at = handed(stage)
    stage.admit(accept(stage, stage.rival, at, outcome="fai", digest=TWO))
    assert stage.state.get(custody_key(stage.source)) == CustodyState(studio, at + 1)
    stage.admit(custody(stage, event="tra", receiver=stage.rival.id, outcome="fai", previous=at + 1))
    assert stage.state.get(custody_key(stage.source)) == CustodyState(studio, at + 2)


def test_a_change_of_digest_is_admitted_and_left_to_the_verifier() -> None:
    stage = new_stage()
    stage.admit(custody(stage, before=ONE, after=TWO))
    assert stage.state.get(custody_key(stage.source)) == CustodyState(stage.world.studio.id, stage.position - 1)


def test_the_registrar_files_documents() -> None:
    stage = new_stage()
    assert stage.admit(document(stage)).changes == ()
