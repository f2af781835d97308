"""Receipts for those who speak JSON: by position, and for the growth of the log. The receipts are those of SCITT."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field

from api.routes.base import KnownAccount, UsedServices, router
from api.routes.events import DraftSchema, RecordedSchema, recorded_schema
from api.routes.reading import Position
from api.services.registration import PATIENCE
from tallystick.base64s import to_base64

RECEIPT, STATEMENT = "application/scitt-receipt+cose", "application/scitt-statement+cose"
MAX_WAIT = 30.0

_FRESH = {"Cache-Control": "public, max-age=1"}

routes = router("receipts")

Wait = Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for publication, if need be")]


class ReceiptedSchema(RecordedSchema):
    """Where the event stands, and the log's receipt for it."""

    receipt: str | None = Field(description="Base64; null where publication takes long: get it by its position later")


@routes.post("/receipts", status_code=201, responses={200: {"model": ReceiptedSchema}})
async def submit_for_receipt(
    draft: DraftSchema, services: UsedServices, account: KnownAccount, response: Response
) -> ReceiptedSchema:
    """As ``POST /v1/events``, answered once the event is published: with its receipt."""
    (result,) = await services.submission.submit_drafts(account, [draft.draft()])
    if isinstance(result, Exception):
        raise result
    response.status_code = 200 if result.duplicate else 201
    receipt = None
    if await services.receipts.wait(result.position, PATIENCE):
        receipt = to_base64(await asyncio.to_thread(services.receipts.inclusion, result.position))
    return ReceiptedSchema(**recorded_schema(result).model_dump(), receipt=receipt)


@routes.get("/receipts/consistency", response_class=Response, responses={200: {"content": {RECEIPT: {}}}})
def consistency_receipt(
    services: UsedServices, old_size: Annotated[int, Query(alias="from", ge=0, lt=1 << 63)]
) -> Response:
    """The receipt that the published tree extends its first ``from`` leaves (COSE, RFC 9942)."""
    return Response(services.receipts.consistency(old_size), media_type=RECEIPT, headers=_FRESH)


@routes.get("/receipts/{position}", response_class=Response, responses={200: {"content": {RECEIPT: {}}}})
async def inclusion_receipt(position: Position, services: UsedServices, wait: Wait = 0.0) -> Response:
    """The receipt that an entry stands in the published tree (COSE, RFC 9942)."""
    await services.receipts.wait(position, wait)
    return Response(await asyncio.to_thread(services.receipts.inclusion, position), media_type=RECEIPT, headers=_FRESH)


@routes.get("/statements/{position}", response_class=Response, responses={200: {"content": {STATEMENT: {}}}})
async def transparent_statement(position: Position, services: UsedServices, wait: Wait = 0.0) -> Response:
    """An entry with its receipt in its unprotected header: a Transparent Statement (RFC 9943)."""
    await services.receipts.wait(position, wait)
    return Response(
        await asyncio.to_thread(services.receipts.transparent, position), media_type=STATEMENT, headers=_FRESH
    )
