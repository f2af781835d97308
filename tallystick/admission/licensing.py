"""Rules for licences, certificates and the credential files made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.state import (
    CertificateState,
    LicenceState,
    ObjectState,
    PartyState,
    Rights,
    number_key,
    right_key,
    status_key,
)
from tallystick.events.certificate import CertificateIssue
from tallystick.events.licence import LicenceGrant, LicenceStatus
from tallystick.licence.terms import check_names
from tallystick.schema import FieldError

_Status = Literal["valid", "suspended", "revoked", "expired"]

# action → (states it applies to, state after it)
_TRANSITIONS: dict[str, tuple[tuple[str, ...], _Status]] = {
    "suspend": (("valid",), "suspended"),
    "reinstate": (("suspended",), "valid"),
    "revoke": (("valid", "suspended"), "revoked"),
    "expire": (("valid", "suspended"), "expired"),
}


def grant(context: Context) -> None:
    """``licence.grant``: by the holder of the object, with the terms that every licence has."""
    body: LicenceGrant = context.event.body
    licensor = context.party()
    found = context.need(body.object, ObjectState, "body.object")
    if found.holder != licensor:
        raise Refused(
            "not-holder",
            "body.object",
            f"{body.object} is held by {found.holder}, not by {licensor}",
            "have the holder grant the licence",
        )
    if body.parent is not None:
        raise Refused(
            "unsupported",
            "body.parent",
            "sublicences are not admitted by these rules",
            "have the holder grant the licence",
        )
    for index, subject in enumerate(body.title_chain):
        context.need(subject, object, f"body.title_chain[{index}]")
    if body.object not in body.title_chain:
        raise Refused("incomplete", "body.title_chain", f"it does not hold {body.object}", "add the object itself")
    _require_terms(context)
    context.take(status_key(body.status), "body.status", f"status index {body.status.index} of {body.status.list}")
    state = LicenceState(body.object, licensor, body.status, "valid", body.holder)
    context.enter(state)
    if body.holder is not None:
        context.need(body.holder, PartyState, "body.holder")
    _keep_right(context, state)


def _keep_right(context: Context, licence: LicenceState) -> None:
    """The holder's rights list licences in force alone: whoever asks for one need not look through the dead."""
    if licence.holder is None:
        return
    key, subject = right_key(licence.object, licence.holder), context.event.subject
    others = [one for one in (context.find(key, Rights) or Rights(())).licences if one != subject]
    context.put(key, Rights((*others, subject) if licence.status == "valid" else tuple(others)))


def _require_terms(context: Context) -> None:
    """An unknown term is refused too: whoever reads the licence later could not tell what it forbids."""
    try:
        check_names(context.event.commitments)
    except FieldError as error:
        raise Refused(
            "incomplete",
            error.field.replace("terms", "private", 1),
            error.problem,
            "commit to every mandatory term, and to terms of this version only",
        ) from None


def change_status(context: Context) -> None:
    """``licence.status``: by the licensor or the registrar."""
    body: LicenceStatus = context.event.body
    subject = context.event.subject
    licence = context.need(subject, LicenceState, "subject")
    if context.party() != licence.licensor and context.actor.role != "registrar":
        raise Refused(
            "not-holder",
            "iss",
            f"{subject} was granted by {licence.licensor}",
            "have the licensor or the registrar say it",
        )
    before, after = _TRANSITIONS[body.action]
    if licence.status not in before:
        raise Refused(
            "wrong-state",
            "body.action",
            f"{subject} is {licence.status}",
            f"{body.action} applies to a licence that is {' or '.join(before)}",
        )
    changed = dataclasses.replace(licence, status=after)
    context.put(subject, changed)
    _keep_right(context, changed)


def issue_certificate(context: Context) -> None:
    """``certificate.issue``: by the registrar, for a registered object, under a number of its own."""
    body: CertificateIssue = context.event.body
    context.require_registrar()
    context.need(body.object, ObjectState, "body.object")
    _require_reason(body)
    if body.supersedes is not None:
        old = context.need(body.supersedes, CertificateState, "body.supersedes")
        if old.object != body.object:
            raise Refused(
                "inconsistent",
                "body.supersedes",
                f"{body.supersedes} is about {old.object}",
                "name an earlier certificate of the same object",
            )
        if context.log.version >= 3 and old.status != "issued":
            raise Refused(
                "wrong-state", "body.supersedes", f"{body.supersedes} is {old.status} already", "name the one in force"
            )
        successor = context.event.subject if context.log.version >= 3 else None
        context.put(body.supersedes, dataclasses.replace(old, status="withdrawn", superseded_by=successor))
    context.take(number_key(body.number), "body.number", f"certificate number {body.number}")
    context.enter(CertificateState(body.object, body.number, "issued"))


def _require_reason(body: CertificateIssue) -> None:
    """A reason is for superseding, and a correction says what it corrects."""
    if body.reason is not None and body.supersedes is None:
        raise Refused("incomplete", "body.supersedes", f"a {body.reason} of nothing", "name the earlier certificate")
    if (body.reason == "correction") != (body.corrected is not None):
        raise Refused(
            "inconsistent",
            "body.corrected",
            "a correction names what it corrects, and nothing else does",
            "name the values that differ",
        )


def withdraw_certificate(context: Context) -> None:
    """``certificate.withdraw``: by the registrar."""
    context.require_registrar()
    subject = context.event.subject
    certificate = context.need(subject, CertificateState, "subject")
    if certificate.status != "issued":
        raise Refused("wrong-state", "subject", f"{subject} is withdrawn already", "nothing is left to do")
    grounds = context.event.body.grounds if context.log.version >= 3 else None
    context.put(subject, dataclasses.replace(certificate, status="withdrawn", grounds=grounds))


def issue_credential(context: Context) -> None:
    """``credential.issue``: by the service itself, the registrar, or who granted the licence."""
    subject = context.event.subject
    licence = context.find(subject, LicenceState)
    certificate = context.find(subject, CertificateState)
    if licence is None and certificate is None:
        raise Refused(
            "unregistered",
            "subject",
            f"{subject} is no registered licence or certificate",
            "log the licence or certificate first",
        )
    by_operator = context.actor.role == "registrar" or (context.actor.role == "service" and context.actor.party is None)
    if not by_operator and (licence is None or context.party() != licence.licensor):
        raise Refused(
            "not-entitled",
            "iss",
            f"{context.actor.party} did not grant {subject}",
            "have the service, the registrar or the licensor say it",
        )


RULES: dict[str, Callable[[Context], None]] = {
    "licence.grant": grant,
    "licence.status": change_status,
    "certificate.issue": issue_certificate,
    "certificate.withdraw": withdraw_certificate,
    "credential.issue": issue_credential,
}
