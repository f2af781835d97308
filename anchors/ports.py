"""What the worker needs from the rest of the house, as Protocols: the wiring gives it, nothing is imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tallystick.checkpoint import Checkpoint
from tallystick.events.log import AnchorTarget
from tallystick.lazy_dataclass import dataclass

Clock = Callable[[], int]
"""Unix seconds, now."""


@dataclass(frozen=True)
class PublishedCheckpoint:
    """A checkpoint that the log has signed and published."""

    checkpoint: Checkpoint
    note: bytes
    """The signed note, exactly as published."""
    authority_signature: bytes
    """The log authority's EIP-712 signature over (origin, size, root): 65 bytes r ‖ s ‖ v, as in the
    note's 0xff line."""


class CheckpointSource(Protocol):
    """The log, as the worker sees it."""

    def latest(self) -> PublishedCheckpoint | None:
        """The newest published checkpoint, or None before the first."""
        ...

    def aligned(self) -> PublishedCheckpoint | None:
        """The newest checkpoint at a multiple of 1,024 leaves that the log signed before it went beyond, or None."""
        ...

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """RFC 6962 consistency proof between two sizes, 0 < old_size < new_size <= the latest size."""
        ...


class TargetNames(Protocol):
    """Which targets the log names: a verifier accepts no others."""

    def position(self, target: AnchorTarget) -> int | None:
        """Position of the log entry that names exactly this target, or None while there is none."""
        ...


class BlockSeals(Protocol):
    """The sealer of an embedded chain."""

    def seal(self, block_hash: bytes) -> bytes:
        """The operator's 65-byte signature over ``tallystick.evm.deed.seal_digest`` of this block."""
        ...
