"""A fork: a real second tree under the log's own signature, with a consistency proof of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from api.founding import found_keyring
from api.settings import Settings
from ledger.folder import Folder
from ledger.reader import PublishedLog
from ledger.tilestore import TileStore
from tallystick.checkpoint import Checkpoint
from tallystick.evm.eip712 import checkpoint_digest
from tallystick.merkle import leaf_hash, node_hash, prove_consistency, root_at
from tallystick.tree_head import LocalAuthority, origin_hash


@dataclass(frozen=True)
class Fork:
    """From ``old``, which the contract holds, to ``new``, which no honest log leads to."""

    old: Checkpoint
    new: Checkpoint
    proof: Sequence[bytes]
    signature: bytes


class _Leaves:
    """A ``NodeReader`` over leaf hashes in memory."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self._node(level, index) for level, index in coordinates]

    def _node(self, level: int, index: int) -> bytes:
        if level == 0:
            return self._leaves[index]
        return node_hash(self._node(level - 1, 2 * index), self._node(level - 1, 2 * index + 1))


def forge(settings: Settings, anchored: int) -> Fork:
    """Replace one early entry, add one at the end, prove that second history to itself, and sign it."""
    keyring = found_keyring(settings)
    signers = keyring.log_signers(settings.origin)
    published = PublishedLog(TileStore(Folder(settings.log).public), signers.keys)
    size = published.checkpoint().checkpoint.size
    entries = published.entries(range(size), size)[:anchored]
    honest = _Leaves([leaf_hash(entry) for entry in entries])
    second = _Leaves([leaf_hash(entry) for entry in [*entries[:-2], b"rewritten", entries[-1], b"added"]])
    old = Checkpoint(settings.origin, anchored, root_at(honest, anchored))
    new = Checkpoint(settings.origin, anchored + 1, root_at(second, anchored + 1))
    digest = checkpoint_digest(origin_hash(settings.origin), new.size, new.root)
    signature = LocalAuthority(keyring.signers["authority"]).sign_digest(digest)
    return Fork(old, new, prove_consistency(second, anchored, anchored + 1), signature)
