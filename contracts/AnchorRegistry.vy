# pragma version 0.4.3
# pragma evm-version london
# pragma optimize gas
"""
@title AnchorRegistry 2
@license Apache-2.0
@notice Holds, for each transparency log, one commitment to its newest anchored
        checkpoint, and moves it only along an RFC 6962 consistency proof: a
        fork of what was anchored before cannot be anchored.
@dev A log is named by keccak256(abi(first authority, SHA-256(origin))), for ever. Its slot
     holds keccak256(abi(size, root, authority in force)). There is no owner, no upgrade,
     no value, no call to another contract than the precompiles 1 and 2.
"""

import checkpoint
import rfc6962

initializes: rfc6962

event Anchored:
    log_id: indexed(bytes32)
    size: uint64
    root: bytes32
    authority: address


event AuthorityRotated:
    log_id: indexed(bytes32)
    size: uint64
    root: bytes32
    authority: address
    predecessor: address


STALE: constant(String[69]) = "fork or stale: the slot holds another checkpoint or another authority"

# log id => commitment to the newest anchored checkpoint; zero: never anchored.
slot: public(HashMap[bytes32, bytes32])
# log id => authority => whether it was replaced: it never comes back, so that no rotation can be replayed.
retired: public(HashMap[bytes32, HashMap[address, bool]])


@deploy
def __init__():
    rfc6962.__init__()


@external
def begin(origin: bytes32, size: uint64, root: bytes32):
    """
    @notice First anchor of the caller's own log, of which the caller is the first authority.
    @param origin SHA-256 of the log's origin text.
    """
    self._begin(msg.sender, origin, size, root)


@external
def anchor(
    log_id: bytes32,
    old_size: uint64,
    new_size: uint64,
    new_root: bytes32,
    proof: DynArray[bytes32, rfc6962.MAX_PROOF],
):
    """
    @notice Anchor a new checkpoint of a log of which the caller is the authority in force.
    @param old_size Size last anchored.
    @param new_size Size of the new checkpoint, greater than old_size.
    @param new_root Root of the new checkpoint.
    @param proof RFC 6962 consistency proof; when old_size is a power of two, the old root comes before it.
    """
    old_root: bytes32 = rfc6962._old_root(convert(old_size, uint256), convert(new_size, uint256), new_root, proof)
    self._extend(log_id, msg.sender, old_size, old_root, new_size, new_root)


@external
def relay(
    first_authority: address,
    origin: bytes32,
    old_size: uint64,
    new_size: uint64,
    new_root: bytes32,
    proof: DynArray[bytes32, rfc6962.MAX_PROOF],
    signature: Bytes[65],
):
    """
    @notice Anchor a checkpoint that the log's authority in force signed; anyone may pay.
    @param first_authority The authority that the log began with.
    @param old_size Size last anchored; 0 (with an empty proof) for the first anchor.
    @param signature r, s, v of the EIP-712 message Checkpoint(origin, new_size, new_root).
    """
    authority: address = checkpoint._signer(checkpoint._checkpoint_digest(origin, new_size, new_root), signature)
    if old_size == 0:
        assert len(proof) == 0, "proof length"
        assert authority == first_authority, "signature is not the authority's"
        self._begin(authority, origin, new_size, new_root)
    else:
        # The origin names the log and stands in the message: a key that serves two logs cannot mix them up.
        log_id: bytes32 = keccak256(abi_encode(first_authority, origin))
        old_root: bytes32 = rfc6962._old_root(convert(old_size, uint256), convert(new_size, uint256), new_root, proof)
        self._extend(log_id, authority, old_size, old_root, new_size, new_root)


@external
def rotate(
    log_id: bytes32, size: uint64, root: bytes32, successor: address, consent: Bytes[65], acceptance: Bytes[65]
):
    """
    @notice Hand the log over to a new authority; anyone may pay.
    @param size Size of the checkpoint that the slot holds now.
    @param root Its root.
    @param consent The EIP-712 message Rotation(log_id, size, root, successor), signed by the authority in force.
    @param acceptance The same message, signed by the successor: nobody hands a log to a key that nobody holds.
    """
    digest: bytes32 = checkpoint._rotation_digest(log_id, size, root, successor)
    authority: address = checkpoint._signer(digest, consent)
    assert self.slot[log_id] == self._commitment(size, root, authority), STALE
    assert checkpoint._signer(digest, acceptance) == successor, "acceptance is not the successor's"
    assert successor != authority, "the successor is the authority"
    assert not self.retired[log_id][successor], "the successor was replaced before"
    self.retired[log_id][authority] = True
    self.slot[log_id] = self._commitment(size, root, successor)
    log AuthorityRotated(log_id=log_id, size=size, root=root, authority=successor, predecessor=authority)


@external
@view
def verify_inclusion(
    leaf: bytes32, index: uint64, size: uint64, root: bytes32, proof: DynArray[bytes32, rfc6962.MAX_PROOF]
):
    """
    @notice Revert unless `leaf` (an RFC 6962 leaf hash) stands at `index` in the tree (size, root).
    @dev Says nothing about who vouches for the tree: compare its commitment with `slot`.
    """
    rfc6962._check_inclusion(leaf, convert(index, uint256), convert(size, uint256), root, proof)


@external
@view
def verify_logged(
    log_id: bytes32,
    authority: address,
    leaf: bytes32,
    index: uint64,
    size: uint64,
    root: bytes32,
    proof: DynArray[bytes32, rfc6962.MAX_PROOF],
):
    """
    @notice Revert unless `leaf` stands at `index` in the newest anchored checkpoint of the log.
    @param authority The authority in force, as the last event told.
    """
    assert self.slot[log_id] == self._commitment(size, root, authority), STALE
    rfc6962._check_inclusion(leaf, convert(index, uint256), convert(size, uint256), root, proof)


@internal
def _begin(authority: address, origin: bytes32, size: uint64, root: bytes32):
    assert size > 0, "size must grow"
    assert convert(size, uint256) <= rfc6962.MAX_SIZE, "size too large"
    log_id: bytes32 = keccak256(abi_encode(authority, origin))
    assert self.slot[log_id] == empty(bytes32), "stale: the log is already anchored"
    self._store(log_id, size, root, authority)


@internal
def _extend(
    log_id: bytes32, authority: address, old_size: uint64, old_root: bytes32, new_size: uint64, new_root: bytes32
):
    """
    @dev Compare and swap: old size, old root and authority must be those of the slot. (An empty slot is no hash.)
    """
    assert self.slot[log_id] == self._commitment(old_size, old_root, authority), STALE
    self._store(log_id, new_size, new_root, authority)


@internal
def _store(log_id: bytes32, size: uint64, root: bytes32, authority: address):
    self.slot[log_id] = self._commitment(size, root, authority)
    log Anchored(log_id=log_id, size=size, root=root, authority=authority)


@internal
@pure
def _commitment(size: uint64, root: bytes32, authority: address) -> bytes32:
    return keccak256(abi_encode(size, root, authority))
