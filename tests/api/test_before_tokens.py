"""Who shows no token, or a wrong one, is told so before his body is read: megabytes of JSON are gigabytes of values."""

from __future__ import annotations

import re
import socket

import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.routes.base import demands_token
from tests.api.house import House

POSTED = [
    one for router in ROUTERS for one in router.routes if isinstance(one, APIRoute) and one.body_field is not None
]


def test_whoever_sends_json_shows_a_token() -> None:
    assert {"/v1/events/batch", "/v1/statements/batch", "/v1/licences", "/v1/anchors"} <= {one.path for one in POSTED}
    assert [one.path for one in POSTED if not demands_token(one.dependant)] == []


@pytest.mark.parametrize("header", [None, "Bearer ts_nobody", "Basic dTpw"])
@pytest.mark.parametrize("route", POSTED, ids=lambda one: one.path)
def test_refused_before_the_body_has_come(house: House, route: APIRoute, header: str | None) -> None:
    path = re.sub(r"{[^}]*}", "1", route.path)
    head = [f"{next(iter(route.methods))} {path} HTTP/1.1", "Host: here", "Content-Type: application/json"]
    head += ["Content-Length: 1000000", *([f"Authorization: {header}"] if header else []), "", ""]
    with socket.create_connection((house.http.base_url.host, house.http.base_url.port or 0), timeout=30) as line:
        line.sendall("\r\n".join(head).encode())
        answer = line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 401 "), answer[:200]


def test_with_a_token_the_body_is_read(house: House) -> None:
    answer = house.registrar.post("/v1/anchors", {"reason": "BAD"})
    assert answer.status_code == 422
