"""The client against the real service: every method, and every way in which an answer is no answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tallystick.client.http import Client, ServiceProblem, Unreachable
from tallystick.identifiers import Letter
from tallystick.schema import write
from tests.api.desk import PNG, Desk, case_of, file_list, picture_bytes, registration
from tests.api.house import Party


def client_of(desk: Desk, party: Party | None = None) -> Client:
    return Client(str(desk.house.http.base_url), party.token if party else None)


@pytest.fixture(scope="module")
def studio(desk: Desk) -> Iterator[Client]:
    with client_of(desk, desk.studio) as client:
        yield client


@pytest.fixture(scope="module")
def registrar(desk: Desk) -> Iterator[Client]:
    with client_of(desk, desk.house.registrar) as client:
        yield client


def test_events_are_submitted_and_read(desk: Desk, studio: Client, registrar: Client) -> None:
    answer = studio.submit("object.register", write(registration(picture_bytes())), private={"title": "Lantern"})
    assert registrar.publish()["size"] > answer["position"]
    assert studio.subject(answer["subject"])["identifier"] == answer["subject"]
    assert [one["position"] for one in studio.events(subject=answer["subject"])["events"]] == [answer["position"]]
    assert studio.inclusion(answer["position"])["position"] == answer["position"]
    assert studio.inclusion(1, 3)["size"] == 3
    assert studio.consistency(2, answer["position"])["path"]
    assert studio.status()["size"] > answer["position"]
    assert studio.fetch("/checkpoint").startswith(desk.house.world.origin.encode())


def test_a_party_signs_for_itself(desk: Desk, studio: Client) -> None:
    world = desk.house.world
    statement = world.object(desk.studio.who)
    assert studio.state(statement)["statement_id"] == statement.statement_id.hex()


def test_the_registrar_registers_and_gives_tokens(registrar: Client) -> None:
    party = registrar.register_party({"kind": "organisation", "roles": ["studio"]})["subject"]
    token = registrar.issue_token(party, ["submit"])
    assert (token["party"], token["scopes"]) == (party, ["submit"])


def test_licences_and_certificates(desk: Desk, studio: Client, registrar: Client, tmp_path: Path) -> None:
    licence, data = desk.licence()
    original = tmp_path / "picture.png"
    original.write_bytes(data)
    assert studio.reserve_status()["list"].startswith(desk.house.world.origin)
    assert studio.issue_card(licence, ["territory"])["size"] > 0
    assert studio.fetch(f"/v1/licences/{licence}/card").startswith(b"\x89PNG")
    assert studio.sign_original(licence, original, PNG).startswith(b"\x89PNG")
    asked = {"object": desk.picture()[0], "number": "C-1", "title": "Lantern"}
    assert registrar.issue_certificate(asked)["certificate"]


def test_an_export_with_hundreds_of_files(desk: Desk, studio: Client, tmp_path: Path) -> None:
    """More than a process may hold open at a time, in many systems; and names that need care."""
    names = [f"frames/{number:04}.bin" for number in range(1200)] + ['6" lens.bin', "灯 笼.bin", "a'b;c=d.bin"]
    files = {name: name.encode() for name in names}
    body = registration(files)
    object_id = studio.submit("object.register", write(body))["subject"]
    desk.publish()
    places = {}
    for number, (name, data) in enumerate(files.items()):
        places[name] = tmp_path / str(number)
        places[name].write_bytes(data)
    request = json.dumps({"kind": "object", "subject": object_id})
    lists = json.dumps({object_id: write(list(file_list(files)))})
    exported = studio.export(request, lists, places, [], tmp_path / "case.zip")
    bundle = (tmp_path / "case.zip").read_bytes()
    assert (exported.size, exported.left_out, exported.anchored) == (len(bundle), (), False)
    assert set(case_of(bundle).originals[object_id]) == set(names)


def test_an_export_without_files(desk: Desk, studio: Client, tmp_path: Path) -> None:
    licence, _ = desk.licence()
    position = studio.issue_card(licence)["position"]
    desk.publish()
    request = json.dumps({"kind": "licence", "subject": licence, "disclose": "none"})
    exported = studio.export(request, "{}", {}, [], tmp_path / "case.zip")
    assert exported.left_out == (position,)


def test_a_refused_export_leaves_nothing(desk: Desk, studio: Client, tmp_path: Path) -> None:
    unknown = desk.house.world.identifier(Letter.OBJECT)
    place = tmp_path / "case.zip"
    place.write_bytes(b"an earlier bundle")
    with pytest.raises(ServiceProblem) as refused:
        studio.export(json.dumps({"kind": "object", "subject": unknown}), "{}", {}, [], place)
    assert (refused.value.status, refused.value.code, refused.value.field) == (404, "not-found", "request.subject")
    assert list(tmp_path.iterdir()) == [place]
    assert place.read_bytes() == b"an earlier bundle"


def test_a_problem_says_code_field_and_hint(studio: Client) -> None:
    with pytest.raises(ServiceProblem, match=r"malformed \[body.kind\]: .*\(correct the field") as refused:
        studio.submit("object.register", {**write(registration(b"x")), "kind": secrets.token_hex(4)})
    assert (refused.value.code, refused.value.hint) == ("malformed", "correct the field and submit again")


def test_without_a_token(desk: Desk) -> None:
    with client_of(desk) as nobody, pytest.raises(ServiceProblem, match="unauthenticated"):
        nobody.reserve_status()


def test_nobody_listens() -> None:
    with Client("http://127.0.0.1:1") as client, pytest.raises(Unreachable, match=r"no answer from http://127.0.0.1:1"):
        client.status()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(502, text="<html>bad gateway"), "502 Bad Gateway: <html>bad gateway"),
        (httpx.Response(200, text="<html>welcome"), "did not answer with JSON"),
        (httpx.Response(200, json=[1]), "did not answer with JSON"),
        (httpx.Response(500, content=b"{", headers={"content-type": "application/problem+json"}), "500 Internal"),
        (httpx.Response(500, json=[], headers={"content-type": "application/problem+json"}), "500 Internal"),
        (httpx.Response(302, headers={"location": "http://elsewhere.example/"}), "302 Found"),
    ],
    ids=["gateway", "page", "list", "cut problem", "list problem", "redirect"],
)
def test_answers_that_are_not_the_services(answer: httpx.Response, message: str, monkeypatch: Any) -> None:
    with Client("http://127.0.0.1:1", "token") as client:
        monkeypatch.setattr(
            client, "_http", httpx.Client(base_url="http://x", transport=httpx.MockTransport(lambda request: answer))
        )
        with pytest.raises(ServiceProblem, match=message):
            client.status()
