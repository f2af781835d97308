"""Status: what an operator and a visitor want to know at a glance."""

from __future__ import annotations

from api.services.anchor_watch import Alarm, AnchorWatch, TargetView, Unanchored
from api.services.anchoring import AnchorDesk, AnchorView
from api.services.completeness import CompletenessCheck, Figure
from api.services.errors import Unavailable
from api.services.proofs import ProofService
from api.services.voices import Voices
from api.services.witnesses import QuorumView, WitnessService
from ledger.engine import Seat
from ledger.log import Log
from tallystick.events.log import Freeze
from tallystick.lazy_dataclass import dataclass
from tallystick.statement import parse_statement
from tallystick.tree_head import SignedCheckpoint

ANCHORS_SHOWN = 20


@dataclass(frozen=True)
class Ended:
    """The log has ended: the position of the entry that says so, its reason, and the log that goes on."""

    position: int
    reason: str
    successor: str | None


@dataclass(frozen=True)
class Status:
    """The log, its newest checkpoint, what its objects lack, and its anchors, newest first.

    ``seat``: who sequences a log that several services share. ``publishing``: whether the last attempt to publish
    succeeded; why it did not is told to the operator's log. ``halted``: why nothing is recorded nor signed:
    a witness showed what was signed and is gone, or the database is without what was acknowledged.
    """

    voices: Voices
    size: int
    ended: Ended | None
    predecessor: str | None
    checkpoint: SignedCheckpoint | None
    clock_behind: int
    publishing: bool
    halted: str | None
    seat: Seat | None
    witnesses: QuorumView
    completeness: Figure
    unanchored: Unanchored | None
    targets: tuple[TargetView, ...]
    anchors: tuple[AnchorView, ...]
    alarms: tuple[Alarm, ...]


class StatusService:
    """Gathers the status."""

    def __init__(
        self,
        log: Log,
        voices: Voices,
        proofs: ProofService,
        desk: AnchorDesk,
        watch: AnchorWatch,
        completeness: CompletenessCheck,
        witnesses: WitnessService,
    ) -> None:
        self._log = log
        self._voices = voices
        self._proofs = proofs
        self._desk = desk
        self._watch = watch
        self._completeness = completeness
        self._witnesses = witnesses

    def _ended(self, position: int | None) -> Ended | None:
        if position is None:
            return None
        with self._log.store.snapshot() as reads:
            (entry,) = reads.entries(position, position + 1)
        body: Freeze = parse_statement(entry).event.body
        return Ended(position, body.reason, body.successor)

    def status(self) -> Status:
        """As of now."""
        log, head, state = self._log.status(), self._checkpoint(), self._log.keys()
        return Status(
            voices=self._voices,
            size=log.size,
            ended=self._ended(state.frozen),
            predecessor=state.predecessor.origin if state.predecessor else None,
            checkpoint=head,
            clock_behind=log.clock_behind,
            publishing=log.publisher_error is None,
            halted=log.halted,
            seat=log.seat,
            witnesses=self._witnesses.view(head),
            completeness=self._completeness.advance(),
            unanchored=self._watch.unanchored(),
            targets=self._watch.targets(),
            anchors=tuple(self._desk.latest(ANCHORS_SHOWN)),
            alarms=self._watch.alarms(),
        )

    def _checkpoint(self) -> SignedCheckpoint | None:
        try:
            return self._proofs.checkpoint()
        except Unavailable:
            return None
