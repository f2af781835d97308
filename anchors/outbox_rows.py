"""What the outbox holds, as frozen values. No SQL leaves ``anchors.outbox``."""

from __future__ import annotations

from typing import Literal

from tallystick.events.log import AnchorTarget
from tallystick.lazy_dataclass import dataclass
from tallystick.trust_line import Anchored, TrustLine, trust_line

VouchedBy = Literal["operator", "chain"]
"""Who vouches for the block header, as in a ``log.anchor-target`` entry."""

TargetState = Literal["deploying", "announced", "named"]
AnchorState = Literal["prepared", "sent", "mined", "final", "dropped"]

OPEN_STATES: tuple[AnchorState, ...] = ("prepared", "sent", "mined")
"""States in which an anchor still has a way to go."""


@dataclass(frozen=True)
class TargetSpec:
    """What is known of a target before its contract exists. For ever the same under one name."""

    name: str
    chain_id: int
    genesis_hash: bytes
    origin: str
    authority: bytes
    log_id: bytes
    sealer: bytes | None
    vouched_by: VouchedBy
    code_hash: bytes


@dataclass(frozen=True)
class Target:
    """A chain, a contract there, and this log in it."""

    id: int
    spec: TargetSpec
    state: TargetState
    contract: bytes | None
    """20 bytes, once deployed."""
    log_position: int | None
    """Position of the log entry that names the target."""
    deploying_at: int
    announced_at: int | None
    named_at: int | None
    trouble: str | None = None
    """What hinders anchoring there, for people: what was found, expected, and what to do. None: nothing."""
    trouble_at: int | None = None
    """Since when."""
    stopped: bool = False
    """Nothing is sent there until what hinders it is gone: the chain is not the one that the target was made on."""
    waits: str | None = None
    """What an anchor that is due waits for, when that is money; None: nothing."""
    waits_at: int | None = None
    """Since when."""

    @property
    def announcement(self) -> AnchorTarget:
        """What the log is to name: the body of a ``log.anchor-target`` event. Only of a deployed target."""
        if self.contract is None:
            raise ValueError(f"target {self.spec.name} has no contract yet")
        spec = self.spec
        return AnchorTarget(
            kind="evm",
            chain_id=spec.chain_id,
            genesis=spec.genesis_hash.hex(),
            contract=self.contract.hex(),
            code_hash=spec.code_hash.hex(),
            log_id=spec.log_id.hex(),
            hash="keccak256",
            vouched_by=spec.vouched_by,
            sealer=None if spec.sealer is None else spec.sealer.hex(),
        )


@dataclass(frozen=True)
class Request:
    """Somebody needs the log anchored at ``size`` or beyond. Done for a target when a final anchor reaches it."""

    id: int
    reason: str
    size: int
    requested_at: int


@dataclass(frozen=True)
class Anchor:
    """One checkpoint on its way to one target."""

    id: int
    target_id: int
    size: int
    root: bytes
    note: bytes
    """The signed note as it was published."""
    signature: bytes
    """The authority's EIP-712 signature."""
    reason: str
    state: AnchorState
    prepared_at: int
    sent_at: int | None
    mined_at: int | None
    final_at: int | None
    dropped_at: int | None
    tx_hash: bytes | None
    block_hash: bytes | None
    block_number: int | None
    block_time: int | None
    proof: bytes | None
    """The packed ``AnchorProof``, once final."""
    error: str | None
    """Why it was dropped, or what hindered it last."""
    draft: bytes | None = None
    """The packed proof while the block is not final: some nodes forget a block's state long before it is."""

    def trust(self, target: TargetSpec) -> TrustLine:
        """What this anchor proves, and on whose word."""
        return trust_line(
            Anchored(
                kind="embedded" if target.vouched_by == "operator" else "chain",
                size=self.size,
                root=self.root,
                state=self.state,
                time=self.block_time,
                chain_id=target.chain_id,
                block=self.block_number,
                block_hash=self.block_hash,
            )
        )


@dataclass(frozen=True)
class Attempt:
    """A signed transaction, stored before it was sent."""

    id: int
    target_id: int
    anchor_id: int | None
    """None: the transaction deploys the target's contract."""
    nonce: int
    max_fee: int
    """maxFeePerGas in wei."""
    raw: bytes
    tx_hash: bytes
    stored_at: int
    sent_at: int | None
    sender: bytes | None = None
    """Whose nonce it is: 20 bytes. None in rows from before there were other chains."""
    gas: int | None = None
    """Its gas limit."""
    max_tip: int | None = None
    """maxPriorityFeePerGas in wei."""
    lost_at: int | None = None
    """Since when its nonce is spent, and none of the transactions that we signed for it was seen to be mined."""
    settled_at: int | None = None
    """When its receipt was seen."""
    succeeded: bool | None = None
    gas_used: int | None = None
    gas_price: int | None = None
    """What each unit of gas cost, in wei."""
    handover_id: int | None = None
    """The handover that it is for; then it is for no anchor and no deployment."""


@dataclass(frozen=True)
class Handover:
    """The log's authority was replaced: what the target's contract needs to follow."""

    id: int
    target_id: int
    size: int
    """Of the last checkpoint that the predecessor signed: beyond it nobody can move the slot before the handover."""
    root: bytes
    note: bytes
    signature: bytes
    """The predecessor's EIP-712 signature over that checkpoint."""
    predecessor: bytes
    """20 bytes, as is ``successor``."""
    successor: bytes
    consent: bytes
    """The predecessor's signature over the rotation, ``acceptance`` the successor's; 65 bytes each."""
    acceptance: bytes
    prepared_at: int
    done_at: int | None
    """When the contract's handover was seen to be final."""


@dataclass(frozen=True)
class HandoverKeys:
    """Whose the slot was and is to be, and both signatures over that; as in ``Handover``."""

    predecessor: bytes
    successor: bytes
    consent: bytes
    acceptance: bytes


@dataclass(frozen=True)
class NewAttempt:
    """A signed transaction as it goes into the outbox."""

    nonce: int
    max_fee: int
    max_tip: int
    gas: int
    sender: bytes
    raw: bytes
    tx_hash: bytes


@dataclass(frozen=True)
class Settled:
    """What a receipt says of a transaction of ours."""

    succeeded: bool
    gas_used: int
    gas_price: int
    """In wei."""


@dataclass(frozen=True)
class Spent:
    """Money that an attempt took, or may still take while it is on its way."""

    at: int
    """Unix seconds: when its receipt was seen, or when it was signed."""
    wei: int
    settled: bool


@dataclass(frozen=True)
class Mined:
    """Where a transaction came to lie."""

    tx_hash: bytes
    block_hash: bytes
    block_number: int
    block_time: int
