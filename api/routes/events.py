"""Events go in: as drafts that the service signs, or as statements that a party signed itself."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query, Response
from pydantic import Field

from api.accounts import Account
from api.batches.reading import MAX_DISCLOSURES, MAX_ITEMS, SignedStatement, draft_in, statement_in
from api.problems import problem_of
from api.routes.base import (
    LARGE_BODY_BYTES,
    MAX_BATCH_BYTES,
    MAX_BODY_BYTES,
    KnownAccount,
    Schema,
    UsedServices,
    router,
)
from api.routes.quick import Quick, json_answer
from api.routes.schemas import DigestPairSchema
from api.services.drafts import Draft
from api.services.submission import Recorded, Result
from api.wiring import Services
from tallystick.base64s import from_base64
from tallystick.errors import MalformedInput
from tallystick.events.kinds import SUBJECTS
from tallystick.schema import FieldError, write
from tallystick.times import format_time

Wish = Annotated[bool, Query(description="Have what is recorded anchored at once, where the log grants that")]

T = TypeVar("T")

routes = router("submitting")


class DraftSchema(Schema):
    """An event. Private values are salted by the service: the log holds commitments to them, never the values."""

    type: str
    body: dict[str, Any]
    event_id: str | None = Field(None, description="Yours: repeat it and the event is recorded once")
    subject: str | None = Field(None, description="Left out, an event that registers something gets a new identifier")
    time: str | None = Field(None, description="When it happened, as 2026-01-31T12:00:00Z; left out: now")
    private: dict[str, Any] = Field(default_factory=dict, description="Values by name")

    def draft(self) -> Draft:
        """For the service."""
        return Draft(self.type, self.body, self.event_id, self.subject, self.time, self.private)


class StatementSchema(Schema):
    """A COSE_Sign1 statement in base64, and RFC 9901 disclosures for the vault."""

    statement: str
    disclosures: list[str] = Field(default_factory=list, max_length=MAX_DISCLOSURES)

    def signed(self) -> SignedStatement:
        """For the service. Raises ``FieldError``."""
        try:
            return SignedStatement(from_base64(self.statement), tuple(self.disclosures))
        except MalformedInput as error:
            raise FieldError("statement", str(error)) from None


class DraftBatch(Schema):
    """Up to 1,000 drafts; each is recorded or refused by itself."""

    events: Annotated[list[DraftSchema], Field(min_length=1, max_length=MAX_ITEMS)]


class StatementBatch(Schema):
    """Up to 1,000 statements; each is recorded or refused by itself."""

    statements: Annotated[list[StatementSchema], Field(min_length=1, max_length=MAX_ITEMS)]


class RecordedSchema(Schema):
    """Where the event stands. It is durable; the next checkpoint covers it."""

    position: int
    type: str
    subject: str
    event_id: str
    statement_id: str
    admitted_at: str
    duplicate: bool = Field(description="It was there before this request")
    private: dict[str, DigestPairSchema] = Field(description="Commitments to the private values")


class BatchResults(Schema):
    """One result for each item, in order: what ``RecordedSchema`` shows, or a problem document."""

    results: list[dict[str, Any]]


# --- the short way: of a good body what the schemas above would make, or nothing ------


async def _quick_event(services: Services, account: Account, body: bytes) -> Response | None:
    if len(body) < LARGE_BODY_BYTES:
        result = await services.submission.submit_single(account, body)
        return None if result is None else _quick_one(result)
    draft = await asyncio.to_thread(draft_in, body)
    if draft is None:
        return None
    (result,) = await services.submission.submit_drafts(account, [draft])
    return _quick_one(result)


async def _quick_events(services: Services, account: Account, body: bytes) -> Response | None:
    return _quick_many(await services.submission.submit_draft_body(account, body))


async def _quick_statement(services: Services, account: Account, body: bytes) -> Response | None:
    statement = await _read(statement_in, body)
    if statement is None:
        return None
    (result,) = await services.submission.submit_statements(account, [statement])
    return _quick_one(result)


async def _quick_statements(services: Services, account: Account, body: bytes) -> Response | None:
    return _quick_many(await services.submission.submit_statement_body(account, body))


async def _read(read: Callable[[bytes], T | None], body: bytes) -> T | None:
    return read(body) if len(body) < LARGE_BODY_BYTES else await asyncio.to_thread(read, body)


def _quick_many(results: list[Result] | None) -> Response | None:
    if results is None:
        return None
    shown = ",".join([_usual(one) or orjson.dumps(_one_shown(one)).decode() for one in results])
    return Response(f'{{"results":[{shown}]}}'.encode(), media_type="application/json")


def _usual(result: Result) -> str | None:
    """``show`` as JSON. ``None``: of what is no recorded event, has private values, or is about the log itself.

    Else each text is a word of ours, a name or an identifier, in none of which is a character that JSON would escape.
    """
    if type(result) is not Recorded:
        return None
    position, kind, subject, event_id, statement_id, admitted_at, duplicate, commitments = result
    if commitments or not SUBJECTS[kind]:
        return None
    return (
        f'{{"position":{position},"type":"{kind}","subject":"{subject}","event_id":"{event_id}",'
        f'"statement_id":"{statement_id.hex()}","admitted_at":"{format_time(admitted_at)}",'
        f'"duplicate":{"true" if duplicate else "false"},"private":{{}}}}'
    )


def _quick_one(result: Result) -> Response:
    if isinstance(result, Exception):
        raise result
    return json_answer(show(result), 200 if result.duplicate else 201)


QUICK = {
    "/v1/events": Quick(_quick_event, MAX_BODY_BYTES),
    "/v1/events/batch": Quick(_quick_events, MAX_BATCH_BYTES),
    "/v1/statements": Quick(_quick_statement, MAX_BODY_BYTES),
    "/v1/statements/batch": Quick(_quick_statements, MAX_BATCH_BYTES),
}
"""By path."""


# --- the routes --------------------------------------------------------------------


@routes.post("/events", status_code=201, responses={200: {"model": RecordedSchema}})
async def submit_event(
    draft: DraftSchema, services: UsedServices, account: KnownAccount, response: Response, urgent: Wish = False
) -> RecordedSchema:
    """Record an event for the token's party: 201, or 200 where it stood already."""
    submit = partial(services.submission.submit_drafts, account, [draft.draft()])
    (result,) = await _wished(services, submit, urgent)
    return _one(result, response)


@routes.post("/events/batch", max_body_size=MAX_BATCH_BYTES)
async def submit_events(
    batch: DraftBatch, services: UsedServices, account: KnownAccount, urgent: Wish = False
) -> BatchResults:
    """Record many events."""
    drafts = [one.draft() for one in batch.events]
    return _many(await _wished(services, partial(services.submission.submit_drafts, account, drafts), urgent))


@routes.post("/statements", status_code=201, responses={200: {"model": RecordedSchema}})
async def submit_statement(
    statement: StatementSchema, services: UsedServices, account: KnownAccount, response: Response, urgent: Wish = False
) -> RecordedSchema:
    """Record a statement that the token's party signed: 201, or 200 where it stood already."""
    submit = partial(services.submission.submit_statements, account, [statement.signed()])
    (result,) = await _wished(services, submit, urgent)
    return _one(result, response)


@routes.post("/statements/batch", max_body_size=MAX_BATCH_BYTES)
async def submit_statements(
    batch: StatementBatch, services: UsedServices, account: KnownAccount, urgent: Wish = False
) -> BatchResults:
    """Record many statements."""
    signed = [one.signed() for one in batch.statements]
    return _many(await _wished(services, partial(services.submission.submit_statements, account, signed), urgent))


async def _wished(services: Services, submit: Callable[[], Awaitable[list[Result]]], urgent: bool) -> list[Result]:
    """Submit, and have it anchored at once where that is wished; a wish that nobody grants is refused before."""
    if urgent:
        services.submission.check_wish()
    results = await submit()
    if urgent:
        await services.submission.wish(results)
    return results


def recorded_schema(recorded: Recorded) -> RecordedSchema:
    """How a recorded event is shown."""
    return RecordedSchema.model_validate(show(recorded))


def show(recorded: Recorded) -> dict[str, Any]:
    """The members of ``RecordedSchema``."""
    return {
        "position": recorded.position,
        "type": recorded.type,
        "subject": recorded.subject,
        "event_id": recorded.event_id,
        "statement_id": recorded.statement_id.hex(),
        "admitted_at": format_time(recorded.admitted_at),
        "duplicate": recorded.duplicate,
        "private": {name: write(pair) for name, pair in recorded.commitments.items()},
    }


def _one(result: Result, response: Response) -> RecordedSchema:
    if isinstance(result, Exception):
        raise result
    response.status_code = 200 if result.duplicate else 201
    return recorded_schema(result)


def _many(results: list[Result]) -> BatchResults:
    return BatchResults(results=_shown(results))


def _shown(results: list[Result]) -> list[dict[str, Any]]:
    return [_one_shown(one) for one in results]


def _one_shown(result: Result) -> dict[str, Any]:
    return problem_of(result).body() if isinstance(result, Exception) else show(result)
