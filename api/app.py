"""The application: routers in one list, problems, headers, and what runs beside the requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

from api import problems
from api.middleware import Edge
from api.routes import (
    anchors,
    certificates,
    events,
    evidence,
    keys,
    licences,
    page,
    parties,
    proofs,
    reading,
    receipts,
    scitt,
    status,
)
from api.routes.base import MAX_BODY_BYTES
from api.routes.quick import ShortWay
from api.wiring import Services
from tallystick import __version__

ROUTERS: tuple[APIRouter, ...] = (
    events.routes,
    reading.routes,
    proofs.routes,
    keys.routes,
    anchors.routes,
    parties.routes,
    licences.routes,
    certificates.routes,
    evidence.routes,
    status.routes,
    receipts.routes,
    scitt.routes,
    proofs.public,
    page.routes,
)


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
        app.include_router(router)
    return Edge(ShortWay(app, services, events.QUICK))


def server_config(app: ASGIApp) -> uvicorn.Config:
    """How the application is served: HTTP alone; our own log configuration."""
    return uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, ws="none", timeout_graceful_shutdown=10
    )


@asynccontextmanager
async def _beside_requests(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    tasks = [asyncio.create_task(services.naming.run()), asyncio.create_task(services.completeness.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
