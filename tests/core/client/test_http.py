"""The client against the real service: every method, and every way in which an answer is no answer."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tallystick.base64s import from_base64
from tallystick.checkpoint import parse_body
from tallystick.client.http import Client, ServiceProblem, Unreachable
from tallystick.identifiers import Letter
from tallystick.note import parse_note
from tallystick.receipt import parse_consistency, parse_inclusion
from tallystick.schema import write
from tallystick.transparent import split
from tallystick.tree_head import parse_log_keys
from tests.api.desk import PATIENCE, PNG, Desk, anchoring, case_of, file_list, picture_bytes, registration
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


def test_a_statement_is_registered_by_its_signature_and_answered_with_its_receipt(desk: Desk) -> None:
    world = desk.house.world
    statement = world.object(desk.studio.who)
    with client_of(desk) as anybody:
        found = anybody.register(statement)
        assert found.entry == statement.entry
        assert split(found.transparent) == (statement.entry, (found.receipt,))
        keys = parse_log_keys(anybody.fetch("/vkeys").decode().splitlines())
        proved = parse_inclusion(found.receipt).verify(found.entry, world.origin, keys.ed25519)
        assert proved.index == found.position
        assert anybody.register(statement).position == found.position
        assert parse_inclusion(anybody.receipt(found.position)).index == found.position
        grown = parse_consistency(anybody.growth(2))
        assert (grown.old_size, grown.origin) == (2, world.origin)
        with pytest.raises(ServiceProblem, match="unknown-signer") as refused:
            anybody.register(world.object(world.someone("a stranger")))
        assert (refused.value.status, refused.value.code, refused.value.field) == (400, "unknown-signer", "iss")
        with pytest.raises(ServiceProblem) as missing:
            anybody.fetch("/entries/1000000")
        assert (missing.value.status, missing.value.code) == (404, "not-found")
        with pytest.raises(ServiceProblem, match="not-found"):
            anybody.transparent(1_000_000, 1.0)


def test_receipt_and_checkpoint_meet_or_it_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    world = desk.house.world
    with client_of(desk) as client:
        place = client.register(world.object(desk.studio.who)).position
        whole, note = client.confirmed(place)
        assert parse_inclusion(split(whole)[1][0]).size == parse_body(parse_note(note).text).size
        monkeypatch.setattr(client, "transparent", lambda position, wait=0.0: whole)
        desk.studio.record("object.register", registration(picture_bytes()))
        desk.publish()
        with pytest.raises(ServiceProblem, match="the log grew between"):
            client.confirmed(place)


def test_an_event_of_the_service_comes_with_its_receipt(desk: Desk, studio: Client) -> None:
    answer = studio.submit_for_receipt("object.register", write(registration(picture_bytes())))
    assert parse_inclusion(from_base64(answer["receipt"])).index == answer["position"]


CONCISE = "application/concise-problem-details+cbor"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(201), "no place"),
        (httpx.Response(201, headers={"Location": "/entries/-1"}), "no place"),
        (httpx.Response(201, headers={b"Location": "/entries/\u00b2".encode()}), "no place"),
        (httpx.Response(400, headers={"Content-Type": CONCISE}, content=b"\xff"), "400"),
        (httpx.Response(400, headers={"Content-Type": CONCISE}, content=b"\x01"), "400"),
        (httpx.Response(400, headers={"Content-Type": CONCISE}, content=b"\xa1\x20\x63odd"), "unknown: odd"),
    ],
)
def test_answers_of_other_services_are_problems(desk: Desk, answer: httpx.Response, says: str) -> None:
    statement = desk.house.world.object(desk.studio.who)
    with client_of(desk) as client:
        client.close()
        client._http = httpx.Client(base_url="http://there", transport=httpx.MockTransport(lambda _: answer))
        with pytest.raises(ServiceProblem, match=says):
            client.register(statement)


def test_a_place_that_holds_another_statement_is_seen(desk: Desk) -> None:
    world = desk.house.world
    with client_of(desk) as client:
        other = client.register(world.object(desk.studio.who))

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return httpx.Response(202, headers={"Location": f"https://there/entries/{other.position}"})
            return httpx.Response(200, content=other.transparent)

        client.close()
        client._http = httpx.Client(base_url="http://there", transport=httpx.MockTransport(answer))
        with pytest.raises(ServiceProblem, match="holds another statement"):
            client.register(world.object(desk.studio.who))


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


def test_an_export_waits_for_the_anchor_that_the_service_asked_for(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else would have anchored it within an hour: an object, and a card after its licence."""
    object_id, _ = desk.picture()
    desk.publish()
    place, request = tmp_path / "case.zip", json.dumps({"kind": "object", "subject": object_id})
    stages, looks = [], []
    with client_of(desk, desk.studio) as client, anchoring(desk) as driver:
        plain = client.anchors_of

        def looked(position: int) -> dict[str, Any]:
            found = plain(position)
            looks.append(found["anchors"])
            driver.settle()
            return found

        def told(stage: str, count: int, total: int) -> None:
            stages.append(stage)

        monkeypatch.setattr(client, "anchors_of", looked)
        exported = client.export(request, "{}", {}, [], place, told=told, wait=PATIENCE)
        again = client.export(request, "{}", {}, [], place, wait=PATIENCE)
    assert (exported.anchored, exported.anchor_wanted) == (again.anchored, again.anchor_wanted) == (True, None)
    assert looks[0] == []
    assert looks[-1] != []
    assert list(dict.fromkeys(stages)) == ["received", "waiting for an anchor"]
    report = desk.verify(place.read_bytes())
    assert {claim.id: claim.outcome for claim in report.claims}["anchor"] == "proved"


def test_an_export_that_waited_in_vain_is_written_all_the_same(desk: Desk, studio: Client, tmp_path: Path) -> None:
    object_id, _ = desk.picture()
    desk.publish()
    request = json.dumps({"kind": "object", "subject": object_id})
    exported = studio.export(request, "{}", {}, [], tmp_path / "case.zip", wait=0.01)
    assert not exported.anchored
    assert exported.anchor_wanted is not None
    assert (tmp_path / "case.zip").stat().st_size == exported.size


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(200, json={}), httpx.Response(200, json=[]), httpx.Response(503, json={"code": "unavailable"})],
    ids=["nothing", "a list", "a problem"],
)
def test_a_service_that_does_not_tell_of_anchors_costs_no_bundle(
    desk: Desk, tmp_path: Path, answer: httpx.Response
) -> None:
    asked = []

    def serve(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            request.read()
            return httpx.Response(200, content=b"a bundle", headers={"X-Tallystick-Anchor-Wanted": "7"})
        asked.append(request.url.path)
        return answer

    with client_of(desk) as client:
        client.close()
        client._http = httpx.Client(base_url="http://there", transport=httpx.MockTransport(serve))
        exported = client.export("{}", "{}", {}, [], tmp_path / "case.zip", wait=0.1)
    assert (exported.anchored, exported.anchor_wanted, exported.audit_wanted) == (False, 7, None)
    assert (tmp_path / "case.zip").read_bytes() == b"a bundle"
    assert set(asked) == {"/v1/events/7/anchors"}


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
