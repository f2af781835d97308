"""The gas account: signs transactions and pays for them. It is not the log's authority."""

from __future__ import annotations

from anchors.client import EvmClient, checksum
from anchors.errors import ChainUnreachable
from anchors.keystore import ChainKey
from anchors.outbox_rows import NewAttempt
from tallystick.evm.keccak import keccak256

BASE_GAS = 21_000
FLOOR_PER_TOKEN = 10
"""EIP-7623: a transaction pays at least 21,000 + 10 for each zero byte and 40 for each other byte of calldata."""


def floor_gas(data: bytes) -> int:
    """The least gas that EIP-7623 demands of a transaction with this calldata."""
    zeros = data.count(0)
    return BASE_GAS + FLOOR_PER_TOKEN * (zeros + 4 * (len(data) - zeros))


class GasAccount:
    """One key on one chain. ``fee_cap``: the most wei for each unit of gas that the operator pays."""

    def __init__(self, client: EvmClient, key: ChainKey, chain_id: int, fee_cap: int = 500 * 10**9) -> None:
        self._client = client
        self._key = key
        self._chain_id = chain_id
        self._fee_cap = fee_cap

    @property
    def address(self) -> bytes:
        """20 bytes."""
        return self._key.address

    def next_nonce(self) -> int:
        """The nonce that the next mined transaction of this account will have."""
        return self._client.next_nonce(self.address)

    def sign(self, to: bytes | None, data: bytes, gas: int) -> NewAttempt:
        """An EIP-1559 transaction with the next nonce; ``to`` None creates a contract.

        Raises ``ChainUnreachable`` when the chain's base fee is above the cap: wait, or raise the cap.
        """
        nonce, base, tip = self.next_nonce(), self._client.base_fee(), self._client.tip()
        if base + tip > self._fee_cap:
            raise ChainUnreachable(f"the chain asks {base + tip} wei for each gas, the cap is {self._fee_cap}")
        # Twice the base fee outlasts six full blocks; what is not used is not paid.
        max_fee = min(2 * base + tip, self._fee_cap)
        fields = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": nonce,
            "to": b"" if to is None else checksum(to),
            "value": 0,
            "gas": max(gas, floor_gas(data)),
            "maxFeePerGas": max_fee,
            "maxPriorityFeePerGas": tip,
            "data": data,
        }
        raw = self._key.sign_transaction(fields)
        gas_limit = int(fields["gas"])
        return NewAttempt(nonce, max_fee, tip, gas_limit, self.address, raw, keccak256(raw))
