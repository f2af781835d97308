"""Submission: drafts are salted and signed, statements of parties are checked, and both go to the sequencer."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from api.accounts import Account
from api.services.drafts import Draft, settle_draft
from api.services.errors import Forbidden
from api.services.voices import Voice, Voices, require_scope
from ledger.errors import Conflict
from ledger.log import Log
from ledger.repeat import find_repeat
from ledger.store import Reads
from ledger.submission import Outcome, Receipt, Submission, prepare
from ledger.upkeep.erasing import ERASURE
from tallystick.admission import Refused, State
from tallystick.admission.signer import check_signature, resolve_signer
from tallystick.commitments import parse_disclosure
from tallystick.digests import DigestPair
from tallystick.errors import TallystickError
from tallystick.events import Event
from tallystick.keys import PublicKey
from tallystick.statement import Statement, parse_statement, sign_settled
from tallystick.times import format_time

MAX_ITEMS = 1000
"""Drafts or statements in one call."""

_URGENT = ("dispute", "licence")

A = TypeVar("A")
B = TypeVar("B")

Clock = Callable[[], int]
Erased = Callable[[], None]
"""Told that values were erased from the vault: what else shows them must go."""
Urgent = Callable[[str, int], Awaitable[None]]
"""Asks that the log be anchored at this size at once, for this reason."""


@dataclass(frozen=True)
class SignedStatement:
    """A statement that a party signed itself: the entry's bytes and the RFC 9901 disclosures it gives us to keep."""

    entry: bytes
    disclosures: Sequence[str] = ()


@dataclass(frozen=True)
class Recorded:
    """An event is in the log, durably. ``admitted_at``: Unix seconds; ``duplicate``: it was there before this call."""

    position: int
    type: str
    subject: str
    event_id: str
    statement_id: bytes
    admitted_at: int
    duplicate: bool
    commitments: Mapping[str, DigestPair] = field(default_factory=dict)


Result = Recorded | Exception
"""``TallystickError``: why it was not recorded. Anything else: a fault of ours."""


@dataclass(frozen=True)
class _Prepared:
    submission: Submission
    draft: Draft | None = None


class SubmissionService:
    """Records events for accounts, and for the registrar, the service and the log themselves."""

    def __init__(self, log: Log, voices: Voices, urgent: Urgent, erased: Erased, clock: Clock) -> None:
        self._log = log
        self._voices = voices
        self._urgent = urgent
        self._erased = erased
        self._clock = clock
        # Signatures are made on as many cores as there are; more batches at a time would only take memory.
        self._workers = ThreadPoolExecutor(os.cpu_count() or 1, "batches")

    async def submit_drafts(self, account: Account, drafts: Sequence[Draft]) -> list[Result]:
        """One result for each draft, in order. Raises ``Forbidden`` when the token may not submit at all."""
        require_scope(account, "submit")
        return await self.record(self._voices.of_account(account), drafts)

    async def record(self, voice: Voice, drafts: Sequence[Draft]) -> list[Result]:
        """As ``submit_drafts``, in a voice of the caller's choice: for other services, who checked who asks."""
        return await self._run(len(drafts), lambda: self._sign_all(voice, drafts))

    async def record_one(self, voice: Voice, draft: Draft) -> Recorded:
        """One event; raises what ``record`` would return."""
        (result,) = await self.record(voice, [draft])
        if isinstance(result, Exception):
            raise result
        return result

    async def submit_statements(self, account: Account, statements: Sequence[SignedStatement]) -> list[Result]:
        """As ``submit_drafts``, for what the account's own party signed."""
        require_scope(account, "submit")
        return await self._run(len(statements), lambda: self._check_all(account, statements))

    async def _run(self, count: int, prepare_all: Callable[[], list[_Prepared | Exception]]) -> list[Result]:
        # Hundreds of signatures take a while, and the event loop goes on serving others meanwhile. One takes less
        # than the change of threads would.
        if count == 1:
            prepared = prepare_all()
        else:
            prepared = await asyncio.get_running_loop().run_in_executor(self._workers, prepare_all)
        outcomes = iter(await self._write([one.submission for one in prepared if isinstance(one, _Prepared)]))
        placed = [(one, one) if isinstance(one, Exception) else (one, next(outcomes)) for one in prepared]
        results: list[Result] = []
        for asked, outcome in placed:
            results.append(await self._result(asked, outcome) if isinstance(asked, _Prepared) else asked)
        await self._ask_anchors(results)
        if any(isinstance(one, Recorded) and one.type == ERASURE for one in results):
            await asyncio.to_thread(self._erased)
        return results

    async def _write(self, submissions: list[Submission]) -> list[Outcome]:
        return await asyncio.wrap_future(self._log.submit_many(submissions)) if submissions else []

    # --- drafts -----------------------------------------------------------------

    def _sign_all(self, voice: Voice, drafts: Sequence[Draft]) -> list[_Prepared | Exception]:
        # Each step for all before the next: the same code over and over stays in the processor's caches.
        now, prefix, origin = format_time(self._clock()), self._voices.prefix, self._voices.origin
        ready = _each(lambda draft: settle_draft(draft, voice, prefix, origin, now), drafts)
        signed = _each(lambda one: (one, sign_settled(voice.signer, voice.issuer, one.settled)), ready)
        public = voice.signer.public
        return _each(lambda one: _Prepared(prepare(one[1], one[0].disclosures, public), one[0].draft), signed)

    async def _result(self, asked: _Prepared, outcome: Outcome) -> Result:
        if isinstance(outcome, Receipt):
            return _recorded(asked.submission.statement, outcome)
        if isinstance(outcome, Conflict) and asked.draft is not None:
            return await asyncio.to_thread(self._again, asked.draft, asked.submission.statement.event, outcome)
        return outcome

    def _again(self, draft: Draft, event: Event, conflict: Conflict) -> Result:
        """Salts and times differ at each signing: what counts is whether the draft asks for the same event."""
        with self._log.store.snapshot() as reads:
            record = reads.record(conflict.position)
            assert record is not None  # it is committed: the conflict is with it
            subject = record.subject if draft.subject is None else event.subject
            asked = dataclasses.replace(event, subject=subject, private=None)
            try:
                receipt = find_repeat(reads, conflict.party, asked, draft.private, draft.time is not None)
            except Conflict as error:
                return error
        return conflict if receipt is None else _recorded(parse_statement(record.entry), receipt)

    # --- statements -------------------------------------------------------------

    def _check_all(self, account: Account, statements: Sequence[SignedStatement]) -> list[_Prepared | Exception]:
        with self._log.store.snapshot() as reads:
            once = _Once(reads)
            parsed = _each(lambda one: (one, self._parse(account, one)), statements)
            verified = _each(lambda one: (*one, self._signer_of(one[1], once)), parsed)
            return _each(
                lambda one: _Prepared(prepare(one[1], map(parse_disclosure, one[0].disclosures), one[2])), verified
            )

    def _parse(self, account: Account, signed: SignedStatement) -> Statement:
        statement = parse_statement(signed.entry)
        if statement.issuer != account.party:
            raise Forbidden(
                f"the statement is of {statement.issuer}, the token of {account.party}",
                "submit a statement with a token of the party that signed it",
                "statement",
            )
        return statement

    def _signer_of(self, statement: Statement, once: _Once) -> PublicKey | None:
        """The key that signed it; ``None`` for a statement that stands already, whatever became of its key since."""
        # Here many signatures can be verified at a time; the sequencer is alone.
        try:
            _, key = resolve_signer(statement, self._clock(), once, once.size)
            check_signature(statement, key)
        except Refused:
            if not once.reads.positions_of([statement.statement_id]):
                raise
            return None
        return key

    # --- what has to be anchored at once -----------------------------------------

    async def _ask_anchors(self, results: Sequence[Result]) -> None:
        """For repeated events too: whoever repeats one may have been cut off before its anchor was asked for."""
        for reason in _URGENT:
            sizes = [one.position + 1 for one in results if isinstance(one, Recorded) and _family(one) == reason]
            if sizes:
                await self._urgent(reason, max(sizes))


class _Once:
    """A snapshot of which each state is read once, however many statements need it (a ``StateReader``)."""

    def __init__(self, reads: Reads) -> None:
        self.reads = reads
        self.size = reads.size()
        self._states: dict[str, State | None] = {}

    def get(self, key: str) -> State | None:
        """See ``StateReader``."""
        if key not in self._states:
            self._states[key] = self.reads.get(key)
        return self._states[key]


def _each(make: Callable[[A], B], items: Iterable[A | Exception]) -> list[B | Exception]:
    """What is made of each item, or why nothing is; what is an error already stays it."""
    found: list[B | Exception] = []
    for item in items:
        try:
            found.append(item if isinstance(item, Exception) else make(item))
        except TallystickError as error:
            found.append(error)
    return found


def _family(recorded: Recorded) -> str:
    return recorded.type.partition(".")[0]


def _recorded(statement: Statement, receipt: Receipt) -> Recorded:
    event = statement.event
    return Recorded(
        position=receipt.position,
        type=event.type,
        subject=event.subject,
        event_id=event.event_id,
        statement_id=statement.statement_id,
        admitted_at=receipt.admitted_at,
        duplicate=receipt.duplicate,
        commitments=event.commitments,
    )
