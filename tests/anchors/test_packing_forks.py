"""The packer against a real node (anvil) under every fork that it knows from London on, in blocks of mixed types.

What it packs, the core verifies with no node. What the node does not show, or shows otherwise than the chain hashes
it, is never packed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account

from anchors import wire
from anchors.client import EvmClient, Head
from anchors.errors import BadAnswer, ChainUnreachable, NodeRefused
from anchors.node import HttpNode
from anchors.outbox_rows import Anchor, Target, TargetSpec
from anchors.packer import Packer, StateRefused, trie_proof
from anchors.registry import LogIdentity, Registry
from anchors.wire import PackingFailed
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.evm import anchor as verifier
from tallystick.evm.chains import NamedBlock, TrustedChain
from tallystick.evm.header import decode_header
from tallystick.evm.proof import decode
from tests.anchors.support import ARTEFACT, ORIGIN, MemoryLog, authority_address
from tests.anvil import KEYS, Anvil

CHAIN_ID = 31337
STRANGER = "0x" + "42" * 20
# Kinds of transactions that each fork brought along; a header has so many fields.
FORKS = {
    "london": ((0, 1, 2), 16),
    "paris": ((0, 1, 2), 16),
    "shanghai": ((0, 1, 2), 17),
    "cancun": ((0, 1, 2), 20),
    "prague": ((0, 1, 2, 4), 21),
    "osaka": ((0, 1, 2, 4), 21),
}


class Chain:
    """A node under one fork: the registry is in block 1, and one anchor of each kind in a block among strangers."""

    def __init__(self, node: Anvil, kinds: tuple[int, ...]) -> None:
        self.client = EvmClient(HttpNode(node.url, 30))
        self.account = Account.from_key(KEYS[0])
        self._nonce, self.log = 0, MemoryLog()
        self.send(0, "", ARTEFACT.bytecode)
        contract = bytes.fromhex(self.receipt_of_last()["contractAddress"][2:])
        log = LogIdentity(ORIGIN, authority_address())
        self.registry = Registry(self.client, ARTEFACT, contract, log)
        spec = TargetSpec(
            "other",
            CHAIN_ID,
            self.client.genesis_hash(),
            ORIGIN,
            log.authority,
            log.log_id,
            None,
            "chain",
            ARTEFACT.code_hash,
        )
        self.target = Target(1, spec, "named", contract, 2, 0, 0, 0)
        self.packer = Packer(self.client, None)
        self.anchors = {kind: self.anchored(kind, kinds) for kind in kinds}

    def send(self, kind: int, to: str, data: bytes = b"") -> bytes:
        fields: dict[str, Any] = {"nonce": self._nonce, "gas": 3_000_000, "value": 0, "chainId": CHAIN_ID}
        fields |= {"to": bytes.fromhex(to.removeprefix("0x")), "data": data}
        if kind > 0:
            fields |= {"type": kind, "accessList": [{"address": STRANGER, "storageKeys": ["0x" + "00" * 31 + "07"]}]}
        price = {"gasPrice": 10**10} if kind < 2 else {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9}
        if kind == 4:
            authorization = {"chainId": CHAIN_ID, "address": STRANGER, "nonce": 0}
            fields["authorizationList"] = [Account.sign_authorization(authorization, KEYS[1])]
        if kind == 3:
            price |= {"maxFeePerBlobGas": 10**9}
        signed = Account.sign_transaction(fields | price, KEYS[0], **({"blobs": [bytes(131072)]} if kind == 3 else {}))
        self._nonce += 1
        self._last = bytes.fromhex(self.client.ask("eth_sendRawTransaction", "0x" + signed.raw_transaction.hex())[2:])
        return self._last

    def receipt_of_last(self) -> dict[str, Any]:
        self.client.ask("evm_mine")
        found = self.client.receipt(self._last)
        assert found is not None
        assert found["status"] == 1
        return found

    def anchored(self, kind: int, noise: tuple[int, ...]) -> Anchor:
        """The log grows, and its anchor is mined after one transaction of each kind and before another."""
        old = self.log.checkpoint() if self.log.leaves else None
        self.log.grow(5)
        new = self.log.latest()
        assert new is not None
        proof = [] if old is None else self.log.consistency(old.size, new.checkpoint.size)
        data = self.registry.relay_data(old, new.checkpoint, proof, new.authority_signature)
        for other in noise:
            self.send(other, STRANGER)
        sent = self.send(kind, "0x" + self.registry.contract.hex(), data)
        self.send(0, STRANGER, b"after")
        self.receipt_of_last()
        receipt = self.client.receipt(sent)
        assert receipt is not None
        assert receipt["status"] == 1
        return Anchor(
            id=kind,
            target_id=1,
            size=new.checkpoint.size,
            root=new.checkpoint.root,
            note=new.note,
            signature=new.authority_signature,
            reason="test",
            state="mined",
            prepared_at=0,
            sent_at=0,
            mined_at=0,
            final_at=None,
            dropped_at=None,
            tx_hash=sent,
            block_hash=receipt["blockHash"],
            block_number=receipt["blockNumber"],
            block_time=0,
            proof=None,
            error=None,
        )

    def pack(self, kind: int) -> bytes:
        return self.packer.pack(self.target, self.registry, self.anchors[kind])


@pytest.fixture(scope="module", params=FORKS)
def fork(request: pytest.FixtureRequest) -> Iterator[tuple[str, Chain]]:
    arguments = ("--hardfork", request.param, "--chain-id", str(CHAIN_ID), "--no-mining", "--timestamp", "1750000000")
    with Anvil(*arguments) as node:
        yield request.param, Chain(node, FORKS[request.param][0])


@pytest.fixture(scope="module")
def osaka() -> Iterator[Chain]:
    with Anvil("--hardfork", "osaka", "--chain-id", str(CHAIN_ID), "--no-mining") as node:
        yield Chain(node, (2,))


def test_anchors_of_every_kind_under_every_fork_verify_with_no_node(fork: tuple[str, Chain]) -> None:
    name, chain = fork
    for kind, anchor in chain.anchors.items():
        draft = chain.pack(kind)
        head = Head(number=99, hash=b"\xab" * 32, time=0, base_fee=1)
        for data, finality in (
            (draft, "mined"),
            (chain.packer.finish(draft, "finalized", head), "finalized"),
            (chain.packer.finish(draft, "depth", head), "depth"),
            (chain.packer.finish(draft, "immediate", head), "immediate"),
        ):
            proof = decode(data)
            fact = verifier.verify(proof, chain.target.announcement)
            assert (fact.size, fact.root, fact.block_hash) == (anchor.size, anchor.root, anchor.block_hash)
            assert (fact.vouched_by, fact.finality) == ("nobody", finality)
        assert anchor.block_hash is not None
        named = NamedBlock(fact.block_number, anchor.block_hash.hex())
        target = chain.target.announcement
        believed = TrustedChain(CHAIN_ID, target.genesis, "named-blocks", (named,))
        assert verifier.verify(proof, target, (believed,)).vouched_by == "named-block"
        block = chain.client.block(anchor.block_hash)
        assert block is not None
        assert len(wire.rlp.as_list(wire.rlp.decode(wire.header_rlp(block)), "header")) == FORKS[name][1]
        assert decode_header(wire.header_rlp(block)).hash == anchor.block_hash
        assert [transaction["type"] for transaction in block["transactions"]][:-2] == list(FORKS[name][0])


def test_a_node_without_eth_getblockreceipts_is_asked_one_by_one(osaka: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = osaka.pack(2)
    ask, asked = osaka.client.ask, []

    def poor(method: str, *parameters: Any) -> Any:
        asked.append(method)
        if method == "eth_getBlockReceipts":
            raise NodeRefused("the method eth_getBlockReceipts does not exist", -32601)
        return ask(method, *parameters)

    monkeypatch.setattr(osaka.client, "ask", poor)
    assert osaka.pack(2) == whole
    assert asked.count("eth_getTransactionReceipt") == 3


def test_a_node_that_pruned_the_state_says_what_to_do(osaka: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = osaka.client.ask

    def pruned(method: str, *parameters: Any) -> Any:
        if method == "eth_getProof":
            raise NodeRefused("distance to target block exceeds maximum proof window", -32000)
        return ask(method, *parameters)

    monkeypatch.setattr(osaka.client, "ask", pruned)
    with pytest.raises(StateRefused, match=r"maximum proof window.*archive node"):
        osaka.pack(2)


@pytest.mark.parametrize(
    "lie", ["header", "new header field", "transaction", "receipt", "log", "bloom", "state", "slot"]
)
def test_a_node_that_lies_gets_no_proof(osaka: Chain, monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    ask = osaka.client.ask

    def lying(method: str, *parameters: Any) -> Any:
        told = json.loads(json.dumps(ask(method, *parameters)))
        _lie(told, method, lie)
        return told

    monkeypatch.setattr(osaka.client, "ask", lying)
    with pytest.raises((PackingFailed, VerificationFailed, MalformedInput, ChainUnreachable)) as caught:
        osaka.pack(2)
    if lie == "new header field":
        assert "blockAccessListHash" in str(caught.value)


def _lie(told: Any, method: str, lie: str) -> None:
    if method == "eth_getBlockByHash" and told:
        if lie == "header":
            told["gasUsed"] = "0x1"
        elif lie == "new header field":
            # As a fork to come would: a field more is hashed, so that what we know of has another hash.
            told |= {"stateRoot": "0x" + "11" * 32, "blockAccessListHash": "0x" + "22" * 32}
        elif lie == "transaction":
            told["transactions"][0]["value"] = "0x1"
    elif method == "eth_getBlockReceipts":
        if lie == "receipt":
            told[0]["cumulativeGasUsed"] = "0x1"
        elif lie == "bloom":
            told[1]["logsBloom"] = "0x" + "00" * 256
        elif lie == "log":
            told[1]["logs"][0]["topics"][0] = "0x" + "00" * 32
    elif method == "eth_getProof":
        if lie == "state":
            told["accountProof"] = told["accountProof"][:-1]
        elif lie == "slot":
            told["storageProof"][0]["proof"] = []


def test_a_transaction_of_a_second_layer_is_refused_by_name(osaka: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = osaka.client.ask

    def layered(method: str, *parameters: Any) -> Any:
        told = ask(method, *parameters)
        if method == "eth_getBlockByHash":
            told["transactions"][0]["type"] = "0x7e"
        return told

    monkeypatch.setattr(osaka.client, "ask", layered)
    with pytest.raises(PackingFailed, match=r"type 126 \(0x7e\), which was never tested"):
        osaka.pack(2)


def test_blobs_are_encoded_as_the_specification_says_and_a_node_that_does_not_is_found_out() -> None:
    """Anvil 1.7.1 hashes blobs into the block with their transaction (foundry issue 15132), which no chain does."""
    with Anvil("--hardfork", "osaka", "--chain-id", str(CHAIN_ID), "--no-mining") as node:
        chain = Chain(node, (2,))
        sent = chain.send(3, STRANGER)
        receipt = chain.receipt_of_last()
        block = chain.client.block(receipt["blockHash"])
        assert block is not None
        (blobs,) = block["transactions"]
        raw = wire.transaction_bytes(blobs)
        assert (raw[0], wire.keccak256(raw)) == (3, sent)
        with pytest.raises(PackingFailed, match="lacks 'maxFeePerBlobGas'"):
            wire.transaction_bytes({name: value for name, value in blobs.items() if name != "maxFeePerBlobGas"})
        with pytest.raises(PackingFailed, match="the trie of 1 values has root"):
            trie_proof([raw], 0, bytes(block["transactionsRoot"]))


def test_an_answer_of_another_form_is_no_answer(osaka: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(osaka.client, "ask", lambda method, *parameters: {"hash": 7})
    with pytest.raises(BadAnswer):
        osaka.pack(2)
