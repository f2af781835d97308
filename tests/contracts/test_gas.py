"""What each operation costs, against the committed snapshot and the marks of docs/contracts.md.

After a deliberate change: ``python -m tests.contracts.test_gas`` writes the snapshot anew.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tallystick import merkle
from tallystick.evm import eip712, secp256k1
from tests.contracts.chain import DEPLOYER, FORKS, Evm, Outcome, calldata
from tests.contracts.trees import UniformTree, step, wire

DOCUMENT = Path(__file__).parents[2] / "docs" / "contracts.md"
SNAPSHOT = Path(__file__).parents[2] / "contracts" / "gas-snapshot.json"
# The prototype's figures, to reach or beat.
MARKS = {
    "anchor, 14 nodes (1,000,000 to 1,010,000)": 50_970,
    "anchor, aligned, 6 nodes (999,424 to 1,009,664)": 41_562,
}
TREE = UniformTree()
SENDER = DEPLOYER.public_key.to_canonical_address()
KEY = ec.derive_private_key(int.from_bytes(DEPLOYER.to_bytes(), "big"), ec.SECP256K1())


class Meter:
    """Sends real transactions of one sender, who is also the log's authority."""

    def __init__(self, fork: str) -> None:
        self.evm = Evm(fork)

    def anchor(self, origin: bytes, old_size: int, new_size: int) -> int:
        old_root, new_root, proof = step(TREE, old_size, new_size)
        data = calldata("anchor", origin, old_size, new_size, new_root, wire(old_size, old_root, proof))
        return _gas(self.evm.transact(self.evm.contract, data))

    def relay(self, origin: bytes, old_size: int, new_size: int) -> int:
        old_root, new_root, proof = step(TREE, old_size, new_size)
        signature = secp256k1.sign_digest(KEY, eip712.checkpoint_digest(origin, new_size, new_root))
        sent = wire(old_size, old_root, proof)
        data = calldata("relay", SENDER, origin, old_size, new_size, new_root, sent, signature)
        return _gas(self.evm.transact(self.evm.contract, data))

    def inclusion(self, index: int, size: int) -> int:
        proof = merkle.prove_inclusion(TREE, index, size)
        assert len(proof) == 20
        root, leaf = merkle.root_at(TREE, size), TREE.nodes([(0, index)])[0]
        return _gas(self.evm.call(SENDER, "verify_inclusion", leaf, index, size, root, proof))


def measure(fork: str) -> dict[str, int]:
    """Gas of each operation; of a whole transaction, unless it says otherwise."""
    meter = Meter(fork)
    one, two, three = (bytes([i]) * 32 for i in (1, 2, 3))
    meter.anchor(three, 0, 999_424)
    return {
        "deploy": meter.evm.deployment.gas,
        "anchor, first": meter.anchor(one, 0, 1_000_000),
        "anchor, 14 nodes (1,000,000 to 1,010,000)": meter.anchor(one, 1_000_000, 1_010_000),
        "relay, first": meter.relay(two, 0, 1_000_000),
        "relay, 14 nodes (1,000,000 to 1,010,000)": meter.relay(two, 1_000_000, 1_010_000),
        "anchor, aligned, 6 nodes (999,424 to 1,009,664)": meter.anchor(three, 999_424, 1_009_664),
        "inclusion, 20 nodes, execution alone": meter.inclusion(777_777, 1_000_000),
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
