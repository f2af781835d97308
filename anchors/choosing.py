"""Which checkpoint goes to a target now: the pure decisions of ``anchors.scheduler``, asked and written down."""

from __future__ import annotations

import logging
from collections.abc import Callable

from anchors.errors import ChainMismatch
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Target
from anchors.ports import CheckpointSource, Clock, PublishedCheckpoint
from anchors.scheduler import (
    DAY,
    AnchorNow,
    LastAnchor,
    OverBudget,
    Policy,
    Situation,
    Wait,
    Wanted,
    check_budget,
    due,
)
from tallystick.lazy_dataclass import dataclass
from tallystick.times import format_time

log = logging.getLogger(__name__)

Estimate = Callable[[int, int], int]
"""Wei that the anchor from an old size (0: the first one) to a new size costs at most. May raise ``AnchorError``."""


@dataclass(frozen=True)
class Chooser:
    """Chooses for one log. Whoever calls it has seen that nothing of the target is on its way."""

    policy: Policy
    outbox: Outbox
    source: CheckpointSource
    clock: Clock
    origin: str

    def choose(self, target: Target, estimate: Estimate) -> Anchor | Wait:
        """The anchor that is due, prepared; or until when to wait.

        What waits for money is said in the outbox and, once, in the log. ``estimate`` is asked only where there is a
        budget. Raises ``ChainMismatch`` for a checkpoint of another log, and what ``estimate`` does.
        """
        # In this order: an aligned checkpoint is signed before the one that is published with it.
        aligned, published = self.source.aligned(), self.source.latest()
        if published is None:
            return Wait(None)
        self._check_origin(published)
        now = self.clock()
        decision = due(self.policy, self._situation(target, published, aligned, now))
        if isinstance(decision, Wait):
            self.outbox.note_wait(target.id, None, now)
            return decision
        over = self._over_budget(target, decision, estimate, now)
        if over is not None:
            self._say(target, over, decision, now)
            return Wait(over.until)
        self.outbox.note_wait(target.id, None, now)
        is_aligned = aligned is not None and decision.size == aligned.checkpoint.size != published.checkpoint.size
        chosen = aligned if is_aligned and aligned is not None else published
        return self.outbox.prepare(target.id, chosen, decision.reason, now)

    def _check_origin(self, published: PublishedCheckpoint) -> None:
        found = published.checkpoint.origin
        if found != self.origin:
            raise ChainMismatch(f"the checkpoint is of log {found!r}, this worker anchors {self.origin!r}")

    def _situation(
        self, target: Target, published: PublishedCheckpoint, aligned: PublishedCheckpoint | None, now: int
    ) -> Situation:
        last = self.outbox.last_final(target.id)
        size = published.checkpoint.size
        return Situation(
            last=None if last is None else LastAnchor(last.size, last.prepared_at),
            published=size,
            now=now,
            # After a crash between its two signatures the log shows less than it has signed: proofs need what is shown.
            aligned=aligned.checkpoint.size if aligned is not None and aligned.checkpoint.size <= size else 0,
            wanted=[Wanted(request.size, request.reason) for request in self.outbox.pending(target.id)],
        )

    def _over_budget(self, target: Target, decision: AnchorNow, estimate: Estimate, now: int) -> OverBudget | None:
        if self.policy.budget is None:
            return None
        last = self.outbox.last_final(target.id)
        cost = estimate(0 if last is None else last.size, decision.size)
        return check_budget(self.policy, decision, self.outbox.spent(target.id, now - DAY), cost, now)

    def _say(self, target: Target, over: OverBudget, decision: AnchorNow, now: int) -> None:
        until = "raise TALLYSTICK_ANCHOR_BUDGET" if over.until is None else f"until {format_time(over.until)}"
        kept = "" if decision.urgent else ", a fifth being kept for what is urgent"
        text = (
            f"over budget: {over.spent} wei spent in a day, the next anchor costs up to {over.estimate}, "
            f"the limit is {over.limit}{kept}; waits {until}"
        )
        if target.waits is None:
            log.error("%s: %s", target.spec.name, text)
        self.outbox.note_wait(target.id, text, now)
