"""Settlements of licences and disputes: recorded by one side, accepted by the others, corrected by later ones."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from api.accounts import Account
from api.services.drafts import Draft
from api.services.errors import NotFound
from api.services.gathering import records_of
from api.services.submission import Recorded, SubmissionService
from api.services.voices import Voices, require_scope
from ledger.log import Log
from ledger.store import Reads, Record, Search
from tallystick.admission import state as states
from tallystick.events.settlement import SettlementRecord
from tallystick.identifiers import parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.licence.settlement import read_values
from tallystick.schema import FieldError, write
from tallystick.statement import parse_statement
from tallystick.times import format_time

State: TypeAlias = Literal["offered", "agreed", "agreed-among-those-named", "superseded"]


@dataclass(frozen=True)
class SettlementRequest:
    """What one side says. ``values``: the private ones by name; ``more``: further fields of the event's body."""

    subject: str
    parties: tuple[str, ...]
    values: Mapping[str, Any]
    more: Mapping[str, Any]
    event_id: str | None = None


@dataclass(frozen=True)
class Settlement:
    """As anybody sees it. ``state``: whether all its parties accepted it, and whether a later one took its place.

    ``agreed`` only where both sides of what it settles are among its parties, as they were when it was recorded;
    whom it names is for its speaker to say. ``unnamed``: whom it concerns without naming them.
    """

    position: int
    recorded: str
    state: State
    agreed: tuple[str, ...]
    unnamed: tuple[str, ...]
    superseded: int | None
    body: dict[str, Any]


class SettlementService:
    """Records settlements and their acceptance, for accounts."""

    def __init__(self, submission: SubmissionService, voices: Voices, log: Log) -> None:
        self._submission = submission
        self._voices = voices
        self._log = log

    async def record(self, account: Account, request: SettlementRequest) -> Recorded:
        """Record a ``settlement.record`` by the account's party. Raises ``Refused``, ``FieldError``, ``Conflict``."""
        require_scope(account, "submit")
        try:
            read_values(request.values)
        except FieldError as error:
            raise FieldError(f"values.{error.field}", error.problem) from None
        body = {"parties": sorted(request.parties), **request.more}
        draft = Draft("settlement.record", body, request.event_id, request.subject, None, request.values)
        return await self._submission.record_one(self._voices.of_account(account), draft)

    async def accept(self, account: Account, position: int, event_id: str | None) -> Recorded:
        """Record a ``settlement.accept`` of the record at ``position``. Raises ``NotFound``, ``Refused``."""
        require_scope(account, "submit")
        subject = await asyncio.to_thread(self._subject, position)
        draft = Draft("settlement.accept", {"record": position}, event_id, subject)
        return await self._submission.record_one(self._voices.of_account(account), draft)

    def _subject(self, position: int) -> str:
        with self._log.store.snapshot() as reads:
            state = reads.get(states.settlement_key(position))
        if not isinstance(state, states.SettlementState):
            raise NotFound(
                f"entry {position} records no settlement", "name the position of a settlement.record", "record"
            )
        return state.subject

    def of(self, subject: str, after: int, limit: int) -> tuple[list[Settlement], int | None]:
        """What was recorded of a licence or a dispute behind position ``after``, oldest first; and the position behind
        which to go on, if there may be more. A page looks at ``limit`` entries, for anybody may ask.

        Raises ``NotFound``, ``MalformedInput``.
        """
        parse_identifier(subject)
        with self._log.store.snapshot() as reads:
            if not isinstance(reads.get(subject), states.LicenceState | states.DisputeState):
                raise NotFound(f"{subject} is no registered licence or dispute", "check the identifier", "subject")
            found, sides = [], _Sides(reads)
            page = reads.search(Search(subject=subject, type="settlement.record", after=after, limit=limit))
            for record in page:
                state = reads.get(states.settlement_key(record.position))
                if isinstance(state, states.SettlementState) and state.subject == subject:
                    found.append(_shown(sides, record, state))
        return found, page[-1].position if len(page) == limit else None


class _Sides:
    """Whom licences and disputes concerned when, in one snapshot: what is found of a licence is found once, however
    many settlements it has.
    """

    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._holders: dict[str, list[tuple[int, str | None]]] = {}

    def of(self, subject: str, position: int) -> Iterator[str | None]:
        """The sides of a licence or a dispute before this position; ``None``: one that the log does not name openly."""
        state = self._reads.get(subject)
        match state:
            case states.DisputeState():
                yield state.claimant
                yield from self.of(state.target, position)
            case states.LicenceState():
                yield state.licensor if state.parent is None else self._holder(state.parent, position)
                yield self._holder(subject, position)
            case states.ObjectState():
                yield state.holder
            case states.PartyState():
                yield subject
            case _:
                yield None

    def _holder(self, licence: str, position: int) -> str | None:
        """Who held a licence before this position, where that is said openly."""
        if licence not in self._holders:
            self._holders[licence] = sorted(_moves(self._reads, licence), key=lambda one: one[0])
        found = self._holders[licence]
        before = bisect_left(found, position, key=lambda one: one[0])
        return found[before - 1][1] if before else None


def _moves(reads: Reads, licence: str) -> Iterator[tuple[int, str | None]]:
    """Where the licence was granted or transferred, and to whom."""
    granted = next(records_of(reads, subject=licence, type="licence.grant", page=1), None)
    # Others name it as their parent, and after it.
    if granted is not None and granted.subject == licence:
        yield granted.position, parse_statement(granted.entry).event.body.holder
    for record in records_of(reads, subject=licence, type="licence.transfer"):
        yield record.position, parse_statement(record.entry).event.body.to


def _shown(sides: _Sides, record: Record, state: states.SettlementState) -> Settlement:
    body: SettlementRecord = parse_statement(record.entry).event.body
    settled = (state.subject, *(body.also or ()))
    concerned = {one for subject in settled for one in sides.of(subject, record.position)}
    stands: State = "agreed" if concerned <= set(state.parties) else "agreed-among-those-named"
    if len(state.agreed) < len(state.parties):
        stands = "offered"
    return Settlement(
        record.position,
        format_time(record.admitted_at),
        stands if state.superseded is None else "superseded",
        state.agreed,
        tuple(sorted(one for one in concerned - set(state.parties) if one is not None)),
        state.superseded,
        write(body),
    )
