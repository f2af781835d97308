"""Rules for licences, certificates and the credential files made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tallystick.admission.context import Context
from tallystick.admission.refusal import Refused
from tallystick.admission.standing import (
    changed,
    licensor_of,
    may_become_valid,
    own_status,
    settled,
    standing_at,
)
from tallystick.admission.state import (
    CertificateState,
    LicenceChange,
    LicenceState,
    LicenceStatus,
    ObjectState,
    PartyState,
    Rights,
    number_key,
    right_key,
    status_key,
)
from tallystick.events.certificate import CertificateIssue
from tallystick.events.licence import LicenceGrant
from tallystick.events.licence import LicenceStatus as StatusChange
from tallystick.licence.terms import check_names, version_under
from tallystick.schema import FieldError

EFFECTIVE = 3
"""The version of the rules since which a change counts from its effective time, and sublicences are admitted."""
RIGHTS_PAGE = 128
"""Licences on one page of a holder's rights: what one more of them costs does not grow with their number."""
MAX_CHANGES = 256
"""Changes that one licence remembers; one that ends it is always taken."""

# action → (states it applies to, state after it)
_TRANSITIONS: dict[str, tuple[tuple[str, ...], LicenceStatus]] = {
    "suspend": (("valid",), "suspended"),
    "reinstate": (("suspended",), "valid"),
    "revoke": (("valid", "suspended"), "revoked"),
    "expire": (("valid", "suspended"), "expired"),
}


def grant(context: Context) -> None:
    """``licence.grant``: by the holder of the object or of the parent, with the terms that every licence has."""
    body: LicenceGrant = context.event.body
    licensor = context.party()
    found = context.need(body.object, ObjectState, "body.object")
    depth = None
    if body.parent is not None:
        depth = _check_parent(context, body, body.parent, licensor)
    elif found.holder != licensor:
        raise Refused(
            "not-holder",
            "body.object",
            f"{body.object} is held by {found.holder}, not by {licensor}",
            "have the holder grant the licence",
        )
    for index, subject in enumerate(body.title_chain):
        context.need(subject, object, f"body.title_chain[{index}]")
    if body.object not in body.title_chain:
        raise Refused("incomplete", "body.title_chain", f"it does not hold {body.object}", "add the object itself")
    _require_terms(context)
    context.take(status_key(body.status), "body.status", f"status index {body.status.index} of {body.status.list}")
    state = LicenceState(
        body.object,
        licensor,
        body.status,
        "valid",
        body.holder,
        parent=body.parent,
        depth=depth,
        sublicences=body.sublicences,
        transfer=body.transfer,
    )
    context.enter(state)
    if body.holder is not None:
        context.need(body.holder, PartyState, "body.holder")
    keep_right(context, state)


def _check_parent(context: Context, body: LicenceGrant, name: str, licensor: str) -> int:
    """A sublicence: by the parent's holder, while the parent is in force, within what the parent says openly."""
    if context.log.version < EFFECTIVE:
        raise Refused(
            "unsupported",
            "body.parent",
            f"sublicences are admitted since version {EFFECTIVE} of the rules",
            f"have the registrar record a log.policy of version {EFFECTIVE} first, or the holder grant the licence",
        )
    parent = context.need(name, LicenceState, "body.parent")
    if parent.holder != licensor:
        raise Refused(
            "not-holder",
            "body.parent",
            f"{name} is held by {parent.holder or 'a party that it does not name'}, not by {licensor}",
            "have the parent's holder grant the sublicence",
        )
    require_valid(context, name, "body.parent")
    if parent.object != body.object:
        raise Refused(
            "inconsistent", "body.object", f"{name} is a licence of {parent.object}", "sublicense the same object"
        )
    if name not in body.title_chain:
        raise Refused("incomplete", "body.title_chain", f"it does not hold {name}", "add the parent licence")
    _check_within(name, parent, body)
    return (parent.depth or 0) + 1


def _check_within(name: str, parent: LicenceState, body: LicenceGrant) -> None:
    """What both say openly. What their terms say is private: ``tallystick.licence.within``."""
    left = parent.sublicences or 0
    if left < 1:
        raise Refused(
            "exceeds-parent",
            "body.parent",
            f"{name} openly allows no sublicences",
            "have its licensor grant a licence that states sublicences",
        )
    if (body.sublicences or 0) > left - 1:
        raise Refused(
            "exceeds-parent",
            "body.sublicences",
            f"{name} allows sublicences {left} deep, so this one {left - 1}; found {body.sublicences}",
            f"state at most {left - 1}, or leave the field out for none",
        )
    if body.transfer == "free" and parent.transfer != "free":
        raise Refused(
            "exceeds-parent",
            "body.transfer",
            f"{name} is transferred with consent alone, the sublicence would be free",
            "leave the field out",
        )


def require_valid(context: Context, name: str, where: str) -> None:
    """The licence and all above it must be valid now; ``Refused``."""
    standing = standing_at(context, name, context.now)
    if standing.status != "valid":
        which = "it" if standing.licence == name else f"{standing.licence}, above it,"
        raise Refused(
            "wrong-state",
            where,
            f"{name} is not in force at {context.now}: {which} is {standing.status}",
            "have the licensor reinstate it, or obtain a new licence",
        )


def keep_right(context: Context, licence: LicenceState) -> None:
    """The holder's rights list no licence that has ended: whoever asks for one need not look through the dead."""
    if licence.holder is None:
        return
    if not may_become_valid(licence, context.now):
        drop_right(context, licence)
        return
    subject, first = context.event.subject, right_key(licence.object, licence.holder)
    if subject in _page(context, licence, licence.page or 0).licences:
        return
    last = _page(context, licence, 0).last or 0
    if len(_page(context, licence, last).licences) >= RIGHTS_PAGE:
        last += 1
        context.put(first, dataclasses.replace(_page(context, licence, 0), last=last))
    page = _page(context, licence, last)
    key = right_key(licence.object, licence.holder, last)
    context.put(key, dataclasses.replace(page, licences=(*page.licences, subject)))
    context.put(subject, dataclasses.replace(licence, page=last or None))


def drop_right(context: Context, licence: LicenceState) -> None:
    """Take the licence from its holder's rights."""
    if licence.holder is None:
        return
    page, subject = _page(context, licence, licence.page or 0), context.event.subject
    kept = tuple(one for one in page.licences if one != subject)
    context.put(right_key(licence.object, licence.holder, licence.page or 0), dataclasses.replace(page, licences=kept))


def _page(context: Context, licence: LicenceState, number: int) -> Rights:
    return context.find(right_key(licence.object, licence.holder or "", number), Rights) or Rights(())


def _require_terms(context: Context) -> None:
    """An unknown term is refused too: whoever reads the licence later could not tell what it forbids."""
    try:
        check_names(context.event.commitments, version_under(context.log.version))
    except FieldError as error:
        raise Refused(
            "incomplete",
            error.field.replace("terms", "private", 1),
            error.problem,
            "commit to every mandatory term, and to terms of this version only",
        ) from None


def change_status(context: Context) -> None:
    """``licence.status``: by the licensor or the registrar."""
    body: StatusChange = context.event.body
    subject = context.event.subject
    licence = context.need(subject, LicenceState, "subject")
    require_licensor(context, licence)
    if (body.change is not None) != (body.action == "withdraw"):
        raise Refused(
            "incomplete", "body.change", "it goes with withdraw, and with no other action", "name the change withdrawn"
        )
    if body.action == "withdraw":
        after = _withdrawn(context, licence, body)
    elif body.action == "commence":
        after = _commenced(context, licence, body)
    else:
        after = _changed(context, licence, body)
    context.put(subject, after)
    keep_right(context, after)


def require_licensor(context: Context, licence: LicenceState) -> None:
    """Who stands above the licence now, or the registrar, must say it; ``Refused``."""
    licensor = licensor_of(context, licence)
    if context.party() != licensor and context.actor.role != "registrar":
        above = "was granted by" if licence.parent is None else f"is a sublicence of {licence.parent}, held by"
        raise Refused(
            "not-holder",
            "iss",
            f"{context.event.subject} {above} {licensor}",
            "have the licensor or the registrar say it",
        )


def _changed(context: Context, licence: LicenceState, body: StatusChange) -> LicenceState:
    """Under version 3 a change applies to what the licence is at its effective time, else to what it is."""
    applied = context.log.version >= EFFECTIVE
    status = own_status(licence, body.effective) if applied else licence.status
    before, after = _TRANSITIONS[body.action]
    if status not in before:
        when = f" at {body.effective}" if applied else ""
        raise Refused(
            "wrong-state",
            "body.action",
            f"{context.event.subject} is {status}{when}",
            f"{body.action} applies to a licence that is {' or '.join(before)}",
        )
    if not applied:
        return dataclasses.replace(licence, status=after)
    if len(licence.changes or ()) >= MAX_CHANGES and body.action in ("suspend", "reinstate"):
        raise Refused(
            "wrong-state",
            "body.action",
            f"{context.event.subject} was changed {MAX_CHANGES} times",
            "revoke it, and grant a new licence",
        )
    return changed(licence, LicenceChange(after, body.effective, context.position), context.now)


def _withdrawn(context: Context, licence: LicenceState, body: StatusChange) -> LicenceState:
    _require_past(context, body)
    kept = tuple(one for one in licence.changes or () if one.position != body.change or one.effective <= context.now)
    if len(kept) == len(licence.changes or ()):
        raise Refused(
            "wrong-state",
            "body.change",
            f"position {body.change} records no change of {context.event.subject} that is still to come",
            "name the position of a change whose effective time has not come",
        )
    return settled(dataclasses.replace(licence, changes=kept), context.now)


def _commenced(context: Context, licence: LicenceState, body: StatusChange) -> LicenceState:
    _require_past(context, body)
    if licence.commenced is not None:
        raise Refused(
            "wrong-state", "body.action", f"{context.event.subject} commenced at {licence.commenced}", "nothing is left"
        )
    return dataclasses.replace(licence, commenced=body.effective)


def _require_past(context: Context, body: StatusChange) -> None:
    if body.effective > context.now:
        raise Refused(
            "time-in-future",
            "body.effective",
            f"{body.action} cannot be meant for {body.effective}; it is {context.now}",
            "record it when it has come",
        )


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
    if not by_operator and (licence is None or context.party() != licensor_of(context, licence)):
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
