"""Routes that are made when they are first needed: making one takes a millisecond, and a start need not make 83.

What stands in the source is looked at when the route is made: on its first request, for the interface's document, or by
``make_all`` a moment after the start, so that no request but the first few waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Match, compile_path, get_name
from starlette.types import Scope

_OF_THE_PATH = ("path_regex", "path_format", "param_convertors")


class LateRoute(APIRoute):
    """As ``APIRoute``; the framework's part is made when any of it is first looked at.

    What stands in ``openapi_extra`` may be a function that makes it.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        self.path, self.endpoint, self.name = path, endpoint, given["name"] or get_name(endpoint)
        self._begins = path.partition("{")[0]
        self._given: dict[str, Any] | None = given

    def make(self) -> None:
        """All of it, unless that is done."""
        if self._given is not None:
            given, self._given = self._given, None
            try:
                extra = {
                    name: made() if callable(made) else made for name, made in (given["openapi_extra"] or {}).items()
                }
                super().__init__(self.path, self.endpoint, **given | {"openapi_extra": extra or None})
            except BaseException:
                self._given = given
                raise

    def __getattr__(self, name: str) -> Any:
        """Python asks here for what is not there yet."""
        if name.startswith("__") or self.__dict__.get("_given") is None:
            raise AttributeError(name)
        if name in _OF_THE_PATH:
            self.path_regex, self.path_format, self.param_convertors = compile_path(self.path)
        else:
            self.make()
        return self.__dict__[name]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """See Starlette. Most paths begin otherwise, which is seen without this route's expression."""
        if scope["type"] == "http" and not scope.get("root_path") and not scope["path"].startswith(self._begins):
            return Match.NONE, {}
        return super().matches(scope)


def plain_router(**given: Any) -> APIRouter:
    """A router of late routes."""
    return APIRouter(route_class=LateRoute, **given)


async def make_all(routes: Iterable[BaseRoute]) -> None:
    """Make what is not made yet, one after the other, and let requests in between."""
    for route in routes:
        if isinstance(route, LateRoute):
            route.make()
            await asyncio.sleep(0)
