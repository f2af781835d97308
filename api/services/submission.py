"""Submission: what the workshop made of drafts and statements goes to the sequencer, and comes back as results."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from api.accounts import Account
from api.batches.reading import SignedStatement, draft_in
from api.batches.together import Signed, Single, Together
from api.batches.workshop import Prepared, Workshop
from api.crew.pool import cores
from api.services.drafts import Draft
from api.services.errors import Forbidden
from api.services.vetting import Vetting, concerns
from api.services.voices import Voice, Voices, require_scope
from ledger.errors import Conflict
from ledger.log import Log
from ledger.repeat import find_repeat
from ledger.submission import Outcome, Receipt, Submission
from ledger.upkeep.erasing import ERASURE
from tallystick.digests import DigestPair
from tallystick.events import Event
from tallystick.statement import Statement, parse_statement

FEW, SMALL = 4, 1 << 14
"""Drafts, and bytes of their bodies, that are signed sooner than another thread takes them over."""

P = TypeVar("P")

Erased = Callable[[], None]
"""Told that values were erased from the vault: what else shows them must go."""
Urgent = Callable[[str, int], Awaitable[None]]
"""Asks that the log be anchored at this size at once, for this reason."""


class Recorded(NamedTuple):
    """An event is in the log, durably. ``admitted_at``: Unix seconds; ``duplicate``: it was there before this call."""

    position: int
    type: str
    subject: str
    event_id: str
    statement_id: bytes
    admitted_at: int
    duplicate: bool
    commitments: Mapping[str, DigestPair] = MappingProxyType({})


Result = Recorded | Exception
"""``TallystickError``: why it was not recorded. Anything else: a fault of ours."""


class SubmissionService:
    """Records events for accounts, and for the registrar, the service and the log themselves."""

    def __init__(
        self, log: Log, voices: Voices, workshop: Workshop, urgent: Urgent, erased: Erased, at_once: Collection[str]
    ) -> None:
        """``at_once``: families of events, event types, and ``urgent``, which are anchored at once."""
        self._log = log
        self._voices = voices
        self._workshop = workshop
        self._urgent = urgent
        self._at_once = frozenset(at_once)
        self._erased = erased
        self._vetting = Vetting(voices.origin)
        # Batches are prepared on as many cores as there are; more at a time would only take memory.
        self._workers = ThreadPoolExecutor(cores(), "batches")
        self._together = Together(self._sign_singles, self._write)
        # Of its own: who sends one draft does not wait for the batches of others to be signed.
        self._signer = ThreadPoolExecutor(1, "singles")

    def close(self) -> None:
        """Finish what is under way."""
        self._workers.shutdown()
        self._signer.shutdown()
        self._workshop.close()

    async def submit_drafts(self, account: Account, drafts: Sequence[Draft]) -> list[Result]:
        """One result for each draft, in order. Raises ``Forbidden`` when the token may not submit at all."""
        require_scope(account, "submit")
        return await self.record(self._voices.of_account(account), drafts)

    async def submit_draft_body(self, account: Account, body: bytes) -> list[Result] | None:
        """As ``submit_drafts``, of a request's body; ``None`` for one that is not good in every respect."""
        require_scope(account, "submit")
        voice = self._voices.of_account(account)
        return await self._run_body(lambda: self._workshop.sign_body(voice, body))

    async def submit_single(self, account: Account, body: bytes) -> Result | None:
        """As ``submit_draft_body``, of a request with one draft; those that come at the same time share their way."""
        if "submit" not in account.scopes and draft_in(body) is None:
            return None  # what is wrong with the body is said first
        require_scope(account, "submit")
        made, outcome = await self._together.take(Single(self._voices.of_account(account), body))
        if made is None:
            return None
        prepared = Prepared([made], lambda: [draft for draft in [draft_in(body)] if draft])
        (result,) = await (self._record(prepared) if outcome is None else self._finished(prepared, [outcome]))
        return result

    async def record(self, voice: Voice, drafts: Sequence[Draft]) -> list[Result]:
        """As ``submit_drafts``, in a voice of the caller's choice: for other services, who checked who asks."""
        return await self._run(len(drafts), lambda: self._workshop.sign(voice, drafts))

    async def record_one(self, voice: Voice, draft: Draft) -> Recorded:
        """One event; raises what ``record`` would return."""
        (result,) = await self.record(voice, [draft])
        if isinstance(result, Exception):
            raise result
        return result

    async def submit_statements(self, account: Account, statements: Sequence[SignedStatement]) -> list[Result]:
        """As ``submit_drafts``, for what the account's own party signed."""
        require_scope(account, "submit")
        return await self._run(len(statements), lambda: self._workshop.check(account, statements))

    async def submit_statement_body(self, account: Account, body: bytes) -> list[Result] | None:
        """As ``submit_draft_body``."""
        require_scope(account, "submit")
        return await self._run_body(lambda: self._workshop.check_body(account, body))

    async def _run(self, count: int, prepare: Callable[[], Prepared]) -> list[Result]:
        # Hundreds of signatures take a while, and the event loop goes on serving others meanwhile. One takes less
        # than the change of threads would.
        return await self._record(prepare() if count == 1 else await self._elsewhere(prepare))

    async def _run_body(self, prepare: Callable[[], Prepared | None]) -> list[Result] | None:
        prepared = await self._elsewhere(prepare)
        return None if prepared is None else await self._record(prepared)

    async def _sign_singles(self, singles: Sequence[Single]) -> list[Signed]:
        if len(singles) < FEW and sum(len(one.body) for one in singles) <= SMALL:
            return self._workshop.sign_singles(singles)
        return await asyncio.get_running_loop().run_in_executor(self._signer, self._workshop.sign_singles, singles)

    async def _elsewhere(self, prepare: Callable[[], P]) -> P:
        return await asyncio.get_running_loop().run_in_executor(self._workers, prepare)

    async def _record(self, prepared: Prepared) -> list[Result]:
        if any(map(concerns, prepared.items)):
            prepared = await asyncio.to_thread(self._vetted, prepared)
        return await self._finished(
            prepared, await self._write([one for one in prepared.items if isinstance(one, Submission)])
        )

    async def _finished(self, prepared: Prepared, written: Sequence[Outcome]) -> list[Result]:
        outcomes = iter(written)
        results = [one if isinstance(one, Exception) else _result(one, next(outcomes)) for one in prepared.items]
        if Conflict in set(map(type, written)):
            await asyncio.to_thread(self._look_again, prepared, results)
        types = {one.type for one in results if isinstance(one, Recorded)}
        if any(not self._at_once.isdisjoint((one, _family(one))) for one in types):
            await self._ask_anchors(results)
        if ERASURE in types:
            await asyncio.to_thread(self._erased)
        return results

    def _vetted(self, prepared: Prepared) -> Prepared:
        """What this service refuses beyond the rules is refused before the log is asked."""
        with self._log.store.snapshot() as reads:
            return prepared._replace(items=self._vetting.vet_all(reads, prepared.items))

    async def _write(self, submissions: list[Submission]) -> list[Outcome]:
        return await asyncio.wrap_future(self._log.submit_many(submissions)) if submissions else []

    # --- drafts that were submitted before ----------------------------------------

    def _look_again(self, prepared: Prepared, results: list[Result]) -> None:
        """A draft in conflict may be a repeated one; statements are what they are."""
        drafts = prepared.drafts()
        for at, (submission, draft, result) in enumerate(zip(prepared.items, drafts, results, strict=False)):
            if isinstance(result, Conflict) and isinstance(submission, Submission):
                results[at] = self._again(draft, submission.statement.event, result)

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

    # --- what has to be anchored at once -----------------------------------------

    async def _ask_anchors(self, results: Sequence[Result]) -> None:
        """For repeated events too: whoever repeats one may have been cut off before its anchor was asked for."""
        sizes: dict[str, int] = {}
        for one in results:
            if isinstance(one, Recorded) and not self._at_once.isdisjoint((one.type, family := _family(one.type))):
                sizes[family] = max(one.position + 1, sizes.get(family, 0))
        for reason, size in sizes.items():
            await self._urgent(reason, size)

    def check_wish(self) -> None:
        """Raises ``Forbidden`` unless whoever submits may wish that it is anchored at once."""
        if "urgent" not in self._at_once:
            raise Forbidden(
                "this log anchors nothing at once because somebody wishes it", "submit it without the wish", "urgent"
            )

    async def wish(self, results: Sequence[Result]) -> None:
        """Have what is recorded anchored at once because its submitter wishes it; see ``check_wish``."""
        sizes = [one.position + 1 for one in results if isinstance(one, Recorded)]
        if sizes:
            await self._urgent("urgent", max(sizes))


def _result(submission: Submission, outcome: Outcome) -> Result:
    return _recorded(submission.statement, outcome) if isinstance(outcome, Receipt) else outcome


def _family(kind: str) -> str:
    return kind.partition(".")[0]


def _recorded(statement: Statement, receipt: Receipt) -> Recorded:
    event, (position, _, admitted_at, duplicate) = statement.event, receipt
    kind, subject, event_id = event.type, event.subject, event.event_id
    return Recorded(
        position, kind, subject, event_id, statement.statement_id, admitted_at, duplicate, event.commitments
    )
