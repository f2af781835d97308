"""Rules for capture records, custody, and the platform's documents (rules 4).

They decide who may say it, and where. Whether what is said agrees with the rest of the log is told by the verifier,
factor by factor: a record that contradicts itself is evidence too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick.admission.context import Context
from tallystick.admission.log_rules import require_origin
from tallystick.admission.refusal import Refused
from tallystick.admission.state import (
    CaptureState,
    CustodyState,
    ObjectState,
    PartyState,
    attested_key,
    capture_key,
    custody_key,
)
from tallystick.events.facts import (
    CaptureAttestation,
    CaptureRecord,
    CustodyAcceptance,
    CustodyRecord,
    PlatformDocument,
)
from tallystick.times import parse_time

TOLERANCE = 300
"""Seconds by which a time that is told may lie after admission, as for the event's own."""


def _speaker(context: Context) -> str:
    party = context.party()
    context.need(party, PartyState, "iss")
    return party


def _not_later(context: Context, time: str, where: str) -> None:
    if parse_time(time) > context.admitted_at + TOLERANCE:
        raise Refused("time-in-future", where, f"{time} is still to come", "say what has happened")


def record_capture(context: Context) -> None:
    """``capture.record``: by the object's holder, of what is past."""
    body: CaptureRecord = context.event.body
    party = _speaker(context)
    made = context.need(context.event.subject, ObjectState, "subject")
    if made.holder != party:
        raise Refused(
            "not-holder",
            "iss",
            f"{context.event.subject} is held by {made.holder}",
            "have its holder say how it was made",
        )
    if body.started > body.ended:
        raise Refused(
            "inconsistent", "body.started", f"{body.started} is later than the end", "give the times in order"
        )
    _not_later(context, body.ended, "body.ended")
    if body.notary is not None and body.notary.party is not None:
        context.need(body.notary.party, PartyState, "body.notary.party")
    for index, related in enumerate(body.related or ()):
        context.need(related, ObjectState, f"body.related[{index}]")
    context.put(capture_key(context.position), CaptureState(context.event.subject, party))


def attest_capture(context: Context) -> None:
    """``capture.attest``: by another party, once, about a record of this object."""
    body: CaptureAttestation = context.event.body
    party = _speaker(context)
    told = context.need(capture_key(body.record), CaptureState, "body.record")
    if told.object != context.event.subject:
        raise Refused(
            "wrong-subject", "subject", f"entry {body.record} is about {told.object}", "name the object of that record"
        )
    if told.party == party:
        raise Refused("inconsistent", "iss", f"{party} made the record itself", "have somebody else bear it out")
    context.take(attested_key(body.record, party), "body.record", f"an attestation of {party} to entry {body.record}")


def record_custody(context: Context) -> None:
    """``custody.record``: by the custodian, who is the holder until a transfer is accepted, after the latest entry."""
    body: CustodyRecord = context.event.body
    party = _speaker(context)
    held = _custody(context)
    _follows(held.last, body.previous, "body.previous")
    if held.ended is not None:
        raise Refused("wrong-state", "subject", f"custody ended by entry {held.ended}", "register the object anew")
    if held.custodian != party:
        raise _not_custodian(context, held.custodian)
    if (body.event == "tra") != (body.receiver is not None):
        raise Refused(
            "incomplete",
            "body.receiver",
            f"{body.event} and the receiver do not fit",
            "a transfer alone has a receiver",
        )
    if body.receiver is not None:
        context.need(body.receiver, PartyState, "body.receiver")
    if body.receiver == party:
        raise Refused("inconsistent", "body.receiver", f"{party} hands over to itself", "name another party")
    _not_later(context, body.at, "body.at")
    ended = context.position if (body.event, body.outcome) == ("dea", "suc") else None
    waiting = body.receiver if body.outcome == "suc" else None
    context.put(custody_key(context.event.subject), CustodyState(party, context.position, waiting, ended))


def accept_custody(context: Context) -> None:
    """``custody.accept``: by the receiver of the latest transfer."""
    body: CustodyAcceptance = context.event.body
    party = _speaker(context)
    held = _custody(context)
    _follows(held.last, body.record, "body.record")
    if held.receiver is None:
        raise Refused("wrong-state", "body.record", f"entry {body.record} hands nothing over", "name a transfer")
    if held.receiver != party:
        raise _not_custodian(context, held.receiver)
    _not_later(context, body.at, "body.at")
    custodian = party if body.outcome == "suc" else held.custodian
    context.put(
        custody_key(context.event.subject),
        dataclasses.replace(held, custodian=custodian, last=context.position, receiver=None),
    )


def _custody(context: Context) -> CustodyState:
    made = context.need(context.event.subject, ObjectState, "subject")
    return context.find(custody_key(context.event.subject), CustodyState) or CustodyState(made.holder)


def _follows(last: int | None, named: int | None, where: str) -> None:
    """The chain has no hole: each entry names the one before it."""
    if named == last:
        return
    if named is not None and (last is None or named > last):
        raise Refused(
            "unregistered", where, f"no custody entry about this object at {named}", "name the latest custody entry"
        )
    raise Refused(
        "wrong-state",
        where,
        f"the latest custody entry about this object is {last}, found {named}",
        "read the latest one, then say it again",
    )


def _not_custodian(context: Context, who: str) -> Refused:
    return Refused(
        "not-holder", "iss", f"{context.event.subject} is {who}'s to speak of here", "have that party say it"
    )


def file_document(context: Context) -> None:
    """``platform.file``: by the registrar, about the platform of this log."""
    body: PlatformDocument = context.event.body
    context.require_registrar()
    require_origin(context)
    if body.valid_until is not None and body.valid_until <= body.valid_from:
        raise Refused(
            "inconsistent", "body.valid_until", "it ends before it begins", "give the time at which it stops to hold"
        )


RULES: dict[str, Callable[[Context], None]] = {
    "capture.record": record_capture,
    "capture.attest": attest_capture,
    "custody.record": record_custody,
    "custody.accept": accept_custody,
    "platform.file": file_document,
}
