"""Step 13: later and adverse events that the bundle shows, and whether any was withheld (``verify.histories``)."""

from __future__ import annotations

from typing import Any

from tallystick.admission.state import DisputeState
from tallystick.replay import Admitted
from tallystick.verify.examination import Examination
from tallystick.verify.histories import check_histories
from tallystick.verify.outcome import Finding, Tally, say, time_text

_ADVERSE_STATUS = ("suspend", "revoke", "expire")
_ADVERSE_END = ("key-compromise", "court-order")


def check_completeness(ex: Examination) -> Finding:
    """List adverse events first; then whether these are all."""
    tally = Tally()
    events = []
    for position, one in sorted(ex.replay.admitted.items()):
        about = _adverse(one)
        if about is None:
            continue
        event = one.placed.statement.event
        state = ex.history.state(event.subject)
        standing = state.status if isinstance(state, DisputeState) else ""
        values: dict[str, Any] = {
            "position": position,
            "type": event.type,
            "subject": event.subject,
            "about": about,
            "time": time_text(one.admitted_at),
            "detail": _detail(one),
            "standing": standing,
        }
        ex.adverse.append(say("adverse.event", **values))
        events.append(values)
    tally.lines += ex.adverse
    ex.facts["adverse"] = events
    check_histories(ex, tally)
    return tally.finding()


def _adverse(one: Admitted) -> str | None:
    """What the event speaks against, or ``None`` for an event that speaks against nothing."""
    event = one.placed.statement.event
    if event.type == "dispute.open":
        target: str = event.body.target
        return target
    if event.type == "certificate.issue" and event.body.supersedes is not None:
        superseded: str = event.body.supersedes
        return superseded
    if event.type in ("certificate.withdraw", "capability.suspend", "capability.revoke", "dispute.resolve"):
        return event.subject
    if event.type == "licence.status" and event.body.action in _ADVERSE_STATUS:
        return event.subject
    if event.type == "log.freeze" and event.body.reason in _ADVERSE_END:
        return event.subject
    if event.type == "party.key" and event.body.action == "revoke":
        return event.subject
    if event.type == "capability.test" and event.body.result == "fail":
        return event.subject
    return None


def _detail(one: Admitted) -> str:
    body = one.placed.statement.event.body
    words = [
        str(getattr(body, name)) for name in ("action", "claim", "outcome", "grounds", "reason") if hasattr(body, name)
    ]
    return ", ".join(words)
