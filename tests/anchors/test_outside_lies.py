"""A node that lies, hangs or drips: nothing is final that the core has not verified, and nothing waits for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from anchors.keystore import ChainKey
from anchors.signers.transaction import read_signed
from tests.anchors.liar import Liar, lying
from tests.anchors.other_chain import GWEI, Outside, check, deployed
from tests.anvil import KEYS, Anvil


@pytest.fixture
def liar(node: Anvil) -> Iterator[Liar]:
    with lying(node.url) as started:
        yield started


@pytest.fixture
def outside(tmp_path: Path, node: Anvil, liar: Liar) -> Iterator[Outside]:
    """Five entries anchored through an honest proxy, three more logged."""
    started = Outside.start(tmp_path / "outside", liar.url, seconds=2)
    deployed(started, node)
    started.until_final()
    started.log.grow(3)
    yield started
    started.stop()


def changed(result: Any, *path: str | int, to: Any) -> Any:
    """A copy of the honest result with one member changed; None stays None."""
    if result is None:
        return None
    copy = deepcopy(result)
    held = copy
    for name in path[:-1]:
        held = held[name]
    held[path[-1]] = to(held[path[-1]]) if callable(to) else to
    return copy


def flipped(text: str) -> str:
    """The same length of hex, with the last digit another one."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def lie(*path: str | int, to: Any = flipped) -> Callable[[list[Any], Any], Any]:
    return lambda _, result: changed(result, *path, to=to)


LIES: dict[str, tuple[dict[str, Any], str]] = {
    "a header field that does not hash to the block's name": (
        {"eth_getBlockByHash": lie("stateRoot")},
        "encodes to hash",
    ),
    "a block time later than it was": ({"eth_getBlockByHash": lie("timestamp")}, "encodes to hash"),
    "another block than was asked for": ({"eth_getBlockByHash": lie("hash")}, "was asked for, block"),
    "a block without the transaction": ({"eth_getBlockByHash": lie("transactions", to=[])}, "shows that block without"),
    "a transaction with another receiver": (
        {"eth_getBlockByHash": lie("transactions", 0, "to")},
        "encodes to hash",
    ),
    "a receipt with more gas used": (
        {
            "eth_getBlockReceipts": lie(0, "cumulativeGasUsed"),
            "eth_getTransactionReceipt": lie("cumulativeGasUsed"),
        },
        "the trie of 1 values has root",
    ),
    "a receipt with another event": (
        {
            "eth_getBlockReceipts": lie(0, "logs", 0, "data"),
            "eth_getTransactionReceipt": lie("logs", 0, "data"),
        },
        "the trie of 1 values has root",
    ),
    "a receipt of another transaction": (
        {"eth_getTransactionReceipt": lie("transactionHash"), "eth_getBlockReceipts": lie(0, "transactionHash")},
        "another one came",
    ),
    "a state proof with another node": ({"eth_getProof": lie("storageProof", 0, "proof", 0)}, "step"),
    "an account proof with another node": ({"eth_getProof": lie("accountProof", 0)}, "step"),
    "no state proof at all": ({"eth_getProof": lie("accountProof", to=[])}, "account"),
    "a number that is none": ({"eth_getTransactionCount": lambda *_: "many"}, "is no number"),
    "a slot that is none": ({"eth_getStorageAt": lambda *_: {"held": 1}}, "is no number"),
    "a receipt that is a list": ({"eth_getTransactionReceipt": lambda *_: [1, 2]}, "no JSON object"),
    "a block that is a word": ({"eth_getBlockByHash": lambda *_: "yes"}, "no JSON object"),
    "a block that is half there": ({"eth_getBlockByHash": lambda *_: {"hash": "0x" + "11" * 32}}, "lacks"),
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_ends_in_no_final_anchor_and_the_truth_does(outside: Outside, node: Anvil, liar: Liar, name: str) -> None:
    liar.lies, said = LIES[name]
    for _ in range(3):
        outside.until_said(said)
        assert outside.anchor.state != "final"
        assert outside.anchor.proof is None
    assert said in (outside.target.trouble or "")
    liar.lies = {}
    outside.until_final(node)
    assert outside.target.trouble is None
    check(outside, [5, 8])
    nonces = {one.nonce for one in outside.outbox.attempts(outside.target.id, outside.anchor.id)}
    assert len(nonces) == 1


def test_another_chain_id_mid_way_stops_anchoring_there_before_anything_is_signed(
    outside: Outside, node: Anvil, liar: Liar
) -> None:
    liar.lies = {"eth_chainId": lambda *_: "0x1"}
    said = str(outside.step())
    assert "is on chain 31337" in said
    assert "the chain that answers is 1 " in said
    assert outside.target.stopped
    assert len(outside.outbox.anchors()) == 1
    liar.lies = {}
    outside.until_final()
    assert not outside.target.stopped
    check(outside, [5, 8])


def test_what_is_signed_while_a_node_lies_is_good_for_the_configured_chain_alone(
    outside: Outside, node: Anvil, liar: Liar
) -> None:
    honest = iter([True, False, False])
    # Honest when the chain is looked at, another chain when it comes to sending.
    liar.lies = {"eth_chainId": lambda _, result: result if next(honest, False) else "0x1"}
    outside.step()
    (attempt,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    assert read_signed(attempt.raw)[0].chain_id == 31_337


def test_invented_prices_end_at_the_caps(outside: Outside, node: Anvil, liar: Liar) -> None:
    liar.lies = {"eth_maxPriorityFeePerGas": lambda *_: hex(10**15)}
    outside.until_final(node)
    (attempt,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    assert attempt.max_tip == 50 * GWEI
    outside.log.grow(1)
    liar.lies = {"eth_getBlockByNumber": lie("baseFeePerGas", to=hex(10**15))}
    assert "the cap is 500000000000" in str(outside.step())
    assert outside.outbox.attempts(outside.target.id, outside.anchor.id) == []


def test_a_node_that_hides_our_transaction_makes_us_spend_a_bounded_number_of_nonces(
    outside: Outside, node: Anvil, liar: Liar
) -> None:
    """It hides receipts and events, and shows the old slot: the contract takes the size once all the same."""
    slot = "0x" + outside.registry.slot().hex()
    liar.lies = {
        "eth_getTransactionReceipt": lambda *_: None,
        "eth_getLogs": lambda *_: [],
        "eth_getStorageAt": lambda *_: slot,
        "eth_call": lambda *_: "0x",
    }
    for _ in range(40):
        outside.clock.now += 20
        outside.step()
    liar.lies = {}
    assert outside.anchored() == [5, 8]
    assert len({one.nonce for one in outside.outbox.attempts(outside.target.id, outside.anchor.id)}) <= 10


def test_a_final_block_that_the_node_took_back_stops_anchoring(outside: Outside, node: Anvil, liar: Liar) -> None:
    number = hex(outside.anchor.block_number or 0)
    liar.lies = {
        "eth_getBlockByNumber": lambda params, result: (
            changed(result, "hash", to=flipped) if params[0] == number else result
        )
    }
    assert "which holds the final anchor of size 5" in str(outside.step())
    assert outside.target.stopped


# --- slow, silent, broken -------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["silent", "drip"])
def test_a_node_that_hangs_or_drips_is_given_up(outside: Outside, node: Anvil, liar: Liar, fault: str) -> None:
    if fault == "silent":
        liar.silent = True
    else:
        # A byte arrives often enough for any limit of a single read.
        liar.drip = 0.5
    began = time.monotonic()
    assert "did not answer in 2 seconds" in str(outside.step())
    # Two seconds; the rest is for a busy machine, and far from the thirty that the answer would take.
    assert time.monotonic() - began < 20
    assert "did not answer" in (outside.target.trouble or "")
    liar.silent, liar.drip = False, None
    outside.until_final()
    check(outside, [5, 8])


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"jsonrpc":"2.0","id":-1,"result":"0x1"}',
        b'{"jsonrpc":"2.0","result":"0x1"}',
        b'{"jsonrpc":"2.0","id":1}',
        b"[" * 100_000,
        b'{"jsonrpc":"2.0","id":1,"error":"no"}',
        b"\xff\xfe",
    ],
    ids=["nothing", "a page", "a list", "null", "another id", "no id", "neither", "nested", "text as error", "bytes"],
)
def test_what_is_no_json_rpc_is_no_answer(outside: Outside, liar: Liar, answer: bytes) -> None:
    liar.answer = answer
    assert isinstance(outside.step(), str)
    assert outside.target.trouble
    liar.answer = None
    outside.until_final()
    check(outside, [5, 8])


def test_a_refused_request_is_no_answer_and_no_message_shows_the_address(outside: Outside, liar: Liar) -> None:
    liar.status = 401
    said = str(outside.step())
    assert "HTTP status 401" in said
    assert "/" not in said.split("127.0.0.1")[1].split(" ")[0]


def test_a_node_that_refuses_every_transaction_is_said(outside: Outside, liar: Liar, node: Anvil) -> None:
    account = ChainKey.from_secret(KEYS[0]).address
    node.set_balance(account, 1)
    assert "nsufficient funds" in str(outside.step())
    assert outside.anchor.state == "prepared"
    (attempt,) = outside.outbox.attempts(outside.target.id, outside.anchor.id)
    assert attempt.sent_at is None
    node.set_balance(account, 10**18)
    outside.until_final()
    check(outside, [5, 8])
