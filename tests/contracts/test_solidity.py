"""The Solidity interfaces are those of the compiled contracts, and a Solidity contract works with both through them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import eth_abi
import pytest

from tallystick import merkle
from tests.contracts.chain import ARTEFACT, COURT, FOLDER, Evm, abi_type
from tests.contracts.keys import AuthorityKey
from tests.contracts.trees import RealTree
from tools.outsiders import node, npm_packages

SOURCES = (
    FOLDER / "IAnchorRegistry.sol",
    FOLDER / "IForkCourt.sol",
    FOLDER.parent / "tests" / "contracts" / "Caller.sol",
)
COMPILE_SECONDS = 300
"""Solc in JavaScript takes three; a busy machine more."""
KEY, SUCCESSOR = AuthorityKey.of(0xA11CE), AuthorityKey.of(0xB0B)
TREE, FORK = RealTree(20), RealTree(20, seed=b"another history")
ORIGIN = b"\x01" * 32


@pytest.fixture(scope="module")
def compiled() -> dict[str, Any]:
    """Contract -> {abi, evm}, by the solc of tests/anchors/npm."""
    request = {
        "language": "Solidity",
        "sources": {path.name: {"content": path.read_text(encoding="utf-8")} for path in SOURCES},
        "settings": {"evmVersion": "london", "outputSelection": {"*": {"*": ["abi", "evm.bytecode.object"]}}},
    }
    solc = npm_packages("chains") / "node_modules" / "solc" / "solc.js"
    done = subprocess.run(
        [node(), solc, "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
        timeout=COMPILE_SECONDS,
    )
    # The program announces an SMT solver that it lacks before it answers.
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    assert answer.get("errors", []) == []
    return {name: one for file in answer["contracts"].values() for name, one in file.items()}


def shape(abi: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """What callers depend on: names, types, indexed members, mutability, results."""
    return {
        (
            item["type"],
            item["name"],
            tuple((abi_type(argument), argument.get("indexed")) for argument in item["inputs"]),
            tuple(argument["name"] for argument in item["inputs"]) if item["type"] == "event" else (),
            item.get("stateMutability"),
            tuple(abi_type(result) for result in item.get("outputs", [])),
        )
        for item in abi
        if item["type"] != "constructor"
    }


def test_the_interfaces_are_those_of_the_contracts(compiled: dict[str, Any]) -> None:
    assert shape(compiled["IAnchorRegistry"]["abi"]) == shape(ARTEFACT["abi"])
    assert shape(compiled["IForkCourt"]["abi"]) == shape(COURT["abi"])


class Bench:
    """Both contracts and a Solidity caller of them on one chain."""

    def __init__(self, compiled: dict[str, Any]) -> None:
        self.evm = Evm("london")
        self.registry = self.evm.contract
        self.court = self.evm.deploy(bytes.fromhex(COURT["bytecode"][2:]))
        self._abi = compiled["Caller"]["abi"]
        code = bytes.fromhex(compiled["Caller"]["evm"]["bytecode"]["object"])
        self.caller = self.evm.deploy(code + eth_abi.encode(["address", "address"], [self.registry, self.court]))

    def call(self, name: str, *arguments: Any) -> Any:
        return self.evm.message(b"\x99" * 20, self.caller, self._abi, name, *arguments)


def test_a_solidity_contract_relays_asks_and_accuses(compiled: dict[str, Any]) -> None:
    bench = Bench(compiled)
    root, forked = merkle.root_at(TREE, 20), merkle.root_at(FORK, 20)
    leaf, proof = TREE.nodes([(0, 7)])[0], merkle.prove_inclusion(TREE, 7, 20)
    work = (KEY.address, KEY.address, ORIGIN, leaf, 7, 20, root, proof)
    assert bench.call("release", *work).reason.startswith("fork or stale")
    signature = KEY.checkpoint(ORIGIN, 20, root)
    assert bench.call("relay", KEY.address, ORIGIN, 20, root, signature).succeeded
    assert bench.call("release", *work).output == bytes(31) + b"\x01"
    assert bench.call("release", *work[:4], 8, *work[5:]).reason == "root mismatch"
    innocent = ((20, root, signature), (20, root, signature))
    assert bench.call("accuse", ORIGIN, *innocent).reason == "the roots are the same"
    assert bench.call("release", *work).succeeded
    fork = ((20, root, signature), (20, forked, KEY.checkpoint(ORIGIN, 20, forked)))
    assert bench.call("accuse", ORIGIN, *fork).succeeded
    assert bench.call("release", *work).reason == "convicted of a fork"
