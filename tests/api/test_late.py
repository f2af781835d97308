"""Routes that are made late answer as those that are made at once; the framework is the same without its ballast."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from api.app import ROUTERS, create_app
from api.routes.base import router as strict_router
from api.routes.late import LateRoute, make_all, plain_router
from api.settings import Settings
from api.wiring import open_services
from tests.architecture.tree import ROOT

ASKED = [
    (method, path)
    for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS")
    for path in ("/things", "/things/", "/things/7", "/things/seven", "/things/7/parts", "/thing", "/other", "/")
]
INTERFACE = """
import sys
from pathlib import Path
from api.tuning import load_framework
load_framework()
import api.app
from api.settings import Settings
from api.wiring import open_services
from tests.api.test_late import ask
with open_services(Settings(data=Path(sys.argv[1]))) as services:
    print(ask(api.app.create_app(services), "GET", "/openapi.json").text)
"""


def ask(app: Any, method: str, path: str, **given: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.request(method, path, **given)

    return asyncio.run(run())


def filled(router: APIRouter) -> APIRouter:
    @router.get("/things")
    def things() -> list[int]:
        """All of them."""
        return [7]

    @router.post("/things", status_code=201, max_body_size=8)
    def more(name: str) -> dict[str, str]:
        return {"name": name}

    @router.get("/things/{number}")
    def thing(number: int) -> int:
        return number

    @router.get("/other", openapi_extra={"requestBody": {"description": "none"}})
    def other() -> None:
        return None

    return router


def late() -> tuple[FastAPI, list[Any]]:
    router = filled(plain_router(tags=["x"]))
    app = FastAPI()
    app.router.routes.extend(router.routes)
    return app, router.routes


def made(routes: list[Any]) -> list[str]:
    return [route.path for route in routes if "dependant" in vars(route)]


def test_late_routes_answer_as_others_do() -> None:
    at_once = FastAPI()
    at_once.include_router(filled(APIRouter(tags=["x"])))
    ours = late()[0]
    for method, path in ASKED:
        for params in ({}, {"name": "n"}):
            expected = ask(at_once, method, path, params=params)
            got = ask(ours, method, path, params=params)
            assert (got.status_code, got.content, got.headers) == (
                expected.status_code,
                expected.content,
                expected.headers,
            ), (method, path)
    assert ask(ours, "POST", "/things?name=n", content=b"nine bytes").status_code == 413
    assert ours.openapi() == at_once.openapi()


def test_a_route_is_made_when_it_is_asked_for_and_no_other() -> None:
    app, routes = late()
    assert ask(app, "GET", "/nowhere").status_code == 404
    assert made(routes) == []
    assert ask(app, "GET", "/things/7").json() == 7
    assert made(routes) == ["/things/{number}"]


def test_what_is_left_is_made_in_turns() -> None:
    _, routes = late()
    turns = 0

    async def run() -> None:
        nonlocal turns
        task = asyncio.create_task(make_all(routes))
        while not task.done():
            await asyncio.sleep(0)
            turns += 1

    asyncio.run(run())
    assert made(routes) == ["/things", "/things", "/things/{number}", "/other"]
    assert turns >= len(routes)


def test_a_route_that_cannot_be_made_says_so_each_time() -> None:
    router = plain_router()
    router.add_api_route("/x", lambda: None, status_code=204, response_model=int)
    [route] = router.routes
    assert isinstance(route, LateRoute)
    for _ in range(2):
        with pytest.raises(AssertionError, match="204 must not have a response body"):
            route.make()
    with pytest.raises(AttributeError):
        route.__nothing__  # noqa: B018


@pytest.mark.parametrize("make", [strict_router, lambda tag: plain_router(tags=[tag])])
def test_a_description_may_be_made_with_the_route(make: Callable[[str], APIRouter]) -> None:
    asked = []

    def body() -> dict[str, Any]:
        asked.append(1)
        return {"description": "made late"}

    router = make("x")
    router.add_api_route("/late", lambda: None, openapi_extra={"requestBody": body})
    assert asked == []
    app = FastAPI()
    app.router.routes.extend(router.routes)
    [described] = app.openapi()["paths"].values()
    assert described["get"]["requestBody"] == {"description": "made late"}
    app.openapi()
    assert asked == [1]


def test_every_route_of_the_service_is_late() -> None:
    assert [route for router in ROUTERS for route in router.routes if not isinstance(route, LateRoute)] == []


def test_the_interface_is_the_same_without_the_ballast(tmp_path: Path) -> None:
    with open_services(Settings(data=tmp_path)) as services:
        expected = ask(create_app(services), "GET", "/openapi.json").json()
    done = subprocess.run([sys.executable, "-c", INTERFACE, str(tmp_path)], cwd=ROOT, capture_output=True, text=True)
    assert json.loads(done.stdout) == expected, done.stderr
    assert len(expected["paths"]) > 60
