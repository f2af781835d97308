"""What can go wrong between a log and its chains. Each message names the next step."""

from __future__ import annotations

from tallystick.errors import TallystickError


class AnchorError(TallystickError):
    """Base of every error that this package raises on purpose."""


class ChainLocked(AnchorError):
    """Another process owns the embedded chain's database."""


class ChainMismatch(AnchorError):
    """The chain found is not the chain that was expected: another log, another genesis, another contract."""


class TransactionRefused(AnchorError):
    """The embedded chain does not accept a transaction; nothing was written.

    ``code`` is a short constant text in the wording that go-ethereum uses, for
    clients that look for it: "already known", "nonce too low", "nonce too high", ...
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class CallReverted(AnchorError):
    """A call or an estimate ended in REVERT or another EVM error; ``data`` is what the contract returned."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


class AnchorRefused(AnchorError):
    """The contract refuses the anchor; ``reason`` is the contract's own word for it.

    ``tx_hash``: the transaction that was mined and failed, or None when the call was only simulated.
    """

    def __init__(self, reason: str, tx_hash: bytes | None = None) -> None:
        super().__init__(f"the contract refuses this anchor: {reason}")
        self.reason = reason
        self.tx_hash = tx_hash


class ChainUnreachable(AnchorError):
    """The chain did not answer, or answered with an error that says nothing about the transaction. Try again later."""


class BadAnswer(ChainUnreachable):
    """The node's answer is not of the form that was asked for. Another one may come."""


class NodeRefused(ChainUnreachable):
    """The node answered with a JSON-RPC error. ``code``: its number, ``data``: what a contract returned."""

    def __init__(self, message: str, code: int = 0, data: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.data = data


class SignerFailed(AnchorError):
    """The signer refused, or returned something else than the transaction signed by the right key. Nothing is sent."""


class FeesTooHigh(ChainUnreachable):
    """The chain asks more than the operator lets us pay."""


class SlotMoved(ChainUnreachable):
    """The contract took another anchor of this log while ours was made."""


class OutboxConflict(AnchorError):
    """A state change that the outbox does not allow; the row is unchanged."""


class NoContract(AnchorError):
    """Nobody deployed a contract on that chain yet; it costs money, so a person says so."""


class TurnTaken(AnchorError):
    """Another process works on this chain at this moment."""


class TransactionPending(AnchorError):
    """A transaction was sent and is not mined yet. Nothing is wrong; look again later."""
