"""PyPI ``merkletools``: trees without leaf and node prefixes. A forged proof that it accepts, and ours refuse."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tallystick.merkle import ProofFailed, leaf_hash, node_hash, prove_inclusion, root_of, verify_inclusion
from tools.outsiders import merkletools

ENTRIES = [b"the first licence", b"the second licence", b"the third licence", b"the fourth licence"]


@pytest.fixture(scope="module")
def library() -> Any:
    return merkletools()


class Small:
    """A node reader over ``ENTRIES``."""

    def nodes(self, coordinates: Any) -> list[bytes]:
        leaves = [leaf_hash(entry) for entry in ENTRIES]
        return [root_of(leaves[index << level : (index + 1) << level]) for level, index in coordinates]


def test_it_accepts_an_entry_that_nobody_logged_and_ours_refuse_it(library: Any) -> None:
    tree = library.MerkleTools("sha256")
    tree.add_leaf([entry.decode() for entry in ENTRIES], True)
    tree.make_tree()
    hashes = [hashlib.sha256(entry).digest() for entry in ENTRIES]
    # Two leaf hashes, one after the other, hash to the node above them: a document whose digest stands in the tree.
    forged = hashes[0] + hashes[1]
    digest = hashlib.sha256(forged).hexdigest()
    proof = tree.get_proof(0)[1:]
    assert forged not in ENTRIES
    assert tree.validate_proof(proof, digest, tree.get_merkle_root())

    leaves = [leaf_hash(entry) for entry in ENTRIES]
    root, ours = root_of(leaves), prove_inclusion(Small(), 0, 4)
    verify_inclusion(leaves[0], 0, 4, ours, root)
    for stolen in (forged, leaves[0] + leaves[1], b"\x01" + leaves[0] + leaves[1]):
        for index, size in ((0, 4), (0, 2), (1, 2), (0, 3)):
            for path in (ours, ours[1:]):
                with pytest.raises(ProofFailed):
                    verify_inclusion(leaf_hash(stolen), index, size, path, root)
    # Not even who gives the node itself for a leaf hash gets it past the length that index and size demand.
    with pytest.raises(ProofFailed):
        verify_inclusion(node_hash(leaves[0], leaves[1]), 0, 4, ours[1:], root)


def test_it_accepts_a_proof_for_any_position_and_ours_hold_it_to_one(library: Any) -> None:
    """Its proof says itself on which side each hash stands: there is no index to check it against."""
    tree = library.MerkleTools("sha256")
    tree.add_leaf([entry.decode() for entry in ENTRIES], True)
    tree.make_tree()
    third = hashlib.sha256(ENTRIES[2]).hexdigest()
    assert tree.validate_proof(tree.get_proof(2), third, tree.get_merkle_root())
    assert not tree.validate_proof(tree.get_proof(1), third, tree.get_merkle_root())
    leaves = [leaf_hash(entry) for entry in ENTRIES]
    ours = prove_inclusion(Small(), 2, 4)
    verify_inclusion(leaves[2], 2, 4, ours, root_of(leaves))
    for index in (0, 1, 3):
        with pytest.raises(ProofFailed):
            verify_inclusion(leaves[2], index, 4, ours, root_of(leaves))
