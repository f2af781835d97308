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
from dataclasses import dataclass

from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import AnchorTarget
from tallystick.evm import registry, rlp
from tallystick.evm.chains import TrustedChain, Voucher, voucher
from tallystick.evm.header import Header, decode_header
from tallystick.evm.keccak import keccak256
from tallystick.evm.proof import AnchoredCheckpoint, AnchorProof
from tallystick.evm.registry import KNOWN_REGISTRIES, Registry
from tallystick.evm.secp256k1 import verify_signer
from tallystick.evm.transaction import Log, Transaction, decode_receipt, decode_transaction
from tallystick.evm.trie import TrieProofFailed, prove_value
from tallystick.trust_line import Anchored, TrustLine, trust_line

_SEAL_CONTEXT = b"tallystick/embedded-seal/v1\n"


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


def seal_digest(chain_id: int, genesis: bytes, block_hash: bytes) -> bytes:
    """What the operator of an embedded chain signs for each block that carries an anchor: 32 bytes."""
    return keccak256(_SEAL_CONTEXT + chain_id.to_bytes(8, "big") + genesis + block_hash)


def verify(proof: AnchorProof, target: AnchorTarget, chains: Sequence[TrustedChain] = ()) -> AnchorFact:
    """Check ``proof`` against the trusted ``target``; ``chains``: what the reader believes of chains' headers.

    Raises ``VerificationFailed`` with the step that does not hold, or
    ``MalformedInput`` when a member is not what it should be.
    """
    known = _check_target(proof, target)
    checkpoint = proof.checkpoint
    first = bytes.fromhex(checkpoint.first_authority or checkpoint.authority)
    _check_log_id(checkpoint, first, target, known)
    header = decode_header(from_base64(proof.header))
    vouched_by = _check_header(proof, target, header, chains)
    transaction = _check_transaction(proof, target, header)
    _check_event(proof, target, header, transaction.kind)
    _check_state(proof, target, header, known)
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


def _check_header(proof: AnchorProof, target: AnchorTarget, header: Header, chains: Sequence[TrustedChain]) -> Voucher:
    if (proof.finality.signature is not None) != (target.sealer is not None):
        raise VerificationFailed(
            f"step 3: finality is of the kind {proof.finality.kind}, and the target names "
            f"{'a sealer, whose seal is wanted' if target.sealer else 'no sealer'}"
        )
    if target.sealer is not None:
        _check_seal(target, header, proof.finality.signature or "")
    try:
        return voucher(header, target, chains)
    except VerificationFailed as error:
        raise VerificationFailed(f"step 3: {error}") from None


def _check_seal(target: AnchorTarget, header: Header, signature: str) -> None:
    digest = seal_digest(target.chain_id, bytes.fromhex(target.genesis), header.hash)
    try:
        verify_signer(bytes.fromhex(target.sealer or ""), digest, bytes.fromhex(signature))
    except VerificationFailed as error:
        raise VerificationFailed(
            f"step 3: block {header.hash.hex()} does not carry its sealer's seal: {error}"
        ) from None


def _check_transaction(proof: AnchorProof, target: AnchorTarget, header: Header) -> Transaction:
    raw = from_base64(proof.transaction.raw)
    key = rlp.encode_int(proof.transaction.index)
    if _prove("step 4: transaction", header.transactions_root, key, proof.transaction.proof) != raw:
        raise VerificationFailed("step 4: another transaction stands at this index of the block")
    transaction = decode_transaction(raw)
    if transaction.chain_id != target.chain_id:
        raise VerificationFailed(
            f"step 4: the transaction is for chain {transaction.chain_id}, the target is chain {target.chain_id}"
        )
    if transaction.to.hex() != target.contract:
        raise VerificationFailed(
            f"step 4: the transaction goes to {transaction.to.hex() or 'no one'}, the contract is {target.contract}"
        )
    return transaction


def _check_event(proof: AnchorProof, target: AnchorTarget, header: Header, kind: int) -> None:
    raw = from_base64(proof.receipt.raw)
    key = rlp.encode_int(proof.transaction.index)
    if _prove("step 5: receipt", header.receipts_root, key, proof.receipt.proof) != raw:
        raise VerificationFailed("step 5: another receipt stands at this index of the block")
    receipt = decode_receipt(raw)
    if receipt.kind != kind:
        raise VerificationFailed(f"step 5: the receipt is of type {receipt.kind}, the transaction of type {kind}")
    if not receipt.succeeded:
        raise VerificationFailed("step 5: the transaction failed")
    if proof.log_index >= len(receipt.logs):
        raise VerificationFailed(f"step 5: the receipt has {len(receipt.logs)} events, none at {proof.log_index}")
    if receipt.logs[proof.log_index] != _expected_event(proof.checkpoint, target):
        raise VerificationFailed("step 5: the event at this place is not Anchored by the contract with this checkpoint")


def _expected_event(checkpoint: AnchoredCheckpoint, target: AnchorTarget) -> Log:
    data = registry.event_data(checkpoint.size, bytes.fromhex(checkpoint.root), bytes.fromhex(checkpoint.authority))
    topics = (registry.ANCHORED_TOPIC, bytes.fromhex(target.log_id))
    return Log(bytes.fromhex(target.contract), topics, data)


def _check_state(proof: AnchorProof, target: AnchorTarget, header: Header, known: Registry) -> None:
    contract = keccak256(bytes.fromhex(target.contract))
    account = rlp.as_list(
        rlp.decode(_prove("step 6: account", header.state_root, contract, proof.account_proof)), "an account"
    )
    if len(account) != 4:
        raise MalformedInput(f"an account has 4 fields, found {len(account)}")
    code_hash = rlp.as_bytes(account[3], "an account's code hash", 32).hex()
    if code_hash != target.code_hash:
        raise VerificationFailed(f"step 6: the contract's code is {code_hash}, the target's {target.code_hash}")
    storage_root = rlp.as_bytes(account[2], "an account's storage root", 32)
    key = keccak256(registry.storage_key(known, bytes.fromhex(target.log_id)))
    held = rlp.as_int(rlp.decode(_prove("step 6: slot", storage_root, key, proof.storage_proof)), "a storage value")
    expected = _commitment(proof.checkpoint).hex()
    if f"{held:064x}" != expected:
        raise VerificationFailed(f"step 6: the slot holds {held:064x}, the checkpoint's commitment is {expected}")


def _prove(what: str, root: bytes, key: bytes, nodes: Sequence[str]) -> bytes:
    """The value at ``key`` of a trie; ``what`` names step and part in the error."""
    try:
        return prove_value(root, key, [from_base64(node) for node in nodes])
    except TrieProofFailed as error:
        raise VerificationFailed(f"{what}: {error}") from None


def _commitment(checkpoint: AnchoredCheckpoint) -> bytes:
    return registry.commitment(checkpoint.size, bytes.fromhex(checkpoint.root), bytes.fromhex(checkpoint.authority))
