"""Keeps one authority busy: the checkpoints that are due, and the block of each target's newest anchor.

Each authority has its own runner, rows and retry: one that hangs, lies or is gone holds nobody up.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from typing import Literal

from anchors.ports import CheckpointSource, Clock
from anchors.scheduler import Policy, Situation, Wait, due
from anchors.timestamps.client import StampAlarm, StampFailed, TimestampClient
from anchors.timestamps.outbox import Kind, Stamp, Stamps
from anchors.timestamps.second import Disagreement
from tallystick.errors import TallystickError

RETRY_FIRST = 2
RETRY_MOST = 900
"""Seconds between two questions about one message: doubled from the first to the most."""
_KINDS: tuple[Kind, ...] = ("checkpoint", "block")

log = logging.getLogger(__name__)

Progress = Literal["idle", "waiting", "final", "failed"]


class StampRunner:
    """Runs one authority."""

    def __init__(
        self, client: TimestampClient, policy: Policy, stamps: Stamps, source: CheckpointSource, clock: Clock
    ) -> None:
        self._client = client
        self._policy = policy
        self._stamps = stamps
        self._source = source
        self._clock = clock

    @property
    def name(self) -> str:
        """Of the authority."""
        return self._client.service.name

    def run(self, stop: threading.Event, pause: float = 0.5) -> None:
        """``run_once`` every ``pause`` seconds until ``stop`` is set. What hinders it is kept and tried again."""
        while not stop.is_set():
            try:
                self.run_once()
            except (TallystickError, sqlite3.Error, OSError) as error:
                log.warning("%s: timestamps did not get on: %s", self.name, error)
            stop.wait(pause)

    def run_once(self) -> tuple[Progress, ...]:
        """Do what can be done now, for checkpoints and for blocks: what hinders the one does not hinder the other."""
        return tuple(self._run(kind) for kind in _KINDS)

    def _run(self, kind: Kind) -> Progress:
        stamp = self._stamps.open(self.name, kind) or self._choose(kind)
        if stamp is None:
            return "idle"
        if stamp.next_at > self._clock() and stamp.next_at - self._clock() <= RETRY_MOST:
            return "waiting"
        return self._ask(stamp)

    def _choose(self, kind: Kind) -> Stamp | None:
        if kind == "block":
            anchor = self._stamps.unstamped_block(self.name)
            return None if anchor is None else self._stamps.prepare_block(self.name, anchor, self._clock())
        published = self._source.latest()
        if published is None:
            return None
        last, now = self._stamps.last(self.name), self._clock()
        wanted = self._stamps.wanted(0 if last is None else last.size)
        # A token costs the same over any size: nothing is gained by waiting for an aligned one.
        size = published.checkpoint.size
        decision = due(self._policy, Situation(last, size, now, aligned=size, wanted=wanted))
        if isinstance(decision, Wait):
            return None
        return self._stamps.prepare(self.name, published, decision.reason, now)

    def _ask(self, stamp: Stamp) -> Progress:
        stamp = self._stamps.asked(stamp.id, self._clock())
        try:
            token, fact = self._client.stamp(stamp.message)
        except (StampFailed, Disagreement) as error:
            alarm = not isinstance(error, StampFailed) or isinstance(error, StampAlarm)
            wait = min(RETRY_FIRST << min(stamp.attempts - 1, 16), RETRY_MOST)
            self._stamps.failed(stamp.id, str(error), self._clock() + wait, alarm=alarm)
            log.log(logging.ERROR if alarm else logging.WARNING, "%s: no timestamp: %s", self.name, error)
            return "failed"
        self._stamps.done(stamp.id, token, fact, self._clock())
        return "final"
