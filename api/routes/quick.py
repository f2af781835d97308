"""The short way for requests that come by the thousand: what a schema would make of a good body, made without it.

A path may have a quick reader beside its route. The reader takes a request only if it is good in every respect, and
leaves all others to the framework, which says what is wrong with them: so there is one set of errors and one document
of the interface, and tests hold both ways against each other.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.accounts import Account
from api.problems import problem_of, respond
from api.routes.base import COUNTED
from api.services.errors import TooMany
from api.wiring import Services
from tallystick.lazy_dataclass import dataclass

_BEARER = b"Bearer "


@dataclass(frozen=True)
class Quick:
    """``answer``: of a POST with this body, or nothing where it is not good in every respect.

    ``limit``: bytes of a body that are read, as many as the route takes.
    """

    answer: Callable[[Services, Account, bytes], Awaitable[Response | None]]
    limit: int


class ShortWay:
    """Stands before the framework, and passes on what it does not answer, as if it had not been here."""

    def __init__(self, app: ASGIApp, services: Services, quick: Mapping[str, Quick]) -> None:
        self._app = app
        self._services = services
        self._quick = quick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        is_plain = scope["type"] == "http" and scope["method"] == "POST" and not scope["query_string"]
        quick = self._quick.get(scope["path"]) if is_plain else None
        account = self._account(scope, quick.limit) if quick else None
        if quick is None or account is None:
            await self._app(scope, receive, send)
            return
        length = int(dict(scope["headers"])[b"content-length"])
        try:
            with self._services.bodies.room(account.party, length):
                await self._go(quick, account, scope, receive, send)
        except TooMany as error:
            await respond(problem_of(error), Request(scope))(scope, receive, send)

    async def _go(self, quick: Quick, account: Account, scope: Scope, receive: Receive, send: Send) -> None:
        read = _Read(receive)
        answer = await self._answer(quick, account, await read.body(), scope)
        if answer is None:
            await self._app({**scope, COUNTED: True}, read.again, send)
        else:
            await answer(scope, receive, send)

    def _account(self, scope: Scope, limit: int) -> Account | None:
        """Who asks, if the headers are all that they should be."""
        headers = dict(scope["headers"])
        given, length = headers.get(b"authorization", b""), headers.get(b"content-length", b"")
        if (
            len(headers) != len(scope["headers"])
            or headers.get(b"content-type") != b"application/json"
            or not (length.isdigit() and len(length) < 10 and int(length) <= limit)
            or not given.startswith(_BEARER)
        ):
            return None
        return self._services.accounts.find(given[len(_BEARER) :].decode("latin-1"))

    async def _answer(self, quick: Quick, account: Account, body: bytes, scope: Scope) -> Response | None:
        try:
            return await quick.answer(self._services, account, body)
        except Exception as error:
            return respond(problem_of(error), Request(scope))


class _Read:
    """A body that is read, and can be read again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._messages: list[Message] = []

    async def body(self) -> bytes:
        """All of it, as far as it came."""
        while True:
            message = await self._receive()
            self._messages.append(message)
            if not message.get("more_body", False):
                return b"".join(one.get("body", b"") for one in self._messages)

    async def again(self) -> Message:
        """As ``receive``, from the beginning."""
        return self._messages.pop(0) if self._messages else await self._receive()


def json_answer(value: Any, status: int = 200) -> Response:
    """``value`` as JSON, as the framework would write it."""
    return Response(orjson.dumps(value), status, media_type="application/json")
