"""Settlements: record, accept, read."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from api.routes.base import KnownAccount, Schema, UsedServices, router
from api.routes.events import RecordedSchema, recorded_schema
from api.routes.reading import Cursor, Limit
from api.routes.schemas import DigestPairSchema
from api.services.settlements import SettlementRequest, State

routes = router("licences")


class PeriodSchema(Schema):
    """From ``start`` up to, not including, ``end``."""

    start: str
    end: str


class SettlementSchema(Schema):
    """``subject``: the licence or dispute; ``values``: private ones by name, ``amount`` among them."""

    subject: str
    parties: Annotated[list[str], Field(min_length=2, max_length=8)]
    values: dict[str, Any]
    period: PeriodSchema | None = None
    also: Annotated[list[str], Field(max_length=16)] | None = None
    documents: Annotated[list[DigestPairSchema], Field(max_length=16)] | None = None
    supersedes: int | None = Field(None, description="Position of the settlement that this one corrects")
    event_id: str | None = None

    def request(self) -> SettlementRequest:
        """For the service."""
        more = self.model_dump(include={"period", "also", "documents", "supersedes"}, exclude_none=True)
        return SettlementRequest(self.subject, tuple(self.parties), self.values, more, self.event_id)


class AcceptSchema(Schema):
    """An id of the client's own, that makes the request repeatable."""

    event_id: str | None = None


class SettledSchema(Schema):
    """A settlement as it stands. ``agreed``: the parties that said or accepted it; private values are not here.

    ``unnamed``: whom it concerns and does not name; it is ``agreed-among-those-named`` at most, not ``agreed``.
    """

    position: int
    recorded: str
    state: State
    agreed: list[str]
    unnamed: list[str]
    superseded: int | None = None
    body: dict[str, Any]


class SettlementsSchema(Schema):
    """Of one licence or dispute, oldest first. ``next`` is the cursor of the next page; null on the last one."""

    settlements: list[SettledSchema]
    next: int | None


@routes.post("/settlements", status_code=201, responses={200: {"model": RecordedSchema}})
async def record_settlement(
    settlement: SettlementSchema, services: UsedServices, account: KnownAccount, response: Response
) -> RecordedSchema:
    """Say how a licence or a dispute was settled: by a party that it concerns. The others accept it."""
    recorded = await services.settlements.record(account, settlement.request())
    response.status_code = 200 if recorded.duplicate else 201
    return recorded_schema(recorded)


@routes.post("/settlements/{position}/accept", status_code=201, responses={200: {"model": RecordedSchema}})
async def accept_settlement(
    position: int, accept: AcceptSchema, services: UsedServices, account: KnownAccount, response: Response
) -> RecordedSchema:
    """Accept a settlement that names the token's party, with all that it commits to."""
    recorded = await services.settlements.accept(account, position, accept.event_id)
    response.status_code = 200 if recorded.duplicate else 201
    return recorded_schema(recorded)


@routes.get("/settlements")
def get_settlements(
    subject: str, services: UsedServices, response: Response, cursor: Cursor = None, limit: Limit = 100
) -> SettlementsSchema:
    """What was settled under a licence or in a dispute, and whether both sides agreed: for anybody, without amounts."""
    response.headers["Cache-Control"] = "no-cache"
    found, following = services.settlements.of(subject, -1 if cursor is None else cursor, limit)
    return SettlementsSchema(
        next=following,
        settlements=[
            SettledSchema(
                position=one.position,
                recorded=one.recorded,
                state=one.state,
                agreed=list(one.agreed),
                unnamed=list(one.unnamed),
                superseded=one.superseded,
                body=one.body,
            )
            for one in found
        ],
    )
