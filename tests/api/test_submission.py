"""Events go in once, each answered with its place or with the reason why not."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.base64s import to_base64
from tallystick.commitments import parse_disclosure
from tallystick.content import file_content
from tallystick.events.objects import Basis, ObjectRegistration
from tallystick.events.party import PartyRegistration
from tallystick.identifiers import Letter, new_identifier, parse_identifier
from tallystick.schema import write
from tallystick.statement import parse_statement
from tests.api.house import House, Party, problem


def registration(data: bytes = b"a picture") -> ObjectRegistration:
    return ObjectRegistration("image", "authored", write(file_content([data])), (Basis("declared", "own-work"),))


def picture(data: bytes = b"a picture") -> dict[str, Any]:
    found: dict[str, Any] = write(registration(data))
    return found


# --- drafts -----------------------------------------------------------------------


def test_an_event_is_recorded_for_the_party_of_the_token(house: House, studio: Party) -> None:
    answer = studio.submit("object.register", picture(), event_id="first-picture")
    assert answer.status_code == 201
    told = answer.json()
    parse_identifier(told["subject"], Letter.OBJECT)
    assert (told["type"], told["event_id"], told["duplicate"]) == ("object.register", "first-picture", False)
    statement = parse_statement(studio.get(f"/v1/entries/{told['position']}").content)
    assert statement.issuer == house.services.voices.service
    assert statement.kid == house.services.keyring.signers["service"].public.kid
    recorded = statement.event.recorded_for
    assert recorded is not None
    assert (recorded.party, recorded.authenticated_by) == (studio.id, "api-token")
    assert statement.statement_id.hex() == told["statement_id"]


def test_the_registrar_signs_itself(house: House) -> None:
    told = house.registrar.record("party.register", PartyRegistration("person", ("studio",), ()))
    statement = parse_statement(house.registrar.get(f"/v1/entries/{told['position']}").content)
    assert statement.issuer == house.registrar.id
    assert statement.kid == house.services.keyring.signers["registrar"].public.kid
    assert statement.event.recorded_for is None


def test_without_an_event_id_the_service_makes_one(studio: Party) -> None:
    one, two = (studio.record("object.register", picture()) for _ in range(2))
    assert len({one["event_id"], two["event_id"]}) == 2
    assert one["position"] != two["position"]


def test_private_values_become_commitments_and_never_reach_the_log(studio: Party) -> None:
    secret = "a name that nobody may read"
    told = studio.record("object.register", picture(), private={"title": secret, "shots": [1, 2]})
    assert secret.encode() not in studio.get(f"/v1/entries/{told['position']}").content
    shown = studio.get(f"/v1/events/{told['position']}").json()
    assert set(shown["private"]) == {"title", "shots"}
    for name, value in (("title", secret), ("shots", [1, 2])):
        opened = parse_disclosure(shown["disclosures"][name]["disclosure"])
        assert (opened.name, opened.value) == (name, value)
        assert write(opened.commitment) == shown["private"][name] == told["private"][name]


def test_two_equal_values_have_different_commitments(studio: Party) -> None:
    one, two = (studio.record("object.register", picture(), private={"title": "same"}) for _ in range(2))
    assert one["private"] != two["private"]


def test_the_same_event_again_is_found_where_it_stands(studio: Party) -> None:
    """Although each signing takes a new time and new salts."""
    event = {"event_id": "again", "private": {"title": "Lantern"}}
    first = studio.submit("object.register", picture(), **event)
    second = studio.submit("object.register", picture(), **event)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == {**first.json(), "duplicate": True}


@pytest.mark.parametrize(
    "other",
    [
        {"body": picture(b"another picture")},
        {"private": {"title": "Another"}},
        {"private": {}},
        {"private": {"title": "Lantern", "more": 1}},
        {"time": "2026-01-01T00:00:00Z"},
        {"subject": str(new_identifier(Letter.OBJECT, bytes(10)))},
    ],
    ids=["body", "value", "no value", "more values", "time", "subject"],
)
def test_another_event_under_the_same_id_is_refused(studio: Party, other: dict[str, Any]) -> None:
    event = {"type": "object.register", "event_id": "taken", "body": picture(), "private": {"title": "Lantern"}}
    assert studio.post("/v1/events", event).status_code in (200, 201)
    refused = studio.post("/v1/events", {**event, **other})
    assert problem(refused) == (409, "conflict", "event_id")
    assert refused.json()["hint"] not in refused.json()["detail"], "said once"
    assert studio.post("/v1/events", event).status_code == 200


def test_a_name_of_a_private_value_that_is_none_is_named(studio: Party) -> None:
    answer = studio.submit("object.register", picture(), private={"标题": "灯笼"})
    assert problem(answer) == (400, "malformed", None)
    assert answer.json()["detail"] == "the key '标题' is not ASCII text; a value may be any text"


def test_event_ids_of_two_parties_are_two(studio: Party, rival: Party) -> None:
    mine = studio.record("object.register", picture(), event_id="mine-and-yours")
    yours = rival.record("object.register", picture(b"yours"), event_id="mine-and-yours")
    assert mine["position"] != yours["position"]


def test_an_erased_value_is_not_said_to_be_the_same(house: House, studio: Party) -> None:
    event = {"event_id": "erased", "private": {"title": "Lantern"}}
    told = studio.record("object.register", picture(), **event)
    with house.services.log.store.transaction() as working:
        working.erase(told["position"], ["title"])
    assert problem(studio.submit("object.register", picture(), **event)) == (409, "conflict", "event_id")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "object.vanish"}, "type"),
        ({"body": {name: value for name, value in picture().items() if name != "basis"}}, "body.basis"),
        ({"body": {**picture(), "more": 1}}, "body.more"),
        ({"event_id": "with space"}, "event_id"),
        ({"subject": "10.5555/A-0000-0000-0000-0000-X"}, "subject"),
        ({"subject": "10.5555/P-0000-0000-0000-0000-2"}, "subject"),
        ({"time": "yesterday"}, "time"),
        ({"private": {"a b": 1}}, "private"),
        ({"type": "job.complete", "body": {"result": "failed", "outputs": []}}, "subject"),
        ({"recorded_for": {"party": "someone"}}, "recorded_for"),
        ({"body": "text"}, "body"),
        ({"event_id": 7}, "event_id"),
    ],
)
def test_a_malformed_draft_names_its_field(studio: Party, change: dict[str, Any], field: str) -> None:
    answer = studio.post("/v1/events", {"type": "object.register", "body": picture(), **change})
    assert problem(answer) == (422, "malformed", field)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"{", "not JSON"),
        (b'{"type":"a","type":"b","body":{}}', "stands twice"),
        (b'{"type":"object.register","body":{"share":0.1}}', "not an integer"),
        (b'{"type":"object.register","body":{"share":1e2}}', "not an integer"),
        (b'{"type":"object.register","body":{"n":9007199254740993}}', "2^53"),
        (b'{"type":"\\ud800","body":{}}', "surrogate"),
        (b'{"type":"\xff","body":{}}', "not JSON"),
        (b"[" * 4000 + b"]" * 4000, "JSON"),
    ],
)
def test_json_with_two_meanings_is_refused(studio: Party, text: bytes, what: str) -> None:
    headers = {"Authorization": f"Bearer {studio.token}", "Content-Type": "application/json"}
    answer = studio.http.post("/v1/events", content=text, headers=headers)
    assert problem(answer) == (400, "malformed", None)
    assert what in answer.json()["detail"]


def test_terms_of_a_licence_are_checked_before_they_are_hidden(house: House, studio: Party) -> None:
    made = studio.record("object.register", picture())
    pointer = {"list": "https://log.example/status/1", "index": 11}
    body = {"object": made["subject"], "title_chain": [made["subject"]], "status": pointer}
    terms = house.world.terms(made["subject"])
    terms["territory"] = {"include": ["Atlantis"], "exclude": []}
    status, code, field = problem(studio.submit("licence.grant", body, private=terms))
    assert (status, code) == (422, "malformed")
    assert field is not None
    assert field.startswith("private.territory")


# --- batches -----------------------------------------------------------------------


def test_a_batch_answers_for_each_event_by_itself(studio: Party) -> None:
    good = {"type": "object.register", "body": picture(), "event_id": "batch-good"}
    other = {**good, "body": picture(b"other")}
    bad = {"type": "object.register", "body": {**picture(), "kind": "song"}, "event_id": "batch-bad"}
    log_only = {"type": "log.policy", "body": {"rules": "tallystick-admission", "version": 1}}
    answer = studio.post("/v1/events/batch", {"events": [good, bad, good, other, log_only]})
    assert answer.status_code == 200
    first, malformed, again, conflict, refused = answer.json()["results"]
    assert (first["event_id"], first["duplicate"]) == ("batch-good", False)
    assert (malformed["status"], malformed["code"], malformed["field"]) == (422, "malformed", "body.kind")
    assert (again["position"], again["duplicate"]) == (first["position"], True)
    assert (conflict["status"], conflict["code"]) == (409, "conflict")
    assert (refused["status"], refused["code"]) == (403, "not-entitled")


def test_a_batch_keeps_the_order_of_its_events(studio: Party) -> None:
    events = [{"type": "object.register", "body": picture(b"%d" % n), "event_id": f"order-{n}"} for n in range(50)]
    results = studio.post("/v1/events/batch", {"events": events}).json()["results"]
    assert [one["event_id"] for one in results] == [one["event_id"] for one in events]
    positions = [one["position"] for one in results]
    assert positions == list(range(positions[0], positions[0] + 50))


@pytest.mark.parametrize("count", [0, 1001])
def test_a_batch_holds_one_to_a_thousand(studio: Party, count: int) -> None:
    event = {"type": "object.register", "body": {}}
    assert problem(studio.post("/v1/events/batch", {"events": [event] * count})) == (422, "malformed", "events")


# --- statements of the parties themselves ------------------------------------------------


def test_a_party_submits_what_it_signed(house: House, studio: Party) -> None:
    statement = house.world.object(studio.who)
    first, again = studio.state(statement), studio.state(statement)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "duplicate": True}
    assert studio.get(f"/v1/entries/{first.json()['position']}").content == statement.entry


def test_disclosures_go_to_the_vault(house: House, studio: Party) -> None:
    subject = house.world.identifier(Letter.OBJECT)
    statement = house.world.say(studio.who, "object.register", subject, registration(), {"title": "Lantern"})
    (disclosure,) = house.world.disclosures[statement.statement_id]
    answer = studio.state(statement, disclosure)
    assert answer.status_code == 201
    shown = studio.get(f"/v1/events/{answer.json()['position']}").json()
    assert shown["disclosures"] == {"title": {"value": "Lantern", "disclosure": disclosure.text}}
    assert shown["recorded_for"] is None
    assert (shown["issuer"], shown["party"]) == (studio.id, studio.id)


def test_a_disclosure_that_opens_nothing_is_refused(house: House, studio: Party) -> None:
    world = house.world
    said, other = (
        world.say(studio.who, "object.register", world.identifier(Letter.OBJECT), registration(), {"title": title})
        for title in ("Lantern", "Torch")
    )
    answer = studio.state(said, *world.disclosures[other.statement_id])
    assert problem(answer) == (422, "bad-disclosure", "disclosures")
    assert studio.state(said, *world.disclosures[said.statement_id]).status_code == 201


def test_statement_batches_answer_for_each(house: House, studio: Party, rival: Party) -> None:
    mine, theirs = house.world.object(studio.who), house.world.object(rival.who)
    entries = [{"statement": to_base64(one.entry)} for one in (mine, theirs, mine)]
    results = studio.post("/v1/statements/batch", {"statements": entries}).json()["results"]
    assert results[0]["duplicate"] is False
    assert (results[1]["status"], results[1]["code"]) == (403, "forbidden")
    assert (results[2]["position"], results[2]["duplicate"]) == (results[0]["position"], True)


@pytest.mark.parametrize("text", ["", "not base64", "AAAA", "0oQ="])
def test_bytes_that_are_no_statement_are_malformed(studio: Party, text: str) -> None:
    status, code, _ = problem(studio.post("/v1/statements", {"statement": text}))
    assert (status, code) == (422, "malformed")
