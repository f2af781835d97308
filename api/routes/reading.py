"""Events come out: by position, by what they name, and as the bytes that were hashed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Path, Query, Response

from api.routes.base import MaybeAccount, Schema, UsedServices, router
from api.routes.schemas import DigestPairSchema
from api.services.reading import Found
from ledger.store import Search
from tallystick.admission import encode_state
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError, write
from tallystick.times import format_time, parse_time

IMMUTABLE = "public, max-age=31536000, immutable"
ENTRY_TYPE = "application/cose"

routes = router("reading")

Limit = Annotated[int, Query(ge=1, le=1000)]
Position = Annotated[int, Path(ge=0, lt=1 << 63)]
Cursor = Annotated[int | None, Query(ge=0, lt=1 << 63, description="`next` of the page before")]


class DisclosureSchema(Schema):
    """A private value, and the disclosure that opens its commitment."""

    value: Any
    disclosure: str


class EventSchema(Schema):
    """An entry as it stands in the log. ``party``: for whom it counts; ``issuer``: whose key signed it."""

    position: int
    statement_id: str
    type: str
    event_id: str
    subject: str
    time: str
    admitted_at: str
    batch: int
    issuer: str
    party: str
    recorded_for: str | None
    body: dict[str, Any]
    private: dict[str, DigestPairSchema]
    disclosures: dict[str, DisclosureSchema]


class EventPage(Schema):
    """``next`` is the cursor of the next page; null on the last one."""

    events: list[EventSchema]
    next: int | None


class SubjectSchema(Schema):
    """What the log knows of an identifier. ``next`` as in a page of events."""

    identifier: str
    kind: str
    state: dict[str, Any]
    positions: list[int]
    next: int | None


class CustodySchema(Schema):
    """Custody of an object. ``last``: position of the latest entry, which the next one names as ``previous``.

    ``digest``: SHA-256 of the file, or root of the folder, by that entry. ``waiting``: to whom a transfer hands over.
    ``ended``: position of the deaccession.
    """

    object: str
    custodian: str
    digest: str
    last: int | None
    waiting: str | None
    ended: int | None


@routes.get("/events/{position}")
def read_event(position: Position, services: UsedServices, account: MaybeAccount) -> EventSchema:
    """One event. Private values only for who said them, the holder that a licence names, and the registrar."""
    return event_schema(services.reading.event(position, account))


@routes.get("/events")
def read_events(
    services: UsedServices,
    account: MaybeAccount,
    subject: Annotated[str | None, Query(description="Events that name this identifier anywhere")] = None,
    type: str | None = None,
    since: Annotated[str | None, Query(alias="from", description="Admitted at this time or later")] = None,
    until: Annotated[str | None, Query(alias="to", description="Admitted before this time")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> EventPage:
    """Events in log order; all conditions hold."""
    search = Search(
        subject=subject,
        type=type,
        since=_instant(since, "from"),
        until=_instant(until, "to"),
        after=-1 if cursor is None else cursor,
        limit=limit,
    )
    page = services.reading.events(search, account)
    return EventPage(events=[event_schema(found) for found in page.found], next=page.next)


@routes.get("/subjects/{identifier:path}")
def read_subject(identifier: str, services: UsedServices, cursor: Cursor = None, limit: Limit = 100) -> SubjectSchema:
    """The state of a party, object, capability, job, licence, certificate or dispute, and where it is named."""
    found = services.reading.subject(identifier, -1 if cursor is None else cursor, limit)
    state = encode_state(found.state)
    return SubjectSchema(
        identifier=found.identifier,
        kind=state["kind"],
        state=state["value"],
        positions=list(found.positions),
        next=found.next,
    )


@routes.get("/custody/{identifier:path}")
def read_custody(identifier: str, services: UsedServices) -> CustodySchema:
    """Who keeps an object's bytes, with which digest, and the entry that the next record of its custody names."""
    return CustodySchema(**asdict(services.reading.custody(identifier)))


@routes.get("/entries/{position}", response_class=Response, responses={200: {"content": {ENTRY_TYPE: {}}}})
def read_entry(position: Position, services: UsedServices) -> Response:
    """The exact bytes of an entry: COSE_Sign1, as hashed into the leaf."""
    return Response(services.reading.entry(position), media_type=ENTRY_TYPE, headers={"Cache-Control": IMMUTABLE})


def event_schema(found: Found) -> EventSchema:
    """How an entry is shown."""
    record, event = found.record, found.statement.event
    recorded = event.recorded_for
    return EventSchema(
        position=record.position,
        statement_id=record.statement_id.hex(),
        type=event.type,
        event_id=event.event_id,
        subject=event.subject,
        time=event.time,
        admitted_at=format_time(record.admitted_at),
        batch=record.batch,
        issuer=found.statement.issuer,
        party=record.party,
        recorded_for=recorded.party if recorded else None,
        body=write(event.body),
        private={name: DigestPairSchema(**write(pair)) for name, pair in event.commitments.items()},
        disclosures={
            name: DisclosureSchema(value=one.value, disclosure=one.text) for name, one in found.disclosures.items()
        },
    )


def _instant(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_time(text)
    except MalformedInput as error:
        raise FieldError(field, str(error)) from None
