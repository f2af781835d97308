"""One batch: statements are decided in log order inside one transaction, and a batch entry closes over them.

Everything that writes entries goes through ``Scribe.write``: the sequencer, and the genesis of a log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from ledger.errors import Conflict, HistoryLost
from ledger.pending import Pending
from ledger.store import BatchLine, Line, Reads, Store, Transaction, leaves_digest
from ledger.submission import Outcome, Receipt, Submission, speaker
from ledger.upkeep.erasing import erasures
from tallystick.admission import LOG, Refused, State, decide
from tallystick.admission.log_rules import role_key
from tallystick.admission.signer import check_signature, resolve_signer
from tallystick.admission.state import Committed, LogState, committed_key
from tallystick.errors import TallystickError
from tallystick.events import Event
from tallystick.events.erasure import Erasure
from tallystick.events.log import Batch
from tallystick.keys import Signer
from tallystick.merkle import leaf_hashes
from tallystick.references import references
from tallystick.statement import Statement, parse_statement, sign_statement
from tallystick.times import format_time

Clock = Callable[[], int]
"""Unix seconds now."""

_BATCH_ID = "batch-"

_log = logging.getLogger(__name__)


class Reached:
    """The newest batch that this process saw in the log, which no store of it may be without again.

    What was acknowledged and is not published yet stands in no checkpoint: where a database is put back to an old copy
    while the log is open, this alone tells.
    """

    def __init__(self) -> None:
        self._known: BatchLine | None = None

    @property
    def newest(self) -> BatchLine | None:
        """Of the batches that were seen, the last."""
        return self._known

    def check(self, reads: Reads, known: BatchLine | None = None) -> BatchLine | None:
        """The last batch. Raises ``HistoryLost`` where ``known``, or the newest, is gone, or has become another.

        Who looks while another writes gives ``known``, taken before ``reads`` was: what came later is not in there.
        """
        known, last = known or self._known, reads.last_batch()
        if known and last != known and reads.batch_of(known.position) != known:
            has = f"ends with entry {last.position}" if last else "is empty"
            raise HistoryLost(
                f"the batch that ends with entry {known.position} was acknowledged here and is gone from the database, "
                f"which {has}: it was put back to an old copy. Nothing is recorded until the newest one is back; if "
                "there is none, start again, and whoever said what is lost must say it again"
            )
        return last

    def note(self, batch: BatchLine | None) -> None:
        """This one is in the log, durably."""
        if batch and (not self._known or batch.position > self._known.position):
            self._known = batch


class Scribe:
    """Writes batches of one log, whose key closes them. All that it holds, it holds against the store.

    ``reached``: what the process knew of the log before. Where that is gone, nothing is written.
    """

    def __init__(self, store: Store, origin: str, signer: Signer, clock: Clock, reached: Reached | None = None) -> None:
        self._store = store
        self._origin = origin
        self._signer = signer
        self._clock = clock
        self._reached = reached or Reached()
        with suppress(HistoryLost), store.snapshot() as reads:
            self._reached.note(self._reached.check(reads))
        self.clock_behind = 0
        """Seconds by which the clock was behind the log at the last batch; the log's time stood still meanwhile."""

    def write(self, submissions: Sequence[Submission]) -> list[Outcome]:
        """One outcome for each submission; what is receipted is durable when this returns.

        Raises ``HistoryLost`` where the store is without what was written before; then nothing was.
        """
        with self._store.transaction() as working:
            last = self._reached.check(working)
            draft = _Draft(working, submissions, self._time(last), self._origin, self._signer)
            for submission in submissions:
                draft.take(submission)
            closing = draft.close() if draft.lines else None
            draft.keep_brought()
            outcomes = draft.outcomes(closing)
        self._reached.note(closing or last)
        return outcomes

    def lost(self) -> HistoryLost | None:
        """Why nothing is written just now: the store is without what this process saw in it. From any thread."""
        check = self.check()
        try:
            with self._store.snapshot() as reads:
                check(reads)
        except HistoryLost as error:
            return error
        return None

    def check(self) -> Callable[[Reads], None]:
        """What raises ``HistoryLost`` for reads, opened after this, that are without what was seen by now."""
        known = self._reached.newest

        def check(reads: Reads) -> None:
            self._reached.check(reads, known)

        return check

    def _time(self, last: BatchLine | None) -> int:
        now = self._clock()
        self.clock_behind = max(0, last.admitted_at - now) if last else 0
        if last and self.clock_behind:
            _log.warning(
                "the clock says %s, the log has reached %s: keeping that time until the clock has caught up",
                format_time(now),
                format_time(last.admitted_at),
            )
        return now + self.clock_behind


class _Draft:
    """A batch while it is being decided. Reads its own changes: the next statement is decided after this one."""

    def __init__(
        self,
        working: Transaction,
        submissions: Sequence[Submission],
        admitted_at: int,
        origin: str,
        signer: Signer,
    ) -> None:
        self._working = working
        self._signer = signer
        self._admitted_at = admitted_at
        self._origin = origin
        self._first = working.size()
        self._known = working.positions_of([one.statement_id for one in submissions])
        self._events = working.positions_of_events([(one.party, one.statement.event.event_id) for one in submissions])
        self._states = Pending(working, (one.references for one in submissions))
        self._entries: list[bytes] = []
        self._ids: list[bytes] = []
        self._placed: list[tuple[int, bool] | Exception] = []
        self._erasures: list[Erasure] = []
        self._brought: list[tuple[int, Submission]] = []
        self.lines: list[Line] = []

    @property
    def _next(self) -> int:
        return self._first + len(self._entries)

    def take(self, submission: Submission) -> None:
        """Admit, recognise or refuse one statement."""
        try:
            position = self._known.get(submission.statement_id)
            if position is None:
                position = self._stands(submission)
            duplicate = position is not None
            if position is None:
                position = self._admit(submission)
            elif submission.disclosures:
                self._brought.append((position, submission))
            self._placed.append((position, duplicate))
        except TallystickError as error:
            self._placed.append(error)
        # Nothing was changed yet: a fault met in deciding one statement must not take the others down.
        except Exception as error:
            _log.exception("a statement could not be decided")
            self._placed.append(error)

    def _stands(self, submission: Submission) -> int | None:
        """Where its event stands already, in another statement. ``Conflict`` when its event id names another event."""
        event = submission.statement.event
        position = self._events.get((submission.party, event.event_id))
        if position is None:
            return None
        # Whoever asks after a party's events in its name must be that party.
        _, key = resolve_signer(submission.statement, self._admitted_at, self._states, self._next)
        check_signature(submission.statement, key)
        if self._event_at(position) != event:
            raise Conflict(submission.party, event.event_id, position)
        return position

    def _event_at(self, position: int) -> Event:
        if position >= self._first:
            entry = self._entries[position - self._first]
        else:
            (entry,) = self._working.entries(position, position + 1)
        return parse_statement(entry).event

    def _admit(self, submission: Submission) -> int:
        statement, position = submission.statement, self._next
        event = statement.event
        if event.type == "log.batch" or (submission.party == self._origin and event.event_id.startswith(_BATCH_ID)):
            raise Refused(
                "not-entitled", "type", "batch entries and their ids are the sequencer's", "leave them to the log"
            )
        changes = decide(statement, position, self._admitted_at, self._states, submission.verified_with).changes
        for key, state in changes:
            if key == LOG:
                self._check_closable(state)
        self._put(submission, position, changes)
        return position

    def _check_closable(self, log: State) -> None:
        """A batch is closed by the log's key in force at its end: one that is not here would take all others down."""
        if isinstance(log, LogState) and role_key(log.keys, "log") != self._signer.public:
            raise Refused(
                "wrong-state",
                "body.role",
                "this process has not the log's new key, by which the batch would have to be closed",
                "stop the service, and replace the key with `python -m api rotate log`",
            )

    def _put(self, submission: Submission, position: int, changes: Iterable[tuple[str, State]]) -> None:
        statement, statement_id, party, named, disclosures, _ = submission
        event = statement.event
        self._entries.append(statement.entry)
        self._ids.append(statement_id)
        self._known[statement_id] = position
        self._events[party, event.event_id] = position
        self._states.put(changes)
        if isinstance(event.body, Erasure):
            self._erasures.append(event.body)
        self.lines.append(Line(position, party, event.event_id, event.type, event.subject, named, disclosures))

    def close(self) -> BatchLine:
        """Append all that was admitted, and the batch entry after it."""
        statement = self._batch_entry()
        admission = decide(statement, self._next, self._admitted_at, self._states, self._signer.public)
        named = references(statement)
        closing = Submission(statement, statement.statement_id, speaker(statement), named, {})
        self._put(closing, self._next, admission.changes)
        digest = leaves_digest(leaf_hashes(self._entries))
        batch = BatchLine(self._next - 1, self._first, self._admitted_at, digest)
        self._working.append(self._entries, self._ids)
        self._working.index(self.lines, batch, self._states.changes)
        # After the index: a value may be erased in the very batch that brings it.
        for erasure in self._erasures:
            self._working.erase(erasure.position, erasure.names)
        return batch

    def _batch_entry(self) -> Statement:
        log = self._states.get(LOG)
        policy = log.policy if isinstance(log, LogState) else None
        if policy is None:
            raise Refused("no-policy", "type", "the log has no registration policy", "begin the log with its genesis")
        last = self._next - 1
        event = Event(
            type="log.batch",
            event_id=f"{_BATCH_ID}{self._next}",
            subject=self._origin,
            time=format_time(self._admitted_at),
            body=Batch(self._first, last, policy),
        )
        return sign_statement(self._signer, self._origin, event)

    def keep_brought(self) -> None:
        """Values that came with statements that stood already: whoever sends them believes that they are kept.

        After the batch, whose erasures count: what was erased stays away.
        """
        for position, submission in self._brought:
            kept = self._working.disclosures(position)
            texts = {name: text for name, text in submission.disclosures.items() if name not in kept}
            if texts and (erased := self._erased(position)):
                texts = {name: text for name, text in texts.items() if name not in erased}
            if texts:
                self._working.disclose(position, texts)

    def _erased(self, position: int) -> set[str]:
        """Names of values of an entry that were erased."""
        held = self._states.get(committed_key(position))
        if isinstance(held, Committed):
            return set(held.erased)
        # Of entries under rules version 1 no state says which values they have.
        return {name for _, one in erasures(self._working) if one.position == position for name in one.names}

    def outcomes(self, closing: BatchLine | None) -> list[Outcome]:
        """One for each statement taken, in order."""
        found: list[Outcome] = []
        for placed in self._placed:
            if isinstance(placed, Exception):
                found.append(placed)
            elif closing and placed[0] >= self._first:
                found.append(Receipt(placed[0], closing.position, closing.admitted_at, placed[1]))
            else:
                found.append(self._standing(*placed))
        return found

    def _standing(self, position: int, duplicate: bool) -> Receipt:
        """Of a statement that an earlier batch took."""
        batch = self._working.batch_of(position)
        if batch is None:
            raise RuntimeError(f"no batch closes over position {position}")
        return Receipt(position, batch.position, batch.admitted_at, duplicate)
