# pragma version 0.4.3
"""
@title Messages of a log's authority
@license Apache-2.0
@notice EIP-712 digests of what an authority signs, and whose signature stands under one.
"""

# keccak256(abi(keccak256("EIP712Domain(string name,string version)"), keccak256("tallystick"), keccak256("1"))):
# neither chain nor contract, so that one signature convicts or anchors anywhere.
DOMAIN_SEPARATOR: constant(bytes32) = 0x6b70827b7abd38da98de00db0cd565ea4b10296f77be77021f6a6cbe1e4d1999
CHECKPOINT_TYPE: constant(bytes32) = keccak256("Checkpoint(bytes32 origin,uint64 size,bytes32 root)")
ROTATION_TYPE: constant(bytes32) = keccak256("Rotation(bytes32 log,uint64 size,bytes32 root,address successor)")
# Half the order of secp256k1: a greater s is the malleable twin of a lower one.
HALF_ORDER: constant(uint256) = 57896044618658097711785492504343953926418782139537452191302581570759080747168


@internal
@pure
def _checkpoint_digest(origin: bytes32, size: uint64, root: bytes32) -> bytes32:
    """
    @dev What an authority signs for a checkpoint. `origin`: SHA-256 of the log's origin text.
    """
    return self._digest(keccak256(abi_encode(CHECKPOINT_TYPE, origin, size, root)))


@internal
@pure
def _rotation_digest(log_id: bytes32, size: uint64, root: bytes32, successor: address) -> bytes32:
    """
    @dev What an authority and its successor sign to hand over a log that stands at (size, root).
    """
    return self._digest(keccak256(abi_encode(ROTATION_TYPE, log_id, size, root, successor)))


@internal
@pure
def _digest(message: bytes32) -> bytes32:
    return keccak256(concat(b"\x19\x01", DOMAIN_SEPARATOR, message))


@internal
@view
def _signer(digest: bytes32, signature: Bytes[65]) -> address:
    """
    @dev Who signed. Exactly one form is accepted: 65 bytes r, s, v; v 27 or 28, low s. Never the
         zero address, by which ecrecover says that there is no signer.
    """
    assert len(signature) == 65, "signature length"
    r: uint256 = convert(slice(signature, 0, 32), uint256)
    s: uint256 = convert(slice(signature, 32, 32), uint256)
    v: uint256 = convert(slice(signature, 64, 1), uint256)
    assert v == 27 or v == 28, "signature v"
    assert s <= HALF_ORDER, "signature s"
    signer: address = ecrecover(digest, v, r, s)
    assert signer != empty(address), "signature of nobody"
    return signer
