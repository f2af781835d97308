"""Orders: many licences at once, granted and handed out beside the requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import Field

from api.orders.book import Item
from api.orders.reading import OrderText
from api.orders.service import MAX_ITEMS, Progress
from api.problems import Unreadable
from api.routes.base import (
    LARGE_BODY_BYTES,
    KnownAccount,
    Schema,
    UsedServices,
    as_schema,
    read_body,
    room_for,
    router,
)
from api.routes.licences import GrantSchema
from api.services.voices import require_scope
from api.stored_zip import StoredFile, stored_zip
from tallystick.errors import MalformedInput
from tallystick.schema import FieldError
from tallystick.times import format_time

routes = router("licences")

MAX_ORDER_BYTES = 16 << 20
"""Of 10,000 licences, each may take 1.6 KiB: one with every usual term takes 1 KiB."""
_PAGE = 1000


class OrderSchema(Schema):
    """Licences to be granted, each with a card. ``order``: the client's own id; repeated, it is the same order.

    ``disclose``: which terms the cards show, as for a single card.
    """

    order: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    grants: Annotated[list[GrantSchema], Field(min_length=1, max_length=MAX_ITEMS)]
    disclose: Annotated[list[str], Field(max_length=64)] | None = None


class ProgressSchema(Schema):
    """``granted``: licences that stand in the log, ``issued`` of them with a card; ``trouble``: why it waits."""

    order: str
    state: Literal["working", "done"]
    total: int
    granted: int
    issued: int
    refused: int
    accepted: str
    trouble: str | None = None


class ItemSchema(Schema):
    """One licence of an order. ``refused``: see ``problem``; with a ``licence``, that one stands and lacks its card."""

    n: int
    state: Literal["waiting", "granted", "issued", "refused"]
    licence: str | None = None
    position: int | None = None
    card: int | None = Field(None, description="Position of the entry that records the card")
    sha256: str | None = None
    size: int | None = None
    problem: dict[str, Any] | None = None


class ItemsSchema(Schema):
    """A page of items; ``next``: the number with which the next page begins."""

    items: list[ItemSchema]
    next: int | None = None


def _order_body() -> dict[str, Any]:
    schema = OrderSchema.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"content": {"application/json": {"schema": schema}}, "required": True}


@routes.post(
    "/licences/orders",
    status_code=202,
    response_model=ProgressSchema,
    responses={200: {"model": ProgressSchema}},
    max_body_size=MAX_ORDER_BYTES,
    openapi_extra={"requestBody": _order_body},
)
async def order_licences(
    request: Request, services: UsedServices, account: KnownAccount, response: Response
) -> ProgressSchema:
    """Take an order: 202, or 200 where it was taken already. It is worked off whatever becomes of the client."""
    # Read only for those who may give one, one order at a time, and licence by licence: values take many times their
    # bytes of memory.
    require_scope(account, "submit")
    with room_for(request, account):
        data = await read_body(request, MAX_ORDER_BYTES)
        async with services.orders.large if len(data) >= LARGE_BODY_BYTES else nullcontext():
            text, order = await run_in_threadpool(_read, data)
            progress, new = await services.orders.accept(account, order.order, _grants(text), order.disclose)
    response.status_code = 202 if new else 200
    return _progress(progress)


def _read(data: bytes) -> tuple[OrderText, OrderSchema]:
    """The order with the first licence in the place of all: what is wrong with the others is said in their turn."""
    try:
        text = OrderText(data, "grants", MAX_ITEMS)
        first = {"grants": list(islice(text.values(), 1))} if text.has_items else {}
    except FieldError:
        raise
    except MalformedInput as error:
        raise Unreadable(str(error)) from None
    return text, as_schema(OrderSchema, text.members | first)


def _grants(text: OrderText) -> Iterator[dict[str, Any]]:
    """One after another. Raises ``RequestValidationError``, ``Unreadable``."""
    try:
        for n, value in enumerate(text.values()):
            yield as_schema(GrantSchema, value, "grants", n).model_dump(exclude_none=True)
    except MalformedInput as error:
        raise Unreadable(str(error)) from None


@routes.get("/licences/orders/{order}")
def get_order(order: str, services: UsedServices, account: KnownAccount, response: Response) -> ProgressSchema:
    """How far an order of the token's party is."""
    response.headers["Cache-Control"] = "no-store"
    return _progress(services.orders.progress(account, order))


@routes.get("/licences/orders/{order}/items")
def get_items(
    order: str,
    services: UsedServices,
    account: KnownAccount,
    response: Response,
    first: Annotated[int, Query(ge=0, le=MAX_ITEMS)] = 0,
) -> ItemsSchema:
    """What became of each licence of an order."""
    response.headers["Cache-Control"] = "no-store"
    found = services.orders.items(account, order, first, _PAGE + 1)
    return ItemsSchema(items=[_item(one) for one in found[:_PAGE]], next=found[_PAGE].n if len(found) > _PAGE else None)


@routes.get("/licences/orders/{order}/cards", response_class=StreamingResponse)
def get_cards(order: str, services: UsedServices, account: KnownAccount) -> StreamingResponse:
    """The cards of an order that were issued so far, in one ZIP file, uncompressed. They show private terms."""
    require_scope(account, "read-private")
    services.orders.progress(account, order)  # there is such an order, or nothing is sent

    def cards() -> Iterator[StoredFile]:
        first = 0
        while page := services.orders.items(account, order, first, _PAGE):
            issued = [
                (one.n, one.licence, one.made) for one in page if one.state == "issued" and one.licence and one.made
            ]
            paths = services.erased.find_all((licence, made) for _, licence, made in issued)
            for (n, licence, _), path in zip(issued, paths, strict=True):
                # One that shows a value which was erased since is gone.
                if path is not None:
                    yield StoredFile(f"{n:05}-{licence.replace('/', '_')}.png", path)
            first = page[-1].n + 1

    headers = {"Content-Disposition": f'attachment; filename="{order}.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(stored_zip(cards()), media_type="application/zip", headers=headers)


def _progress(progress: Progress) -> ProgressSchema:
    return ProgressSchema(
        order=progress.order,
        state="done" if progress.done else "working",
        total=progress.total,
        granted=progress.granted,
        issued=progress.issued,
        refused=progress.refused,
        accepted=format_time(progress.accepted),
        trouble=progress.trouble,
    )


def _item(item: Item) -> ItemSchema:
    issued = item.state == "issued"
    return ItemSchema(
        n=item.n,
        state=item.state,
        licence=item.licence,
        position=item.position,
        card=item.card,
        sha256=item.made if issued else None,
        size=item.size,
        problem=None if item.problem is None else dict(item.problem),
    )
