"""Anchors: where the log was anchored, on whose word, and the proofs to take home."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Path, Response
from pydantic import Field

from api.routes.base import OperatorAccount, Schema, UsedServices, router
from api.routes.reading import Cursor, Limit, Position
from api.services.anchor_watch import Alarm, TargetView
from api.services.anchoring import AnchorView
from tallystick.schema import write
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
    """One checkpoint on its way to one target. Times of what has not happened are null.

    ``cost_wei``: what its transactions took, failed ones too; null on the operator's own chain, which costs nothing.
    ``trust`` and ``trust_zh`` say what it proves, and on whose word; ``operator_only``: alone it proves nothing against
    the operator.
    """

    id: int
    target: str
    size: int
    root: str
    reason: str
    state: str
    prepared_at: str
    sent_at: str | None
    mined_at: str | None
    tx_hash: str | None
    block_hash: str | None
    block_number: int | None
    block_time: str | None
    final_at: str | None
    dropped_at: str | None
    error: str | None
    cost_wei: str | None
    trust: str
    trust_zh: str
    operator_only: bool


class OldestSchema(Schema):
    """The oldest entry that no final anchor of the target covers."""

    position: int
    admitted_at: str


class TargetSchema(Schema):
    """A chain and contract. ``announcement``: what the log names it by, once deployed.

    ``anchored``: leaves that its last final anchor covers. ``waits``: an anchor is due there, and waits for money;
    ``trouble``: what hinders anchoring there. ``current``: the settings name it still.
    """

    name: str
    state: str
    chain_id: int
    vouched_by: str
    log_position: int | None
    announcement: dict[str, Any] | None
    anchored: int
    oldest_unanchored: OldestSchema | None
    waits: str | None
    trouble: str | None
    current: bool


class AlarmSchema(Schema):
    """A person must look: see "Alarms" in docs/operations.md. ``target``: - where there is none yet."""

    kind: str
    target: str
    since: str
    message: str
    message_zh: str


class AnchorList(Schema):
    """Anchors in the order in which they were prepared; every target; what a person must look at.

    ``next`` is the cursor of the next page; null on the last one.
    """

    anchors: list[AnchorSchema]
    next: int | None
    targets: list[TargetSchema]
    alarms: list[AlarmSchema]


class AlarmList(Schema):
    """What a person must look at."""

    alarms: list[AlarmSchema]


class WaitingSchema(Schema):
    """A target where the entry is not anchored for good. ``anchor``: the one on its way that covers it."""

    target: str
    anchor: AnchorSchema | None


class EntryAnchorsSchema(Schema):
    """Where an entry is anchored: the first final anchor of each target that covers it; and where not yet."""

    position: int
    admitted_at: str
    anchors: list[AnchorSchema]
    waiting: list[WaitingSchema]


@routes.post("/anchors", status_code=202)
async def request_anchor(wanted: WantedSchema, services: UsedServices, account: OperatorAccount) -> RequestSchema:
    """Publish what is recorded, and have that anchored at once."""
    signed = await asyncio.to_thread(services.log.publish_now)
    request = await asyncio.to_thread(services.desk.request, wanted.reason, signed.checkpoint.size)
    return RequestSchema(id=request.id, reason=request.reason, size=request.size)


@routes.get("/anchors")
def list_anchors(services: UsedServices, cursor: Cursor = None, limit: Limit = 1000) -> AnchorList:
    """Anchors, page by page."""
    found = services.desk.page(0 if cursor is None else cursor, limit)
    return AnchorList(
        anchors=[anchor_schema(view) for view in found],
        next=found[-1].anchor.id if len(found) == limit else None,
        targets=[target_schema(view) for view in services.watch.targets()],
        alarms=[alarm_schema(alarm) for alarm in services.watch.alarms()],
    )


@routes.get("/alarms", responses={503: {"model": AlarmList}})
def read_alarms(services: UsedServices, response: Response) -> AlarmList:
    """For monitors: 200 and none, or 503 and what a person must look at. The service goes on serving meanwhile."""
    found = [alarm_schema(alarm) for alarm in services.watch.alarms()]
    response.status_code = 503 if found else 200
    return AlarmList(alarms=found)


@routes.get("/events/{position}/anchors")
def read_entry_anchors(position: Position, services: UsedServices) -> EntryAnchorsSchema:
    """When and where an entry was anchored."""
    found = services.watch.entry(position)
    return EntryAnchorsSchema(
        position=found.position,
        admitted_at=format_time(found.admitted_at),
        anchors=[anchor_schema(view) for view in found.anchors],
        waiting=[
            WaitingSchema(target=target.spec.name, anchor=anchor_schema(view) if view else None)
            for target, view in found.waiting
        ],
    )


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
        sent_at=_time(anchor.sent_at),
        mined_at=_time(anchor.mined_at),
        tx_hash=_hex(anchor.tx_hash),
        block_hash=_hex(anchor.block_hash),
        block_number=anchor.block_number,
        block_time=_time(anchor.block_time),
        final_at=_time(anchor.final_at),
        dropped_at=_time(anchor.dropped_at),
        error=anchor.error,
        cost_wei=None if view.is_free else str(view.cost),
        trust=view.trust_line,
        trust_zh=view.trust.text("zh"),
        operator_only=view.trust.operator_only,
    )


def target_schema(view: TargetView) -> TargetSchema:
    """How a target is shown."""
    target, oldest = view.target, view.oldest
    return TargetSchema(
        name=target.spec.name,
        state=target.state,
        chain_id=target.spec.chain_id,
        vouched_by=target.spec.vouched_by,
        log_position=target.log_position,
        announcement=write(target.announcement) if target.contract else None,
        anchored=view.anchored,
        oldest_unanchored=OldestSchema(position=oldest.position, admitted_at=format_time(oldest.admitted_at))
        if oldest
        else None,
        waits=target.waits,
        trouble=target.trouble,
        current=view.current,
    )


def alarm_schema(alarm: Alarm) -> AlarmSchema:
    """How an alarm is shown."""
    return AlarmSchema(
        kind=alarm.kind,
        target=alarm.target,
        since=format_time(alarm.since),
        message=alarm.words.en,
        message_zh=alarm.words.zh,
    )


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _time(seconds: int | None) -> str | None:
    return None if seconds is None else format_time(seconds)
