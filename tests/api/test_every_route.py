"""Each route of the service in one table: who may ask it, and what it says to another party's token.

A route that is new stands in no table, and fails here until somebody has decided for whom it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import httpx
import pytest
from fastapi.routing import APIRoute

from api.app import ROUTERS
from api.routes.base import demands_token
from tallystick.base64s import to_base64
from tests.api.desk import Desk, told
from tests.api.house import House, Party
from tests.api.test_certificates import issue
from tests.api.test_licence_files import card_of
from tests.api.test_orders import done, grants, ordered
from tests.api.test_settlements import VALUES, settle

FOR_ANYBODY = frozenset(
    {
        "GET /",
        "GET /.well-known/scitt-keys",
        "GET /.well-known/scitt-keys/{kid}",
        "GET /anchors",
        "GET /anchors/{id}",
        "GET /certificates/{name:path}",
        "GET /checkpoint",
        "GET /checkpoint-aligned",
        "GET /entries/{id}",
        "GET /orders",
        "GET /tile/{path:path}",
        "GET /v1/alarms",
        "GET /v1/anchors",
        "GET /v1/anchors/{id}",
        "GET /v1/anchors/{id}/proof",
        "GET /v1/certificates/{certificate:path}/standing",
        "GET /v1/custody/{identifier:path}",
        "GET /v1/entries/{position}",
        "GET /v1/events",
        "GET /v1/events/{position}",
        "GET /v1/events/{position}/anchors",
        "GET /v1/keys",
        "GET /v1/licences/{licence:path}/qr",
        "GET /v1/licences/{licence:path}/staple",
        "GET /v1/map/{text:path}",
        "GET /v1/proofs/consistency",
        "GET /v1/proofs/inclusion",
        "GET /v1/proofs/tlog",
        "GET /v1/receipts/consistency",
        "GET /v1/receipts/{position}",
        "GET /v1/settlements",
        "GET /v1/statements/{position}",
        "GET /v1/status",
        "GET /v1/status-lists",
        "GET /v1/status-lists/{number}",
        "GET /v1/status-lists/{number}/{purpose}",
        "GET /v1/subjects/{identifier:path}",
        "GET /v1/timestamps",
        "GET /v1/timestamps/{id}",
        "GET /v1/timestamps/{id}/token",
        "GET /v1/trust",
        "GET /v1/vct/licence",
        "GET /vkeys",
        "HEAD /checkpoint",
        "HEAD /checkpoint-aligned",
        "HEAD /tile/{path:path}",
        "HEAD /vkeys",
        "POST /entries",
        "POST /v1/map/audits",
    }
)
"""Without a token: what is public, and what bears its sender's signature."""


@dataclass(frozen=True)
class Scene:
    """Things of the studio, and what their names are."""

    desk: Desk
    object: str
    data: bytes
    licence: str
    settlement: int
    certificate: str
    order: str
    token: str

    def terms(self) -> dict[str, Any]:
        return self.desk.terms(self.object, self.data)

    def registration(self) -> dict[str, Any]:
        """Of a work that is made from the studio's."""
        position = told(self.desk.house.http.get(f"/v1/subjects/{self.object}"), 200)["state"]["position"]
        body = told(self.desk.house.http.get(f"/v1/events/{position}"), 200)["body"]
        basis = [{"kind": "object", "subject": self.object}]
        return {"type": "object.register", "body": {**body, "origin": "composed", "basis": basis}}


Ask: TypeAlias = Callable[[Scene, Party], httpx.Response]
"""One request about the studio's things with the token of a party."""
Said: TypeAlias = tuple[int, str | None]
"""Status, and the code of the problem."""


def posted(path: str, body: Callable[[Scene], Any]) -> Ask:
    return lambda scene, who: who.post(path.format(**vars(scene)), body(scene))


def got(path: str) -> Ask:
    return lambda scene, who: who.get(path.format(**vars(scene)))


def sent(path: str, name: str) -> Ask:
    """Multipart, with the studio's picture."""

    def ask(scene: Scene, who: Party) -> httpx.Response:
        headers = {"Authorization": f"Bearer {who.token}"}
        files = {name: ("a.png", scene.data, "image/png")}
        return scene.desk.house.http.post(path.format(**vars(scene)), headers=headers, files=files)

    return ask


def exported(scene: Scene, who: Party) -> httpx.Response:
    return scene.desk.ask(who, "licence", scene.licence, disclose={_granted(scene): ["payment"]})


def _granted(scene: Scene) -> int:
    found = told(
        scene.desk.house.http.get("/v1/events", params={"subject": scene.licence, "type": "licence.grant"}), 200
    )
    return int(found["events"][0]["position"])


def signed(scene: Scene) -> dict[str, Any]:
    """What the studio signed, sent by another."""
    return {"statement": to_base64(scene.desk.house.world.object(scene.desk.studio.who).entry)}


NOBODYS = (403, "forbidden")
NOT_HOLDER = (403, "not-holder")
NO_ORDER = (404, "not-found")
TRANSFER = {"to": "", "holder_kid": "0" * 64, "grounds": "agreement"}

WITH_TOKEN: dict[str, tuple[Ask, Said]] = {
    "POST /v1/events": (posted("/v1/events", Scene.registration), NOT_HOLDER),
    "POST /v1/events/batch": (posted("/v1/events/batch", lambda s: {"events": [s.registration()]}), NOT_HOLDER),
    "POST /v1/receipts": (posted("/v1/receipts", Scene.registration), NOT_HOLDER),
    "POST /v1/statements": (posted("/v1/statements", signed), NOBODYS),
    "POST /v1/statements/batch": (posted("/v1/statements/batch", lambda s: {"statements": [signed(s)]}), NOBODYS),
    "POST /v1/checkpoints": (posted("/v1/checkpoints", lambda s: None), NOBODYS),
    "POST /v1/anchors": (posted("/v1/anchors", lambda s: {}), NOBODYS),
    "POST /v1/parties": (posted("/v1/parties", lambda s: {"kind": "person", "roles": ["studio"]}), NOBODYS),
    "POST /v1/tokens": (posted("/v1/tokens", lambda s: {"party": s.desk.studio.id, "scopes": ["submit"]}), NOBODYS),
    "DELETE /v1/tokens/{id}": (
        lambda s, who: s.desk.house.http.delete(
            f"/v1/tokens/{s.token}", headers={"Authorization": f"Bearer {who.token}"}
        ),
        NOBODYS,
    ),
    "POST /v1/status-indexes": (posted("/v1/status-indexes", lambda s: None), (201, None)),
    "POST /v1/licences": (posted("/v1/licences", lambda s: {"object": s.object, "terms": s.terms()}), NOT_HOLDER),
    "POST /v1/licences/check": (
        posted("/v1/licences/check", lambda s: {"question": "play in DE on streaming", "licence": s.licence}),
        NOBODYS,
    ),
    "POST /v1/licences/orders": (
        posted(
            "/v1/licences/orders", lambda s: {"order": s.order, "grants": [{"object": s.object, "terms": s.terms()}]}
        ),
        (202, None),
    ),
    "GET /v1/licences/orders/{order}": (got("/v1/licences/orders/{order}"), NO_ORDER),
    "GET /v1/licences/orders/{order}/items": (got("/v1/licences/orders/{order}/items"), NO_ORDER),
    "GET /v1/licences/orders/{order}/cards": (got("/v1/licences/orders/{order}/cards"), NO_ORDER),
    "POST /v1/licences/{licence:path}/token": (posted("/v1/licences/{licence}/token", lambda s: {}), NOBODYS),
    "POST /v1/licences/{licence:path}/vc": (posted("/v1/licences/{licence}/vc", lambda s: {}), NOBODYS),
    "POST /v1/licences/{licence:path}/card": (posted("/v1/licences/{licence}/card", lambda s: {}), NOBODYS),
    "GET /v1/licences/{licence:path}/card": (got("/v1/licences/{licence}/card"), NOBODYS),
    "POST /v1/licences/{licence:path}/original": (sent("/v1/licences/{licence}/original", "file"), NOBODYS),
    "GET /v1/licences/{licence:path}/odrl": (got("/v1/licences/{licence}/odrl"), NOBODYS),
    "POST /v1/licences/{licence:path}/status": (
        posted("/v1/licences/{licence}/status", lambda s: {"action": "revoke", "grounds": "breach"}),
        NOT_HOLDER,
    ),
    "POST /v1/licences/{licence:path}/consent": (
        posted("/v1/licences/{licence}/consent", lambda s: {"to": s.desk.licensee.id}),
        NOT_HOLDER,
    ),
    "POST /v1/licences/{licence:path}/transfer": (
        posted("/v1/licences/{licence}/transfer", lambda s: {**TRANSFER, "to": s.desk.studio.id}),
        NOT_HOLDER,
    ),
    "POST /v1/signed-files/receipt": (sent("/v1/signed-files/receipt", "file"), (422, "malformed")),
    "POST /v1/settlements": (
        posted(
            "/v1/settlements",
            lambda s: {"subject": s.licence, "parties": [s.desk.studio.id, s.desk.licensee.id], "values": VALUES},
        ),
        (403, "not-entitled"),
    ),
    "POST /v1/settlements/{position}/accept": (
        posted("/v1/settlements/{settlement}/accept", lambda s: {}),
        (403, "not-entitled"),
    ),
    "POST /v1/certificates": (posted("/v1/certificates", lambda s: {"object": s.object, "title": "mine"}), NOBODYS),
    "POST /v1/certificates/{certificate:path}/renewal": (
        posted("/v1/certificates/{certificate}/renewal", lambda s: None),
        NOBODYS,
    ),
    "GET /v1/certificates/{certificate:path}/file": (got("/v1/certificates/{certificate}/file"), NOBODYS),
    "POST /v1/certificates/{certificate:path}/card": (
        posted("/v1/certificates/{certificate}/card", lambda s: None),
        NOBODYS,
    ),
    "GET /v1/certificates/{certificate:path}/card": (got("/v1/certificates/{certificate}/card"), NOBODYS),
    "POST /v1/evidence": (exported, NOBODYS),
}
"""By route: what a rival asks about the studio's things with a token of its own, and what it is told."""

FOR_ANY_TOKEN = frozenset(
    {
        "GET /v1/licences/orders/{order}",
        "GET /v1/licences/orders/{order}/items",
        "POST /v1/signed-files/receipt",
    }
)
"""What a token of the party itself may that has no scope at all: nothing of it is private."""


def routes() -> dict[str, bool]:
    """Each route, and whether it demands a token."""
    found = [one for router in ROUTERS for one in router.routes if isinstance(one, APIRoute)]
    return {f"{method} {one.path}": demands_token(one.dependant) for one in found for method in sorted(one.methods)}


def test_each_route_stands_in_one_table() -> None:
    known = routes()
    assert {name for name, demanded in known.items() if not demanded} == FOR_ANYBODY
    assert {name for name, demanded in known.items() if demanded} == WITH_TOKEN.keys()


@pytest.fixture(scope="module")
def scene(desk: Desk, house: House) -> Scene:
    object_id, data = desk.picture(title="a secret title")
    licence = desk.grant(object_id, data)
    card_of(desk, licence)
    certified = issue(desk, "every-route", object=object_id)
    ordered(desk, "every-route", grants(desk, 1))
    done(desk.studio, "every-route")
    answer = told(house.registrar.post("/v1/tokens", {"party": desk.studio.id, "scopes": ["submit"]}))
    desk.publish()
    return Scene(
        desk, object_id, data, licence, settle(desk, licence), certified["certificate"], "every-route", answer["id"]
    )


def said(answer: httpx.Response) -> Said:
    """Of a batch, what became of its one item."""
    body = json.loads(answer.content) if "json" in answer.headers["content-type"] else {}
    one = body["results"][0] if isinstance(body, dict) and "results" in body else body
    return (one["status"], one["code"]) if "code" in one else (answer.status_code, None)


@pytest.mark.parametrize("name", sorted(WITH_TOKEN))
def test_without_a_token_of_this_service_nothing_is_told(scene: Scene, name: str) -> None:
    ask, _ = WITH_TOKEN[name]
    http = scene.desk.house.http
    for hooks in ([], [lambda request: request.headers.pop("authorization", None)]):
        http.event_hooks["request"] = hooks
        try:
            answer = ask(scene, Party(scene.desk.studio.who, "ts_of-nobody", http))
        finally:
            http.event_hooks["request"] = []
        assert said(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", sorted(WITH_TOKEN))
def test_what_a_rival_is_told_of_anothers(scene: Scene, rival: Party, name: str) -> None:
    ask, expected = WITH_TOKEN[name]
    answer = ask(scene, rival)
    assert said(answer) == expected
    assert "a secret title" not in answer.text


@pytest.mark.parametrize("name", sorted(WITH_TOKEN.keys() - FOR_ANY_TOKEN))
def test_a_token_without_a_scope_opens_nothing_of_its_own_party(scene: Scene, name: str) -> None:
    ask, _ = WITH_TOKEN[name]
    assert said(ask(scene, scene.desk.house.with_token(scene.desk.studio.who))) == NOBODYS


def test_what_of_a_rivals_order_of_the_same_name_becomes(scene: Scene, rival: Party) -> None:
    """It is another order, of things that are not the rival's."""
    assert done(rival, "every-route")["refused"] == 1
    assert done(scene.desk.studio, "every-route")["issued"] == 1
