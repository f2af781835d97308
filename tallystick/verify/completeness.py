"""Step 13: later and adverse events that the bundle shows, and whether any was withheld (``verify.histories``)."""

from __future__ import annotations

from typing import Any

from tallystick.admission.standing import standing_at
from tallystick.admission.state import CapabilityState, DisputeState, LicenceState
from tallystick.events.adverse import spoken_against
from tallystick.replay import Admitted
from tallystick.times import parse_time
from tallystick.verify.examination import Examination
from tallystick.verify.histories import check_histories
from tallystick.verify.outcome import Finding, Tally, say, time_text


def check_completeness(ex: Examination) -> Finding:
    """List adverse events first; then whether these are all."""
    tally = Tally()
    events = []
    for position, one in sorted(ex.replay.admitted.items()):
        event = one.placed.statement.event
        about = spoken_against(event)
        if about is None:
            continue
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
        ex.adverse.append(say("adverse.event", **values, **_beside(ex, one)))
        events.append(values)
    tally.lines += ex.adverse
    ex.facts["adverse"] = events
    _check_named(ex, tally, {event["position"] for event in events})
    check_histories(ex, tally)
    return tally.finding()


_ABOUT_NOW = 300
"""Seconds between what an event says and when it was admitted that are no date of its own."""


def _beside(ex: Examination, one: Admitted) -> dict[str, str]:
    """What keeps a reader from taking an adverse event for more than it is: from when it counts, and what came of it.

    ``effective``: where that is another time than its admission. ``now``: what licence or capability is by the entries
    shown, as of the instant of the examination.
    """
    event = one.placed.statement.event
    state = ex.history.state(event.subject)
    if isinstance(state, CapabilityState):
        return {"effective": "", "now": state.status}
    if event.type != "licence.status" or not isinstance(state, LicenceState):
        return {"effective": "", "now": ""}
    dated = state.changes is not None and abs(parse_time(event.body.effective) - one.admitted_at) > _ABOUT_NOW
    return {
        "effective": event.body.effective if dated else "",
        "now": standing_at(ex.replay.state, event.subject, time_text(ex.at)).status,
    }


def reaches_the_end(ex: Examination) -> bool:
    """Whether what proves that nothing was withheld (after this step) reaches the end of the tree of step 5: what it
    does not reach is shown, entry by entry.
    """
    if ex.head is None:
        return False
    vouched = [told["size"] for told in ex.facts.get("histories", ()) if told["auditors"]]
    reached: int = max([*vouched, ex.facts.get("replayed", 0)])
    # Far fewer are shown than a tree may claim to have.
    shown = {at for at in ex.replay.admitted if reached <= at < ex.head.size}
    return len(shown) >= ex.head.size - reached


def _check_named(ex: Examination, tally: Tally, found: set[int]) -> None:
    """Where the index names the adverse entries, it names these; one that the rules refuse is step 6's."""
    named = ex.case.index.adverse
    if named is not None and set(named) - ex.replay.refused.keys() != found:
        odd = sorted(set(named) ^ found)
        tally.contradicts("adverse.misnamed", positions=", ".join(map(str, odd[:20])))


def _detail(one: Admitted) -> str:
    body = one.placed.statement.event.body
    words = [
        str(getattr(body, name)) for name in ("action", "claim", "outcome", "grounds", "reason") if hasattr(body, name)
    ]
    return ", ".join(words)
