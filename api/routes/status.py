"""Status, as JSON."""

from __future__ import annotations

import dataclasses

from api.routes.anchors import AlarmSchema, AnchorSchema, TargetSchema, alarm_schema, anchor_schema, target_schema
from api.routes.base import Schema, UsedServices, router
from api.services.completeness import Figure
from api.services.status import Status
from api.services.witnesses import QuorumView
from tallystick.times import format_time

NAMED = 100
"""Incomplete objects that are named; the others are counted."""

routes = router("status")


class CheckpointFigures(Schema):
    """The newest published tree."""

    size: int
    root: str


class IncompleteSchema(Schema):
    """An object that lacks part of the minimum traceability set."""

    position: int
    subject: str
    missing: list[str]


class WitnessSchema(Schema):
    """A witness of the operator's policy. ``cosigned``: the published checkpoint. ``alarm``: it contradicts the log."""

    name: str
    url: str
    cosigned: bool
    alarm: bool


class WitnessesSchema(Schema):
    """Who cosigned the published checkpoint. ``met``: at least ``quorum`` did; false is below quorum."""

    quorum: int
    cosigned: int
    met: bool
    witnesses: list[WitnessSchema]


class CompletenessSchema(Schema):
    """Objects that are bound and complete, recomputed from the first ``entries`` entries of the log."""

    objects: int
    complete: int
    share: float
    entries: int
    incomplete: list[IncompleteSchema]


class UnanchoredSchema(Schema):
    """The oldest entry that no final anchor covers."""

    position: int
    admitted_at: str


class EndedSchema(Schema):
    """The log has ended: nothing enters it any more, and its last checkpoint stands. ``successor``: who goes on."""

    position: int
    reason: str
    successor: str | None


class SequencerSchema(Schema):
    """The service that writes a shared log now. ``epoch`` counts those that were elected; ``here``: it is this one."""

    name: str
    epoch: int
    here: bool


class StatusSchema(Schema):
    """How the log fares. ``ended``: null while it takes entries; ``predecessor``: the log that it succeeds.

    ``halted``: null, or why nothing is recorded nor signed until the operator has decided.
    """

    origin: str
    prefix: str
    registrar: str
    service: str
    size: int
    ended: EndedSchema | None
    predecessor: str | None
    checkpoint: CheckpointFigures | None
    clock_behind: int
    publishing: bool
    halted: str | None
    sequencer: SequencerSchema | None
    witnesses: WitnessesSchema
    completeness: CompletenessSchema
    oldest_unanchored: UnanchoredSchema | None
    targets: list[TargetSchema]
    anchors: list[AnchorSchema]
    alarms: list[AlarmSchema]


@routes.get("/status")
def read_status(services: UsedServices) -> StatusSchema:
    """Size, checkpoint, completeness, anchors."""
    return status_schema(services.status.status())


def status_schema(status: Status) -> StatusSchema:
    """How the status is shown."""
    head, figure, oldest = status.checkpoint, status.completeness, status.unanchored
    return StatusSchema(
        origin=status.voices.origin,
        prefix=status.voices.prefix,
        registrar=status.voices.registrar,
        service=status.voices.service,
        size=status.size,
        ended=EndedSchema(**vars(status.ended)) if status.ended else None,
        predecessor=status.predecessor,
        checkpoint=CheckpointFigures(size=head.checkpoint.size, root=head.checkpoint.root.hex()) if head else None,
        clock_behind=status.clock_behind,
        publishing=status.publishing,
        halted=status.halted,
        sequencer=SequencerSchema(name=status.seat.holder, epoch=status.seat.epoch, here=status.seat.here)
        if status.seat
        else None,
        witnesses=_witnesses(status.witnesses),
        completeness=_completeness(figure),
        oldest_unanchored=UnanchoredSchema(position=oldest.position, admitted_at=format_time(oldest.admitted_at))
        if oldest
        else None,
        targets=[target_schema(view) for view in status.targets],
        anchors=[anchor_schema(view) for view in status.anchors],
        alarms=[alarm_schema(alarm) for alarm in status.alarms],
    )


def _witnesses(view: QuorumView) -> WitnessesSchema:
    return WitnessesSchema(
        quorum=view.quorum,
        cosigned=view.cosigned,
        met=view.met,
        witnesses=[WitnessSchema(**dataclasses.asdict(one)) for one in view.witnesses],
    )


def _completeness(figure: Figure) -> CompletenessSchema:
    found = figure.found
    return CompletenessSchema(
        objects=found.objects,
        complete=found.complete,
        share=round(figure.share, 6),
        entries=figure.entries,
        incomplete=[
            IncompleteSchema(position=one.position, subject=one.subject, missing=list(one.missing))
            for one in found.incomplete[:NAMED]
        ],
    )
