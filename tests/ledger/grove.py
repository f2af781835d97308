"""Little trees for witnesses: a log of any entries, its checkpoints, and the proofs between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tallystick.checkpoint import Checkpoint
from tallystick.merkle import leaf_hash, prove_consistency, root_of
from tallystick.note import Note, parse_note
from tallystick.tree_head import sign_checkpoint
from tallystick.witnessing import AddCheckpoint
from tests.world import START, World


@dataclass
class Tree:
    """A log of ``entries``, signed by the keys of ``world``; a ``NodeReader``."""

    world: World
    entries: list[bytes] = field(default_factory=list)

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        """See ``NodeReader``."""
        return [
            root_of(map(leaf_hash, self.entries[index << level : (index + 1) << level])) for level, index in coordinates
        ]

    def head(self, size: int) -> Checkpoint:
        """The tree of its first ``size`` entries."""
        return Checkpoint(self.world.origin, size, root_of(map(leaf_hash, self.entries[:size])))

    def note(self, size: int, seconds: int = START) -> Note:
        """Signed."""
        return parse_note(sign_checkpoint(self.head(size), self.world.signers, seconds).encode())

    def proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """Of consistency."""
        return tuple(prove_consistency(self, old, new))

    def request(self, old: int, new: int) -> AddCheckpoint:
        """What an honest log sends."""
        return AddCheckpoint(old, self.proof(old, new), self.note(new))


def grown(world: World, count: int, fork_at: int | None = None) -> Tree:
    """A tree of ``count`` entries; from ``fork_at`` on they are others."""
    return Tree(world, [b"%d %d" % (at, fork_at is not None and at >= fork_at) for at in range(count)])
