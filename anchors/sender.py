"""Gets one transaction mined through the outbox: signed and stored first, then sent, the same bytes again if need be.

A crash at any point leaves either nothing, or stored bytes that the next run
sends. The nonce makes sure that at most one of the transactions with it is mined;
the contract's slot makes sure that of several nonces one alone anchors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anchors.account import GasAccount
from anchors.client import EvmClient
from anchors.errors import AnchorError, FeesTooHigh
from anchors.outbox import Outbox
from anchors.outbox_rows import Attempt, NewAttempt, Settled
from anchors.ports import Clock
from tallystick.lazy_dataclass import dataclass

MAX_NONCES = 10
"""Nonces taken for one purpose before a person has to look. Raising the fee takes no new one."""


class GaveUp(AnchorError):
    """Every transaction signed for a purpose failed or lost its nonce."""


@dataclass(frozen=True)
class Patience:
    """Seconds. ``stuck``: for which a transaction waits before it is made dearer. ``lost``: for which a nonce is seen
    spent by something that we cannot see before a new one is taken: the nodes behind one address may not agree."""

    stuck: int = 180
    lost: int = 30


ONE_NODE = Patience(lost=0)
"""A chain of which there is one copy, which always agrees with itself."""


@dataclass(frozen=True)
class Sender:
    """Sends for one gas account."""

    outbox: Outbox
    client: EvmClient
    account: GasAccount
    clock: Clock
    patience: Patience = ONE_NODE
    handover_id: int | None = None
    """The handover that all of it is for, where it is for one."""

    def succeeded(self, target_id: int, anchor_id: int | None) -> dict[str, Any] | None:
        """Receipt of the transaction that succeeded, of all that were ever signed for this purpose, or None.

        What the others cost is kept on the way.
        """
        for attempt in reversed(self.outbox.attempts(target_id, anchor_id, self.handover_id)):
            receipt = self.client.receipt(attempt.tx_hash)
            if receipt is None:
                continue
            self._settle(attempt, receipt)
            if receipt["status"] == 1:
                return receipt
        return None

    def push(self, target_id: int, anchor_id: int | None, sign: Callable[[], NewAttempt]) -> None:
        """Send the stored transaction whose nonce is still free; when there is none, sign, store and send a new one.

        ``sign`` may raise to say that nothing is to be sent. Raises ``ChainUnreachable``, ``GaveUp``.
        """
        attempts = self.outbox.attempts(target_id, anchor_id, self.handover_id)
        ours = [one for one in attempts if one.sender in (None, self.account.address)]
        waiting = ours[-1] if ours and ours[-1].nonce >= self.account.next_nonce() else None
        if waiting is not None:
            self._send_again(target_id, anchor_id, waiting)
        elif not ours or self._is_over(ours[-1]):
            if len({(one.sender, one.nonce) for one in attempts}) >= MAX_NONCES:
                raise GaveUp(f"gave up after {MAX_NONCES} transactions: look at their receipts on the chain")
            self._send(self._store(target_id, anchor_id, sign()))

    def _send_again(self, target_id: int, anchor_id: int | None, waiting: Attempt) -> None:
        if waiting.lost_at is not None:
            self.outbox.attempt_lost(waiting.id, None)
        if self.clock() - waiting.stored_at < self.patience.stuck:
            self._send(waiting)
            return
        try:
            dearer = self.account.sign_dearer(waiting)
        except FeesTooHigh:
            # It may still be mined when the chain is cheaper.
            self._send(waiting)
            raise
        self._send(self._store(target_id, anchor_id, dearer))

    def _store(self, target_id: int, anchor_id: int | None, new: NewAttempt) -> Attempt:
        return self.outbox.add_attempt(target_id, anchor_id, new, self.clock(), handover_id=self.handover_id)

    def _is_over(self, attempt: Attempt) -> bool:
        """Whether an attempt whose nonce is spent leaves room for a new one: it failed, or another took its nonce."""
        if attempt.settled_at is not None:
            return True
        self.outbox.attempt_lost(attempt.id, self.clock())
        since = self.clock() if attempt.lost_at is None else attempt.lost_at
        return self.clock() - since >= self.patience.lost

    def _send(self, attempt: Attempt) -> None:
        if self.client.broadcast(attempt.raw) == "taken" and attempt.sent_at is None:
            self.outbox.attempt_sent(attempt.id, self.clock())

    def _settle(self, attempt: Attempt, receipt: dict[str, Any]) -> None:
        seen = Settled(receipt["status"] == 1, receipt["gasUsed"], receipt.get("effectiveGasPrice") or attempt.max_fee)
        if attempt.settled_at is None or seen != Settled(
            bool(attempt.succeeded), attempt.gas_used or 0, attempt.gas_price or 0
        ):
            self.outbox.settle(attempt.id, seen, self.clock())
