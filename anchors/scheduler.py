"""When to anchor: a pure decision from what is anchored, what is published and who asks.

The newest published checkpoint is what gets anchored, so after any outage one
anchor catches up with everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

URGENCY = ("dispute", "licence", "certificate")
"""Reasons of requests, most urgent first; any other reason comes after these. All of them anchor at once:
the order only decides which reason the anchor bears."""


@dataclass(frozen=True)
class Policy:
    """Anchor when this many entries came, or when the last anchor is this old, whichever is first."""

    entries: int = 1024
    seconds: int = 3600

    def __post_init__(self) -> None:
        if self.entries < 1 or self.seconds < 1:
            raise ValueError("a policy anchors every 1 or more entries and every 1 or more seconds")


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
class AnchorNow:
    """Anchor the published checkpoint; ``reason`` says why."""

    reason: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do. ``until``: unix seconds at which age will make an anchor due; None: until new entries come."""

    until: int | None


def decide(
    policy: Policy, last: LastAnchor | None, published_size: int, wanted: Sequence[Wanted], now: int
) -> AnchorNow | Wait:
    """Whether to anchor the published checkpoint of ``published_size`` leaves now.

    A request for a size that is not published yet waits for its checkpoint. A
    clock that went back makes an anchor late, never double.
    """
    anchored = 0 if last is None else last.size
    if published_size <= anchored:
        return Wait(None)
    asking = [item for item in wanted if anchored < item.size <= published_size]
    if asking:
        return AnchorNow(min((item.reason for item in asking), key=_urgency))
    if last is None:
        return AnchorNow("first")
    if published_size - last.size >= policy.entries:
        return AnchorNow("entries")
    due = last.at + policy.seconds
    return AnchorNow("age") if now >= due else Wait(due)


def _urgency(reason: str) -> int:
    return URGENCY.index(reason) if reason in URGENCY else len(URGENCY)
