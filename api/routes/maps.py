"""What the map says of an identifier, with the proof; and the words of those who replayed it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import Path, Query, Request

from api.routes.base import Schema, UsedServices, router
from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.map import NAMED, OWN
from tallystick.map.audit import MAX_AUDIT_BYTES

routes = router("map")

Covers = Annotated[int, Query(ge=0, lt=1 << 40)]


class MapSchema(Schema):
    """The answer under the map root of the first ``size`` entries, which the entry at ``position`` states.

    ``own``, ``named``: proofs (docs/map.md §4). ``path``: inclusion of that entry (base64, as is ``entry``) in the tree
    of ``checkpoint``. ``audits``: notes of auditors about this root.
    """

    text: str
    position: int
    size: int
    root: str
    entry: str
    path: list[str]
    checkpoint: str
    own: dict[str, Any] | None
    named: dict[str, Any] | None
    audits: list[str]


class AuditedSchema(Schema):
    """An audit is kept; ``size``: the entries that it is about."""

    size: int


@routes.get("/map/{text:path}")
def answer(
    services: UsedServices,
    text: Annotated[str, Path(min_length=1, max_length=255)],
    audited: bool = False,
    covers: Covers = 0,
) -> MapSchema:
    """All entries about an identifier (or the log's origin) are so many, or there are none: proofs, to be verified.

    With ``audited`` under the newest root that an auditor signed, else under the newest. 404 as long as that root does
    not cover the entry at position ``covers``: for those who wait until something is in the map.
    """
    found = services.maps.answer(text, audited, covers)
    return MapSchema(
        text=found.text,
        position=found.position,
        size=found.size,
        root=found.root.hex(),
        entry=to_base64(found.entry),
        path=[to_base64(one) for one in found.path],
        checkpoint=found.note,
        own=found.proofs[OWN].value(),
        named=found.proofs[NAMED].value(),
        audits=[note.decode() for note in found.audits],
    )


@routes.post("/map/audits")
async def take_audit(services: UsedServices, request: Request) -> AuditedSchema:
    """The signed note of an auditor whom the operator named (``TALLYSTICK_AUDITORS``); anybody may bring it."""
    note = await request.body()
    if len(note) > MAX_AUDIT_BYTES:
        raise MalformedInput(f"the audit has {len(note)} bytes, at most {MAX_AUDIT_BYTES} are read")
    try:
        return AuditedSchema(size=await asyncio.to_thread(services.maps.take_audit, note))
    except VerificationFailed as error:
        raise MalformedInput(str(error)) from None
