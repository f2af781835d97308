"""Status: what an operator and a visitor want to know at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from anchors.outbox_rows import Target
from api.services.anchoring import AnchorDesk, AnchorView
from api.services.completeness import CompletenessCheck, Figure
from api.services.errors import Unavailable
from api.services.proofs import ProofService
from api.services.voices import Voices
from api.services.witnesses import QuorumView, WitnessService
from ledger.log import Log
from tallystick.tree_head import SignedCheckpoint

ANCHORS_SHOWN = 20


@dataclass(frozen=True)
class Unanchored:
    """The oldest entry that no final anchor covers. ``admitted_at``: Unix seconds."""

    position: int
    admitted_at: int


@dataclass(frozen=True)
class Status:
    """The log, its newest checkpoint, what its objects lack, and its anchors, newest first.

    ``publishing``: whether the last attempt to publish succeeded; why it did not is told to the operator's log.
    """

    voices: Voices
    size: int
    checkpoint: SignedCheckpoint | None
    clock_behind: int
    publishing: bool
    witnesses: QuorumView
    completeness: Figure
    unanchored: Unanchored | None
    targets: tuple[Target, ...]
    anchors: tuple[AnchorView, ...]


class StatusService:
    """Gathers the status."""

    def __init__(
        self,
        log: Log,
        voices: Voices,
        proofs: ProofService,
        desk: AnchorDesk,
        completeness: CompletenessCheck,
        witnesses: WitnessService,
    ) -> None:
        self._log = log
        self._voices = voices
        self._proofs = proofs
        self._desk = desk
        self._completeness = completeness
        self._witnesses = witnesses

    def status(self) -> Status:
        """As of now."""
        log, head = self._log.status(), self._checkpoint()
        return Status(
            voices=self._voices,
            size=log.size,
            checkpoint=head,
            clock_behind=log.clock_behind,
            publishing=log.publisher_error is None,
            witnesses=self._witnesses.view(head),
            completeness=self._completeness.advance(),
            unanchored=self._unanchored(),
            targets=tuple(self._desk.targets()),
            anchors=tuple(reversed(self._desk.anchors()[-ANCHORS_SHOWN:])),
        )

    def _checkpoint(self) -> SignedCheckpoint | None:
        try:
            return self._proofs.checkpoint()
        except Unavailable:
            return None

    def _unanchored(self) -> Unanchored | None:
        with self._log.store.snapshot() as reads:
            record = reads.record(self._desk.anchored_size())
        return Unanchored(record.position, record.admitted_at) if record else None
