"""Rules for a licence that goes to another holder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick.admission.context import Context
from tallystick.admission.licensing import drop_right, keep_right, require_licensor, require_valid
from tallystick.admission.refusal import Refused
from tallystick.admission.state import Consent, LicenceState, PartyState, status_key
from tallystick.events.licence import LICENSEE, LicenceTransfer, TransferConsent

BY_REGISTRAR = ("court-order", "succession")
"""Grounds on which the registrar transfers a licence whose holder cannot, or must not be asked."""


def consent(context: Context) -> None:
    """``licence.consent``: the licensor agrees to one transfer, beforehand."""
    body: TransferConsent = context.event.body
    licence = context.need(context.event.subject, LicenceState, "subject")
    require_licensor(context, licence)
    context.need(body.to, PartyState, "body.to")
    context.put(context.event.subject, dataclasses.replace(licence, consent=Consent(body.to, body.until)))


def transfer(context: Context) -> None:
    """``licence.transfer``: by the holder, freely or as the licensor consented; the status moves to a new index."""
    body: LicenceTransfer = context.event.body
    subject = context.event.subject
    licence = context.need(subject, LicenceState, "subject")
    imposed = context.actor.role == "registrar" and body.grounds in BY_REGISTRAR
    if not imposed and (licence.holder is None or context.party() != licence.holder):
        raise Refused(
            "not-holder",
            "iss",
            f"{subject} is held by {licence.holder or 'a party that it does not name'}",
            f"have its holder transfer it, or the registrar on grounds {' or '.join(BY_REGISTRAR)}",
        )
    context.need(body.to, PartyState, "body.to")
    if body.to == licence.holder:
        raise Refused("inconsistent", "body.to", f"{body.to} holds {subject} already", "name another party")
    require_valid(context, subject, "subject")
    _check_time(context, body)
    if not imposed and licence.transfer != "free":
        _require_consent(context, licence, body)
    if set(context.event.commitments) != {LICENSEE}:
        raise Refused(
            "incomplete",
            f"private.{LICENSEE}",
            "a transfer commits to the new licensee, and to nothing else",
            "submit party and key of the new holder as the private value licensee",
        )
    context.take(status_key(body.status), "body.status", f"status index {body.status.index} of {body.status.list}")
    _hand_over(context, licence, body)


def _check_time(context: Context, body: LicenceTransfer) -> None:
    if body.effective > context.now:
        raise Refused(
            "time-in-future",
            "body.effective",
            f"the transfer takes effect at {body.effective}; it is {context.now}",
            "record a transfer when it has taken effect",
        )


def _require_consent(context: Context, licence: LicenceState, body: LicenceTransfer) -> None:
    given = licence.consent
    if given is None or given.to != body.to or (given.until is not None and given.until <= context.now):
        found = "none is recorded"
        if given is not None:
            found = f"the one recorded is to {given.to}" + (f", until {given.until}" if given.until else "")
        raise Refused(
            "no-consent",
            "body.to",
            f"{context.event.subject} is transferred with its licensor's consent alone, and {found}",
            "have the licensor record a licence.consent to this party first",
        )


def _hand_over(context: Context, licence: LicenceState, body: LicenceTransfer) -> None:
    drop_right(context, licence)
    after = dataclasses.replace(licence, holder=body.to, pointer=body.status, consent=None, page=None)
    context.put(context.event.subject, after)
    keep_right(context, after)


RULES: dict[str, Callable[[Context], None]] = {"licence.consent": consent, "licence.transfer": transfer}
