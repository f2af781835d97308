"""Up to where it is proved that no event was withheld; what came later, an older root says nothing of."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass
from tallystick.times import parse_time
from tallystick.verify.outcome import Report

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
