"""What ForkCourt puts on a chain: defendants, convictions and their events (see docs/contracts.md)."""

from __future__ import annotations

from tallystick.evm.keccak import keccak256
from tallystick.evm.registry import log_id
from tallystick.lazy_dataclass import dataclass

# Written out, as those of ``registry`` are.
CONVICTED_TOPIC = bytes.fromhex("4c8a6e5811a39b1df9b556e47593e628d94204db95b1b366af36a56425f565d7")
"""Keccak-256 of ``Convicted(bytes32,address,bytes32,uint64,bytes32,uint64,bytes32)``."""

SizeAndRoot = tuple[int, bytes]
"""A checkpoint as the authority's message names it: tree size and 32-byte root."""


@dataclass(frozen=True)
class Court:
    """A published ForkCourt. ``mapping_slot``: storage position of its mapping from defendant to conviction."""

    name: str
    mapping_slot: int


# keccak256 of runtime code, hex -> contract. Only these are known to judge the evidence before they convict. Entries
# are never removed.
KNOWN_COURTS = {
    "82e600a8a5e6c411cf1a9a83fe750c8ca2fea68e6c31c85014e7747cf7ed5032": Court("ForkCourt 1", mapping_slot=1),
}


def defendant(authority: bytes, origin_hash: bytes) -> bytes:
    """Who is convicted: one key as the authority of one origin, 32 bytes.

    The log id that a log has which began with this authority; after a rotation each authority is judged by itself.
    """
    return log_id(authority, origin_hash)


def commitment(first: SizeAndRoot, second: SizeAndRoot) -> bytes:
    """What the defendant's slot holds for ever, once these two checkpoints convicted it."""
    return keccak256(_words(first, second))


def storage_key(court: Court, of_defendant: bytes) -> bytes:
    """Storage position of a conviction (what ``eth_getProof`` takes), 32 bytes."""
    return keccak256(court.mapping_slot.to_bytes(32, "big") + of_defendant)


def event_topics(authority: bytes, origin_hash: bytes) -> tuple[bytes, bytes, bytes]:
    """Topics of the event ``Convicted``."""
    return CONVICTED_TOPIC, defendant(authority, origin_hash), authority.rjust(32, b"\x00")


def event_data(origin_hash: bytes, first: SizeAndRoot, second: SizeAndRoot) -> bytes:
    """Unindexed data of the event ``Convicted``."""
    return origin_hash + _words(first, second)


def _words(first: SizeAndRoot, second: SizeAndRoot) -> bytes:
    return b"".join(size.to_bytes(32, "big") + root for size, root in (first, second))
