"""The offline proof of one anchor on an EVM chain: packed when the anchor is final, since chains die.

``AnchorProof`` is the file; its canonical JSON is the only form. ``verify``
follows it from the finality evidence down to the contract's slot, in numbered
steps, against a target that the *caller* trusts (a log entry or a trust file):
a proof never says what to trust.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from tallystick import canonical
from tallystick.base64s import to_base64
from tallystick.events.log import AnchorTarget
from tallystick.evm import header, transaction, trie
from tallystick.schema import COUNT, HEX20, HEX32, base64_bytes, items, matching, read, record, write
from tallystick.versions import check_version

VERSION: Literal[1] = 1
# A proof of an embedded chain has 4 to 9 KB; a public chain's state proofs are deeper.
MAX_PROOF_BYTES = 1 << 18

_HEX65 = matching("[0-9a-f]{130}", "130 lowercase hex digits")
_Blob = Annotated[str, base64_bytes(transaction.MAX_BYTES)]
_Nodes = Annotated[tuple[_Blob, ...], items(trie.MAX_NODES, 1)]


@record
class AnchoredCheckpoint:
    """What was anchored. ``origin_hash``: SHA-256 of the log's origin text; ``authority``: its EVM address."""

    origin_hash: Annotated[str, HEX32]
    size: Annotated[int, COUNT]
    root: Annotated[str, HEX32]
    authority: Annotated[str, HEX20]


@record
class TransactionProof:
    """A signed transaction and its nodes in the block's transactionsRoot, at key rlp(index)."""

    index: Annotated[int, COUNT]
    raw: _Blob
    proof: _Nodes


@record
class ReceiptProof:
    """The transaction's receipt and its nodes in the block's receiptsRoot, at the same key."""

    raw: _Blob
    proof: _Nodes


@record
class OperatorSeal:
    """The chain operator's signature over ``seal_digest``: without it an exporter could invent a block."""

    kind: Literal["operator-seal"]
    signature: Annotated[str, _HEX65]


@record
class AnchorProof:
    """Everything needed to check one anchor with no network. Binary members are base64, hashes are hex."""

    v: Literal[1]
    kind: Literal["evm"]
    target: AnchorTarget
    checkpoint: AnchoredCheckpoint
    header: Annotated[str, base64_bytes(header.MAX_BYTES)]
    transaction: TransactionProof
    receipt: ReceiptProof
    log_index: Annotated[int, COUNT]
    account_proof: _Nodes
    storage_proof: _Nodes
    finality: OperatorSeal


@dataclass(frozen=True)
class Block:
    """The block that holds the anchor, as a node gives it: header RLP and the seal over its hash (65 bytes)."""

    header: bytes
    seal: bytes


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
    return AnchorProof(
        v=VERSION,
        kind="evm",
        target=target,
        checkpoint=checkpoint,
        header=to_base64(block.header),
        transaction=TransactionProof(
            inclusion.index, to_base64(inclusion.transaction), _texts(inclusion.transaction_proof)
        ),
        receipt=ReceiptProof(to_base64(inclusion.receipt), _texts(inclusion.receipt_proof)),
        log_index=inclusion.log_index,
        account_proof=_texts(state.account_proof),
        storage_proof=_texts(state.storage_proof),
        finality=OperatorSeal("operator-seal", block.seal.hex()),
    )


def encode(proof: AnchorProof) -> bytes:
    """Canonical JSON."""
    return canonical.encode(write(proof))


def decode(data: bytes) -> AnchorProof:
    """Inverse of ``encode``. Raises ``MalformedInput``, ``UnknownVersion`` among it."""
    value = canonical.decode(data, MAX_PROOF_BYTES)
    check_version(value, "anchor proof", VERSION)
    return read(AnchorProof, value)


def _texts(nodes: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(to_base64(node) for node in nodes)
