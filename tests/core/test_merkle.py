"""RFC 6962 §2.1 and RFC 9162 §2: roots, proofs, and every way in which a proof must fail.

The definitions of the RFC are written here a second time, naively, and are the
oracle for roots and proofs; pymerkle is a third opinion on roots.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from tallystick.errors import VerificationFailed
from tallystick.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    CompactRange,
    ProofFailed,
    leaf_hash,
    node_hash,
    prove_consistency,
    prove_inclusion,
    root_at,
    root_of,
    verify_consistency,
    verify_inclusion,
)

MOST = 256
ENTRIES = [f"entry {number}".encode() for number in range(MOST)]
LEAVES = [hashlib.sha256(b"\0" + entry).digest() for entry in ENTRIES]

# Inputs and roots of the Certificate Transparency reference tests.
CT_INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end]) as RFC 6962 §2.1 says it."""
    length = end - start
    if length == 0:
        return hashlib.sha256(b"").digest()
    if length == 1:
        return LEAVES[start]
    k = 1
    while k * 2 < length:
        k *= 2
    return hashlib.sha256(b"\1" + mth(start, start + k) + mth(start + k, end)).digest()


def path(m: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[start:end]) of RFC 6962 §2.1.1."""
    length = end - start
    if length == 1:
        return []
    k = 1
    while k * 2 < length:
        k *= 2
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[start:end], whole) of RFC 6962 §2.1.2."""
    length = end - start
    if m == length:
        return [] if whole else [mth(start, end)]
    k = 1
    while k * 2 < length:
        k *= 2
    if m <= k:
        return [*subproof(m, start, start + k, whole), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def sides(index: int, size: int) -> tuple[str, ...]:
    """On which side each hash of the path stands, leaf first: all that a verifier's walk depends on."""
    found: list[str] = []
    while size > 1:
        k = 1 << (size - 1).bit_length() - 1
        if index < k:
            found, size = [*found, "right"], k
        else:
            found, index, size = [*found, "left"], index - k, size - k
    return tuple(reversed(found))


class Memory:
    """Nodes of a tree of complete subtrees; refuses one that a tree of ``MOST`` does not have."""

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        assert all((index + 1) << level <= MOST for level, index in coordinates)
        return [mth(index << level, (index + 1) << level) for level, index in coordinates]


def refused(check: object, *arguments: object) -> None:
    with pytest.raises(ProofFailed):
        check(*arguments)  # type: ignore[operator]


def test_roots_of_the_certificate_transparency_vectors() -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in CT_INPUTS]
    assert [root_of(leaves[: size + 1]).hex() for size in range(8)] == CT_ROOTS
    assert root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_paths_of_the_certificate_transparency_vectors() -> None:
    leaf = leaf_hash(b"")
    proof = [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]
    path = [bytes.fromhex(one) for one in proof]
    verify_inclusion(leaf, 0, 8, path, bytes.fromhex(CT_ROOTS[7]))
    with pytest.raises(VerificationFailed):
        verify_inclusion(leaf, 1, 8, path, bytes.fromhex(CT_ROOTS[7]))


def test_leaves_and_nodes_are_told_apart() -> None:
    """A node's preimage handed in as an entry does not give the node: no second preimage."""
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])


def test_every_root_up_to_256_leaves_agrees_with_the_definition_and_with_pymerkle() -> None:
    tree, edge = InmemoryTree(algorithm="sha256"), CompactRange()
    assert edge.root() == EMPTY_ROOT == root_of([])
    for size, entry in enumerate(ENTRIES, 1):
        tree.append_entry(entry)
        edge.append(LEAVES[size - 1])
        assert edge.size == size
        assert edge.root() == mth(0, size) == root_at(Memory(), size) == tree.get_root(size), size
    assert root_of(LEAVES) == mth(0, MOST)


def test_every_leaf_of_every_tree_up_to_256() -> None:
    for size in range(1, MOST + 1):
        for index in range(size):
            proof = prove_inclusion(Memory(), index, size)
            assert proof == path(index, 0, size), (index, size)
            verify_inclusion(LEAVES[index], index, size, proof, mth(0, size))


def test_every_pair_of_sizes_up_to_256() -> None:
    for new in range(MOST + 1):
        for old in range(new + 1):
            proof = prove_consistency(Memory(), old, new)
            assert proof == (subproof(old, 0, new, True) if old else []), (old, new)
            verify_consistency(old, mth(0, old), new, mth(0, new), proof)


def test_a_proof_verifies_for_no_other_leaf_index_or_tree_up_to_256() -> None:
    """Each true proof against the neighbours that an attacker would try first."""
    for size in range(1, MOST + 1):
        root = mth(0, size)
        for index in range(size):
            proof = path(index, 0, size)
            refused(verify_inclusion, LEAVES[(index + 1) % MOST], index, size, proof, root)
            if size > 1:
                refused(verify_inclusion, LEAVES[index], (index + 1) % size, size, proof, root)
                refused(verify_inclusion, LEAVES[index], index ^ 1, size, proof, root)
            if size < MOST:
                refused(verify_inclusion, LEAVES[index], index, size + 1, proof, mth(0, size + 1))


def test_small_trees_exhaustively_no_other_index_or_size() -> None:
    """Every (index, size) for every proof, with the root of that size and with the root of the proof's own size.

    A checkpoint signs size and root together. Under the *proof's* root another size
    is refused too, but for shapes that hash the same nodes in the same order (leaf 2 of
    3 is leaf 1 of 2 to the arithmetic): there the signed size decides, so size must never
    come from a proof.
    """
    most = 24
    for size in range(1, most + 1):
        for index in range(size):
            proof, root = path(index, 0, size), mth(0, size)
            for other_size in range(most + 2):
                for other in range(-1, other_size + 1):
                    if (other, other_size) == (index, size):
                        continue
                    refused(verify_inclusion, LEAVES[index], other, other_size, proof, mth(0, other_size))
                    same_walk = 0 <= other < other_size and sides(other, other_size) == sides(index, size)
                    assert not (same_walk and other_size == size)
                    if same_walk:
                        verify_inclusion(LEAVES[index], other, other_size, proof, root)
                    else:
                        refused(verify_inclusion, LEAVES[index], other, other_size, proof, root)


def test_small_trees_exhaustively_no_other_pair_of_sizes() -> None:
    most = 16
    for new in range(1, most + 1):
        for old in range(1, new + 1):
            proof = subproof(old, 0, new, True)
            for other_new in range(-1, most + 2):
                for other_old in range(-1, other_new + 2):
                    if (other_old, other_new) == (old, new) or (other_old == other_new and not proof):
                        continue
                    if other_old == 0 and not proof:
                        continue
                    roots = (mth(0, max(other_old, 0)), mth(0, max(other_new, 0)))
                    refused(verify_consistency, other_old, roots[0], other_new, roots[1], proof)


def test_a_fork_has_no_consistency_proof() -> None:
    """Another history of the same length: neither the honest proof nor the fork's own leads to both roots."""
    for size in range(2, 40):
        fork = root_of([*LEAVES[: size - 1], LEAVES[200]])
        for old in range(1, size):
            refused(verify_consistency, old, mth(0, old), size, fork, subproof(old, 0, size, True))
        refused(verify_consistency, size, mth(0, size), size, fork, [])
        refused(verify_consistency, size, fork, size + 1, mth(0, size + 1), subproof(size, 0, size + 1, True))


def mutations(proof: list[bytes]) -> list[list[bytes]]:
    """The proof with each hash changed, dropped, doubled; neighbours swapped; reversed; hashes added or cut short."""
    found = [[*proof, LEAVES[0]], [LEAVES[0], *proof], [*proof, *proof, LEAVES[1]]]
    for at, one in enumerate(proof):
        found += [[*proof[:at], bytes([one[0] ^ 1]) + one[1:], *proof[at + 1 :]]]
        found += [[*proof[:at], one[:-1] + bytes([one[-1] ^ 128]), *proof[at + 1 :]]]
        found += [[*proof[:at], EMPTY_ROOT, *proof[at + 1 :]], [*proof[:at], bytes(32), *proof[at + 1 :]]]
        found += [[*proof[:at], *proof[at + 1 :]], [*proof[:at], one, *proof[at:]]]
        found += [[*proof[:at], one[:-1], *proof[at + 1 :]], [*proof[:at], one + b"\0", *proof[at + 1 :]]]
        if at:
            found += [[*proof[: at - 1], one, proof[at - 1], *proof[at + 1 :]]]
    if len(proof) > 2:
        found.append(proof[::-1])
    return found


def test_mutated_inclusion_proofs_are_refused() -> None:
    for size in (1, 2, 3, 5, 7, 8, 9, 31, 33, 64, 100, 255, 256):
        for index in {0, 1, size // 2, size - 2, size - 1} & set(range(size)):
            for proof in mutations(path(index, 0, size)):
                refused(verify_inclusion, LEAVES[index], index, size, proof, mth(0, size))


def test_mutated_consistency_proofs_are_refused() -> None:
    for new in (1, 2, 3, 6, 7, 8, 9, 31, 33, 64, 100, 255, 256):
        for old in {1, 2, new // 2, new - 1, new} & set(range(1, new + 1)):
            for proof in mutations(subproof(old, 0, new, True)):
                refused(verify_consistency, old, mth(0, old), new, mth(0, new), proof)
    refused(verify_consistency, 0, EMPTY_ROOT, 5, mth(0, 5), [LEAVES[0]])


def test_every_bit_of_a_proof_counts() -> None:
    inclusion, consistency = path(5, 0, 13), subproof(6, 0, 13, True)
    for at in range(len(inclusion)):
        for bit in range(256):
            changed = (int.from_bytes(inclusion[at], "big") ^ 1 << bit).to_bytes(32, "big")
            proof = [*inclusion[:at], changed, *inclusion[at + 1 :]]
            refused(verify_inclusion, LEAVES[5], 5, 13, proof, mth(0, 13))
    for at in range(len(consistency)):
        for bit in range(256):
            changed = (int.from_bytes(consistency[at], "big") ^ 1 << bit).to_bytes(32, "big")
            proof = [*consistency[:at], changed, *consistency[at + 1 :]]
            refused(verify_consistency, 6, mth(0, 6), 13, mth(0, 13), proof)


def test_wrong_roots_and_lengths_are_refused() -> None:
    refused(verify_inclusion, LEAVES[0], 0, 1, [], mth(0, 2))
    refused(verify_inclusion, LEAVES[0][:31], 0, 1, [], LEAVES[0][:31])
    refused(verify_inclusion, LEAVES[0] + b"\0", 0, 1, [], LEAVES[0] + b"\0")
    refused(verify_inclusion, LEAVES[0], 0, 2**64, [LEAVES[0]] * 64, mth(0, 2))
    refused(verify_inclusion, LEAVES[0], 0, 1, [LEAVES[0]] * 66, LEAVES[0])
    refused(verify_consistency, 0, LEAVES[0], 3, mth(0, 3), [])
    refused(verify_consistency, 0, LEAVES[0], 0, LEAVES[0], [])
    refused(verify_consistency, 0, EMPTY_ROOT, 0, LEAVES[0], [])
    refused(verify_consistency, 3, mth(0, 3), 2, mth(0, 2), [])
    refused(verify_consistency, -1, EMPTY_ROOT, 2, mth(0, 2), [])
    refused(verify_consistency, 2, mth(0, 2), 3, mth(0, 3), [])
    refused(verify_consistency, 2, mth(0, 2), 3, mth(0, 3), [LEAVES[2]] * 70)
    verify_consistency(0, EMPTY_ROOT, 3, mth(0, 3), [])


@pytest.mark.parametrize("wrong", [b"", bytes(31), bytes(33), bytes(64)])
def test_hashes_of_another_length_are_named(wrong: bytes) -> None:
    for leaf, proof, root in ((wrong, [bytes(32)], bytes(32)), (bytes(32), [wrong], bytes(32)), (bytes(32), [], wrong)):
        with pytest.raises(ProofFailed, match=f"a hash has 32 bytes, found {len(wrong)}"):
            verify_inclusion(leaf, 0, 2 if proof else 1, proof, root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 5), (5, 5)])
def test_there_is_no_proof_for_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"no leaf {index} in a tree of {size}"):
        prove_inclusion(Memory(), index, size)


def test_there_is_no_proof_from_a_larger_to_a_smaller_tree() -> None:
    for old, new in ((3, 2), (-1, 2)):
        with pytest.raises(ValueError, match=f"no consistency proof from {old} to {new}"):
            prove_consistency(Memory(), old, new)


def test_an_edge_has_one_hash_for_each_set_bit() -> None:
    assert CompactRange(3, [mth(0, 2), LEAVES[2]]).root() == mth(0, 3)
    for size, edge in ((3, [LEAVES[0]]), (0, [LEAVES[0]]), (4, [LEAVES[0]] * 2)):
        with pytest.raises(ValueError, match="edge hashes"):
            CompactRange(size, edge)


# --- sizes that no test can hold ------------------------------------------------


class Monotone:
    """A tree of any size in which all leaves are alike but one."""

    def __init__(self, special: int) -> None:
        self.special = special

    def node(self, level: int, index: int) -> bytes:
        if index != self.special >> level:
            return alike(level)
        node, at = leaf_hash(b"special"), self.special
        for height in range(level):
            node = node_hash(alike(height), node) if at & 1 else node_hash(node, alike(height))
            at >>= 1
        return node

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.node(level, index) for level, index in coordinates]


@cache
def alike(level: int) -> bytes:
    return leaf_hash(b"alike") if level == 0 else node_hash(alike(level - 1), alike(level - 1))


SIZES = st.one_of(
    st.integers(1, MAX_SIZE),
    st.integers(1, 63).map(lambda bit: 1 << bit),
    st.integers(1, 62).map(lambda bit: (1 << bit) + 1),
    st.integers(2, 63).map(lambda bit: (1 << bit) - 1),
    st.integers(MAX_SIZE - 5, MAX_SIZE),
)


@given(SIZES, st.data())
def test_inclusion_in_trees_of_any_size(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1) | st.sampled_from([0, size - 1, size // 2]))
    reader, leaf = Monotone(index), leaf_hash(b"special")
    proof, root = prove_inclusion(reader, index, size), root_at(reader, size)
    verify_inclusion(leaf, index, size, proof, root)
    for other in {0, size - 1, index ^ 1, index + 1, index - 1, data.draw(st.integers(0, size - 1))} - {index}:
        refused(verify_inclusion, leaf, other, size, proof, root)
    refused(verify_inclusion, leaf, index, size, [*proof, leaf], root)
    if proof:
        refused(verify_inclusion, leaf, index, size, proof[:-1], root)


@given(SIZES, st.data())
def test_consistency_of_trees_of_any_size(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new) | st.sampled_from([1, new, new // 2 + 1]))
    reader = Monotone(data.draw(st.integers(0, new - 1)))
    roots = root_at(reader, old), root_at(reader, new)
    proof = prove_consistency(reader, old, new)
    verify_consistency(old, roots[0], new, roots[1], proof)
    refused(verify_consistency, old, roots[0], new, roots[1], [*proof, roots[0]])
    fork = Monotone(new)
    if reader.special < old:
        refused(verify_consistency, old, root_at(fork, old), new, roots[1], proof)
        refused(verify_consistency, old, roots[0], new, root_at(fork, new), proof)


def test_no_tree_is_larger_than_the_limit() -> None:
    reader = Monotone(0)
    root, proof = root_at(reader, MAX_SIZE), prove_inclusion(reader, 0, MAX_SIZE)
    verify_inclusion(leaf_hash(b"special"), 0, MAX_SIZE, proof, root)
    size = MAX_SIZE + 1
    refused(verify_inclusion, leaf_hash(b"special"), 0, size, prove_inclusion(reader, 0, size), root_at(reader, size))
    proof = prove_consistency(reader, 1, size)
    refused(verify_consistency, 1, root_at(reader, 1), size, root_at(reader, size), proof)
