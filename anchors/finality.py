"""When a block counts as final: by the chain's own word, by its depth, or at once. Chosen for each chain."""

from __future__ import annotations

from typing import Literal

from anchors.client import EvmClient, Head
from anchors.errors import AnchorError
from tallystick.lazy_dataclass import dataclass

MOST_BLOCKS = 100_000


class UnknownRule(AnchorError):
    """A finality rule that there is none of."""


@dataclass(frozen=True)
class FinalityRule:
    """``finalized``: the node's tag, as proof-of-stake chains have it. ``depth``: so many blocks stand on top.

    ``immediate`` is for chains whose blocks are never taken back (BFT, or one process that decides).
    """

    kind: Literal["finalized", "depth", "immediate"]
    blocks: int = 0
    """For ``depth``, at least 1."""

    def final_head(self, client: EvmClient, number: int, block_hash: bytes) -> Head | None:
        """The head by which this block is final (itself, where that is at once), or None while it is not."""
        if self.kind == "immediate":
            return Head(number, block_hash, 0, 0)
        head = client.head("finalized" if self.kind == "finalized" else "latest")
        return head if head.number - number >= self.blocks else None

    def __str__(self) -> str:
        return f"{self.blocks} blocks" if self.kind == "depth" else self.kind


IMMEDIATE = FinalityRule("immediate")


def parse_rule(value: object) -> FinalityRule:
    """From a configuration: ``"finalized"``, ``"immediate"``, or a number of blocks. Raises ``UnknownRule``."""
    if value == "finalized":
        return FinalityRule("finalized")
    if value == "immediate":
        return IMMEDIATE
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_BLOCKS:
        return FinalityRule("depth", value)
    raise UnknownRule(f'expected "finalized", "immediate" or a number of blocks from 1 to {MOST_BLOCKS}')
