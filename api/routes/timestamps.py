"""Timestamps: which authority stamped what and when, and the tokens to take home."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from anchors.timestamps.outbox import Stamp
from api.routes.base import Schema, UsedServices, router
from api.routes.reading import Cursor, Limit
from tallystick.times import format_time

TOKEN_TYPE = "application/timestamp-token"

routes = router("timestamps")

StampId = Annotated[int, Path(ge=1, lt=1 << 63)]


class TimestampSchema(Schema):
    """One message on its way to one authority. ``over``: ``checkpoint`` (the text of its note) or ``block`` (its hash,
    ``block_hash`` in hex). ``gen_time_micros``, ``accuracy_micros``: microseconds. ``alarm``: somebody must look."""

    id: int
    authority: str
    over: str
    size: int
    root: str
    block_hash: str | None
    anchor: int | None
    reason: str
    state: str
    prepared_at: str
    sent_at: str | None
    final_at: str | None
    gen_time: str | None
    gen_time_micros: int | None
    accuracy_micros: int | None
    serial: str | None
    signer: str | None
    operator_only: bool
    attempts: int
    next_at: str | None
    error: str | None
    alarm: bool
    trust: str
    trust_zh: str


class TimestampList(Schema):
    """Timestamps in the order in which they were prepared. ``next`` is the cursor of the next page, or null."""

    timestamps: list[TimestampSchema]
    next: int | None


@routes.get("/timestamps")
def list_timestamps(services: UsedServices, cursor: Cursor = None, limit: Limit = 1000) -> TimestampList:
    """Timestamps, page by page."""
    found = services.timestamps.page(0 if cursor is None else cursor, limit)
    following = found[-1].id if len(found) == limit else None
    return TimestampList(timestamps=[timestamp_schema(one) for one in found], next=following)


@routes.get("/timestamps/{id}")
def read_timestamp(id: StampId, services: UsedServices) -> TimestampSchema:
    """One timestamp."""
    return timestamp_schema(services.timestamps.stamp(id))


@routes.get("/timestamps/{id}/token", response_class=Response, responses={200: {"content": {TOKEN_TYPE: {}}}})
def read_token(id: StampId, services: UsedServices) -> Response:
    """The token (RFC 3161, DER), as it goes into a bundle. ``openssl ts -verify -token_in`` reads it."""
    return Response(services.timestamps.token(id), media_type=TOKEN_TYPE)


def timestamp_schema(stamp: Stamp) -> TimestampSchema:
    """How a timestamp is shown."""
    line = stamp.trust()
    return TimestampSchema(
        id=stamp.id,
        authority=stamp.authority,
        over=stamp.kind,
        size=stamp.size,
        root=stamp.root.hex(),
        block_hash=stamp.message.hex() if stamp.kind == "block" else None,
        anchor=stamp.anchor_id,
        reason=stamp.reason,
        state=stamp.state,
        prepared_at=format_time(stamp.prepared_at),
        sent_at=_time(stamp.sent_at),
        final_at=_time(stamp.final_at),
        gen_time=None if stamp.gen_time is None else format_time(stamp.gen_time // 1_000_000),
        gen_time_micros=stamp.gen_time,
        accuracy_micros=stamp.accuracy,
        serial=stamp.serial,
        signer=stamp.signer,
        operator_only=stamp.own,
        attempts=stamp.attempts,
        next_at=format_time(stamp.next_at) if stamp.state in ("prepared", "sent") else None,
        error=stamp.error,
        alarm=stamp.alarm,
        trust=line.text("en"),
        trust_zh=line.text("zh"),
    )


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
