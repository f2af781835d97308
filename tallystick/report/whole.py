"""Up to where it is proved that no event was withheld; what came later, an older root says nothing of."""

from __future__ import annotations

from collections.abc import Iterator

from tallystick.lazy_dataclass import dataclass
from tallystick.times import parse_time
from tallystick.verify.outcome import Report

_TOLD = ("standing", "graph")
_MAY_CHANGE = ("standing", "graph", "disputes", "capture", "custody")
"""Facts that a later entry may change."""

_OLD = 86_400
"""Seconds between what is proved whole and the tree of the case, from which on a reader is warned."""


@dataclass(frozen=True)
class Whole:
    """Whole up to this size, as of this time. behind: entries and seconds to the tree of the case."""

    size: int
    time: str
    entries_behind: int
    seconds_behind: int

    @property
    def old(self) -> bool:
        """Whether a dispute or revocation may well have been logged since."""
        return self.entries_behind > 0 and self.seconds_behind > _OLD


def whole_up_to(report: Report) -> Whole | None:
    """The farthest that is proved, ``None`` where completeness is not."""
    claim = report.claim("completeness")
    if claim.outcome != "proved":
        return None
    head = report.facts["checkpoint"]
    times = {line.values["size"]: line.values["time"] for line in claim.evidence if line.key == "map.whole"}
    found = {line.values["size"]: times[line.values["size"]] for line in claim.evidence if line.key == "map.audited"}
    found |= {line.values["size"]: head["signed_at"] for line in claim.evidence if line.key == "map.replayed"}
    if not found:
        return None
    size = max(found)
    behind = max(0, parse_time(head["signed_at"]) - parse_time(found[size]))
    return Whole(size, found[size], head["size"] - size, behind)


@dataclass(frozen=True)
class Unseen:
    """Entries of the tree above ``size``, as of ``time``, that are not shown. ``None``: no root of the map is shown."""

    size: int | None
    time: str
    count: int


def unseen(report: Report) -> Unseen | None:
    """Where something is told that a later entry may change: what lies beyond the farthest root that serves."""
    facts = report.facts
    if "checkpoint" not in facts or not any(facts.get(name) for name in _MAY_CHANGE):
        return None
    size, time = max(_reached(report), default=(None, ""))
    shown = sum(one["position"] >= (size or 0) for one in facts["statements"])
    count = facts["checkpoint"]["size"] - (size or 0) - shown
    return Unseen(size, time, count) if count > 0 else None


def _reached(report: Report) -> Iterator[tuple[int, str]]:
    """Sizes and times up to which the histories are shown, be it on the log's own word."""
    told = [report.facts[name] for name in _TOLD if name in report.facts]
    for one in (*told, *report.facts.get("disputes", ())):
        if one["as_of"] is not None:
            yield one["as_of"]["size"], one["as_of"]["time"]
    claim = report.claim("completeness")
    if claim.outcome in ("proved", "needs_external_fact"):
        yield from ((line.values["size"], line.values["time"]) for line in claim.evidence if line.key == "map.whole")
    whole = whole_up_to(report)
    if whole is not None:
        yield whole.size, whole.time
