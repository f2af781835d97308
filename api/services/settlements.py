"""Settlements of licences and disputes: recorded by one side, accepted by the others, corrected by later ones."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from api.accounts import Account
from api.services.drafts import Draft
from api.services.errors import NotFound
from api.services.gathering import records_of
from api.services.submission import Recorded, SubmissionService
from api.services.voices import Voices, require_scope
from ledger.log import Log
from ledger.store import Reads, Record
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

    def of(self, subject: str) -> list[Settlement]:
        """All that were recorded of a licence or a dispute, oldest first. Raises ``NotFound``, ``MalformedInput``."""
        parse_identifier(subject)
        with self._log.store.snapshot() as reads:
            if not isinstance(reads.get(subject), states.LicenceState | states.DisputeState):
                raise NotFound(f"{subject} is no registered licence or dispute", "check the identifier", "subject")
            found = []
            for record in records_of(reads, subject=subject, type="settlement.record"):
                state = reads.get(states.settlement_key(record.position))
                if isinstance(state, states.SettlementState) and state.subject == subject:
                    found.append(_shown(reads, record, state))
        return found


def _shown(reads: Reads, record: Record, state: states.SettlementState) -> Settlement:
    body: SettlementRecord = parse_statement(record.entry).event.body
    settled = (state.subject, *(body.also or ()))
    concerned = {one for subject in settled for one in _concerned(reads, subject, record.position)}
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


def _concerned(reads: Reads, subject: str, position: int) -> Iterator[str | None]:
    """The sides of a licence or a dispute before this position; ``None``: one that the log does not name openly."""
    state = reads.get(subject)
    match state:
        case states.DisputeState():
            yield state.claimant
            yield from _concerned(reads, state.target, position)
        case states.LicenceState():
            yield state.licensor if state.parent is None else _holder(reads, state.parent, position)
            yield _holder(reads, subject, position)
        case states.ObjectState():
            yield state.holder
        case states.PartyState():
            yield subject
        case _:
            yield None


def _holder(reads: Reads, licence: str, position: int) -> str | None:
    """Who held a licence before this position, where that is said openly."""
    holder = None
    for record in records_of(reads, subject=licence):
        if record.position < position and record.subject == licence:
            body = parse_statement(record.entry).event.body
            if record.type == "licence.grant":
                holder = body.holder
            elif record.type == "licence.transfer":
                holder = body.to
    return holder
