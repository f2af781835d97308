# pragma version 0.4.3
# pragma evm-version london
# pragma optimize gas
"""
@title ForkCourt
@license Apache-2.0
@notice Convicts, for good and on anyone's word, an authority that signed two
        checkpoints of one log which cannot both be true.
@dev Everything judged stands under the authority's signature: origin, size and root. The
     accuser adds hashes and an index, which prove nothing unless they lead to signed roots.
     An authority that signs only trees of one growing list of leaves cannot be convicted
     without a collision of SHA-256 (docs/contracts.md says why for each kind of evidence).
     There is no owner, no upgrade, no value, no appeal, no call to another contract than
     the precompiles 1 and 2.
"""

import checkpoint
import rfc6962

initializes: rfc6962

struct Signed:
    size: uint64
    root: bytes32
    # r, s, v of the EIP-712 message Checkpoint(origin, size, root).
    signature: Bytes[65]


event Convicted:
    defendant: indexed(bytes32)
    authority: indexed(address)
    origin: bytes32
    first_size: uint64
    first_root: bytes32
    second_size: uint64
    second_root: bytes32


# Defendant, keccak256(abi(authority, origin)) => keccak256(abi(first size, first root, second size, second root))
# of the evidence that convicted first; zero: not convicted.
conviction: public(HashMap[bytes32, bytes32])


@deploy
def __init__():
    rfc6962.__init__()


@external
def convict_roots(origin: bytes32, first: Signed, second: Signed):
    """
    @notice One size with two roots.
    @param origin SHA-256 of the log's origin text.
    """
    assert first.size == second.size, "the sizes differ"
    assert first.root != second.root, "the roots are the same"
    self._convict(origin, first, second)


@external
def convict_history(origin: bytes32, first: Signed, second: Signed, proof: DynArray[bytes32, rfc6962.MAX_PROOF]):
    """
    @notice A root that the larger tree did not have at the smaller size.
    @param first The smaller checkpoint.
    @param proof Consistency proof that leads to the larger root, as AnchorRegistry takes it. It opens the
           root that the larger tree had at the smaller size: another one than the authority signed.
    """
    opened: bytes32 = rfc6962._old_root(
        convert(first.size, uint256), convert(second.size, uint256), second.root, proof
    )
    assert opened != first.root, "the checkpoints are consistent"
    self._convict(origin, first, second)


@external
def convict_leaves(
    origin: bytes32,
    index: uint64,
    first: Signed,
    first_leaf: bytes32,
    first_proof: DynArray[bytes32, rfc6962.MAX_PROOF],
    second: Signed,
    second_leaf: bytes32,
    second_proof: DynArray[bytes32, rfc6962.MAX_PROOF],
):
    """
    @notice Two leaves at one index.
    @param first_leaf RFC 6962 leaf hash at `index` of the first tree, and its inclusion proof.
    """
    assert first_leaf != second_leaf, "the leaves are the same"
    at: uint256 = convert(index, uint256)
    rfc6962._check_inclusion(first_leaf, at, convert(first.size, uint256), first.root, first_proof)
    rfc6962._check_inclusion(second_leaf, at, convert(second.size, uint256), second.root, second_proof)
    self._convict(origin, first, second)


@internal
def _convict(origin: bytes32, first: Signed, second: Signed):
    """
    @dev Both signatures by one key; the first conviction is kept.
    """
    authority: address = self._signer(origin, first)
    assert self._signer(origin, second) == authority, "two authorities signed"
    defendant: bytes32 = keccak256(abi_encode(authority, origin))
    if self.conviction[defendant] == empty(bytes32):
        self.conviction[defendant] = keccak256(abi_encode(first.size, first.root, second.size, second.root))
        log Convicted(
            defendant=defendant,
            authority=authority,
            origin=origin,
            first_size=first.size,
            first_root=first.root,
            second_size=second.size,
            second_root=second.root,
        )


@internal
@view
def _signer(origin: bytes32, signed: Signed) -> address:
    return checkpoint._signer(checkpoint._checkpoint_digest(origin, signed.size, signed.root), signed.signature)
