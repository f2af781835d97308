"""Rules for capability filing: described and signed, tested, graded, approved; suspended, reinstated, revoked."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.state import CapabilityState, PartyState
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.capability import CapabilityFiling, CapabilityGrade, CapabilityTest
from tallystick.keys import PublicKey
from tallystick.modelsig import fingerprint, signer_of, verify_model
from tallystick.times import format_time


def file(context: Context) -> None:
    """``capability.file``: the provider's registered key signed exactly these weights."""
    body: CapabilityFiling = context.event.body
    provider = context.require_role("provider")
    key = _model_key(context, provider, body)
    try:
        verify_model(body.model_signature, key, context.event.subject, body.version, body.weights)
    except (VerificationFailed, MalformedInput) as error:
        raise Refused(
            "bad-model-signature",
            "body.model_signature",
            str(error),
            "sign this capability, version and weights digest with the provider's registered key",
        ) from None
    context.enter(
        CapabilityState(provider, body.version, body.generative, fingerprint(body.model_signature), "filed", False)
    )


def _model_key(context: Context, provider: str, body: CapabilityFiling) -> PublicKey:
    try:
        kid = signer_of(body.model_signature)
    except MalformedInput as error:
        raise Refused("bad-model-signature", "body.model_signature", str(error), "make it with this program") from None
    at = format_time(context.admitted_at)
    for held in context.need(provider, PartyState, "iss").keys:
        in_window = held.not_before <= at and (held.not_after is None or at < held.not_after)
        if held.kid == kid and held.revoked is None and in_window:
            return PublicKey.from_text(held.key)
    raise Refused(
        "bad-model-signature",
        "body.model_signature",
        f"it names key {kid}, which is no key in force of {provider}",
        "sign the model with the provider's registered key",
    )


def record_test(context: Context) -> None:
    """``capability.test``: by a tester or the registrar; the last result counts."""
    body: CapabilityTest = context.event.body
    context.require_role("tester", "registrar")
    capability = _in_state(context, "filed", "suspended")
    _change(context, dataclasses.replace(capability, passed=body.result == "pass"))


def record_grade(context: Context) -> None:
    """``capability.grade``: by the registrar."""
    body: CapabilityGrade = context.event.body
    context.require_registrar()
    _change(context, dataclasses.replace(_in_state(context, "filed", "suspended"), grade=body.grade))


def approve(context: Context) -> None:
    """``capability.approve``: only what passed its test and has a grade."""
    context.require_registrar()
    capability = _in_state(context, "filed")
    _require_tested(context, capability)
    _change(context, dataclasses.replace(capability, status="approved"))


def suspend(context: Context) -> None:
    """``capability.suspend``."""
    context.require_registrar()
    _change(context, dataclasses.replace(_in_state(context, "approved"), status="suspended"))


def reinstate(context: Context) -> None:
    """``capability.reinstate``: as for approval, after a suspension."""
    context.require_registrar()
    capability = _in_state(context, "suspended")
    _require_tested(context, capability)
    _change(context, dataclasses.replace(capability, status="approved"))


def revoke(context: Context) -> None:
    """``capability.revoke``: for good."""
    context.require_registrar()
    capability = _in_state(context, "filed", "approved", "suspended")
    _change(context, dataclasses.replace(capability, status="revoked"))


def _require_tested(context: Context, capability: CapabilityState) -> None:
    if not capability.passed or capability.grade is None:
        raise Refused(
            "wrong-state",
            "subject",
            f"{context.event.subject} has {'passed' if capability.passed else 'not passed'} its test, "
            f"and its grade is {capability.grade or 'none'}",
            "record a passed test and a grade first",
        )


def _in_state(context: Context, *states: str) -> CapabilityState:
    capability = context.need(context.event.subject, CapabilityState, "subject")
    if capability.status not in states:
        raise Refused(
            "wrong-state",
            "subject",
            f"{context.event.subject} is {capability.status}",
            f"{context.event.type} applies to a capability that is {' or '.join(states)}",
        )
    return capability


def _change(context: Context, capability: CapabilityState) -> None:
    context.put(context.event.subject, capability)


RULES: dict[str, Callable[[Context], None]] = {
    "capability.file": file,
    "capability.test": record_test,
    "capability.grade": record_grade,
    "capability.approve": approve,
    "capability.suspend": suspend,
    "capability.reinstate": reinstate,
    "capability.revoke": revoke,
}
