"""When to anchor: pure decisions from what is anchored, what is published, who asks, and what it would cost.

``due`` says whether an anchor is due and of which checkpoint; ``check_budget``
whether the day's money allows it. The newest published checkpoint catches up with
everything, so after any outage one anchor is enough. See ADR 0025.
"""

from __future__ import annotations

from collections.abc import Sequence

from anchors.outbox_rows import Spent
from tallystick.lazy_dataclass import dataclass

URGENCY = ("dispute", "licence", "urgent", "evidence", "certificate")
"""Reasons of requests, most urgent first; any other reason comes after these. All of them anchor at once:
the order only decides which reason the anchor bears."""

ALIGNMENT = 1024
"""Leaves. Proofs between checkpoints at multiples of this are short, so anchors of them cost less."""

DAY = 86_400
"""Seconds over which the budget counts, always the last ones: no midnight at which two days' money is spent."""

_ROUTINE_FIFTHS = 4


@dataclass(frozen=True)
class Policy:
    """Anchor when about this many entries came, or when the last anchor is this old, whichever is first.

    From ``ALIGNMENT`` entries on, anchors by count are of the multiple of ``align`` that is nearest. ``budget``: wei
    that anchoring at one target may cost in a day, deployment and failed transactions included; ``None``: no limit.
    """

    entries: int = 1024
    seconds: int = 3600
    budget: int | None = None

    def __post_init__(self) -> None:
        if self.entries < 1 or self.seconds < 1:
            raise ValueError("a policy anchors every 1 or more entries and every 1 or more seconds")
        if self.budget is not None and self.budget < 0:
            raise ValueError("a budget is 0 wei or more")

    @property
    def align(self) -> int:
        """The largest multiple of ``ALIGNMENT`` up to ``entries``; 0: anchors come too often to wait for one."""
        return self.entries - self.entries % ALIGNMENT


@dataclass(frozen=True)
class LastAnchor:
    """What the target holds now."""

    size: int
    at: int
    """Unix seconds at which it was prepared."""


@dataclass(frozen=True)
class Wanted:
    """Somebody wants the log anchored at ``size`` or beyond."""

    size: int
    reason: str


@dataclass(frozen=True)
class Situation:
    """What a decision rests on. ``published``, ``aligned``: sizes of the newest checkpoint, and of the newest aligned
    one (0: none); ``now``: Unix seconds."""

    last: LastAnchor | None
    published: int
    now: int
    aligned: int = 0
    wanted: Sequence[Wanted] = ()


@dataclass(frozen=True)
class AnchorNow:
    """Anchor the checkpoint of ``size``: the published one, or the aligned one. ``urgent``: somebody asked for it."""

    reason: str
    size: int
    urgent: bool = False


@dataclass(frozen=True)
class Wait:
    """Nothing to do. ``until``: unix seconds at which age will make an anchor due; None: until new entries come."""

    until: int | None


@dataclass(frozen=True)
class OverBudget:
    """An anchor is due, and the day's money does not allow it. All in wei.

    ``until``: unix seconds at which enough of what was spent is a day old; None: it costs more than a day may.
    """

    spent: int
    estimate: int
    limit: int
    until: int | None


def due(policy: Policy, found: Situation) -> AnchorNow | Wait:
    """Whether an anchor is due now, and of what.

    A request for a size that is not published yet waits for its checkpoint. Requests and age take the newest
    checkpoint, count the aligned one. A clock that went back makes an anchor late, by one interval at most; never
    double.
    """
    anchored = 0 if found.last is None else found.last.size
    if found.published <= anchored:
        return Wait(None)
    asking = [one for one in found.wanted if anchored < one.size <= found.published]
    if asking:
        return AnchorNow(min((one.reason for one in asking), key=_urgency), found.published, urgent=True)
    if found.last is None:
        return AnchorNow("first", found.published)
    until = found.last.at + policy.seconds
    if found.now >= until or found.last.at - found.now > policy.seconds:
        return AnchorNow("age", found.published)
    size = _by_count(policy, anchored, found)
    return Wait(until) if size is None else AnchorNow("entries", size)


def _by_count(policy: Policy, anchored: int, found: Situation) -> int | None:
    """The size that count makes due, if it does."""
    if not policy.align:
        return found.published if found.published - anchored >= policy.entries else None
    # The nearest multiple, so that an anchor that came for another reason does not bring the next one at once.
    target = (anchored + policy.entries + policy.align // 2) // policy.align * policy.align
    if found.aligned >= target:
        return found.aligned
    # A log that signs no aligned checkpoints is anchored all the same.
    return found.published if found.published >= target + policy.align else None


def check_budget(
    policy: Policy, wanted: AnchorNow, spent: Sequence[Spent], estimate: int, now: int
) -> OverBudget | None:
    """Why the day's budget does not allow an anchor that costs ``estimate`` wei at most; None: it does.

    Nothing passes the budget: anybody who may submit may ask for urgency. A fifth of it is kept for what is urgent,
    so that routine does not spend what a dispute will need. What a wrong clock dated more than a day ahead is not
    counted, else it would hold up anchors for as long as the clock was wrong by.
    """
    if policy.budget is None:
        return None
    limit = policy.budget if wanted.urgent else policy.budget * _ROUTINE_FIFTHS // 5
    counted = sorted((one for one in spent if now - DAY < one.at <= now + DAY), key=lambda one: one.at)
    total = rest = sum(one.wei for one in counted)
    if total + estimate <= limit:
        return None
    until = None
    for one in counted if estimate <= limit else ():
        rest -= one.wei
        until = one.at + DAY
        if rest + estimate <= limit:
            break
    return OverBudget(total, estimate, limit, until)


def _urgency(reason: str) -> int:
    return URGENCY.index(reason) if reason in URGENCY else len(URGENCY)
