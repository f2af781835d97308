"""The offline proof that a log's authority stands convicted in a ForkCourt: what it signed, and the court's slot.

``ConvictionProof`` is the file; its canonical JSON is the only form. It holds the fork evidence itself, which needs no
chain and no court, and what the court made of it: transaction, event and slot in one block. Code, event and storage
alone would not do: whoever deploys a contract can write any slot, emit any event, and leave the published code behind.
So the evidence convicts, and the chain tells where and since when that is public. ``convicted`` verifies both.
"""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick import canonical
from tallystick.evm import header
from tallystick.evm.proof import (
    Block,
    Finality,
    Inclusion,
    Nodes,
    ReceiptProof,
    State,
    TransactionProof,
    check_finality,
    members_of,
)
from tallystick.fork import ForkEvidence, check_form
from tallystick.schema import COUNT, HEX20, HEX32, base64_bytes, read, record, write
from tallystick.versions import check_version

VERSION: Literal[1] = 1
# The evidence and an anchor proof have 2^18 bytes each at most.
MAX_CONVICTION_BYTES = 1 << 19


@record
class Court:
    """A ForkCourt on a chain. ``sealer``: address of the operator who seals that chain's blocks, if one does."""

    chain_id: Annotated[int, COUNT]
    genesis: Annotated[str, HEX32]
    contract: Annotated[str, HEX20]
    code_hash: Annotated[str, HEX32]
    sealer: Annotated[str, HEX20] | None = None


@record
class ConvictionProof:
    """The file. ``log_index`` is the place of ``Convicted`` in the receipt; the state is that after the block."""

    v: Literal[1]
    kind: Literal["conviction"]
    court: Court
    evidence: ForkEvidence
    header: Annotated[str, base64_bytes(header.MAX_BYTES)]
    transaction: TransactionProof
    receipt: ReceiptProof
    log_index: Annotated[int, COUNT]
    account_proof: Nodes
    storage_proof: Nodes
    finality: Finality


def pack(court: Court, evidence: ForkEvidence, block: Block, inclusion: Inclusion, state: State) -> ConvictionProof:
    """A ``ConvictionProof`` from raw parts. It is not verified: the packer does that before it keeps it."""
    members = members_of(block, inclusion, state)
    return ConvictionProof(v=VERSION, kind="conviction", court=court, evidence=evidence, **members)


def encode(proof: ConvictionProof) -> bytes:
    """Canonical JSON. Raises ``MalformedInput`` for a proof that ``decode`` would refuse."""
    _check_members(proof)
    return canonical.encode(write(proof))


def decode(data: bytes) -> ConvictionProof:
    """Inverse of ``encode``. Raises ``MalformedInput``, ``UnknownVersion`` among it."""
    value = canonical.decode(data, MAX_CONVICTION_BYTES)
    check_version(value, "conviction proof", VERSION)
    proof = read(ConvictionProof, value)
    _check_members(proof)
    return proof


def _check_members(proof: ConvictionProof) -> None:
    check_form(proof.evidence)
    check_finality(proof.finality)
