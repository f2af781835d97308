"""Brings a log's new authority to the contract: the old one's last checkpoint is anchored, then the slot handed over.

The predecessor signs nothing beyond that checkpoint, so nobody can move the slot past it while it is his: what both
signed about it never goes stale, and both keys may be put away before the chain answers. Every step looks at the slot
first, so that repeating one after a crash finds what the crashed run did, or what somebody else did for us.
"""

from __future__ import annotations

from dataclasses import replace

from anchors.client import EvmClient
from anchors.errors import ChainMismatch
from anchors.finality import FinalityRule
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Handover, NewAttempt, Target
from anchors.ports import Clock, PublishedCheckpoint
from anchors.registry import GAS_ROTATE, Registry
from anchors.sender import Sender
from tallystick.checkpoint import Checkpoint
from tallystick.evm.registry import commitment
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class HandoverStep:
    """Works for one target; ``registry`` has the predecessor in force."""

    outbox: Outbox
    client: EvmClient
    sender: Sender
    registry: Registry
    finality: FinalityRule
    clock: Clock

    def advance(self, target: Target, handover: Handover) -> Anchor | None:
        """One step: the anchor that must come first, or None once the handover is sent, mined or done.

        Raises ``ChainMismatch`` when the contract holds what neither authority can have put there,
        ``AnchorRefused`` and ``GaveUp`` when it refuses the handover.
        """
        held = self.registry.slot()
        if held == self._commitment(handover, handover.successor):
            self._conclude(handover)
            return None
        if held != self._commitment(handover, handover.predecessor):
            return self._last_anchor(target, handover)
        sender = replace(self.sender, handover_id=handover.id)
        sender.push(target.id, None, lambda: self._sign(handover))
        # On a chain of our own it is mined by now.
        if self.registry.slot() == self._commitment(handover, handover.successor):
            self._conclude(handover)
        return None

    def _sign(self, handover: Handover) -> NewAttempt:
        data = self.registry.rotate_data(handover)
        self.registry.simulate(data, self.sender.account.address)
        return self.sender.account.sign(self.registry.contract, data, GAS_ROTATE)

    def _conclude(self, handover: Handover) -> None:
        """Done when its block is final: until then a reorganisation may bring the predecessor back."""
        found = self.registry.rotated(handover)
        if found is not None and self.finality.final_head(self.client, *found) is not None:
            sender = replace(self.sender, handover_id=handover.id)
            # (What its transactions cost is kept.)
            sender.succeeded(handover.target_id, None)
            self.outbox.handover_done(handover.id, self.clock())

    def _last_anchor(self, target: Target, handover: Handover) -> Anchor:
        """The predecessor's last checkpoint, where the slot is not there yet."""
        checkpoint = Checkpoint(self.registry.log.origin, handover.size, handover.root)
        published = PublishedCheckpoint(checkpoint, handover.note, handover.signature)
        anchor = self.outbox.prepare(target.id, published, "rotation", self.clock())
        if anchor.state in ("final", "dropped"):
            raise ChainMismatch(
                f"the slot of target {target.spec.name!r} is at another checkpoint than size {handover.size}, the last "
                f"of authority 0x{handover.predecessor.hex()}, whose anchor is {anchor.state}: {anchor.error or ''}"
            )
        return anchor

    @staticmethod
    def _commitment(handover: Handover, authority: bytes) -> bytes:
        return commitment(handover.size, handover.root, authority)
