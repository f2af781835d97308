"""Proofs of time: what nobody could know earlier is entered in the log, so that whatever follows is dated from below.

A final anchor or timestamp brings it: the cosignatures of the log's witnesses on the
anchored checkpoint, the hash of a block that the operator does not seal, the token of
an authority that is not his own. One round at most in the time after which the log is
anchored by age, and none unless something else was logged since the last: an idle log
does not grow by its own clock.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence

from anchors.timestamps.outbox import Stamp
from api.services.anchoring import AnchorDesk, AnchorView
from api.services.drafts import Draft
from api.services.gathering import TIME, records_of
from api.services.submission import Recorded, SubmissionService
from api.services.timestamps import TimestampDesk
from api.services.voices import Voices
from api.services.witnesses import WitnessService
from ledger.log import Log
from ledger.store import Reads, Record
from tallystick.admission.state import LOG, LogState, time_key
from tallystick.errors import TallystickError, VerificationFailed
from tallystick.events.kinds import SINCE
from tallystick.events.log import TimeMark
from tallystick.note import Note, parse_note, verify_note
from tallystick.schema import write
from tallystick.witness_policy import PolicyWitness

PAUSE = 1.0
"""Seconds between two looks for something to enter."""
_OWN = (TIME, "log.batch")

_log = logging.getLogger(__name__)


class TimeMarks:
    """Enters rounds of ``log.time``; ``every``: seconds between two rounds at least."""

    def __init__(
        self,
        desk: AnchorDesk,
        submission: SubmissionService,
        voices: Voices,
        log: Log,
        witnesses: WitnessService,
        stamps: TimestampDesk,
        every: int,
        clock: Callable[[], int],
    ) -> None:
        self._desk = desk
        self._submission = submission
        self._voices = voices
        self._store = log.store
        self._witnesses = witnesses
        self._stamps = stamps
        self._every = every
        self._clock = clock
        self._last: Record | None = None

    async def mark(self) -> list[int]:
        """Positions of what was entered; none when nothing is due. Repeating it after a crash enters nothing twice."""
        drafts = await asyncio.to_thread(self.due)
        if not drafts:
            return []
        results = await self._submission.record(self._voices.of_log(), drafts)
        return [one.position for one in results if isinstance(one, Recorded)]

    async def run(self) -> None:
        """``mark`` for ever."""
        while True:
            try:
                await self.mark()
            except TallystickError:
                _log.exception("a proof of time could not be entered; trying again")
            await asyncio.sleep(PAUSE)

    def due(self) -> list[Draft]:
        """What is to be entered now."""
        with self._store.snapshot() as reads:
            if not self._may(reads):
                return []
            marks = newest(self._desk.final(), self._witnesses.policy.witnesses)
            # A token of later than this clock's now waits until it has come: an authority's clock may be seconds ahead,
            # and the checkpoint that holds it would be signed before it was made.
            marks += [mark for one in self._stamps.newest(self._clock()) for mark in _of_authority(one)]
            return [_draft(one) for one in marks if reads.get(time_key(one.digest)) is None]

    def _may(self, reads: Reads) -> bool:
        """The rules know the type, the log goes on, the last round is old enough, and the log grew since."""
        state = reads.get(LOG)
        if not isinstance(state, LogState) or state.version < SINCE[TIME] or state.frozen is not None:
            return False
        after = -1 if self._last is None else self._last.position
        for record in records_of(reads, type=TIME, after=after):
            self._last = record
        if self._last is None:
            return True
        if self._clock() < self._last.admitted_at + self._every:
            return False
        return any(record.type not in _OWN for record in records_of(reads, after=self._last.position))


def newest(latest: Sequence[AnchorView], witnesses: Sequence[PolicyWitness]) -> list[TimeMark]:
    """What the newest final anchor of each target brings that nobody but its maker could know before."""
    marks = [mark for view in latest for mark in _of_block(view)]
    if latest and witnesses:
        top = max(latest, key=lambda view: view.anchor.size).anchor
        marks += _of_witnesses(parse_note(top.note), top.size, witnesses)
    return marks


def cosignatures(note: bytes) -> set[str]:
    """What ``log.time`` would call the signature lines of a note."""
    return {hashlib.sha256(line.signature).hexdigest() for line in parse_note(note).signatures}


def _of_block(view: AnchorView) -> Iterable[TimeMark]:
    """A block of the operator's own chain is no news to him."""
    spec, anchor = view.target.spec, view.anchor
    if spec.vouched_by == "chain" and anchor.block_hash is not None and anchor.block_number is not None:
        yield TimeMark("block", anchor.block_hash.hex(), f"eip155:{spec.chain_id}", anchor.block_number)


def _of_witnesses(note: Note, size: int, witnesses: Iterable[PolicyWitness]) -> Iterable[TimeMark]:
    """One cosignature of each name, if it holds."""
    told: set[str] = set()
    for witness in witnesses:
        name = witness.verifier.name
        line = next((one for one in note.signatures if (one.name, one.key_id) == (name, witness.verifier.key_id)), None)
        if line is None or name in told:
            continue
        try:
            verify_note(note, [witness.verifier])
        except VerificationFailed:
            continue
        told.add(name)
        yield TimeMark("cosignature", hashlib.sha256(line.signature).hexdigest(), name, size)


def _of_authority(stamp: Stamp) -> Iterable[TimeMark]:
    """A token of the operator's own authority is no news to him."""
    if stamp.proof is not None and not stamp.own:
        yield TimeMark("rfc3161", hashlib.sha256(stamp.proof).hexdigest(), stamp.authority, stamp.size)


def _draft(mark: TimeMark) -> Draft:
    return Draft(type=TIME, body=write(mark), event_id=f"time-{mark.digest[:48]}")
