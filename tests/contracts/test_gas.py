"""What each operation costs, against the committed snapshot and the marks of docs/contracts.md.

After a deliberate change: ``python -m tests.contracts.test_gas`` writes the snapshot anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tallystick import merkle
from tallystick.evm import registry
from tests.contracts.chain import ARTEFACT, COURT, DEPLOYER, FORKS, Evm, Outcome, calldata
from tests.contracts.keys import AuthorityKey
from tests.contracts.trees import UniformTree, step, wire

DOCUMENT = Path(__file__).parents[2] / "docs" / "contracts.md"
SNAPSHOT = Path(__file__).parents[2] / "contracts" / "gas-snapshot.json"
# The prototype's figures, to reach or beat.
MARKS = {
    "anchor, 14 nodes (1,000,000 to 1,010,000)": 50_970,
    "anchor, aligned, 6 nodes (999,424 to 1,009,664)": 41_562,
    "inclusion, 20 nodes, execution alone": 13_300,
}
TREE = UniformTree()
FORK = UniformTree(b"another leaf")
KEY = AuthorityKey.of(int.from_bytes(DEPLOYER.to_bytes(), "big"))
SUCCESSOR = AuthorityKey.of(0xB0B)
SENDER = KEY.address


class Meter:
    """Sends real transactions of one sender, who is also the log's authority."""

    def __init__(self, fork: str) -> None:
        self.evm = Evm(fork)

    def send(self, name: str, *arguments: Any, artefact: dict[str, Any] = ARTEFACT) -> int:
        return _gas(self.evm.transact(self.evm.contract, calldata(name, *arguments, artefact=artefact)))

    def begin(self, origin: bytes, size: int) -> int:
        return self.send("begin", origin, size, merkle.root_at(TREE, size))

    def anchor(self, origin: bytes, old_size: int, new_size: int) -> int:
        old_root, new_root, proof = step(TREE, old_size, new_size)
        log_id = registry.log_id(SENDER, origin)
        return self.send("anchor", log_id, old_size, new_size, new_root, wire(old_size, old_root, proof))

    def relay(self, origin: bytes, old_size: int, new_size: int) -> int:
        old_root, new_root, proof = step(TREE, old_size, new_size)
        signature = KEY.checkpoint(origin, new_size, new_root)
        sent = wire(old_size, old_root, proof)
        return self.send("relay", SENDER, origin, old_size, new_size, new_root, sent, signature)

    def rotate(self, origin: bytes, size: int) -> int:
        signed = (registry.log_id(SENDER, origin), size, merkle.root_at(TREE, size), SUCCESSOR.address)
        return self.send("rotate", *signed, KEY.rotation(*signed), SUCCESSOR.rotation(*signed))

    def inclusion(self, index: int, size: int) -> int:
        proof = merkle.prove_inclusion(TREE, index, size)
        assert len(proof) == 20
        root, leaf = merkle.root_at(TREE, size), TREE.nodes([(0, index)])[0]
        return _gas(self.evm.call(SENDER, "verify_inclusion", leaf, index, size, root, proof))


class CourtMeter(Meter):
    """The same in a court."""

    def __init__(self, fork: str) -> None:
        self.evm = Evm(fork, COURT)

    def roots(self, origin: bytes) -> int:
        return self.send(
            "convict_roots", origin, self._signed(origin, TREE), self._signed(origin, FORK), artefact=COURT
        )

    def history(self, origin: bytes) -> int:
        first, second = self._signed(origin, TREE), self._signed(origin, FORK, 1_010_000)
        old_root, _, proof = step(FORK, 1_000_000, 1_010_000)
        return self.send("convict_history", origin, first, second, wire(1_000_000, old_root, proof), artefact=COURT)

    def leaves(self, origin: bytes) -> int:
        sides: list[Any] = []
        for tree in (TREE, FORK):
            proof = merkle.prove_inclusion(tree, 777_777, 1_000_000)
            sides += [self._signed(origin, tree), tree.nodes([(0, 777_777)])[0], proof]
        return self.send("convict_leaves", origin, 777_777, *sides, artefact=COURT)

    def _signed(self, origin: bytes, tree: UniformTree, size: int = 1_000_000) -> tuple[int, bytes, bytes]:
        root = merkle.root_at(tree, size)
        return size, root, KEY.checkpoint(origin, size, root)


def measure(fork: str) -> dict[str, int]:
    """Gas of each operation; of a whole transaction, unless it says otherwise."""
    meter, court = Meter(fork), CourtMeter(fork)
    one, two, three = (bytes([i]) * 32 for i in (1, 2, 3))
    meter.begin(three, 999_424)
    return {
        "deploy": meter.evm.deployment.gas,
        "begin (first anchor)": meter.begin(one, 1_000_000),
        "anchor, 14 nodes (1,000,000 to 1,010,000)": meter.anchor(one, 1_000_000, 1_010_000),
        "relay, first": meter.relay(two, 0, 1_000_000),
        "relay, 14 nodes (1,000,000 to 1,010,000)": meter.relay(two, 1_000_000, 1_010_000),
        "anchor, aligned, 6 nodes (999,424 to 1,009,664)": meter.anchor(three, 999_424, 1_009_664),
        "rotate": meter.rotate(one, 1_010_000),
        "inclusion, 20 nodes, execution alone": meter.inclusion(777_777, 1_000_000),
        "deploy the court": court.evm.deployment.gas,
        "convict, two roots": court.roots(one),
        "convict, history of 14 nodes": court.history(two),
        "convict, two leaves, 20 nodes each": court.leaves(three),
        "convict again": court.roots(one),
    }


def _gas(outcome: Outcome) -> int:
    assert outcome.succeeded, outcome.reason
    return outcome.gas


@pytest.mark.parametrize("fork", FORKS)
def test_gas_is_that_of_the_snapshot(fork: str) -> None:
    assert measure(fork) == json.loads(SNAPSHOT.read_text(encoding="utf-8"))[fork]


def test_the_marks_are_reached() -> None:
    snapshot = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert {(fork, name) for fork in FORKS for name, mark in MARKS.items() if snapshot[fork][name] > mark} == set()


def test_the_documented_figures_are_the_measured_ones() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    documented = {
        name: int(gas.replace(",", "")) for name, gas in re.findall(r"^\| `([^`]+)` \| ([\d,]+) \|", text, re.M)
    }
    assert documented == json.loads(SNAPSHOT.read_text(encoding="utf-8"))["prague"]


def test_the_proofs_are_as_long_as_their_names_say() -> None:
    assert len(merkle.prove_consistency(TREE, 1_000_000, 1_010_000)) == 14
    assert len(merkle.prove_consistency(TREE, 999_424, 1_009_664)) == 6


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps({fork: measure(fork) for fork in FORKS}, indent=1) + "\n", encoding="utf-8")
