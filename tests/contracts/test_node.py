"""The same contracts on a real node: what py-evm accepts and refuses, anvil accepts and refuses, for the same gas."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import eth_abi
import pytest

from tallystick import merkle
from tallystick.evm import conviction, registry
from tallystick.evm.keccak import keccak256
from tests.anvil import Anvil, RpcError
from tests.contracts.chain import ARTEFACT, COURT, V1, calldata
from tests.contracts.test_differential import LARGE, SMALL, Claim, core_accepts, honest, mutations, sizes
from tests.contracts.test_gas import FORK, SENDER, SUCCESSOR, TREE, CourtMeter, Meter, measure
from tests.contracts.trees import RealTree, wire

NEAR = 30
"""Gas by which a real node may differ from py-evm."""
FORKS = ("london", "prague")
ORIGIN = b"\x07" * 32
KNOWN = registry.KNOWN_REGISTRIES[ARTEFACT["code_hash"][2:]]
KNOWN_COURT = conviction.KNOWN_COURTS[COURT["code_hash"][2:]]


class Node:
    """An anvil that sends for the account whose key signs in the gas table."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil = anvil
        self.sender = SENDER
        anvil.rpc("anvil_impersonateAccount", "0x" + SENDER.hex())
        anvil.set_balance(SENDER, 10**24)

    def transact(self, to: bytes, data: bytes) -> dict[str, Any]:
        """The receipt. The gas is given, so that the node sends what fails as well."""
        call = {"from": "0x" + self.sender.hex(), "data": "0x" + data.hex(), "gas": hex(5_000_000)}
        sent = self.anvil.rpc("eth_sendTransaction", call | ({"to": "0x" + to.hex()} if to else {}))
        return self.anvil.receipt(sent)

    def deploy(self, artefact: dict[str, Any]) -> tuple[bytes, int]:
        """Address of the contract, and the gas that it took."""
        receipt = self.transact(b"", bytes.fromhex(artefact["bytecode"][2:]))
        assert receipt["status"] == "0x1"
        contract = bytes.fromhex(receipt["contractAddress"][2:])
        code = self.anvil.rpc("eth_getCode", receipt["contractAddress"], "latest")
        assert keccak256(bytes.fromhex(code[2:])).hex() == artefact["code_hash"][2:]
        return contract, int(receipt["gasUsed"], 16)

    def call(self, sender: bytes, to: bytes, data: bytes) -> str:
        """The revert reason of a call that changes nothing; empty when it succeeds."""
        request = {"from": "0x" + sender.hex(), "to": "0x" + to.hex(), "data": "0x" + data.hex()}
        try:
            self.anvil.rpc("eth_call", request, "latest")
        except RpcError as error:
            said = bytes.fromhex(str(error.data)[2:])
            return str(eth_abi.decode(["string"], said[4:])[0]) if said else "no reason"
        return ""

    def storage(self, contract: bytes, position: bytes) -> bytes:
        found = self.anvil.rpc("eth_getStorageAt", "0x" + contract.hex(), "0x" + position.hex(), "latest")
        return bytes.fromhex(found[2:])


@pytest.fixture(scope="module", params=FORKS)
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    with Anvil("--hardfork", request.param) as anvil:
        yield Node(anvil)


@pytest.fixture
def fork(node: Node, request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["node"])


class NodeMeter(Meter):
    """The operations of the gas table, sent to the node."""

    def __init__(self, node: Node, contract: bytes) -> None:
        self.node, self.contract = node, contract

    def send(self, name: str, *arguments: Any, artefact: dict[str, Any] = ARTEFACT) -> int:
        receipt = self.node.transact(self.contract, calldata(name, *arguments, artefact=artefact))
        assert receipt["status"] == "0x1"
        return int(receipt["gasUsed"], 16)


class NodeCourtMeter(NodeMeter, CourtMeter):
    """The same in a court."""


def test_gas_is_that_of_py_evm(node: Node, fork: str) -> None:
    expected = measure(fork)
    contract, deployed = node.deploy(ARTEFACT)
    court, opened = node.deploy(COURT)
    meter, judge = NodeMeter(node, contract), NodeCourtMeter(node, court)
    one, two, three = (bytes([i]) * 32 for i in (1, 2, 3))
    meter.begin(three, 999_424)
    found = {
        "deploy": deployed,
        "begin (first anchor)": meter.begin(one, 1_000_000),
        "anchor, 14 nodes (1,000,000 to 1,010,000)": meter.anchor(one, 1_000_000, 1_010_000),
        "relay, first": meter.relay(two, 0, 1_000_000),
        "relay, 14 nodes (1,000,000 to 1,010,000)": meter.relay(two, 1_000_000, 1_010_000),
        "anchor, aligned, 6 nodes (999,424 to 1,009,664)": meter.anchor(three, 999_424, 1_009_664),
        "rotate": meter.rotate(one, 1_010_000),
        "deploy the court": opened,
        "convict, two roots": judge.roots(one),
        "convict, history of 14 nodes": judge.history(two),
        "convict, two leaves, 20 nodes each": judge.leaves(three),
        "convict again": judge.roots(one),
    }
    assert {name: gas for name, gas in found.items() if abs(gas - expected[name]) > NEAR} == {}


def test_the_node_and_the_core_agree_on_every_proof(node: Node) -> None:
    """Calls with the old checkpoint put into the slot; that a refused transaction moves nothing is looked at below."""
    contract, _ = node.deploy(ARTEFACT)
    log_id = registry.log_id(SENDER, ORIGIN)
    position = registry.storage_key(KNOWN, log_id)
    chance = random.Random(7)
    claims = [honest(SMALL, *sorted(chance.sample(range(1, 300), 2))) for _ in range(8)]
    claims += [honest(LARGE, *sizes(chance, 63)) for _ in range(4)]
    answers = []
    for claim in claims:
        mutated = list(mutations(claim, chance))
        for one in (claim, *chance.sample(mutated, min(24, len(mutated)))):
            if one.old_size == 0:
                continue
            node.anvil.set_storage(contract, position, registry.commitment(one.old_size, one.old_root, SENDER))
            proof = wire(one.old_size, one.old_root, one.proof)
            data = calldata("anchor", log_id, one.old_size, one.new_size, one.new_root, proof)
            reason = node.call(SENDER, contract, data)
            assert (reason == "") is core_accepts(one), (one, reason)
            answers.append(reason)
    assert answers.count("") >= 12
    assert len(set(answers)) >= 4
    assert "no reason" not in answers


def test_a_refused_transaction_moves_nothing(node: Node) -> None:
    contract, _ = node.deploy(ARTEFACT)
    log_id = registry.log_id(SENDER, ORIGIN)
    first, fork = honest(SMALL, 40, 60), honest(RealTree(60, seed=b"another history"), 40, 60)
    assert node.transact(contract, calldata("begin", ORIGIN, 40, first.old_root))["status"] == "0x1"
    held = node.storage(contract, registry.storage_key(KNOWN, log_id))
    assert held == registry.commitment(40, first.old_root, SENDER)
    for claim in (fork, Claim(40, first.old_root, 60, fork.new_root, first.proof)):
        data = calldata("anchor", log_id, 40, 60, claim.new_root, wire(40, claim.old_root, claim.proof))
        assert node.transact(contract, data)["status"] == "0x0"
        assert node.storage(contract, registry.storage_key(KNOWN, log_id)) == held
    data = calldata("anchor", log_id, 40, 60, first.new_root, wire(40, first.old_root, first.proof))
    receipt = node.transact(contract, data)
    assert receipt["status"] == "0x1"
    (event,) = receipt["logs"]
    assert bytes.fromhex(event["topics"][0][2:]) == registry.ANCHORED_TOPIC
    assert bytes.fromhex(event["data"][2:]) == registry.event_data(60, first.new_root, SENDER)


def test_registry_1_still_works_there(node: Node) -> None:
    contract, _ = node.deploy(V1)
    claim = honest(SMALL, 40, 60)
    for old, new, root, proof in (
        (0, 40, claim.old_root, []),
        (40, 60, claim.new_root, wire(40, claim.old_root, claim.proof)),
    ):
        data = calldata("anchor", ORIGIN, old, new, root, proof, artefact=V1)
        assert node.transact(contract, data)["status"] == "0x1"
    held = node.storage(contract, registry.storage_key(KNOWN, registry.log_id(SENDER, ORIGIN)))
    assert held == registry.commitment(60, claim.new_root, SENDER)


def test_a_rotation_and_a_conviction_leave_what_the_core_expects(node: Node) -> None:
    contract, _ = node.deploy(ARTEFACT)
    court, _ = node.deploy(COURT)
    meter, judge = NodeMeter(node, contract), NodeCourtMeter(node, court)
    meter.begin(ORIGIN, 40)
    meter.rotate(ORIGIN, 40)
    held = node.storage(contract, registry.storage_key(KNOWN, registry.log_id(SENDER, ORIGIN)))
    assert held == registry.commitment(40, merkle.root_at(TREE, 40), SUCCESSOR.address)
    judge.roots(ORIGIN)
    position = conviction.storage_key(KNOWN_COURT, conviction.defendant(SENDER, ORIGIN))
    guilty = [(1_000_000, merkle.root_at(tree, 1_000_000)) for tree in (TREE, FORK)]
    assert node.storage(court, position) == conviction.commitment(guilty[0], guilty[1])
