"""Gets one transaction mined through the outbox: signed and stored first, then sent, the same bytes again if need be.

A crash at any point leaves either nothing, or stored bytes that the next run
sends. The nonce makes sure that at most one of an anchor's transactions is mined.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anchors.account import GasAccount
from anchors.client import EvmClient
from anchors.errors import AnchorError
from anchors.outbox import Outbox
from anchors.outbox_rows import Attempt, NewAttempt
from anchors.ports import Clock

MAX_ATTEMPTS = 10
"""Transactions signed for one purpose before a person has to look."""


class GaveUp(AnchorError):
    """Every transaction signed for a purpose failed or lost its nonce."""


@dataclass(frozen=True)
class Sender:
    """Sends for one gas account."""

    outbox: Outbox
    client: EvmClient
    account: GasAccount
    clock: Clock

    def succeeded(self, target_id: int, anchor_id: int | None) -> dict[str, Any] | None:
        """Receipt of the transaction that succeeded, of all that were ever signed for this purpose, or None."""
        for attempt in reversed(self.outbox.attempts(target_id, anchor_id)):
            receipt = self.client.receipt(attempt.tx_hash)
            if receipt is not None and receipt["status"] == 1:
                return receipt
        return None

    def push(self, target_id: int, anchor_id: int | None, sign: Callable[[], NewAttempt]) -> None:
        """Send the stored transaction whose nonce is still free; when there is none, sign, store and send a new one.

        ``sign`` may raise to say that nothing is to be sent. Raises ``ChainUnreachable``, ``GaveUp``.
        """
        waiting = self._waiting(target_id, anchor_id)
        if waiting is None:
            waiting = self._store(target_id, anchor_id, sign)
        if self.client.broadcast(waiting.raw) == "taken":
            self.outbox.attempt_sent(waiting.id, self.clock())

    def _waiting(self, target_id: int, anchor_id: int | None) -> Attempt | None:
        attempts = self.outbox.attempts(target_id, anchor_id)
        if not attempts or attempts[-1].nonce < self.account.next_nonce():
            return None
        return attempts[-1]

    def _store(self, target_id: int, anchor_id: int | None, sign: Callable[[], NewAttempt]) -> Attempt:
        if len(self.outbox.attempts(target_id, anchor_id)) >= MAX_ATTEMPTS:
            raise GaveUp(f"gave up after {MAX_ATTEMPTS} transactions: look at their receipts on the chain")
        return self.outbox.add_attempt(target_id, anchor_id, sign(), self.clock())
