"""What nodes say, and what it means: answers to a broadcast, refusals, silence."""

from __future__ import annotations

from typing import Any

import pytest

from anchors.account import FeeLimits, GasAccount, floor_gas
from anchors.client import EvmClient
from anchors.errors import AnchorRefused, ChainUnreachable
from tallystick.evm.transaction import decode_transaction
from tests.anchors.support import GAS_KEY


class Node:
    """Answers from a table of results, and every other call with the same error."""

    def __init__(self, error: dict[str, Any] | Exception | None = None, **results: Any) -> None:
        self.error = error
        self.results = results

    def make_request(self, method: Any, params: Any) -> Any:
        if method in self.results:
            return {"jsonrpc": "2.0", "id": 1, "result": self.results[method]}
        if isinstance(self.error, Exception):
            raise self.error
        return {"jsonrpc": "2.0", "id": 1, "error": self.error}


def client(error: dict[str, Any] | Exception | None = None, **results: Any) -> EvmClient:
    return EvmClient(Node(error, **results))


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("already known", "taken"),  # geth, anvil
        ("AlreadyKnown", "taken"),  # nethermind
        ("Known transaction", "taken"),  # besu
        ("transaction already imported", "taken"),  # anvil
        ("nonce too low: next nonce 7, tx nonce 6", "nonce spent"),  # geth, anvil
        ("Nonce too low", "nonce spent"),  # besu
        ("OldNonce, Current nonce: 7, nonce of rejected tx: 6", "nonce spent"),  # nethermind
        ("replacement transaction underpriced", "wait"),  # geth, anvil
        ("Replacement transaction underpriced", "wait"),  # besu
    ],
)
def test_normal_answers_to_a_broadcast_are_no_errors(message: str, answer: str) -> None:
    assert client({"code": -32000, "message": message}).broadcast(b"\x02") == answer


@pytest.mark.parametrize(
    "error",
    [
        {"code": -32000, "message": "insufficient funds for gas * price + value"},
        {"code": -32601, "message": "the method does not exist"},
        {"code": -32603, "message": "internal error"},
        ConnectionRefusedError("nobody listens"),
        TimeoutError("no answer"),
    ],
)
def test_everything_else_means_try_again_later(error: Any) -> None:
    node = client(error)
    with pytest.raises(ChainUnreachable):
        node.broadcast(b"\x02")
    with pytest.raises(ChainUnreachable):
        node.chain_id()
    with pytest.raises(ChainUnreachable):
        node.receipt(b"\x11" * 32)


def test_a_programming_error_is_not_taken_for_a_chain_out_of_reach() -> None:
    with pytest.raises(ZeroDivisionError):
        client(ZeroDivisionError()).chain_id()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            {
                "code": 3,
                "message": "execution reverted: size must grow",
                "data": "0x08c379a0" + f"{32:064x}{14:064x}" + b"size must grow".hex().ljust(64, "0"),
            },
            "size must grow",
        ),
        ({"code": 3, "message": "execution reverted", "data": "0x"}, "execution reverted"),
        ({"code": 3, "message": "execution reverted", "data": "0x12345678"}, "0x12345678"),
    ],
)
def test_a_revert_is_a_refusal_with_the_contracts_own_word(error: dict[str, Any], reason: str) -> None:
    with pytest.raises(AnchorRefused) as caught:
        client(error, eth_chainId="0x1").call(b"\x11" * 20, b"", b"\x22" * 20)
    assert caught.value.reason == reason
    assert caught.value.tx_hash is None


def test_a_reason_that_claims_to_be_longer_than_its_data_is_not_read() -> None:
    error = {"code": 3, "message": "execution reverted", "data": "0x08c379a0" + f"{32:064x}{500:064x}" + "00" * 32}
    with pytest.raises(AnchorRefused, match="0x08c379a0"):
        client(error, eth_chainId="0x1").call(b"\x11" * 20, b"", b"\x22" * 20)


BLOCK = {
    "number": "0x5",
    "hash": "0x" + "11" * 32,
    "baseFeePerGas": hex(100),
    "timestamp": "0x9",
    "transactions": [],
}


def account(fee_cap: int) -> GasAccount:
    results = {
        "eth_chainId": hex(1),
        "eth_getTransactionCount": hex(9),
        "eth_getBlockByNumber": BLOCK,
        "eth_maxPriorityFeePerGas": hex(10),
    }
    return GasAccount(client(None, **results), GAS_KEY, chain_id=1, limits=FeeLimits(fee_cap=fee_cap))


def test_a_transaction_pays_up_to_twice_the_base_fee_and_never_above_the_cap() -> None:
    assert [account(cap).sign(b"\x11" * 20, b"", 21_000).max_fee for cap in (1000, 210, 150, 110)] == [
        210,
        210,
        150,
        110,
    ]
    with pytest.raises(ChainUnreachable, match="the cap is 109"):
        account(109).sign(b"\x11" * 20, b"", 21_000)


def test_a_signed_transaction_is_for_its_chain_and_receiver_and_has_the_hash_it_says() -> None:
    signed = account(1000).sign(b"\x11" * 20, b"\x01", 50_000)
    read = decode_transaction(signed.raw)
    assert (read.chain_id, read.to, read.hash, signed.nonce) == (1, b"\x11" * 20, signed.tx_hash, 9)
    assert decode_transaction(account(1000).sign(None, b"\x01", 50_000).raw).to == b""


@pytest.mark.parametrize(
    ("data", "gas"), [(b"", 21_000), (b"\x00", 21_010), (b"\x01", 21_040), (b"\x01\x00" * 500, 46_000)]
)
def test_the_floor_of_eip_7623(data: bytes, gas: int) -> None:
    assert floor_gas(data) == gas
