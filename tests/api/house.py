"""A real service over a real log in a temporary folder, and parties with keys and tokens to talk to it."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from api.accounts import SCOPES
from api.app import create_app, server_config
from api.settings import Settings
from api.wiring import Services, open_services
from tallystick.base64s import to_base64
from tallystick.commitments import Disclosure
from tallystick.schema import write
from tallystick.statement import Statement
from tests.patience import join
from tests.world import START, Someone, World

PARTY_SCOPES = ("submit", "read-private", "evidence")


@dataclass(frozen=True)
class Party:
    """A party as the service knows it: a token, and the key that it signs with itself."""

    who: Someone
    token: str
    http: httpx.Client

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.who.id

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET with the party's token."""
        return self._send("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        """POST with the party's token."""
        return self._send("POST", path, json=json, **options)

    def submit(self, kind: str, body: Any, **fields: Any) -> httpx.Response:
        """An event that the service signs."""
        return self.post("/v1/events", {"type": kind, "body": write(body), **fields})

    def record(self, kind: str, body: Any, **fields: Any) -> dict[str, Any]:
        """As ``submit``, and it must be recorded."""
        answer = self.submit(kind, body, **fields)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def state(self, statement: Statement, *disclosures: Disclosure) -> httpx.Response:
        """A statement that somebody signed."""
        texts = [one.text for one in disclosures]
        return self.post("/v1/statements", {"statement": to_base64(statement.entry), "disclosures": texts})

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **options)


@dataclass
class House:
    """The service, the registrar, and a world of keys whose clock is the service's."""

    services: Services
    http: httpx.Client
    world: World
    registrar: Party
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def party(self, *roles: str, scopes: tuple[str, ...] = PARTY_SCOPES) -> Party:
        """A new party with a key of its own, registered, and a token for it."""
        who = self.world.someone(f"party {next(self.numbers)}")
        body = {"subject": who.id, "kind": "organisation", "roles": list(roles), "keys": [write(who.valid_key())]}
        answer = self.registrar.post("/v1/parties", {**body, "private": {"name": f"Party {who.id}"}})
        assert answer.status_code == 201, answer.text
        return self.with_token(who, *scopes)

    def with_token(self, who: Someone, *scopes: str) -> Party:
        """Another token for a registered party."""
        answer = self.registrar.post("/v1/tokens", {"party": who.id, "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        return Party(who, answer.json()["token"], self.http)


@contextmanager
def serving(app: ASGIApp) -> Iterator[httpx.Client]:
    """The application behind a real socket."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(server_config(app))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as http:
                yield http
        finally:
            server.should_exit = True
            join(thread)


@contextmanager
def open_house(folder: Path, clock: int = START, **settings: Any) -> Iterator[House]:
    """A service on ``folder``, at ``clock`` until a test moves it; the worker is not started.

    Nobody but the test appends: where a test moves the clock, no root of the map becomes due in between by itself.
    """
    world = World(clock=clock)
    quiet = Settings(data=folder, publish_every=0.05, map_seconds=1 << 30)
    with open_services(replace(quiet, **settings), lambda: world.clock) as services:
        world.origin, world.prefix = services.voices.origin, services.voices.prefix
        token, _ = services.accounts.issue(services.voices.registrar, SCOPES)
        with serving(create_app(services)) as http:
            registrar = Someone(services.voices.registrar, services.keyring.signers["registrar"])
            yield House(services, http, world, Party(registrar, token, http))


def problem(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of a problem; every problem has detail and title as well."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["type"] == f"urn:tallystick:problem:{found['code']}"
    assert found["title"]
    assert found["detail"]
    return answer.status_code, found["code"], found.get("field")
