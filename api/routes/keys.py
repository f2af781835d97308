"""The keys of the log and their windows."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool
from pydantic import Field

from api.routes.base import Schema, UsedServices, router
from api.services.log_keys import Bound, KeyWindow
from tallystick.base64s import to_base64

routes = router("reading")


class BoundSchema(Schema):
    """A leaf index, and the admission time there."""

    position: int
    time: str


class KeySchema(Schema):
    """A key and the one role that it has or had."""

    role: str
    kid: str = Field(description="RFC 9679 thumbprint, hex")
    alg: str
    public: str = Field(description="base64")
    first: BoundSchema = Field(description="The first entry that it may sign, and from when")
    last: BoundSchema | None = Field(description="The last one, that replaced it, and when; null while it is in force")


class KeysSchema(Schema):
    """Every key that the log has or had: by role, the newest first."""

    origin: str
    keys: list[KeySchema]


@routes.get("/keys")
async def log_keys(services: UsedServices) -> KeysSchema:
    """The keys of the log, those in force and those that were replaced, with their windows."""
    found = await run_in_threadpool(services.log_keys.windows)
    return KeysSchema(origin=services.log_keys.origin, keys=[_key(window) for window in found])


def _key(window: KeyWindow) -> KeySchema:
    return KeySchema(
        role=window.role,
        kid=window.key.kid.hex(),
        alg=window.key.alg,
        public=to_base64(window.key.raw),
        first=_bound(window.first),
        last=_bound(window.last) if window.last else None,
    )


def _bound(bound: Bound) -> BoundSchema:
    return BoundSchema(position=bound.position, time=bound.time)
