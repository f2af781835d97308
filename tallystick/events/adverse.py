"""Which events speak against something: what a court wants to see first."""

from __future__ import annotations

from tallystick.events.envelope import Event

_STATUS = ("suspend", "revoke", "expire")
_END = ("key-compromise", "court-order")
_ALWAYS = ("certificate.withdraw", "capability.suspend", "capability.revoke", "dispute.resolve")


def spoken_against(event: Event) -> str | None:
    """What the event speaks against, or ``None`` for an event that speaks against nothing."""
    body, kind = event.body, event.type
    if kind == "dispute.open":
        target: str = body.target
        return target
    if kind == "certificate.issue":
        superseded: str | None = body.supersedes
        return superseded
    against = (
        kind in _ALWAYS
        or (kind == "licence.status" and body.action in _STATUS)
        or (kind == "log.freeze" and body.reason in _END)
        or (kind == "party.key" and body.action == "revoke")
        or (kind == "capability.test" and body.result == "fail")
    )
    return event.subject if against else None
