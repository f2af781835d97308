"""Step 9, by kind of case: what each kind must show of its subject, and what it then says of it.

Fixed here: a bundle can neither add nor remove anything. See docs/evidence-format.md, "What each kind must show".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from tallystick.admission.standing import lineage, standing_at
from tallystick.admission.state import DisputeState, JobState, LicenceState
from tallystick.map import OWN
from tallystick.replay import Admitted
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Tally, time_text

HISTORIES_SINCE = 4
"""Version of the rules from which on a log can always state a root of its map, so that there is no excuse."""
HISTORIES_OF = frozenset({"licence", "job", "dispute"})
"""Kinds whose subject has a standing: what was said of it later decides it."""
_DECISIONS = {
    "capability.approve": "approved",
    "capability.reinstate": "approved",
    "capability.suspend": "suspended",
    "capability.revoke": "revoked",
}


Until: TypeAlias = dict[str, Any] | None
"""``size`` and ``time`` of the root of the map up to which the histories are shown: of anything later it says nothing.
By the reader's copy of the log, of the tree. ``None``: no root is shown that reaches over the entries shown.
"""


def check_kind(ex: Examination, tally: Tally) -> Until:
    """What the kind demands; up to where what is told of it reaches."""
    kind, subject = ex.case.index.kind, ex.case.index.subject
    until = _check_histories(ex, tally) if kind in HISTORIES_OF else None
    if kind == "job" and isinstance(ex.history.state(subject), JobState) and not ex.history.outputs(subject):
        tally.lacks("traceability.no-outputs", job=subject)
    return until


def tell_kind(ex: Examination, tally: Tally, until: Until) -> None:
    """What the entries shown say of the subject, by its kind."""
    _KINDS[ex.case.index.kind](ex, tally, ex.case.index.subject, until)


def _check_histories(ex: Examination, tally: Tally) -> Until:
    """Under one root of the map, a proof for every own history of the case: step 13 holds what is shown against it.
    The largest root that serves so; the end of the tree, where the reader's copy gives just what is shown.
    """
    log, served = ex.log_state, list[dict[str, Any]]()
    own = [one for one in ex.whole.wanted if one[0] == OWN]
    last = max((at for one in own if one[1] in ex.focus.subjects for at, _ in ex.whole.shown.get(one, [])), default=-1)
    lacking = ex.case.index.subject
    for position, proofs in ex.case.map.proofs.items() if ex.case.map else ():
        admitted = ex.replay.admitted.get(position)
        event = admitted.placed.statement.event if admitted else None
        if event is not None and event.type == "log.map-root" and event.body.size > last:
            missing = [text for relation, text in own if (relation, text) not in proofs]
            if missing:
                lacking = missing[0]
            else:
                served.append({"size": event.body.size, "time": event.time})
    if ex.head is not None and ex.copied is not None and ex.copied.gives(own, ex.whole.shown):
        served.append({"size": ex.head.size, "time": time_text(ex.head_signed_at or 0)})
    if log is not None and log.version >= HISTORIES_SINCE and not served:
        tally.lacks("traceability.no-history", kind=ex.case.index.kind, subject=lacking)
    return max(served, key=lambda one: int(one["size"]), default=None)


def _object(ex: Examination, tally: Tally, subject: str, until: Until) -> None:
    """Nothing more: where an object comes from is checked of every kind."""


def _licence(ex: Examination, tally: Tally, subject: str, until: Until) -> None:
    """The licence and all above it; what it is, by what is shown, as of the instant of the examination."""
    chain = []
    for name, state in lineage(ex.replay.state, subject):
        if not isinstance(state, LicenceState):
            return  # it is missing, as is said already
        chain.append(_told_licence(name, state))
    standing = standing_at(ex.replay.state, subject, time_text(ex.at))
    told = {"licence": subject, "status": standing.status, "by": standing.licence}
    if until:
        tally.shows("traceability.licence", **told, **until)
    else:
        tally.shows("traceability.licence-no-root", **told)
    ex.facts["standing"] = {
        "licence": subject,
        "status": standing.status,
        "decided_by": standing.licence,
        "as_of": until,
        "chain": chain,
    }


def _told_licence(name: str, state: LicenceState) -> dict[str, Any]:
    told = {"licence": name, "object": state.object, "licensor": state.licensor}
    return told | {key: value for key, value in (("holder", state.holder), ("parent", state.parent)) if value}


def _job(ex: Examination, tally: Tally, subject: str, until: Until) -> None:
    """The job's node of the workflow, inputs → capability → outputs: that each input is registered and the capability
    approved at its position, the rules demand of the job's own entry (step 6).
    """
    body, state, outputs = ex.history.job(subject), ex.history.state(subject), ex.history.outputs(subject)
    if body is None or not isinstance(state, JobState):
        return  # it is missing, as is said already
    registered = next(one for one in ex.history.about(subject) if one.placed.statement.event.type == "job.register")
    at = registered.placed.position
    status, grade = _in_force(ex.history.about(body.capability), at)
    told: dict[str, Any] = {"job": subject, "capability": body.capability, "version": state.version}
    told |= {"grade": grade or "–", "inputs": len(body.inputs), "outputs": len(outputs)}
    if until:
        tally.shows("traceability.graph", **told, **until)
    else:
        tally.shows("traceability.graph-no-root", **told)
    ex.facts["graph"] = {
        "job": subject,
        "position": at,
        "capability": {"capability": body.capability, "version": state.version, "status": status}
        | ({"grade": grade} if grade else {}),
        "inputs": [{"object": used.object, "role": used.role} for used in body.inputs],
        "outputs": list(outputs),
        "as_of": until,
    }


def _in_force(history: Iterable[Admitted], before: int) -> tuple[str, str | None]:
    """Status and grade of a capability by its entries below a position."""
    status, grade = "filed", None
    for one in history:
        event = one.placed.statement.event
        if one.placed.position < before:
            status = _DECISIONS.get(event.type, status)
            grade = event.body.grade if event.type == "capability.grade" else grade
    return status, grade


def _dispute(ex: Examination, tally: Tally, subject: str, until: Until) -> None:
    """The dispute, and every other about the same thing."""
    state = ex.history.state(subject)
    if not isinstance(state, DisputeState):
        return  # it is missing, as is said already
    found = [_told_dispute(ex, one) | {"as_of": until} for one in _opened(ex, state.target)]
    told = {"dispute": subject, "target": state.target, "status": state.status, "others": len(found) - 1}
    if until:
        tally.shows("traceability.dispute", **told, **until)
    else:
        tally.shows("traceability.dispute-no-root", **told)
    ex.facts["disputes"] = found


def _opened(ex: Examination, target: str) -> list[Admitted]:
    opened = (one for _, one in sorted(ex.replay.admitted.items()) if one.placed.statement.event.type == "dispute.open")
    return [one for one in opened if one.placed.statement.event.body.target == target]


def _told_dispute(ex: Examination, one: Admitted) -> dict[str, Any]:
    event = one.placed.statement.event
    state = ex.history.state(event.subject)
    assert isinstance(state, DisputeState)  # its opening is admitted
    return {
        "dispute": event.subject,
        "target": state.target,
        "claimant": state.claimant,
        "claim": event.body.claim,
        "status": state.status,
        "opened": time_text(one.admitted_at),
    }


_KINDS: dict[str, Callable[[Examination, Tally, str, Until], None]] = {
    "object": _object,
    "licence": _licence,
    "job": _job,
    "dispute": _dispute,
}
