"""What the picture of an anchor shows: one entry's way into a block, in the values that really lie there."""

from __future__ import annotations

from api.services.anchoring import AnchorDesk, AnchorView
from api.services.errors import NotFound
from api.services.proofs import ProofService
from ledger.log import Log
from ledger.store import Record
from tallystick.lazy_dataclass import dataclass

_LOOKED_AT = 64
"""Entries looked at, from the newest back, for one that says something about the world."""


@dataclass(frozen=True)
class Picture:
    """``leaf``: fingerprint of the entry at ``position``; ``steps``: fingerprints that lead from it to the root."""

    view: AnchorView
    origin: str
    position: int
    kind: str
    admitted_at: int
    leaf: bytes
    steps: int


class PictureService:
    """Reads of the published log and the outbox."""

    def __init__(self, log: Log, desk: AnchorDesk, proofs: ProofService) -> None:
        self._log = log
        self._desk = desk
        self._proofs = proofs

    def newest(self) -> AnchorView | None:
        """The anchor to show if nobody asks for one: the newest final one, else the newest."""
        final = [view for target in self._desk.targets() if (view := self._desk.of_target(target)[0])]
        return max(final, key=lambda view: view.anchor.final_at or 0, default=next(iter(self._desk.latest(1)), None))

    def of(self, view: AnchorView, position: int | None = None) -> Picture:
        """The way of the entry at ``position``, or of the newest that the anchor covers. Raises ``NotFound``."""
        size = view.anchor.size
        if position is not None and position >= size:
            raise NotFound(f"this anchor covers the entries 0 to {size - 1}", "ask for one of these", "entry")
        found = self._record(size) if position is None else self._at(position)
        if found is None:
            raise NotFound(f"entry {position} closes a batch, and says nothing of its own", "ask for another", "entry")
        proof = self._proofs.inclusion(found.position, size)
        return Picture(
            view, self._log.keys().origin, found.position, found.type, found.admitted_at, proof.leaf, len(proof.path)
        )

    def _at(self, position: int) -> Record | None:
        with self._log.store.snapshot() as reads:
            return reads.record(position)

    def _record(self, size: int) -> Record | None:
        """The newest entry of somebody else than the log; where there is none, the first entry."""
        with self._log.store.snapshot() as reads:
            for position in range(size - 1, max(-1, size - 1 - _LOOKED_AT), -1):
                record = reads.record(position)
                if record and not record.type.startswith("log."):
                    return record
            return reads.record(0)
