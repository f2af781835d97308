"""The gas account: signs transactions through its signer and pays for them. It is not the log's authority."""

from __future__ import annotations

from anchors.client import EvmClient
from anchors.errors import FeesTooHigh
from anchors.hashing import keccak256
from anchors.outbox_rows import Attempt, NewAttempt
from anchors.signers.base import TransactionSigner
from anchors.signers.transaction import UnsignedTransaction, read_signed
from tallystick.lazy_dataclass import dataclass

BASE_GAS = 21_000
FLOOR_PER_TOKEN = 10
"""EIP-7623: a transaction pays at least 21,000 + 10 for each zero byte and 40 for each other byte of calldata."""

GWEI = 10**9


def floor_gas(data: bytes) -> int:
    """The least gas that EIP-7623 demands of a transaction with this calldata."""
    zeros = data.count(0)
    return BASE_GAS + FLOOR_PER_TOKEN * (zeros + 4 * (len(data) - zeros))


@dataclass(frozen=True)
class FeeLimits:
    """What the operator pays at most for each unit of gas, in wei: a node that lies about prices gets no more."""

    fee_cap: int = 500 * GWEI
    """maxFeePerGas."""
    tip_cap: int = 50 * GWEI
    """maxPriorityFeePerGas: this goes to whoever makes the block."""


class GasAccount:
    """One signer on one chain."""

    def __init__(
        self, client: EvmClient, signer: TransactionSigner, chain_id: int, limits: FeeLimits | None = None
    ) -> None:
        self._client = client
        self._signer = signer
        self._chain_id = chain_id
        self._limits = limits or FeeLimits()

    @property
    def address(self) -> bytes:
        """20 bytes."""
        return self._signer.address

    def next_nonce(self) -> int:
        """The nonce that the next mined transaction of this account will have."""
        return self._client.next_nonce(self.address)

    def estimate(self, gas: int) -> int:
        """Wei that a transaction with this gas limit costs at most now. Raises ``FeesTooHigh``."""
        return gas * self._fees()[0]

    def sign(self, to: bytes | None, data: bytes, gas: int) -> NewAttempt:
        """An EIP-1559 transaction with the next nonce; ``to`` None creates a contract.

        Raises ``FeesTooHigh`` when the chain asks more than the cap: wait, or raise the cap.
        """
        nonce = self.next_nonce()
        max_fee, tip = self._fees()
        limit = max(gas, floor_gas(data))
        return self._attempt(UnsignedTransaction(self._chain_id, nonce, tip, max_fee, limit, to or b"", data))

    def sign_dearer(self, attempt: Attempt) -> NewAttempt:
        """The same transaction with both fees raised by an eighth or to what the chain asks now, if that is more.

        Nodes replace a waiting transaction for no less. Raises ``FeesTooHigh`` when a cap forbids it.
        """
        unsigned, _ = read_signed(attempt.raw)
        fee, tip = (-(-9 * paid // 8) for paid in (unsigned.max_fee, unsigned.max_tip))
        asked_fee, asked_tip = self._fees()
        # A tip of zero grows by an eighth to zero, which replaces nothing.
        fee, tip = max(fee, asked_fee), max(tip, asked_tip, 1)
        if fee > self._limits.fee_cap or tip > self._limits.tip_cap:
            raise FeesTooHigh(
                f"transaction 0x{attempt.tx_hash.hex()} is stuck: to replace it takes {fee} wei for each gas, {tip} of "
                f"them as tip; the caps are {self._limits.fee_cap} and {self._limits.tip_cap}: wait, or raise the caps"
            )
        return self._attempt(unsigned.dearer(max(fee, tip), tip))

    def _fees(self) -> tuple[int, int]:
        """maxFeePerGas and maxPriorityFeePerGas for now."""
        base, tip = self._client.head().base_fee, min(self._client.tip(), self._limits.tip_cap)
        if base + tip > self._limits.fee_cap:
            raise FeesTooHigh(f"the chain asks {base + tip} wei for each gas, the cap is {self._limits.fee_cap}")
        # Twice the base fee outlasts six full blocks; what is not used is not paid.
        return min(2 * base + tip, self._limits.fee_cap), tip

    def _attempt(self, unsigned: UnsignedTransaction) -> NewAttempt:
        raw = self._signer.sign_transaction(unsigned)
        return NewAttempt(
            nonce=unsigned.nonce,
            max_fee=unsigned.max_fee,
            max_tip=unsigned.max_tip,
            gas=unsigned.gas,
            sender=self.address,
            raw=raw,
            tx_hash=keccak256(raw),
        )
