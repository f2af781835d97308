"""The offline proof of one anchor on an EVM chain: packed while the chain answers, since chains die.

``AnchorProof`` is the file; its canonical JSON is the only form. ``verify``
follows it from the finality evidence down to the contract's slot, in numbered
steps, against a target that the *caller* trusts (a log entry or a trust file):
a proof never says what to trust. Version 1 is of a chain that its operator seals;
version 2 has what version 1 lacks: another chain's finality, an authority that was
rotated, timestamps over the block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput
from tallystick.events.log import AnchorTarget
from tallystick.evm import header, transaction, trie
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import COUNT, HEX20, HEX32, base64_bytes, items, matching, read, record, write
from tallystick.versions import check_version

VERSIONS = (1, 2)
MAX_TOKENS = 8
MAX_TOKEN_BYTES = 1 << 16
# A proof of an embedded chain has 4 to 9 KB; a public chain's state proofs are deeper.
MAX_PROOF_BYTES = 1 << 18

_HEX65 = matching("[0-9a-f]{130}", "130 lowercase hex digits")
Blob = Annotated[str, base64_bytes(transaction.MAX_BYTES)]
Nodes = Annotated[tuple[Blob, ...], items(trie.MAX_NODES, 1)]


@record
class AnchoredCheckpoint:
    """What was anchored. ``origin_hash``: SHA-256 of the log's origin text; ``authority``: its EVM address in force.

    ``first_authority`` (version 2): the one by which the contract names the log, where another is in force now.
    """

    origin_hash: Annotated[str, HEX32]
    size: Annotated[int, COUNT]
    root: Annotated[str, HEX32]
    authority: Annotated[str, HEX20]
    first_authority: Annotated[str, HEX20] | None = None


@record
class TransactionProof:
    """A signed transaction and its nodes in the block's transactionsRoot, at key rlp(index)."""

    index: Annotated[int, COUNT]
    raw: Blob
    proof: Nodes


@record
class ReceiptProof:
    """The transaction's receipt and its nodes in the block's receiptsRoot, at the same key."""

    raw: Blob
    proof: Nodes


@record
class Finality:
    """Why the packer took the block for final.

    ``operator-seal``: ``signature`` of the chain's operator over ``seal_digest``; without it an exporter could invent
    a block. All others are what the packer saw, recorded, and prove nothing: ``finalized``, ``depth``: the chain's
    finalized block, or its newest, was ``head``; ``immediate``: the chain never takes a block back; ``mined``: not
    yet final.
    """

    kind: Literal["operator-seal", "mined", "finalized", "depth", "immediate"]
    signature: Annotated[str, _HEX65] | None = None
    head: Annotated[int, COUNT] | None = None
    head_hash: Annotated[str, HEX32] | None = None


@record
class AnchorProof:
    """Everything needed to check one anchor with no network. Binary members are base64, hashes are hex."""

    v: Literal[1, 2]
    kind: Literal["evm"]
    target: AnchorTarget
    checkpoint: AnchoredCheckpoint
    header: Annotated[str, base64_bytes(header.MAX_BYTES)]
    transaction: TransactionProof
    receipt: ReceiptProof
    log_index: Annotated[int, COUNT]
    account_proof: Nodes
    storage_proof: Nodes
    finality: Finality
    tokens: Annotated[tuple[Annotated[str, base64_bytes(MAX_TOKEN_BYTES)], ...], items(MAX_TOKENS, 1)] | None = None


@dataclass(frozen=True)
class Block:
    """The block that holds the anchor, as a node gives it: header RLP and why it counts."""

    header: bytes
    finality: Finality


@dataclass(frozen=True)
class Inclusion:
    """A transaction with its receipt, and where both stand. ``log_index`` counts within this receipt."""

    index: int
    transaction: bytes
    transaction_proof: Sequence[bytes]
    receipt: bytes
    receipt_proof: Sequence[bytes]
    log_index: int


@dataclass(frozen=True)
class State:
    """The ``accountProof`` and ``storageProof[0].proof`` of ``eth_getProof`` at that block."""

    account_proof: Sequence[bytes]
    storage_proof: Sequence[bytes]


def pack(
    target: AnchorTarget, checkpoint: AnchoredCheckpoint, block: Block, inclusion: Inclusion, state: State
) -> AnchorProof:
    """An ``AnchorProof`` from raw parts. It is not verified: the packer calls ``verify`` on it before it keeps it."""
    members = members_of(block, inclusion, state)
    packed = AnchorProof(v=1, kind="evm", target=target, checkpoint=checkpoint, **members)
    return replace(packed, v=_version_of(packed))


def members_of(block: Block, inclusion: Inclusion, state: State) -> dict[str, Any]:
    """What a contract did in a block, as members of a proof file, whatever it proves."""
    return {
        "header": to_base64(block.header),
        "transaction": TransactionProof(
            inclusion.index, to_base64(inclusion.transaction), _texts(inclusion.transaction_proof)
        ),
        "receipt": ReceiptProof(to_base64(inclusion.receipt), _texts(inclusion.receipt_proof)),
        "log_index": inclusion.log_index,
        "account_proof": _texts(state.account_proof),
        "storage_proof": _texts(state.storage_proof),
        "finality": block.finality,
    }


def operator_seal(signature: bytes) -> Finality:
    """The finality of a sealed block; ``signature``: 65 bytes."""
    return Finality("operator-seal", signature.hex())


def with_finality(data: bytes, finality: Finality) -> bytes:
    """The same proof (canonical bytes) once the packer knows why the block is final."""
    return encode(replace(decode(data), finality=finality))


def with_tokens(proof: AnchorProof, tokens: Sequence[bytes]) -> AnchorProof:
    """The same proof with RFC 3161 tokens (DER) over its block's 32-byte hash; none: without any."""
    changed = replace(proof, tokens=_texts(tokens) or None)
    return replace(changed, v=_version_of(changed))


def encode(proof: AnchorProof) -> bytes:
    """Canonical JSON. Raises ``MalformedInput`` for a proof that ``decode`` would refuse."""
    _check_members(proof)
    return canonical.encode(write(proof))


def decode(data: bytes) -> AnchorProof:
    """Inverse of ``encode``. Raises ``MalformedInput``, ``UnknownVersion`` among it."""
    value = canonical.decode(data, MAX_PROOF_BYTES)
    check_version(value, "anchor proof", *VERSIONS)
    proof = read(AnchorProof, value)
    _check_members(proof)
    return proof


def _check_members(proof: AnchorProof) -> None:
    """One meaning has one form: a version has what it is for, and finality what its kind says."""
    if proof.v != _version_of(proof):
        raise MalformedInput(f"an anchor proof with these members is of version {_version_of(proof)}, not {proof.v}")
    if proof.checkpoint.first_authority == proof.checkpoint.authority:
        raise MalformedInput("first_authority is told only where another authority is in force")
    check_finality(proof.finality)


def check_finality(finality: Finality) -> None:
    """Raise ``MalformedInput`` unless it has the members of its kind, and no others."""
    if (finality.signature is not None) != (finality.kind == "operator-seal"):
        raise MalformedInput("a signature belongs to finality of the kind operator-seal, and to no other")
    wanted = finality.kind in ("finalized", "depth")
    if (finality.head is not None, finality.head_hash is not None) != (wanted, wanted):
        raise MalformedInput("head and head_hash belong to finality of the kinds finalized and depth, and to no other")


def _version_of(proof: AnchorProof) -> Literal[1, 2]:
    new = (proof.checkpoint.first_authority, proof.tokens)
    return 1 if new == (None, None) and proof.finality.kind == "operator-seal" else 2


def _texts(nodes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(to_base64(node) for node in nodes)
