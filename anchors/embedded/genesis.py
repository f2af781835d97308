"""Where an embedded chain begins: its number and first block are bound to the log it serves."""

from __future__ import annotations

import hashlib

from tallystick.lazy_dataclass import dataclass

CHAIN_ID_MIN = 1 << 31
CHAIN_ID_MAX = 1 << 52
"""Chain ids lie in [CHAIN_ID_MIN, CHAIN_ID_MAX): above every registered chain, and exact in a JSON number."""

GAS_LIMIT = 30_000_000
FUNDS = 10**24
"""Wei that each funded account has at genesis; nothing is bought with it outside this chain."""
FIRST_BASE_FEE = 10**9


@dataclass(frozen=True)
class ChainIdentity:
    """The log that an embedded chain serves."""

    origin: str
    """The log's origin, the first line of its checkpoints."""
    log_key: bytes
    """Raw public key bytes of the log's Ed25519 key."""

    @property
    def chain_id(self) -> int:
        """SHA-256(origin ‖ log key) as a number, reduced to [2^31, 2^52)."""
        digest = hashlib.sha256(self.origin.encode() + self.log_key).digest()
        return CHAIN_ID_MIN + int.from_bytes(digest, "big") % (CHAIN_ID_MAX - CHAIN_ID_MIN)


@dataclass(frozen=True)
class Genesis:
    """What the first block holds. The same values always give the same genesis hash."""

    checkpoint: bytes
    """Exact bytes of the log's genesis checkpoint; their SHA-256 is the block's extraData."""
    time: int
    """Unix seconds."""
    funded: tuple[bytes, ...]
    """20-byte addresses that hold ``FUNDS`` wei."""

    @property
    def extra_data(self) -> bytes:
        """SHA-256 of the genesis checkpoint's bytes."""
        return hashlib.sha256(self.checkpoint).digest()
