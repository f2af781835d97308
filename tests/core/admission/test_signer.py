"""Who may speak: the key, its owner, its window, and for whom."""

from __future__ import annotations

import dataclasses

import pytest

from tallystick.admission import MemoryState, Refused, decide
from tallystick.events import RecordedFor
from tallystick.events.log import Batch, Policy
from tallystick.events.party import PartyKey, ValidKey
from tallystick.statement import Statement, parse_statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import START, Someone, key_from


def object_by(stage: Stage, who: Someone) -> Statement:
    return stage.world.object(who)


def with_signature(statement: Statement, signature: bytes) -> Statement:
    return parse_statement(statement.entry[:-64] + signature)


def tampered(stage: Stage) -> Statement:
    """The words of one statement under the signature of another by the same key."""
    one, other = stage.world.object(), stage.world.object()
    return with_signature(one, other.entry[-64:])


def forged(stage: Stage) -> Statement:
    """The studio's kid and name over the outsider's signature."""
    made = stage.world.object()
    return with_signature(made, stage.world.outsider.signer.sign(made.envelope.to_be_signed()))


def by_role(stage: Stage, role: str, issuer: str | None = None) -> Someone:
    speaker = {"log": stage.world.origin, "registrar": stage.world.registrar.id, "service": stage.world.service.id}
    return Someone(issuer or speaker.get(role, stage.world.origin), stage.world.roles[role])


def windowed(stage: Stage, not_before: str, not_after: str | None) -> Someone:
    """The rival speaks with a second key of this window."""
    key = key_from("second key")
    body = PartyKey("add", ValidKey(key.public.to_text(), not_before, not_after))
    stage.admit(stage.world.say(stage.world.registrar, "party.key", stage.rival.id, body))
    return Someone(stage.rival.id, key)


def revoked(stage: Stage) -> Statement:
    kid = stage.rival.signer.public.kid.hex()
    stage.admit(stage.world.say(stage.world.registrar, "party.key", stage.rival.id, PartyKey("revoke", None, kid)))
    return stage.world.object(stage.rival)


def recorded_by(stage: Stage, who: Someone) -> Statement:
    """A policy entry that says it is recorded for the studio."""
    said_for = RecordedFor(stage.world.studio.id, "api-token")
    body = Policy("tallystick-admission", 1)
    return stage.world.say(who, "log.policy", stage.world.origin, body, recorded_for=said_for)


def _claimed(stage: Stage, seconds: int) -> Statement:
    stage.world.clock += seconds
    said = stage.world.object()
    stage.world.clock -= seconds
    return said


CASES: Refusals = {
    "a signature over other words": Refusal("bad-signature", "signature", tampered),
    "another key's signature under the studio's name and kid": Refusal("bad-signature", "signature", forged),
    "the exporter's key": Refusal("not-entitled", "kid", lambda s: object_by(s, by_role(s, "exporter"))),
    "the status key": Refusal("not-entitled", "kid", lambda s: object_by(s, by_role(s, "status"))),
    "the log's key as the registrar": Refusal(
        "wrong-issuer", "iss", lambda s: object_by(s, by_role(s, "log", s.world.registrar.id))
    ),
    "the log's key as a party": Refusal(
        "wrong-issuer", "iss", lambda s: object_by(s, by_role(s, "log", s.world.studio.id))
    ),
    "the registrar's key as a party": Refusal(
        "wrong-issuer", "iss", lambda s: object_by(s, by_role(s, "registrar", s.world.studio.id))
    ),
    "the registrar's key as the log": Refusal(
        "wrong-issuer", "iss", lambda s: object_by(s, by_role(s, "registrar", s.world.origin))
    ),
    "the service's key as a party": Refusal(
        "wrong-issuer", "iss", lambda s: object_by(s, by_role(s, "service", s.world.studio.id))
    ),
    "the service's key as the registrar": Refusal(
        "wrong-issuer", "iss", lambda s: object_by(s, by_role(s, "service", s.world.registrar.id))
    ),
    "the registrar records for the studio": Refusal(
        "wrong-issuer", "recorded_for", lambda s: recorded_by(s, s.world.registrar)
    ),
    "the log records for the studio": Refusal("wrong-issuer", "recorded_for", lambda s: recorded_by(s, s.world.log)),
    "a party records for another": Refusal("wrong-issuer", "recorded_for", lambda s: recorded_by(s, s.rival)),
    "a party records for itself": Refusal("wrong-issuer", "recorded_for", lambda s: recorded_by(s, s.world.studio)),
    "nobody knows the issuer": Refusal("unknown-signer", "iss", lambda s: object_by(s, s.world.outsider)),
    "a party's key as another party": Refusal(
        "unknown-signer", "kid", lambda s: object_by(s, Someone(s.world.studio.id, s.rival.signer))
    ),
    "a party's key as the registrar": Refusal(
        "unknown-signer", "kid", lambda s: object_by(s, Someone(s.world.registrar.id, s.rival.signer))
    ),
    "a party's key as the service": Refusal(
        "unknown-signer", "kid", lambda s: object_by(s, Someone(s.world.service.id, s.rival.signer))
    ),
    "a party's key as the log": Refusal(
        "unknown-signer", "iss", lambda s: object_by(s, Someone(s.world.origin, s.rival.signer))
    ),
    "an object as issuer": Refusal(
        "unknown-signer", "iss", lambda s: object_by(s, Someone(s.source, s.world.studio.signer))
    ),
    "the log's state as issuer": Refusal(
        "unknown-signer", "iss", lambda s: object_by(s, Someone("log", s.world.studio.signer))
    ),
    "a key's state as issuer": Refusal(
        "unknown-signer",
        "iss",
        lambda s: object_by(s, Someone(f"kid:{s.world.studio.signer.public.kid.hex()}", s.world.studio.signer)),
    ),
    "an unknown key of a known party": Refusal(
        "unknown-signer", "kid", lambda s: object_by(s, Someone(s.world.studio.id, key_from("new")))
    ),
    "a revoked key": Refusal("key-revoked", "kid", revoked),
    "a key not yet in force": Refusal(
        "key-not-in-force", "kid", lambda s: s.world.object(windowed(s, "2026-02-01T00:00:01Z", None))
    ),
    "a key at the end of its window": Refusal(
        "key-not-in-force", "kid", lambda s: s.world.object(windowed(s, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"))
    ),
    "a claimed time beyond the tolerance": Refusal("time-in-future", "time", lambda s: _claimed(s, 301)),
    "the bare service says what a party must": Refusal("no-party", "iss", lambda s: object_by(s, s.world.service)),
    "the log says what a party must": Refusal("no-party", "iss", lambda s: object_by(s, s.world.log)),
    "recorded for nobody the log knows": Refusal(
        "unregistered", "iss", lambda s: s.world.record(s.world.outsider, "object.register", *_body(s))
    ),
}


def _body(stage: Stage) -> tuple[str, object]:
    event = stage.world.object().event
    return event.subject, event.body


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


def test_who_speaks_is_said() -> None:
    stage = new_stage()
    studio = stage.decide(stage.world.object()).actor
    assert (studio.party, studio.role) == (stage.world.studio.id, None)
    recorded = stage.decide(stage.world.record(stage.world.studio, "object.register", *_body(stage)))
    assert (recorded.actor.party, recorded.actor.role) == (stage.world.studio.id, "service")
    assert recorded.key == stage.world.service.signer.public
    registrar = stage.decide(stage.world.register(stage.world.outsider, "studio"))
    assert (registrar.actor.party, registrar.actor.role) == (stage.world.registrar.id, "registrar")
    log = stage.decide(stage.world.batch(stage.position - 1, stage.position - 1))
    assert (log.actor.party, log.actor.role) == (None, "log")


def test_windows_are_half_open_in_admission_time() -> None:
    stage = new_stage()
    who = windowed(stage, "2026-02-01T00:00:00Z", "2026-02-01T00:00:10Z")
    for seconds, admitted in ((-1, False), (0, True), (9, True), (10, False), (10_000, False)):
        stage.world.clock = START + seconds
        statement = stage.world.object(who)
        if admitted:
            stage.decide(statement)
        else:
            with pytest.raises(Refused, match="is valid from 2026-02-01T00:00:00Z until 2026-02-01T00:00:10Z"):
                stage.decide(statement)


def test_the_claimed_time_does_not_open_a_window() -> None:
    """Backdated by the signer: only the admission time counts."""
    stage = new_stage()
    who = windowed(stage, "2026-02-01T00:00:00Z", "2026-02-01T00:00:10Z")
    statement = stage.world.object(who)
    stage.world.clock += 3600
    with pytest.raises(Refused) as caught:
        stage.decide(statement)
    assert caught.value.code == "key-not-in-force"


def test_role_keys_have_windows_too() -> None:
    stage = new_stage()
    stage.world.clock = START - 60 * 86400
    with pytest.raises(Refused) as caught:
        stage.decide(stage.world.register(stage.world.outsider, "studio"))
    assert (caught.value.code, caught.value.field) == ("key-not-in-force", "kid")


def test_clocks_may_differ_by_five_minutes() -> None:
    stage = new_stage()
    assert stage.decide(_claimed(stage, 300)).changes
    assert stage.decide(_claimed(stage, -86400 * 365)).changes


def test_the_end_of_time_is_refused_or_admitted_but_never_a_crash() -> None:
    stage = new_stage()
    stage.world.clock = 253402300799
    assert stage.decide(stage.world.object()).changes


def test_a_revoked_key_and_a_new_one() -> None:
    stage = new_stage()
    statement = revoked(stage)
    with pytest.raises(Refused):
        stage.decide(statement)
    who = windowed(stage, "2026-01-01T00:00:00Z", None)
    stage.admit(stage.world.object(who))


def test_revocation_counts_from_its_position_on() -> None:
    stage = new_stage()
    before = stage.world.object(stage.rival)
    stage.decide(before)
    revoked(stage)
    with pytest.raises(Refused):
        stage.decide(before)


def test_nothing_is_decided_before_the_key_set() -> None:
    stage = new_stage()
    with pytest.raises(Refused) as caught:
        decide(stage.world.object(), 1, START, MemoryState())
    assert (caught.value.code, caught.value.field) == ("log-not-begun", "kid")


def test_a_signature_verified_before_is_not_verified_again_unless_with_another_key() -> None:
    stage = new_stage()
    bad = forged(stage)
    outsider = stage.world.outsider.signer.public
    with pytest.raises(Refused, match="does not verify"):
        decide(bad, stage.position, START, stage.state, verified_with=outsider)
    good = stage.world.object()
    decide(good, stage.position, START, stage.state, verified_with=stage.world.studio.signer.public)


def test_the_statement_of_another_log_under_the_same_parties_is_decided_by_this_logs_keys() -> None:
    """A registrar's word to one log is none in another: the keys are another registrar's."""
    stage, other = new_stage(), dataclasses.replace(new_stage().world, name="other world")
    said = other.say(other.registrar, "log.policy", stage.world.origin, Policy("tallystick-admission", 1))
    with pytest.raises(Refused) as caught:
        stage.decide(said)
    assert caught.value.field in ("iss", "kid")
    batch = other.say(other.log, "log.batch", stage.world.origin, Batch(0, 1, 1))
    with pytest.raises(Refused):
        stage.decide(batch)
