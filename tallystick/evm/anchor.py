"""Verify an anchor proof offline, step by step, and say what it shows and by whose word.

1. The proof's target is the one the caller trusts, and its code is a known AnchorRegistry.
2. The checkpoint's log is the target's: log id = keccak(first authority, SHA-256(origin)).
3. The header: its hash carries the seal of the target's sealer, where there is one; and it is no other than
   the block that the reader names, where he names one of its number.
4. The transaction stands in the block, on that chain, sent to that contract.
5. Its receipt stands in the block, succeeded, and holds the event ``Anchored`` with this checkpoint.
6. In the block's state the contract has that code, and the log's slot holds this checkpoint.

Steps 4 and 5 show the act, step 6 its result; the code behind step 6 is what
checked consistency with everything anchored before. All of it counts as far as
somebody vouches for the header: ``AnchorFact.vouched_by``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tallystick.errors import VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm import deed, registry
from tallystick.evm.chains import TrustedChain, Voucher
from tallystick.evm.deed import Deed
from tallystick.evm.keccak import reckoned_together
from tallystick.evm.proof import AnchoredCheckpoint, AnchorProof
from tallystick.evm.registry import KNOWN_REGISTRIES, Registry
from tallystick.evm.transaction import Log
from tallystick.lazy_dataclass import dataclass
from tallystick.trust_line import Anchored, TrustLine, trust_line


@dataclass(frozen=True)
class AnchorFact:
    """What a verified anchor proof shows.

    size, root: the checkpoint that the contract held after this block.
    origin_hash: whose log it is (SHA-256 of the origin text). authority: its 20-byte address in force;
    first_authority: the one that names the log on the contract, mostly the same.
    registry: the known contract whose code held it, and so checked consistency.
    chain_id, block_number, block_hash: where.
    block_time: Unix seconds that the block's producer claims.
    vouched_by: on whose word the header rests. ``operator`` proves nothing against the operator, ``nobody`` nothing
    until the reader has compared the block hash.
    finality: the kind that the packer recorded; whatever it says, it is the packer's word.
    """

    size: int
    root: bytes
    origin_hash: bytes
    authority: bytes
    first_authority: bytes
    registry: str
    chain_id: int
    block_number: int
    block_hash: bytes
    block_time: int
    vouched_by: Voucher
    sealed: bool
    finality: str

    @property
    def line(self) -> TrustLine:
        """The same in one sentence."""
        return trust_line(
            Anchored(
                kind="embedded" if self.sealed and self.vouched_by == "operator" else "chain",
                size=self.size,
                root=self.root,
                time=self.block_time,
                chain_id=self.chain_id,
                block=self.block_number,
                block_hash=self.block_hash,
                vouched=self.vouched_by == "named-block",
            )
        )


def verify(proof: AnchorProof, target: AnchorTarget, chains: Sequence[TrustedChain] = ()) -> AnchorFact:
    """Check ``proof`` against the trusted ``target``; ``chains``: what the reader believes of chains' headers.

    Raises ``VerificationFailed`` with the step that does not hold, or
    ``MalformedInput`` when a member is not what it should be.
    """
    known = _check_target(proof, target)
    with reckoned_together(partial(hashed, proof), partial(hashed_next, proof)):
        return _verify(proof, target, chains, known)


def hashed(proof: AnchorProof) -> list[bytes]:
    """What ``verify`` hashes of a proof (see ``keccak.reckoned_together``); nothing is judged here."""
    checkpoint, target = proof.checkpoint, proof.target
    known = KNOWN_REGISTRIES.get(target.code_hash)
    return [
        *([] if known is None else [registry.slot_words(known, bytes.fromhex(target.log_id))]),
        registry.log_words(_first_authority(checkpoint), bytes.fromhex(checkpoint.origin_hash)),
        registry.event_data(*_held(checkpoint)),
        *deed.hashed(proof, target),
    ]


def hashed_next(proof: AnchorProof) -> list[bytes]:
    """And what it hashes of these digests."""
    known = KNOWN_REGISTRIES.get(proof.target.code_hash)
    if known is None:
        return []
    key = registry.storage_key(known, bytes.fromhex(proof.target.log_id))
    return deed.hashed_next(proof, proof.target, key)


def _verify(proof: AnchorProof, target: AnchorTarget, chains: Sequence[TrustedChain], known: Registry) -> AnchorFact:
    checkpoint = proof.checkpoint
    first = _first_authority(checkpoint)
    _check_log_id(checkpoint, first, target, known)
    header, vouched_by = deed.check_header(proof, target, chains)
    transaction = deed.check_transaction(proof, target, header)
    if transaction.to.hex() != target.contract:
        raise VerificationFailed(
            f"step 4: the transaction goes to {transaction.to.hex() or 'no one'}, the contract is {target.contract}"
        )
    done = _deed(checkpoint, target, known)
    deed.check_event(proof, header, transaction.kind, done)
    deed.check_state(proof, header, target, done)
    return AnchorFact(
        size=checkpoint.size,
        root=bytes.fromhex(checkpoint.root),
        origin_hash=bytes.fromhex(checkpoint.origin_hash),
        authority=bytes.fromhex(checkpoint.authority),
        first_authority=first,
        registry=known.name,
        chain_id=target.chain_id,
        block_number=header.number,
        block_hash=header.hash,
        block_time=header.time,
        vouched_by=vouched_by,
        sealed=target.sealer is not None,
        finality=proof.finality.kind,
    )


def _check_target(proof: AnchorProof, target: AnchorTarget) -> Registry:
    if proof.target != target:
        raise VerificationFailed(f"step 1: the proof is for {proof.target}, the trusted target is {target}")
    if (target.vouched_by == "operator") != (target.sealer is not None):
        raise VerificationFailed(
            "step 1: a target that its operator vouches for names a sealer, and no other does; "
            f"this one says {target.vouched_by} and names {target.sealer or 'no sealer'}"
        )
    known = KNOWN_REGISTRIES.get(target.code_hash)
    if known is None:
        raise VerificationFailed(
            f"step 1: code {target.code_hash} is no AnchorRegistry that this version knows; "
            "a newer tallystick may know it"
        )
    return known


def _check_log_id(checkpoint: AnchoredCheckpoint, first: bytes, target: AnchorTarget, known: Registry) -> None:
    found = registry.log_id(first, bytes.fromhex(checkpoint.origin_hash)).hex()
    if found != target.log_id:
        raise VerificationFailed(f"step 2: authority and origin make log id {found}, the target's is {target.log_id}")
    if checkpoint.first_authority is not None and not known.rotates:
        raise VerificationFailed(f"step 2: {known.name} knows no other authority than a log's first")


def _first_authority(checkpoint: AnchoredCheckpoint) -> bytes:
    return bytes.fromhex(checkpoint.first_authority or checkpoint.authority)


def _held(checkpoint: AnchoredCheckpoint) -> tuple[int, bytes, bytes]:
    """Size, root and authority in force."""
    return checkpoint.size, bytes.fromhex(checkpoint.root), bytes.fromhex(checkpoint.authority)


def _deed(checkpoint: AnchoredCheckpoint, target: AnchorTarget, known: Registry) -> Deed:
    held = _held(checkpoint)
    log_id = bytes.fromhex(target.log_id)
    event = Log(bytes.fromhex(target.contract), (registry.ANCHORED_TOPIC, log_id), registry.event_data(*held))
    return Deed(
        event=event,
        says="Anchored by the contract with this checkpoint",
        key=registry.storage_key(known, log_id),
        held=registry.commitment(*held),
        holds="the checkpoint's commitment",
    )
