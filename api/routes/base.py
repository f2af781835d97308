"""What all routes share: the services, strict JSON bodies, and who is asking."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Annotated, Any, TypeAlias, TypeVar

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, ValidationError

from api.accounts import Account
from api.problems import MEDIA_TYPE, Unreadable
from api.routes.late import LateRoute
from api.services.errors import ServiceError, TooLarge
from api.services.voices import require_scope
from api.wiring import Services
from tallystick import canonical
from tallystick.errors import MalformedInput

_bearer = HTTPBearer(auto_error=False, description="A token of one party")
_Given: TypeAlias = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


class Schema(BaseModel):
    """An HTTP schema: strict, immutable, no unknown fields. What it checks is built when it is first used."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        # It is put off; what FastAPI builds on it for a route is not, for it is built in that route's time.
        cls.model_config.pop("defer_build", None)


S = TypeVar("S", bound=Schema)


class ProblemSchema(BaseModel):
    """RFC 9457, with a stable ``code``, the ``field`` at fault and a ``hint``."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    hint: str | None = None
    instance: str | None = None


# Worked out once: each of the routers names it.
_PROBLEM = {"description": "A problem", "content": {MEDIA_TYPE: {"schema": ProblemSchema.model_json_schema()}}}

_ACCOUNT = "tallystick.account"
"""Where a request keeps who asks, once that was looked up."""

COUNTED = "tallystick.counted"
"""Where a request says that its body is counted among those of its party."""

MAX_BODY_BYTES = 2 << 20
"""Unless a route says otherwise."""
MAX_BATCH_BYTES = 64 << 20
LARGE_BODY_BYTES = 1 << 16
"""From here on a body is read in a thread, for the event loop to go on serving others."""


async def read_json(request: Request, limit: int) -> Any:
    """A JSON body of at most ``limit`` bytes, on a route that takes larger ones of another kind.

    Raises as ``read_body`` and ``decode_json``.
    """
    return await decode_json(await read_body(request, limit))


async def read_body(request: Request, limit: int) -> bytes:
    """At most ``limit`` bytes. Raises ``TooLarge`` before more is read, or anything at all where the length is told."""
    told = request.headers.get("content-length", "0")
    data = bytearray()
    if not told.isdecimal() or int(told) <= limit:
        async for block in request.stream():
            data += block
            if len(data) > limit:
                break
        else:
            return bytes(data)
    raise TooLarge(f"a JSON body here has at most {limit} bytes", "send a file as multipart/form-data")


async def decode_json(data: bytes) -> Any:
    """One meaning or none: no key twice, no numbers that JSON readers round differently. Raises ``Unreadable``."""
    decode = partial(canonical.decode_relaxed, data, len(data))
    try:
        return decode() if len(data) < LARGE_BODY_BYTES else await asyncio.to_thread(decode)
    except MalformedInput as error:
        raise Unreadable(str(error)) from None


def room_for(request: Request, account: Account) -> AbstractContextManager[None]:
    """Around the reading of a body. Raises ``TooMany``."""
    services: Services = request.app.state.services
    told = request.headers.get("content-length", "")
    if COUNTED in request.scope:
        return nullcontext()  # on the short way, which has read it
    unknown = MAX_BATCH_BYTES if request.url.path.endswith("/batch") else MAX_BODY_BYTES
    return services.bodies.room(account.party, int(told) if told.isdecimal() and len(told) < 19 else unknown)


def as_schema(schema: type[S], value: Any, *where: str | int) -> S:
    """As FastAPI does it with a body that it reads itself. Raises ``RequestValidationError``.

    ``where``: of the value in the body.
    """
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise RequestValidationError(
            [{**one, "loc": ("body", *where, *one["loc"])} for one in error.errors()]
        ) from None


class _StrictRequest(Request):
    async def json(self) -> Any:
        """See ``decode_json``."""
        return await decode_json(await self.body())


class _StrictRoute(LateRoute):
    """Asks for the token before a body is read: the framework reads and decodes it before it asks anything at all, and
    values take many times their bytes of memory.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        demanded = self.body_field is not None and demands_token(self.dependant)

        async def strict(request: Request) -> Response:
            if not demanded:
                return await handle(_StrictRequest(request.scope, request.receive))
            account = await _known(request, await _bearer(request))
            with room_for(request, account):
                return await handle(_StrictRequest(request.scope, request.receive))

        return strict


def demands_token(asked: Dependant) -> bool:
    """Whether a route answers nobody without a token."""
    return asked.call in (_known, _operator) or any(map(demands_token, asked.dependencies))


def router(tag: str, prefix: str = "/v1") -> APIRouter:
    """A router whose errors are documented as problems."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=_StrictRoute, responses={"4XX": _PROBLEM})


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _account(request: Request, given: _Given) -> Account | None:
    return _who(request, given)


async def _known(request: Request, given: _Given) -> Account:
    account = _who(request, given)
    if account is None:
        raise ServiceError("unauthenticated", "this takes a token", "send the header 'Authorization: Bearer <token>'")
    return account


async def _operator(request: Request, given: _Given) -> Account:
    account = await _known(request, given)
    require_scope(account, "operate")
    return account


def _who(request: Request, given: HTTPAuthorizationCredentials | None) -> Account | None:
    if given is None:
        return None
    asked: Account | None = request.scope.get(_ACCOUNT)
    if asked is not None:
        return asked
    services: Services = request.app.state.services
    account = services.accounts.find(given.credentials)
    if account is None:
        raise ServiceError("unauthenticated", "the token is not known, or was revoked", "ask for a new token")
    request.scope[_ACCOUNT] = account
    return account


UsedServices: TypeAlias = Annotated[Services, Depends(_services)]
MaybeAccount: TypeAlias = Annotated[Account | None, Depends(_account)]
"""Who asks, or nobody; a wrong token is refused everywhere."""
KnownAccount: TypeAlias = Annotated[Account, Depends(_known)]
"""Who asks; 401 without a token."""
OperatorAccount: TypeAlias = Annotated[Account, Depends(_operator)]
"""As ``KnownAccount``, with the scope operate."""
