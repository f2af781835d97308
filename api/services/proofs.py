"""Proofs of the published tree, from its tiles alone."""

from __future__ import annotations

from functools import lru_cache

from api.services.errors import NotFound, Unavailable
from ledger.errors import NoLog
from ledger.reader import PublishedLog
from tallystick.key_history import KeyHistory
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import prove_consistency, prove_inclusion
from tallystick.schema import FieldError
from tallystick.tiles import Tile
from tallystick.tlog_proof import TlogProof
from tallystick.tree_head import SignedCheckpoint, verify_tree_head


@dataclass(frozen=True)
class InclusionProof:
    """Leaf ``position`` stands in the tree of ``size``. ``note``: the signed checkpoint if that size is the latest."""

    position: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]
    note: str | None


@dataclass(frozen=True)
class ConsistencyProof:
    """The tree of ``new_size`` extends that of ``old_size``. ``note`` as above, for the new size."""

    old_size: int
    new_size: int
    path: tuple[bytes, ...]
    note: str | None


class ProofService:
    """Any size up to the published one can be proved: its subtrees are subtrees of the published tree."""

    def __init__(self, published: PublishedLog, history: KeyHistory) -> None:
        """``history``: after a rotation the latest checkpoint is for a while the last one of the key before."""
        self._published = published
        # A note is checked when it is new; a proof should not cost three signatures.
        self._verified = lru_cache(maxsize=4)(lambda note: verify_tree_head(note, history))
        self.vkeys = "".join(f"{line}\n" for line in history.current.verifier_keys())
        """The log's verifier keys in C2SP text form, one a line."""

    def checkpoint(self) -> SignedCheckpoint:
        """The latest. Raises ``Unavailable`` before the first."""
        return self._verified(self.note())

    def note(self) -> bytes:
        """The latest checkpoint as published. Raises ``Unavailable`` before the first."""
        try:
            return self._published.note()
        except NoLog as error:
            raise Unavailable(str(error)) from None

    def aligned_note(self) -> bytes:
        """The newest aligned checkpoint, which an anchor may be of. Raises ``NotFound`` where none was signed."""
        note = self._published.aligned()
        if note is None:
            raise NotFound("no aligned checkpoint was signed", "wait until the log has grown, or take the latest one")
        return note

    def tile(self, tile: Tile) -> bytes:
        """A tile or bundle as it is published. Raises ``NotFound``."""
        found = self._published.find(tile)
        if found is None:
            raise NotFound(
                f"there is no {tile.path()}",
                "derive paths from the size of a published checkpoint; where a partial tile is gone, take the full one",
            )
        return found

    def inclusion(self, position: int, size: int | None) -> InclusionProof:
        """Raises ``NotFound`` outside the published tree."""
        head = self.checkpoint()
        size = self._check_size(size, head, "size")
        if position >= size:
            raise NotFound(
                f"position {position} is not in the tree of {size} leaves",
                "wait for the next checkpoint, or ask for a position that is published",
                "position",
            )
        nodes = self._published.nodes(head.checkpoint.size)
        path = prove_inclusion(nodes, position, size)
        return InclusionProof(position, size, nodes.nodes([(0, position)])[0], tuple(path), _note(head, size))

    def tlog_proof(self, position: int) -> bytes:
        """A proof file (C2SP tlog-proof) under the published checkpoint. Raises ``NotFound`` outside its tree."""
        head = self.checkpoint()
        proof = self.inclusion(position, head.checkpoint.size)
        return TlogProof(position, proof.path, head.note).encode()

    def consistency(self, old_size: int, new_size: int | None) -> ConsistencyProof:
        """Raises ``NotFound`` beyond the published tree, ``FieldError`` when the sizes are not in order."""
        head = self.checkpoint()
        new_size = self._check_size(new_size, head, "to")
        if not 0 < old_size <= new_size:
            raise FieldError("from", f"expected a size from 1 to {new_size}, found {old_size}")
        path = prove_consistency(self._published.nodes(head.checkpoint.size), old_size, new_size)
        return ConsistencyProof(old_size, new_size, tuple(path), _note(head, new_size))

    def _check_size(self, size: int | None, head: SignedCheckpoint, field: str) -> int:
        published = head.checkpoint.size
        if size is None:
            return published
        if size > published:
            raise NotFound(f"the published tree has {published} leaves, not {size}", "wait for a checkpoint", field)
        return size


def _note(head: SignedCheckpoint, size: int) -> str | None:
    return head.note.encode() if head.checkpoint.size == size else None
