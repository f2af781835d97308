"""What verification says: four outcomes, a claim for each numbered step, one frozen report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time

Outcome: TypeAlias = Literal["proved", "not_proved", "contradicted", "needs_external_fact"]
Verdict: TypeAlias = Literal["proved", "not_proved", "malformed"]

CLAIM_IDS: dict[str, int] = {
    "integrity": 2,
    "statement-signature": 3,
    "inclusion": 4,
    "checkpoint-signature": 5,
    "entitlement": 6,
    "disclosure": 7,
    "content": 8,
    "traceability": 9,
    "anchor": 10,
    "time": 11,
    "credential": 12,
    "completeness": 13,
    "timestamp": 14,
    "capture": 15,
    "custody": 16,
    "platform": 17,
}
"""Claims and the numbered step that decides each. Integrity is decided by steps 1 (container) and 2 (signature)."""


_BADNESS: tuple[Outcome, ...] = ("proved", "needs_external_fact", "not_proved", "contradicted")
_LAST_SECOND = 253402300799


def time_text(seconds: int) -> str:
    """A time for people; one beyond the year 9999, which only a forger writes, as the last instant of it."""
    return format_time(min(seconds, _LAST_SECOND))


@dataclass(frozen=True)
class Line:
    """One sentence of evidence: a key of ``tallystick.report.phrases`` and the values that stand in it."""

    key: str
    values: Mapping[str, Any]


def say(key: str, **values: Any) -> Line:
    """A line."""
    return Line(key, values)


@dataclass(frozen=True)
class Finding:
    """What one step found."""

    outcome: Outcome
    evidence: tuple[Line, ...]


@dataclass
class Tally:
    """Gathers what a step finds: its outcome is the worst that was noted."""

    outcome: Outcome = "proved"
    lines: list[Line] = field(default_factory=list)

    def shows(self, key: str, **values: Any) -> None:
        """Something holds."""
        self.lines.append(say(key, **values))

    def lacks(self, key: str, **values: Any) -> None:
        """Something is missing, unknown or too late."""
        self._note("not_proved", key, values)

    def contradicts(self, key: str, **values: Any) -> None:
        """Something shown is false."""
        self._note("contradicted", key, values)

    def needs(self, key: str, **values: Any) -> None:
        """Something only a fact from outside the bundle can show."""
        self._note("needs_external_fact", key, values)

    @property
    def holds(self) -> bool:
        """Whether nothing was found to be missing or false so far."""
        return self.outcome in ("proved", "needs_external_fact")

    def finding(self) -> Finding:
        """The step's result."""
        return Finding(self.outcome, tuple(self.lines))

    def _note(self, outcome: Outcome, key: str, values: dict[str, Any]) -> None:
        self.lines.append(say(key, **values))
        if _BADNESS.index(outcome) > _BADNESS.index(self.outcome):
            self.outcome = outcome


@dataclass(frozen=True)
class Claim:
    """The outcome of one claim.

    step: the numbered step that decided it. required: whether the verdict rests on it.
    evidence: what was found and, where it did not hold, what was expected and what to do.
    rests_on: steps that did not hold, so that this claim, whatever its own step found, is not proved.
    """

    id: str
    step: int
    outcome: Outcome
    required: bool
    evidence: tuple[Line, ...]
    rests_on: tuple[int, ...] = ()


@dataclass(frozen=True)
class Report:
    """The result of verifying one bundle as of one instant (``at``, Unix seconds).

    refused_at: the first numbered step that refused for a reason of its own, among required claims; ``None`` when
    all of them are proved. facts: what the evidence says (JSON values), to be read together with the claims.
    """

    verdict: Verdict
    claims: tuple[Claim, ...]
    refused_at: int | None
    trust_fingerprint: str
    trust_publisher: str
    at: int
    bundle_sha256: str
    facts: Mapping[str, Any]

    def claim(self, claim_id: str) -> Claim:
        """The claim of that id."""
        return next(claim for claim in self.claims if claim.id == claim_id)
