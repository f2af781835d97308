"""The SCITT APIs (draft-ietf-scitt-scrapi-11): register a Signed Statement, get its receipt, find the log's keys.

Errors are concise problem details in CBOR (RFC 9290); see ``api.concise``.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import nullcontext
from typing import Any

from fastapi import Request, Response

from api import concise
from api.routes.base import MaybeAccount, UsedServices
from api.routes.late import plain_router
from api.services.errors import NotFound, ServiceError
from tallystick.statement import MAX_ENTRY_BYTES

COSE, CBOR = "application/cose", "application/cbor"
STATEMENT_TYPES = (COSE, "application/scitt-statement+cose")

_OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_FRESH = {"Cache-Control": "public, max-age=1", **_OPEN}
_KEYS = {"Cache-Control": "public, max-age=3600", **_OPEN}
_LOCATOR = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)

_PROBLEM = {"description": "A problem", "content": {concise.MEDIA_TYPE: {}}}
_RECEIPT = {"description": "The receipt", "content": {COSE: {}}}
_PENDING = {"description": "Registered, not published yet: ask for Location again after Retry-After seconds"}
_STATEMENT: dict[str, Any] = {
    "requestBody": {
        "description": f"A Signed Statement of at most {MAX_ENTRY_BYTES} bytes",
        "content": {COSE: {"schema": {"type": "string", "format": "binary"}}},
        "required": True,
    }
}

routes = plain_router(tags=["SCITT"], responses={"4XX": _PROBLEM, "5XX": _PROBLEM})


@routes.post(
    "/entries",
    status_code=201,
    response_class=Response,
    responses={201: _RECEIPT, 202: _PENDING},
    openapi_extra=_STATEMENT,
    max_body_size=MAX_ENTRY_BYTES,
)
async def register(request: Request, services: UsedServices, account: MaybeAccount) -> Response:
    """Register a statement that its issuer signed with a key of its own. No token is needed; one lifts the rate limit,
    and the issuer's own brings what was signed before this log knew the key.

    201 with the receipt, for a statement that stood there already too. 202 where publication takes longer than this
    waits: the entry is durable, and its receipt will be at Location.
    """
    _check_type(request)
    # Whoever sends slowly takes no place from others.
    entry = await request.body()
    with services.limits.one(_client(request)) if account is None else nullcontext():
        registered = await services.registration.register(entry, account)
    position = registered.recorded.position
    if registered.receipt is None:
        return _pending(position)
    return Response(registered.receipt, 201, {"Location": _locator(position)}, COSE)


@routes.get("/entries/{id}", response_class=Response, responses={200: _RECEIPT, 202: _PENDING})
async def resolve_receipt(id: str, services: UsedServices) -> Response:
    """A fresh receipt of an entry, by its position; 202 while no published checkpoint covers it."""
    if not _LOCATOR.fullmatch(id) or int(id) >= 1 << 63:
        raise ServiceError("invalid-locator", f"{id[:40]!r} is not a position", "take the locator from Location", "id")
    return await asyncio.to_thread(_receipt, services, int(id))


@routes.get("/.well-known/scitt-keys", response_class=Response, responses={200: {"content": {CBOR: {}}}})
def receipt_keys(services: UsedServices) -> Response:
    """The keys that sign receipts, retired ones included, as a COSE Key Set (RFC 9052 §7)."""
    return Response(services.receipts.key_set(), media_type=CBOR, headers=_KEYS)


@routes.get("/.well-known/scitt-keys/{kid}", response_class=Response, responses={200: {"content": {CBOR: {}}}})
def receipt_key(kid: str, services: UsedServices) -> Response:
    """One key as a COSE_Key. ``kid`` is the thumbprint in base64url without padding."""
    return Response(services.receipts.key(kid), media_type=CBOR, headers=_KEYS)


def _receipt(services: UsedServices, position: int) -> Response:
    try:
        receipt = services.receipts.inclusion(position)
    except NotFound:
        if services.receipts.is_recorded(position):
            return _pending(position)
        raise
    return Response(receipt, 200, {"Location": _locator(position), **_FRESH}, COSE)


def _pending(position: int) -> Response:
    return Response(b"", 202, {"Location": _locator(position), "Retry-After": "1"}, COSE)


def _locator(position: int) -> str:
    return f"/entries/{position}"


def _client(request: Request) -> str:
    return request.client.host if request.client else ""


def _check_type(request: Request) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in STATEMENT_TYPES:
        raise ServiceError(
            "unsupported-type", f"the body is {given[:60] or 'of no type'}", f"send {COSE}, a Signed Statement"
        )
