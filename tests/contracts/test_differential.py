"""The contract and the core give the same answer on every proof, valid or mutated, and no refused one moves the slot.

The one difference is meant: the core calls a tree consistent with itself, the contract demands growth.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tallystick import merkle
from tallystick.errors import VerificationFailed
from tallystick.evm import registry
from tests.contracts.chain import Evm
from tests.contracts.trees import RealTree, UniformTree, step, wire

AUTHORITY = b"\x22" * 20
ORIGIN = b"\x33" * 32
LOG_ID = registry.log_id(AUTHORITY, ORIGIN)
SMALL = RealTree(300)
LARGE = UniformTree()


@dataclass(frozen=True)
class Claim:
    """That (new_size, new_root) extends (old_size, old_root)."""

    old_size: int
    old_root: bytes
    new_size: int
    new_root: bytes
    proof: tuple[bytes, ...]


def honest(tree: merkle.NodeReader, old_size: int, new_size: int) -> Claim:
    old_root, new_root, proof = step(tree, old_size, new_size)
    return Claim(old_size, old_root, new_size, new_root, tuple(proof))


def core_accepts(claim: Claim) -> bool:
    try:
        merkle.verify_consistency(claim.old_size, claim.old_root, claim.new_size, claim.new_root, claim.proof)
    except VerificationFailed:
        return False
    return claim.new_size > claim.old_size


def contract_accepts(evm: Evm, claim: Claim) -> bool:
    """Put the old checkpoint into the slot, send the rest, and look at the slot as well as at the answer."""
    before = registry.commitment(claim.old_size, claim.old_root, AUTHORITY) if claim.old_size else bytes(32)
    if claim.old_size == 0 and claim.old_root != merkle.EMPTY_ROOT:
        return False  # cannot be said to the contract, which knows the one empty tree
    evm.set_slot(LOG_ID, before)
    outcome = evm.call(AUTHORITY, *said(claim))
    after = registry.commitment(claim.new_size, claim.new_root, AUTHORITY) if outcome.succeeded else before
    assert evm.slot(LOG_ID) == after, claim
    assert outcome.succeeded or outcome.reason, "a refusal gives its reason"
    return outcome.succeeded


def said(claim: Claim) -> tuple[Any, ...]:
    """Function and arguments by which the authority says ``claim``. (``begin`` has no proof to say.)"""
    if claim.old_size == 0 and not claim.proof:
        return "begin", ORIGIN, claim.new_size, claim.new_root
    proof = wire(claim.old_size, claim.old_root, claim.proof)
    return "anchor", LOG_ID, claim.old_size, claim.new_size, claim.new_root, proof


def flip(value: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(value) * 8)
    return (int.from_bytes(value, "big") ^ 1 << at).to_bytes(len(value), "big")


def mutations(claim: Claim, chance: random.Random) -> Iterator[Claim]:
    """Every node flipped, dropped, doubled and swapped with its neighbour; every root and size changed."""
    proof = claim.proof
    for i in range(len(proof)):
        yield replace(claim, proof=(*proof[:i], flip(proof[i], chance), *proof[i + 1 :]))
        yield replace(claim, proof=proof[:i] + proof[i + 1 :])
        yield replace(claim, proof=(*proof[: i + 1], proof[i], *proof[i + 1 :]))
    for i in range(len(proof) - 1):
        yield replace(claim, proof=(*proof[:i], proof[i + 1], proof[i], *proof[i + 2 :]))
    yield replace(claim, proof=(*proof, chance.randbytes(32)))
    yield replace(claim, proof=(claim.old_root, *proof))
    yield replace(claim, proof=proof[::-1])
    yield replace(claim, old_root=flip(claim.old_root, chance))
    yield replace(claim, new_root=flip(claim.new_root, chance))
    yield replace(claim, old_root=claim.new_root, new_root=claim.old_root)
    for delta in (-2, -1, 1, 2):
        yield replace(claim, old_size=max(0, claim.old_size + delta))
        yield replace(claim, new_size=max(0, claim.new_size + delta))
    yield replace(claim, old_size=claim.new_size, new_size=claim.old_size)
    yield replace(claim, old_size=claim.new_size)
    yield replace(claim, old_size=1 << claim.old_size.bit_length())


def compare(evm: Evm, claim: Claim) -> bool:
    expected = core_accepts(claim)
    assert contract_accepts(evm, claim) is expected, claim
    return expected


def sweep(evm: Evm, claims: list[Claim], chance: random.Random, most: int = 1000) -> tuple[int, int]:
    """Numbers of accepted and refused claims, from at most so many mutations of each claim."""
    answers = []
    for claim in claims:
        assert compare(evm, claim), "an honest proof"
        mutated = list(mutations(claim, chance))
        chosen = chance.sample(mutated, min(most, len(mutated)))
        answers += [True, *(compare(evm, one) for one in chosen)]
    return answers.count(True), answers.count(False)


def sizes(chance: random.Random, highest_bits: int) -> tuple[int, int]:
    """Two sizes in order, of any magnitude, often powers of two or their neighbours."""
    while True:
        pair = {
            max(1, (1 << chance.randrange(highest_bits)) + chance.choice((-1, 0, 1, chance.getrandbits(60))))
            for _ in range(2)
        }
        if len(pair) == 2 and max(pair) <= merkle.MAX_SIZE:
            return min(pair), max(pair)


def test_small_trees(evm: Evm) -> None:
    chance = random.Random(1)
    pairs = [sorted(chance.sample(range(1, 300), 2)) for _ in range(80)]
    accepted, refused = sweep(evm, [honest(SMALL, old, new) for old, new in pairs], chance)
    assert accepted >= 80
    assert refused >= 2500


def test_large_trees(evm: Evm) -> None:
    """(In a tree of equal leaves a swap or another size may be honest too: then both must say so.)"""
    chance = random.Random(2)
    pairs = [sizes(chance, 63) for _ in range(25)]
    accepted, refused = sweep(evm, [honest(LARGE, old, new) for old, new in pairs], chance, most=20)
    assert accepted >= 25
    assert refused >= 400


def test_every_pair_of_small_sizes(evm: Evm) -> None:
    for new_size in range(1, 24):
        for old_size in range(new_size):
            assert compare(evm, honest(SMALL, old_size, new_size))


def test_the_largest_tree(evm: Evm) -> None:
    for old_size in (1, 2**62, 2**62 + 1, 2**63 - 1):
        assert compare(evm, honest(LARGE, old_size, merkle.MAX_SIZE))


def test_a_prepended_root_is_not_taken_on_trust(evm: Evm) -> None:
    """Where the old size is a power of two the caller sends the old root: any other than the slot's is refused."""
    chance = random.Random(3)
    for old_size in (1, 2, 64, 256):
        claim = honest(SMALL, old_size, 299)
        slot = registry.commitment(old_size, claim.old_root, AUTHORITY)
        evm.set_slot(LOG_ID, slot)
        for _ in range(8):
            proof = [flip(claim.old_root, chance), *claim.proof]
            assert not evm.call(AUTHORITY, "anchor", LOG_ID, old_size, 299, claim.new_root, proof).succeeded
            assert evm.slot(LOG_ID) == slot


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(4))
def test_many_more(evm: Evm, seed: int) -> None:
    chance = random.Random(1000 + seed)
    small = [sorted(chance.sample(range(1, 300), 2)) for _ in range(120)]
    accepted, refused = sweep(evm, [honest(SMALL, old, new) for old, new in small], chance)
    assert accepted >= 120
    assert refused >= 3500
    accepted, refused = sweep(evm, [honest(LARGE, *sizes(chance, 63)) for _ in range(40)], chance, most=40)
    assert accepted >= 40
    assert refused >= 1200


@pytest.mark.exhaustive
def test_every_pair_of_sizes_up_to_96(evm: Evm) -> None:
    for new_size in range(1, 97):
        for old_size in range(new_size):
            assert compare(evm, honest(SMALL, old_size, new_size))
