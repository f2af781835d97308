"""Settlements of licences and disputes: recorded by one side, accepted by the others, corrected by later ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from api.accounts import Account
from api.services.drafts import Draft
from api.services.errors import NotFound
from api.services.gathering import records_of
from api.services.submission import Recorded, SubmissionService
from api.services.voices import Voices, require_scope
from ledger.log import Log
from tallystick.admission.state import DisputeState, LicenceState, SettlementState, settlement_key
from tallystick.events.settlement import SettlementRecord
from tallystick.identifiers import parse_identifier
from tallystick.licence.settlement import read_values
from tallystick.schema import FieldError, write
from tallystick.statement import parse_statement
from tallystick.times import format_time


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
    """As anybody sees it. ``state``: whether all its parties accepted it, and whether a later one took its place."""

    position: int
    recorded: str
    state: Literal["offered", "agreed", "superseded"]
    agreed: tuple[str, ...]
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
            state = reads.get(settlement_key(position))
        if not isinstance(state, SettlementState):
            raise NotFound(
                f"entry {position} records no settlement", "name the position of a settlement.record", "record"
            )
        return state.subject

    def of(self, subject: str) -> list[Settlement]:
        """All that were recorded of a licence or a dispute, oldest first. Raises ``NotFound``, ``MalformedInput``."""
        parse_identifier(subject)
        with self._log.store.snapshot() as reads:
            if not isinstance(reads.get(subject), LicenceState | DisputeState):
                raise NotFound(f"{subject} is no registered licence or dispute", "check the identifier", "subject")
            found = []
            for record in records_of(reads, subject=subject, type="settlement.record"):
                state = reads.get(settlement_key(record.position))
                if isinstance(state, SettlementState) and state.subject == subject:
                    body: SettlementRecord = parse_statement(record.entry).event.body
                    found.append(_shown(record.position, format_time(record.admitted_at), state, body))
        return found


def _shown(position: int, recorded: str, state: SettlementState, body: SettlementRecord) -> Settlement:
    stands: Literal["offered", "agreed"] = "agreed" if len(state.agreed) == len(state.parties) else "offered"
    return Settlement(
        position,
        recorded,
        stands if state.superseded is None else "superseded",
        state.agreed,
        state.superseded,
        write(body),
    )
