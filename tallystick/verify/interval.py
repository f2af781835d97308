"""Step 11: when, as an interval, with every source and whose word it is."""

from __future__ import annotations

from tallystick.admission.decide import CLOCK_TOLERANCE
from tallystick.replay import Admitted
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text


def check_time(ex: Examination) -> Finding:
    """Every source in version 1 is the operator's, so the claim needs an external fact; sources that disagree
    contradict it.
    """
    tally = Tally()
    about = ex.about
    sources = [_entry(one) for one in about]
    if ex.head_signed_at is not None:
        sources.append({"source": "checkpoint", "by": "operator", "time": time_text(ex.head_signed_at)})
    sources += [
        {"source": f"block {fact.block_number}", "by": "operator", "time": time_text(fact.block_time)}
        for fact in ex.anchored
    ]
    if about:
        first, last = about[0], about[-1]
        bound = _not_after(ex, last)
        tally.shows("time.interval", earliest=time_text(first.admitted_at), latest=bound or "-")
        ex.facts["time"] = {"not_before": time_text(first.admitted_at), "not_after": bound, "sources": sources}
    for line in sources:
        tally.shows("time.source", **line)
    _compare(ex, tally, about)
    tally.needs("time.operator")
    return tally.finding()


def _entry(one: Admitted) -> dict[str, str]:
    statement = one.placed.statement
    return {
        "source": f"batch {one.batch} ({statement.event.type} at {one.placed.position})",
        "by": "operator",
        "time": time_text(one.admitted_at),
    }


def _not_after(ex: Examination, last: Admitted) -> str | None:
    """Block time of the first anchor that covers the last entry about the case's subjects."""
    times = [fact.block_time for fact in ex.anchored if fact.size > last.placed.position]
    return time_text(min(times)) if times else None


def _compare(ex: Examination, tally: Tally, about: tuple[Admitted, ...]) -> None:
    for one in about:
        for fact in ex.anchored:
            if one.placed.position < fact.size and one.admitted_at > fact.block_time + CLOCK_TOLERANCE:
                tally.contradicts(
                    "time.disagree",
                    position=one.placed.position,
                    admitted=time_text(one.admitted_at),
                    block=fact.block_number,
                    time=time_text(fact.block_time),
                )
