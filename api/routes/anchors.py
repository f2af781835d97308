"""Anchors: where the log was anchored, on whose word, and the proofs to take home."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Path, Response
from pydantic import Field

from api.routes.base import OperatorAccount, Schema, UsedServices, router
from api.services.anchoring import AnchorView
from tallystick.times import format_time

PROOF_TYPE = "application/json"

routes = router("anchors")

AnchorId = Annotated[int, Path(ge=1, lt=1 << 63)]


class WantedSchema(Schema):
    """Why the log is to be anchored now."""

    reason: Annotated[str, Field(pattern=r"^[a-z][a-z -]{0,39}$")] = "on demand"


class RequestSchema(Schema):
    """The log will be anchored at ``size`` or beyond as soon as the worker gets to it."""

    id: int
    reason: str
    size: int


class AnchorSchema(Schema):
    """One checkpoint on its way to one target. ``trust`` says what it proves, and on whose word."""

    id: int
    target: str
    size: int
    root: str
    reason: str
    state: str
    prepared_at: str
    tx_hash: str | None
    block_hash: str | None
    block_number: int | None
    block_time: str | None
    final_at: str | None
    error: str | None
    trust: str


class AnchorList(Schema):
    """Every anchor, by target and size."""

    anchors: list[AnchorSchema]


@routes.post("/anchors", status_code=202)
async def request_anchor(wanted: WantedSchema, services: UsedServices, account: OperatorAccount) -> RequestSchema:
    """Publish what is recorded, and have that anchored at once."""
    signed = await asyncio.to_thread(services.log.publish_now)
    request = await asyncio.to_thread(services.desk.request, wanted.reason, signed.checkpoint.size)
    return RequestSchema(id=request.id, reason=request.reason, size=request.size)


@routes.get("/anchors")
def list_anchors(services: UsedServices) -> AnchorList:
    """All anchors."""
    return AnchorList(anchors=[anchor_schema(view) for view in services.desk.anchors()])


@routes.get("/anchors/{id}")
def read_anchor(id: AnchorId, services: UsedServices) -> AnchorSchema:
    """One anchor."""
    return anchor_schema(services.desk.anchor(id))


@routes.get("/anchors/{id}/proof", response_class=Response, responses={200: {"content": {PROOF_TYPE: {}}}})
def read_proof(id: AnchorId, services: UsedServices) -> Response:
    """The offline proof of a final anchor: header, receipt, storage. Canonical JSON, as it goes into a bundle."""
    return Response(services.desk.proof(id), media_type=PROOF_TYPE)


def anchor_schema(view: AnchorView) -> AnchorSchema:
    """How an anchor is shown."""
    anchor = view.anchor
    return AnchorSchema(
        id=anchor.id,
        target=view.target.spec.name,
        size=anchor.size,
        root=anchor.root.hex(),
        reason=anchor.reason,
        state=anchor.state,
        prepared_at=format_time(anchor.prepared_at),
        tx_hash=_hex(anchor.tx_hash),
        block_hash=_hex(anchor.block_hash),
        block_number=anchor.block_number,
        block_time=_time(anchor.block_time),
        final_at=_time(anchor.final_at),
        error=anchor.error,
        trust=view.trust_line,
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
