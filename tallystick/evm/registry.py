"""What AnchorRegistry puts on a chain: log ids, slots and events (see docs/contracts.md)."""

from __future__ import annotations

from tallystick.errors import MalformedInput
from tallystick.evm.keccak import keccak256
from tallystick.lazy_dataclass import dataclass

# Written out so that a verifier does not reckon them anew each time it starts; a test does.
ANCHORED_TOPIC = bytes.fromhex("7196d6002b555d592bc808cc522b6e167501be1b6185fd206cd187b7330acf7a")
"""Keccak-256 of ``Anchored(bytes32,uint64,bytes32,address)``."""
ROTATED_TOPIC = bytes.fromhex("2de1c1cef45f156112695049446b5f95793a2c90a1dcd135fff5d113bfc87dc1")
"""Keccak-256 of ``AuthorityRotated(bytes32,uint64,bytes32,address,address)``."""


@dataclass(frozen=True)
class Registry:
    """A published AnchorRegistry.

    mapping_slot: storage position of its mapping from log id to commitment.
    rotates: whether a log's authority can hand its slot over, so that the authority in force
    need not be the one that the log id is made of.
    """

    name: str
    mapping_slot: int
    rotates: bool = False


# keccak256 of runtime code, hex -> contract. Only these are known to check consistency before they store: code that
# merely emits the right event proves nothing about history. Entries are never removed.
KNOWN_REGISTRIES = {
    "d08e163da7d1cb7bc57de52644dda44b6225cfce5c7f32b125578c0e936dab5a": Registry("AnchorRegistry 1", mapping_slot=1),
    "a89e35fbc2a3ff294d057f78c5fe5f1195a65b8430e16c33cb73bf15a1f21141": Registry(
        "AnchorRegistry 2", mapping_slot=1, rotates=True
    ),
}


def log_id(authority: bytes, origin_hash: bytes) -> bytes:
    """Name of a log on any chain, for ever. ``authority``: address (20 bytes) of the one that it began with there;
    ``origin_hash``: SHA-256 of the origin text."""
    return keccak256(log_words(authority, origin_hash))


def commitment(size: int, root: bytes, authority: bytes) -> bytes:
    """What the log's slot holds when (size, root) is its newest anchored checkpoint, ``authority`` that in force."""
    return keccak256(event_data(size, root, authority))


def storage_key(registry: Registry, of_log: bytes) -> bytes:
    """Storage position of a log's slot (what ``eth_getProof`` takes), 32 bytes."""
    return keccak256(slot_words(registry, of_log))


def event_data(size: int, root: bytes, authority: bytes) -> bytes:
    """Unindexed data of the event ``Anchored``, and what the commitment is the hash of."""
    return size.to_bytes(32, "big") + _word(root, 32) + _word(authority, 20)


def log_words(authority: bytes, origin_hash: bytes) -> bytes:
    """What a log id is the hash of."""
    return _word(authority, 20) + _word(origin_hash, 32)


def slot_words(registry: Registry, of_log: bytes) -> bytes:
    """What a storage position is the hash of."""
    return registry.mapping_slot.to_bytes(32, "big") + _word(of_log, 32)


def _word(value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise MalformedInput(f"expected {length} bytes, found {len(value)}")
    return value.rjust(32, b"\x00")
