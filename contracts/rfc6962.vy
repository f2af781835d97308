# pragma version 0.4.3
"""
@title RFC 6962 proofs
@license Apache-2.0
@notice Merkle trees over SHA-256 as transparency logs build them: what a proof leads to.
@dev A proof is hashes only. Sizes and the index come from the caller, and they fix
     the proof's length and each hash's side: an inner node cannot pose as a leaf,
     and every hash is used once. Nothing here reads storage.
"""

# Sizes are u64 and at most 2^63, so a tree is at most 63 levels high.
MAX_SIZE: constant(uint256) = 2**63
MAX_LEVELS: constant(uint256) = 64
# One hash a level, and the seed.
MAX_PROOF: constant(uint256) = 65
# RFC 6962 section 2.1. (The compiler reverts when the sha256 precompile fails.)
NODE: constant(bytes1) = 0x01


@deploy
def __init__():
    """
    @dev A chain without the sha256 precompile would answer a call to it with
         success and nothing: refuse to live there. (A variable, because the
         compiler folds the hash of a literal.)
    """
    probe: Bytes[3] = b"abc"
    assert sha256(probe) == 0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, "no sha256 precompile"


@internal
@view
def _old_root(
    old_size: uint256, new_size: uint256, new_root: bytes32, proof: DynArray[bytes32, MAX_PROOF]
) -> bytes32:
    """
    @dev The root that the tree (new_size, new_root) had at old_size, opened by a consistency
         proof; reverts unless the proof leads to `new_root`. RFC 9162 section 2.1.4.2, from the
         last complete subtree of the old tree (the seed), which is always sent: where
         old_size is a power of two the RFC leaves it out, since it is the old root.
    """
    assert old_size > 0, "empty tree"
    assert new_size > old_size, "size must grow"
    assert new_size <= MAX_SIZE, "size too large"
    assert len(proof) > 0, "proof length"
    # The lowest set bit of old_size is the seed's width: both paths start at its level.
    width: uint256 = old_size & unsafe_add(~old_size, 1)
    fn: uint256 = old_size // width - 1
    sn: uint256 = (new_size - 1) // width
    old: bytes32 = proof[0]
    new: bytes32 = proof[0]
    for i: uint256 in range(1, len(proof), bound=MAX_PROOF):
        assert sn != 0, "proof length"
        sibling: bytes32 = proof[i]
        if fn == sn:
            # On the right edge: up to the next level with a left sibling.
            fn = unsafe_div(fn, fn & unsafe_sub(0, fn))
            sn = fn
        if fn & 1 == 1:
            # A left sibling belongs to both trees.
            old = sha256(concat(NODE, sibling, old))
            new = sha256(concat(NODE, sibling, new))
        else:
            # A right sibling was added after the old tree.
            new = sha256(concat(NODE, new, sibling))
        fn >>= 1
        sn >>= 1
    assert sn == 0, "proof length"
    assert new == new_root, "new root mismatch"
    return old


@internal
@view
def _check_inclusion(
    leaf: bytes32, index: uint256, size: uint256, root: bytes32, proof: DynArray[bytes32, MAX_PROOF]
):
    """
    @dev Revert unless the leaf hash `leaf` stands at `index` of the tree (size, root).
         RFC 9162 section 2.1.3.2.
    """
    assert index < size, "index outside the tree"
    assert size <= MAX_SIZE, "size too large"
    node: bytes32 = leaf
    fn: uint256 = index
    sn: uint256 = size - 1
    for sibling: bytes32 in proof:
        assert sn != 0, "proof length"
        if fn == sn:
            # On the right edge: up to the next level with a left sibling.
            fn = unsafe_div(fn, fn & unsafe_sub(0, fn))
            sn = fn
        if fn & 1 == 1:
            node = sha256(concat(NODE, sibling, node))
        else:
            node = sha256(concat(NODE, node, sibling))
        fn >>= 1
        sn >>= 1
    assert sn == 0, "proof length"
    assert node == root, "root mismatch"
