"""The short way for requests that come by the thousand: what a schema would make of a good body, made without it.

A route may have a quick reader beside its schema. The reader takes a request only if it is good in every respect, and
leaves all others to the framework, which says what is wrong with them: so there is one set of errors and one document
of the interface, and a test holds both ways against each other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from api.accounts import Account
from api.routes.base import StrictRequest
from api.wiring import Services
from tallystick import canonical
from tallystick.errors import MalformedInput

Quick = Callable[[Services, Account, canonical.JsonValue], Awaitable[Response | None]]
"""Answers a request with this JSON body, or nothing where it is not good in every respect."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])

_QUICK = "quick"
_BEARER = "Bearer "


def quickly(quick: Quick) -> Callable[[Endpoint], Endpoint]:
    """Decorates an endpoint of a router whose route class is ``QuickRoute``; stands beneath the router's decorator."""

    def mark(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _QUICK, quick)
        return endpoint

    return mark


class QuickRoute(APIRoute):
    """A route with strict JSON bodies that asks the quick reader of its endpoint first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See ``APIRoute``."""
        slow, quick = super().get_route_handler(), getattr(self.endpoint, _QUICK, None)

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            answer = await _attempt(quick, strict) if quick else None
            return await slow(strict) if answer is None else answer

        return handle


async def _attempt(quick: Quick, request: StrictRequest) -> Response | None:
    services: Services = request.app.state.services
    given = request.headers.get("authorization", "")
    account = services.accounts.find(given[len(_BEARER) :]) if given.startswith(_BEARER) else None
    if account is None or request.headers.get("content-type") != "application/json":
        return None
    try:
        value = await request.strict_json()
    except MalformedInput:
        return None
    return await quick(services, account, value)


def json_answer(value: Any, status: int = 200) -> Response:
    """``value`` as JSON, as the framework would write it."""
    return Response(orjson.dumps(value), status, media_type="application/json")
