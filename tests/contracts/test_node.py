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
from tests.contracts.keys import AuthorityKey
from tests.contracts.test_differential import LARGE, SMALL, Claim, core_accepts, honest, mutations, sizes
from tests.contracts.test_gas import CourtMeter, Meter, measure
from tests.contracts.trees import wire

NEAR = 30
"""Gas by which a real node may differ from py-evm."""
FORKS = ("london", "prague")


class Node:
    """An anvil with one of its rich accounts as sender, under whose address all is signed."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil = anvil
        self.sender = anvil.accounts()[0]

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
    with Anvil("--hardfork", request.param, "--gas-price", "0", "--base-fee", "0") as anvil:
        yield Node(anvil)


@pytest.fixture
def fork(node: Node, request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["node"])


class NodeMeter(Meter):
    """The operations of the gas table, sent to the node. The sender's key is anvil's first."""

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
    meter.begin_for(three, 999_424)
    found = {
        "deploy": deployed,
        "begin (first anchor)": meter.begin_for(one, 1_000_000),
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
