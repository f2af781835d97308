"""Capabilities: signed by their provider, and on the way from filed to revoked nothing is skipped."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.admission.state import CapabilityState
from tallystick.base64s import from_base64, to_base64
from tallystick.digests import digest_pair
from tallystick.events.capability import CapabilityDecision, CapabilityFiling, CapabilityGrade, CapabilityTest, Weights
from tallystick.events.party import PartyKey, ValidKey
from tallystick.identifiers import Letter, new_identifier
from tallystick.modelsig import fingerprint, sign_model
from tallystick.statement import Statement
from tests.core.admission.stage import Refusal, Refusals, Stage, check_refusal, new_stage
from tests.world import KEYS_FROM, START, Someone, key_from

PAIR = digest_pair(b"weights")
WEIGHTS = Weights(PAIR.sha256, PAIR.sm3, 10)
OTHER = Weights(PAIR.sha256, PAIR.sm3, 11)


def file(stage: Stage, who: Someone | None = None, signature: Any = None, subject: str | None = None) -> Statement:
    """``signature``: a function from the subject to the model signature; the provider's own by default."""
    subject = subject or stage.world.identifier(Letter.CAPABILITY)
    signer = stage.world.provider.signer
    made = signature(subject) if signature else sign_model(signer, subject, "2.0", WEIGHTS)
    body = CapabilityFiling("m", "2.0", True, ("text",), ("image",), WEIGHTS, made)
    return stage.world.say(who or stage.world.provider, "capability.file", subject, body)


def signed_by(stage: Stage, signer: Any, **kwargs: Any) -> Statement:
    return file(stage, signature=lambda subject: sign_model(signer, subject, "2.0", WEIGHTS), **kwargs)


def second_key(stage: Stage, not_before: str = KEYS_FROM, not_after: str | None = None) -> Any:
    key = key_from("the provider's second key", "es256")
    body = PartyKey("add", ValidKey(key.public.to_text(), not_before, not_after))
    stage.admit(stage.world.say(stage.world.registrar, "party.key", stage.world.provider.id, body))
    return key


def revoked_key(stage: Stage) -> Statement:
    """Signed by a second key, which is revoked before the filing is submitted by the first."""
    key = second_key(stage)
    said = signed_by(stage, key)
    body = PartyKey("revoke", None, key.public.kid.hex())
    stage.admit(stage.world.say(stage.world.registrar, "party.key", stage.world.provider.id, body))
    return said


FILINGS: Refusals = {
    "filed by a studio": Refusal("not-entitled", "iss", lambda s: file(s, s.world.studio)),
    "filed by the registrar": Refusal("not-entitled", "iss", lambda s: file(s, s.world.registrar)),
    "filed by the bare service": Refusal("no-party", "iss", lambda s: file(s, s.world.service)),
    "filed for nobody the log knows": Refusal(
        "unregistered",
        "iss",
        lambda s: s.world.record(s.world.outsider, "capability.file", (said := file(s)).event.subject, said.event.body),
    ),
    "filed twice": Refusal("already-registered", "subject", lambda s: file(s, subject=s.capability.id)),
    "filed under another prefix": Refusal(
        "foreign-prefix",
        "subject",
        lambda s: file(s, subject=str(new_identifier(Letter.CAPABILITY, bytes(10), "10.1000"))),
    ),
    "a model signature for another capability": Refusal(
        "bad-model-signature",
        "body.model_signature",
        lambda s: file(
            s, signature=lambda subject: sign_model(s.world.provider.signer, s.capability.id, "2.0", WEIGHTS)
        ),
    ),
    "a model signature for another version": Refusal(
        "bad-model-signature",
        "body.model_signature",
        lambda s: file(s, signature=lambda subject: sign_model(s.world.provider.signer, subject, "2.1", WEIGHTS)),
    ),
    "a model signature over other weights": Refusal(
        "bad-model-signature",
        "body.model_signature",
        lambda s: file(s, signature=lambda subject: sign_model(s.world.provider.signer, subject, "2.0", OTHER)),
    ),
    "a model signature of another provider": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: signed_by(s, s.rival.signer)
    ),
    "another provider's model under one's own name": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: file(s, s.rival)
    ),
    "a model signature of an unknown key": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: signed_by(s, key_from("unknown"))
    ),
    "a model signature of the registrar": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: signed_by(s, s.world.registrar.signer)
    ),
    "a model signature of a revoked key": Refusal("bad-model-signature", "body.model_signature", revoked_key),
    "a model signature of a key not yet in force": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: signed_by(s, second_key(s, "2026-02-01T00:00:01Z"))
    ),
    "a model signature of a key no longer in force": Refusal(
        "bad-model-signature",
        "body.model_signature",
        lambda s: signed_by(s, second_key(s, KEYS_FROM, "2026-02-01T00:00:00Z")),
    ),
    "a model signature that is no COSE": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: file(s, signature=lambda subject: to_base64(b"hello"))
    ),
    "no model signature": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: file(s, signature=lambda subject: "")
    ),
    "a statement as model signature": Refusal(
        "bad-model-signature",
        "body.model_signature",
        lambda s: file(s, signature=lambda subject: to_base64(s.world.object(s.world.provider).entry)),
    ),
    "a model signature with a bit flipped": Refusal(
        "bad-model-signature", "body.model_signature", lambda s: file(s, signature=lambda subject: _flipped(s, subject))
    ),
}


def _flipped(stage: Stage, subject: str) -> str:
    made = bytearray(from_base64(sign_model(stage.world.provider.signer, subject, "2.0", WEIGHTS)))
    made[-1] ^= 1
    return to_base64(bytes(made))


def decide(stage: Stage, decision: str, who: Someone | None = None, subject: str | None = None) -> Statement:
    body = CapabilityDecision("security")
    return stage.world.say(who or stage.world.registrar, f"capability.{decision}", subject or stage.capability.id, body)


def result(stage: Stage, subject: str, outcome: Any = "pass", who: Someone | None = None) -> Statement:
    return stage.world.say(who or stage.world.tester, "capability.test", subject, CapabilityTest(PAIR, PAIR, outcome))


def grade(stage: Stage, subject: str, who: Someone | None = None) -> Statement:
    return stage.world.say(who or stage.world.registrar, "capability.grade", subject, CapabilityGrade("B", "s"))


def at(stage: Stage, *steps: str) -> str:
    """A new capability after these steps: pass, fail, grade, or a decision."""
    said = file(stage)
    subject = said.event.subject
    stage.admit(said)
    for step in steps:
        stage.admit(step_of(stage, subject, step))
    return subject


def step_of(stage: Stage, subject: str, step: str) -> Statement:
    if step in ("pass", "fail"):
        return result(stage, subject, step)
    return grade(stage, subject) if step == "grade" else decide(stage, step, subject=subject)


APPROVED = ("pass", "grade", "approve")
STATES = {
    "filed": (),
    "approved": APPROVED,
    "suspended": (*APPROVED, "suspend"),
    "revoked": (*APPROVED, "revoke"),
}
# step → the states to which it applies
ALLOWED = {
    "pass": {"filed", "suspended"},
    "fail": {"filed", "suspended"},
    "grade": {"filed", "suspended"},
    "approve": {"filed"},
    "suspend": {"approved"},
    "reinstate": {"suspended"},
    "revoke": {"filed", "approved", "suspended"},
}
NOBODY = str(new_identifier(Letter.CAPABILITY, b"nothing000"))

WAYS: Refusals = {
    **{
        f"{step} of a {state} capability": Refusal(
            "wrong-state", "subject", lambda s, step=step, before=before: step_of(s, at(s, *before), step)
        )
        for step, states in ALLOWED.items()
        for state, before in STATES.items()
        if state not in states
    },
    **{
        f"{step} of an unregistered capability": Refusal(
            "unregistered", "subject", lambda s, step=step: step_of(s, NOBODY, step)
        )
        for step in ALLOWED
    },
    **{
        f"capability.{decision} by {name}": Refusal(
            "not-entitled",
            "iss",
            lambda s, decision=decision, name=name: decide(
                s, decision, {"the rival": s.rival}.get(name) or getattr(s.world, name)
            ),
        )
        for decision in ("approve", "suspend", "reinstate", "revoke")
        for name in ("provider", "service", "log", "tester", "the rival")
    },
    "tested by its provider": Refusal("not-entitled", "iss", lambda s: result(s, at(s), who=s.world.provider)),
    "tested by a studio": Refusal("not-entitled", "iss", lambda s: result(s, at(s), who=s.world.studio)),
    "tested for the registrar by the service": Refusal(
        "not-entitled",
        "iss",
        lambda s: s.world.record(s.world.registrar, "capability.test", at(s), CapabilityTest(PAIR, PAIR, "pass")),
    ),
    "tested by the bare service": Refusal("no-party", "iss", lambda s: result(s, at(s), who=s.world.service)),
    "graded by a tester": Refusal("not-entitled", "iss", lambda s: grade(s, at(s), s.world.tester)),
    "graded by its provider": Refusal("not-entitled", "iss", lambda s: grade(s, at(s), s.world.provider)),
    "approved untested": Refusal("wrong-state", "subject", lambda s: decide(s, "approve", subject=at(s, "grade"))),
    "approved ungraded": Refusal("wrong-state", "subject", lambda s: decide(s, "approve", subject=at(s, "pass"))),
    "approved after a failed test": Refusal(
        "wrong-state", "subject", lambda s: decide(s, "approve", subject=at(s, "fail", "grade"))
    ),
    "approved when the last test failed": Refusal(
        "wrong-state", "subject", lambda s: decide(s, "approve", subject=at(s, "pass", "grade", "fail"))
    ),
    "reinstated after a failed test": Refusal(
        "wrong-state", "subject", lambda s: decide(s, "reinstate", subject=at(s, *APPROVED, "suspend", "fail"))
    ),
    "an object is suspended": Refusal("unregistered", "subject", lambda s: decide(s, "suspend", subject=NOBODY)),
}

CASES: Refusals = {**FILINGS, **WAYS}


@pytest.mark.parametrize("name", CASES)
def test_refused(name: str) -> None:
    check_refusal(CASES[name])


@pytest.mark.parametrize(
    ("step", "state"), [(step, state) for step, states in ALLOWED.items() for state in sorted(states)]
)
def test_each_step_from_each_state_that_allows_it(step: str, state: str) -> None:
    stage = new_stage()
    before = ("pass", "grade") if (step, state) == ("approve", "filed") else STATES[state]
    subject = at(stage, *before)
    stage.admit(step_of(stage, subject, step))
    found = stage.state.get(subject)
    assert isinstance(found, CapabilityState)
    after = {"approve": "approved", "reinstate": "approved", "suspend": "suspended", "revoke": "revoked"}
    assert found.status == after.get(step, state)


def test_a_filing() -> None:
    stage = new_stage()
    said = file(stage)
    stage.admit(said)
    body: CapabilityFiling = said.event.body
    made = fingerprint(body.model_signature)
    expected = CapabilityState(stage.world.provider.id, "2.0", True, made, "filed", False, None)
    assert stage.state.get(said.event.subject) == expected
    stage.admit(result(stage, said.event.subject), grade(stage, said.event.subject))
    found = stage.state.get(said.event.subject)
    assert isinstance(found, CapabilityState)
    assert (found.passed, found.grade, found.status) == (True, "B", "filed")


def test_the_registrar_may_test_and_the_service_may_file_for_the_provider() -> None:
    stage = new_stage()
    said = file(stage)
    stage.admit(stage.world.record(stage.world.provider, "capability.file", said.event.subject, said.event.body))
    tested = stage.admit(result(stage, said.event.subject, who=stage.world.registrar))
    assert tested.key == stage.world.registrar.signer.public
    assert [key for key, _ in tested.changes] == [said.event.subject]


def test_the_second_key_of_the_provider_signs_models_too() -> None:
    stage = new_stage()
    said = signed_by(stage, second_key(stage, "2026-02-01T00:00:00Z", "2026-02-01T00:00:01Z"))
    assert said.event.subject in [key for key, _ in stage.admit(said).changes]


def test_the_window_of_the_model_key_is_that_of_admission() -> None:
    stage = new_stage()
    said = signed_by(stage, second_key(stage, "2026-02-01T00:00:00Z", "2026-02-01T00:00:10Z"))
    stage.world.clock = START + 9
    assert said.event.subject in [key for key, _ in stage.decide(said).changes]
