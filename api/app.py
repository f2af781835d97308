"""The application: routers in one list, problems, headers, and what runs beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from socket import socket

import uvicorn
from fastapi import APIRouter, Depends, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

from api import problems
from api.middleware import Edge
from api.routes import (
    anchor_page,
    anchors,
    certificate_page,
    certificates,
    events,
    evidence,
    keys,
    licence_tokens,
    licences,
    maps,
    orders,
    orders_page,
    page,
    parties,
    proofs,
    reading,
    receipts,
    scitt,
    settlements,
    status,
    timestamps,
)
from api.routes.base import MAX_BODY_BYTES
from api.routes.late import make_all
from api.routes.quick import ShortWay
from api.services.errors import Elsewhere
from api.tuning import tune
from api.wiring import Services
from ledger.errors import LedgerError
from tallystick import __version__

ROUTERS: tuple[APIRouter, ...] = (
    events.routes,
    reading.routes,
    proofs.routes,
    keys.routes,
    anchors.routes,
    timestamps.routes,
    parties.routes,
    licence_tokens.routes,
    orders.routes,
    licences.routes,
    settlements.routes,
    certificates.routes,
    evidence.routes,
    maps.routes,
    status.routes,
    receipts.routes,
    scitt.routes,
    proofs.public,
    page.routes,
    anchor_page.routes,
    certificate_page.routes,
    orders_page.routes,
)


AT_HOME = (
    anchors.routes,
    anchor_page.routes,
    timestamps.routes,
    licence_tokens.routes,
    orders.routes,
    licences.routes,
    certificates.routes,
    evidence.routes,
    maps.routes,
)
"""What needs files that one of the services that share a log keeps."""

SWEEP_SECONDS = 10.0
"""So often the home looks for erasures that another service took."""

SETTLED_SECONDS = 1.0
"""After the start what was loaded to begin with is loaded, and the first to ask have their answers."""

_log = logging.getLogger(__name__)


def _refuse() -> None:
    raise Elsewhere


def create_app(services: Services) -> ASGIApp:
    """The application over open services. ``/docs`` works without the Internet."""
    app = FastAPIOffline(
        docs_url="/docs",
        redoc_url=None,
        title="tallystick",
        version=__version__,
        summary="Provenance that a court believes",
        lifespan=_beside_requests,
        max_body_size=MAX_BODY_BYTES,
    )
    app.state.services = services
    problems.install(app)
    for router in ROUTERS:
        here = services.settings.role == "full" or router not in AT_HOME
        if here:
            # Not by ``include_router``, which makes each route a second time.
            app.router.routes.extend(router.routes)
        else:
            app.include_router(router, dependencies=[Depends(_refuse)])
    return Edge(ShortWay(app, services, events.QUICK))


def server_config(app: ASGIApp) -> uvicorn.Config:
    """How the application is served: HTTP alone; our own log configuration."""
    return uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=10
    )


class Server(uvicorn.Server):
    """Answers first. What later requests need, and the collector, are seen to when nobody waits for the start."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self._settling = asyncio.create_task(_settle())
        self._settling.add_done_callback(_tell)


async def _settle() -> None:
    await asyncio.sleep(SETTLED_SECONDS)
    try:
        for router in ROUTERS:
            await make_all(router.routes)
    finally:
        tune()


def _tell(task: asyncio.Task[None]) -> None:
    """None of them is to end before the service: nobody waits for it, so nobody would see why."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("what works beside the requests ended, until the next start: %s", task, exc_info=error)


@asynccontextmanager
async def _beside_requests(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    running = [services.naming.run(), services.completeness.run()]
    if services.settings.role == "full":
        running += [services.watch.run(), services.time_marks.run(), services.maps.run(), services.orders.run()]
    if services.settings.database and services.settings.role == "full":
        running.append(_sweep(services))
    tasks = [asyncio.create_task(one) for one in running]
    for task in tasks:
        task.add_done_callback(_tell)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _sweep(services: Services) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await asyncio.to_thread(services.erased.sweep)
        # The files stay a little longer than they should: say so, and try again.
        except LedgerError:
            _log.exception("files that show erased values could not be looked for")
