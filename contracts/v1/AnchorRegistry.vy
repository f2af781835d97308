# pragma version 0.4.3
# pragma evm-version london
# pragma optimize gas
"""
@title AnchorRegistry
@license Apache-2.0
@notice Holds, for each transparency log, one commitment to its newest anchored
        checkpoint, and moves it only along an RFC 6962 consistency proof: a
        fork of what was anchored before cannot be anchored.
@dev A log is named by keccak256(abi(authority, SHA-256(origin))). Its slot holds
     keccak256(abi(size, root, authority)). There is no owner, no upgrade, no
     value, no call to another contract than the precompiles 1 and 2.
"""

event Anchored:
    log_id: indexed(bytes32)
    size: uint64
    root: bytes32
    authority: address


# Sizes are u64 and at most 2^63, so a tree is at most 63 levels high.
MAX_LOG_SIZE: constant(uint256) = 2**63
MAX_LEVELS: constant(uint256) = 64
# One hash a level, and the seed.
MAX_PROOF: constant(uint256) = 65
# RFC 6962 section 2.1. (The compiler reverts when the sha256 precompile fails.)
NODE: constant(Bytes[1]) = b"\x01"

# keccak256(abi(keccak256("EIP712Domain(string name,string version)"), keccak256("tallystick"), keccak256("1"))):
# neither chain nor contract, so that one signature convicts or anchors anywhere.
DOMAIN_SEPARATOR: constant(bytes32) = 0x6b70827b7abd38da98de00db0cd565ea4b10296f77be77021f6a6cbe1e4d1999
CHECKPOINT_TYPE: constant(bytes32) = keccak256("Checkpoint(bytes32 origin,uint64 size,bytes32 root)")
# Half the order of secp256k1: a greater s is the malleable twin of a lower one.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168

# log id => commitment to the newest anchored checkpoint; zero: never anchored.
slot: public(HashMap[bytes32, bytes32])


@deploy
def __init__():
    """
    @dev A chain without the sha256 precompile would answer a call to it with
         success and nothing: refuse to live there. (A variable, because the
         compiler folds the hash of a literal.)
    """
    probe: Bytes[3] = b"abc"
    assert sha256(probe) == 0xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, "no sha256 precompile"


@external
def anchor(origin: bytes32, old_size: uint64, new_size: uint64, new_root: bytes32, proof: DynArray[bytes32, MAX_PROOF]):
    """
    @notice Anchor the caller's own log at a new checkpoint.
    @param origin SHA-256 of the log's origin text.
    @param old_size Size last anchored; 0 (with an empty proof) for the first anchor.
    @param new_size Size of the new checkpoint, greater than old_size.
    @param new_root Root of the new checkpoint.
    @param proof RFC 6962 consistency proof; when old_size is a power of two, the old root comes before it.
    """
    old_root: bytes32 = self._old_root(convert(old_size, uint256), convert(new_size, uint256), new_root, proof)
    self._swap(msg.sender, origin, old_size, old_root, new_size, new_root)


@external
def relay(
    authority: address,
    origin: bytes32,
    old_size: uint64,
    new_size: uint64,
    new_root: bytes32,
    proof: DynArray[bytes32, MAX_PROOF],
    signature: Bytes[65],
):
    """
    @notice Anchor a checkpoint that the log's authority signed; anyone may pay.
    @param authority The signer.
    @param signature r, s, v of the EIP-712 message Checkpoint(origin, new_size, new_root).
    """
    self._check_signature(authority, origin, new_size, new_root, signature)
    old_root: bytes32 = self._old_root(convert(old_size, uint256), convert(new_size, uint256), new_root, proof)
    self._swap(authority, origin, old_size, old_root, new_size, new_root)


@external
@view
def verify_inclusion(leaf: bytes32, index: uint64, size: uint64, root: bytes32, proof: DynArray[bytes32, MAX_PROOF]):
    """
    @notice Revert unless `leaf` (an RFC 6962 leaf hash) stands at `index` in the tree (size, root).
    @dev Says nothing about who vouches for the tree: compare its commitment with `slot`.
    """
    assert index < size, "index outside the tree"
    assert convert(size, uint256) <= MAX_LOG_SIZE, "size too large"
    node: bytes32 = leaf
    fn: uint256 = convert(index, uint256)
    sn: uint256 = convert(size, uint256) - 1
    used: uint256 = 0
    for level: uint256 in range(MAX_LEVELS):
        if sn == 0:
            break
        if fn & 1 == 1:
            assert used < len(proof), "proof length"
            node = sha256(concat(NODE, proof[used], node))
            used = unsafe_add(used, 1)
        elif fn != sn:
            # (A left child on the right edge has no sibling: it moves up unchanged.)
            assert used < len(proof), "proof length"
            node = sha256(concat(NODE, node, proof[used]))
            used = unsafe_add(used, 1)
        fn >>= 1
        sn >>= 1
    assert used == len(proof), "proof length"
    assert node == root, "root mismatch"


@internal
def _swap(
    authority: address, origin: bytes32, old_size: uint64, old_root: bytes32, new_size: uint64, new_root: bytes32
):
    """
    @dev Compare and swap: the only writer of `slot`.
    """
    log_id: bytes32 = keccak256(abi_encode(authority, origin))
    anchored: bytes32 = self.slot[log_id]
    if old_size == 0:
        assert anchored == empty(bytes32), "stale: the log is already anchored"
    else:
        assert anchored != empty(bytes32), "the log was never anchored"
        expected: bytes32 = keccak256(abi_encode(old_size, old_root, authority))
        assert anchored == expected, "fork or stale: the slot holds another checkpoint"
    self.slot[log_id] = keccak256(abi_encode(new_size, new_root, authority))
    log Anchored(log_id=log_id, size=new_size, root=new_root, authority=authority)


@internal
@view
def _old_root(
    old_size: uint256, new_size: uint256, new_root: bytes32, proof: DynArray[bytes32, MAX_PROOF]
) -> bytes32:
    """
    @dev The old root that `proof` leads to; reverts unless it leads to `new_root` too.
         RFC 9162 section 2.1.4.2, from the last complete subtree of the old tree (the seed).
         Every tree extends the empty one, whose root is not looked at.
    """
    assert new_size > old_size, "size must grow"
    assert new_size <= MAX_LOG_SIZE, "size too large"
    if old_size == 0:
        assert len(proof) == 0, "proof length"
        return empty(bytes32)
    assert len(proof) > 0, "proof length"
    # The lowest set bit of old_size is the seed's width: both paths start at its level.
    width: uint256 = old_size & unsafe_add(~old_size, 1)
    fn: uint256 = old_size // width - 1
    sn: uint256 = (new_size - 1) // width
    old: bytes32 = proof[0]
    new: bytes32 = proof[0]
    used: uint256 = 1
    for level: uint256 in range(MAX_LEVELS):
        if sn == 0:
            break
        if fn & 1 == 1:
            # A left sibling belongs to both trees.
            assert used < len(proof), "proof length"
            old = sha256(concat(NODE, proof[used], old))
            new = sha256(concat(NODE, proof[used], new))
            used = unsafe_add(used, 1)
        elif fn != sn:
            # A right sibling was added after the old tree.
            assert used < len(proof), "proof length"
            new = sha256(concat(NODE, new, proof[used]))
            used = unsafe_add(used, 1)
        fn >>= 1
        sn >>= 1
    assert used == len(proof), "proof length"
    assert new == new_root, "new root mismatch"
    return old


@internal
@view
def _check_signature(authority: address, origin: bytes32, size: uint64, root: bytes32, signature: Bytes[65]):
    """
    @dev Exactly one signature form is accepted: 65 bytes, v 27 or 28, low s, signer not zero.
    """
    assert len(signature) == 65, "signature length"
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    assert v == 27 or v == 28, "signature v"
    assert s <= HALF_ORDER, "signature s"
    message: bytes32 = keccak256(abi_encode(CHECKPOINT_TYPE, origin, size, root))
    digest: bytes32 = keccak256(concat(b"\x19\x01", DOMAIN_SEPARATOR, message))
    signer: address = ecrecover(digest, v, r, s)
    assert signer != empty(address) and signer == authority, "signature is not the authority's"
