"""The published log: checkpoint, tiles and verifier keys as C2SP tlog-tiles has them, and proofs ready made."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import Annotated

from fastapi import Header, Query, Response

from api.routes.base import OperatorAccount, Schema, UsedServices, router
from api.routes.late import plain_router
from api.routes.reading import IMMUTABLE
from api.services.errors import NotFound
from tallystick.base64s import to_base64
from tallystick.errors import MalformedInput
from tallystick.tiles import parse_tile_path
from tallystick.tlog_proof import SUFFIX

NOTE_TYPE = "text/plain; charset=utf-8"
TILE_TYPE = "application/octet-stream"

_LEVEL = 1
"""Of compression: the first level takes most of what there is to take, at a fraction of the time."""
_NEVER = re.compile(r"q=0(\.0{0,3})?", re.ASCII)

# Anybody's page may read the published log.
_OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}

# Positions and sizes fit in 63 bits.
Number = Annotated[int, Query(ge=0, lt=1 << 63)]

routes = router("proofs")
public = plain_router(tags=["published log"])


class InclusionSchema(Schema):
    """RFC 6962 §2.1.1: ``path`` proves that ``leaf`` stands at ``position`` of the tree of ``size``. Base64."""

    position: int
    size: int
    leaf: str
    path: list[str]
    checkpoint: str | None


class ConsistencySchema(Schema):
    """RFC 6962 §2.1.2: ``path`` proves that the tree of ``to`` begins with the tree of ``from``. Base64."""

    old_size: int
    new_size: int
    path: list[str]
    checkpoint: str | None


class CheckpointSchema(Schema):
    """A published checkpoint. ``note``: with its signatures."""

    origin: str
    size: int
    root: str
    note: str


@routes.get("/proofs/inclusion")
def prove_inclusion(services: UsedServices, position: Number, size: Number | None = None) -> InclusionSchema:
    """Inclusion proof in the published tree, or in that of an earlier ``size``."""
    proof = services.proofs.inclusion(position, size)
    return InclusionSchema(
        position=proof.position,
        size=proof.size,
        leaf=to_base64(proof.leaf),
        path=[to_base64(node) for node in proof.path],
        checkpoint=proof.note,
    )


@routes.get("/proofs/tlog", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def tlog_proof(services: UsedServices, position: Number) -> Response:
    """A proof file of an entry (C2SP tlog-proof), with the published checkpoint and its cosignatures."""
    headers = {"Content-Disposition": f'attachment; filename="{position}{SUFFIX}"', **_OPEN}
    return Response(services.proofs.tlog_proof(position), media_type=NOTE_TYPE, headers=headers)


@routes.get("/proofs/consistency")
def prove_consistency(
    services: UsedServices,
    old_size: Annotated[int, Query(alias="from", ge=0, lt=1 << 63)],
    new_size: Annotated[int | None, Query(alias="to", ge=0, lt=1 << 63)] = None,
) -> ConsistencySchema:
    """Consistency proof between two sizes; ``to`` left out: the published one."""
    proof = services.proofs.consistency(old_size, new_size)
    return ConsistencySchema(
        old_size=proof.old_size,
        new_size=proof.new_size,
        path=[to_base64(node) for node in proof.path],
        checkpoint=proof.note,
    )


@routes.post("/checkpoints")
async def publish(services: UsedServices, account: OperatorAccount) -> CheckpointSchema:
    """Publish what is recorded, now."""
    signed = await asyncio.to_thread(services.log.publish_now)
    checkpoint = signed.checkpoint
    return CheckpointSchema(
        origin=checkpoint.origin, size=checkpoint.size, root=checkpoint.root.hex(), note=signed.note.encode()
    )


@public.head("/checkpoint", include_in_schema=False)
@public.get("/checkpoint", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def checkpoint(services: UsedServices) -> Response:
    """The latest published checkpoint (C2SP tlog-checkpoint)."""
    note = services.proofs.note()
    return Response(note, media_type=NOTE_TYPE, headers={"Cache-Control": "public, max-age=1", **_OPEN})


@public.head("/checkpoint-aligned", include_in_schema=False)
@public.get("/checkpoint-aligned", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def aligned_checkpoint(services: UsedServices) -> Response:
    """The newest checkpoint at a multiple of 1,024 leaves: signed before the log went beyond, for anchors."""
    note = services.proofs.aligned_note()
    return Response(note, media_type=NOTE_TYPE, headers={"Cache-Control": "public, max-age=1", **_OPEN})


@public.head("/tile/{path:path}", include_in_schema=False)
@public.get("/tile/{path:path}", response_class=Response, responses={200: {"content": {TILE_TYPE: {}}}})
def tile(path: str, services: UsedServices, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """A tile or an entry bundle (C2SP tlog-tiles); bundles are compressed for whoever takes gzip."""
    try:
        asked = parse_tile_path(f"tile/{path}")
    except MalformedInput as error:
        raise NotFound(str(error), "paths are as C2SP tlog-tiles writes them, e.g. /tile/0/000.p/5") from None
    data, headers = services.proofs.tile(asked), {"Cache-Control": IMMUTABLE, **_OPEN}
    # Hashes do not get smaller.
    if asked.level is None:
        headers["Vary"] = "Accept-Encoding"
        if takes_gzip(accept_encoding):
            data, headers["Content-Encoding"] = gzip.compress(data, _LEVEL, mtime=0), "gzip"
    return Response(data, media_type=TILE_TYPE, headers=headers)


def takes_gzip(accept_encoding: str) -> bool:
    """Whether a client takes gzip (RFC 9110 §12.5.3)."""
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";")
        if coding == "gzip":
            return not _NEVER.fullmatch(weight)
    return False


@public.head("/vkeys", include_in_schema=False)
@public.get("/vkeys", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def verifier_keys(services: UsedServices) -> Response:
    """The log's verifier keys, one a line (C2SP signed-note text form)."""
    return Response(
        services.proofs.vkeys, media_type=NOTE_TYPE, headers={"Cache-Control": "public, max-age=3600", **_OPEN}
    )
