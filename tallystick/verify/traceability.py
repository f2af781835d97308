"""Step 9: the objects of the case, and all that they were made from, are bound to their origin and complete."""

from __future__ import annotations

from tallystick.admission.state import CapabilityState
from tallystick.events.objects import ObjectRegistration
from tallystick.verify.examination import Examination
from tallystick.verify.kinds import check_kind, tell_kind
from tallystick.verify.outcome import Finding, Tally


def check_traceability(ex: Examination) -> Finding:
    """Each object registered; if generated, its job, the job's completion that lists it, and its capability."""
    tally = Tally()
    for subject in ex.focus.missing:
        tally.lacks("traceability.missing", subject=subject)
    checked: set[str] = set()
    waiting = list(ex.focus.objects)
    while waiting:
        subject = waiting.pop()
        if subject in checked:
            continue
        checked.add(subject)
        body = ex.history.registration(subject)
        if body is None:
            tally.lacks("traceability.missing", subject=subject)
            continue
        waiting += _check_object(ex, tally, subject, body)
    until = check_kind(ex, tally)
    if tally.holds:
        if ex.focus.objects:
            found = {"objects": len(ex.focus.objects), "sources": len(checked) - len(ex.focus.objects)}
            tally.shows("traceability.good", **found)
        else:
            tally.shows("traceability.none")
        tell_kind(ex, tally, until)
    return tally.finding()


def _check_object(ex: Examination, tally: Tally, subject: str, body: ObjectRegistration) -> list[str]:
    """Check one object; the objects that it was made from."""
    sources = [basis.subject for basis in body.basis if basis.kind == "object" and basis.subject is not None]
    if body.generation is None:
        return sources
    job = ex.history.job(body.generation.job)
    if job is None:
        tally.lacks("traceability.no-job", subject=subject, job=body.generation.job)
        return sources
    if subject not in ex.history.outputs(body.generation.job):
        tally.lacks("traceability.unbound", subject=subject, job=body.generation.job)
    if not isinstance(ex.history.state(body.generation.capability), CapabilityState):
        tally.lacks("traceability.no-capability", subject=subject, capability=body.generation.capability)
    return sources + [item.object for item in job.inputs]
