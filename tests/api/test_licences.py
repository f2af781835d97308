"""Licences over HTTP: granted once, about the object that they name, by who holds it; their status changed."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.identifiers import Letter
from tallystick.statement import parse_statement
from tests.api.desk import Desk, registration, told
from tests.api.house import House, Party, problem


def request(desk: Desk, **more: Any) -> dict[str, Any]:
    object_id, data = desk.picture()
    return {"object": object_id, "terms": desk.terms(object_id, data), "holder": desk.licensee.id, **more}


def test_a_grant_is_recorded_for_the_licensor_with_a_status_index_of_this_log(desk: Desk) -> None:
    asked = request(desk)
    answer = told(desk.studio.post("/v1/licences", asked))
    statement = parse_statement(desk.house.http.get(f"/v1/entries/{answer['position']}").content)
    body = statement.event.body
    assert isinstance(body, LicenceGrant)
    assert (body.object, body.title_chain, body.holder) == (asked["object"], (asked["object"],), desk.licensee.id)
    assert body.status == StatusPointer(**answer["status"])
    assert body.status.list == f"{desk.house.world.origin}/status/1"
    assert statement.event.recorded_for is not None
    assert statement.event.recorded_for.party == desk.studio.id
    assert set(statement.event.commitments) == set(asked["terms"])
    assert answer["licence"] == statement.event.subject


def test_a_repeated_grant_is_one_grant_with_one_index(desk: Desk) -> None:
    asked = request(desk, event_id="grant-again")
    first, second = (desk.studio.post("/v1/licences", asked) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


def test_another_grant_under_the_same_event_id_is_refused(desk: Desk) -> None:
    asked = request(desk, event_id="grant-taken")
    told(desk.studio.post("/v1/licences", asked))
    other = {**asked, "terms": {**asked["terms"], "exclusivity": "sole"}}
    assert problem(desk.studio.post("/v1/licences", other)) == (409, "conflict", "event_id")


def test_event_ids_of_other_events_give_no_index(desk: Desk) -> None:
    asked = request(desk)
    desk.studio.record("object.register", registration(b"no grant"), event_id="no-grant")
    answer = desk.studio.post("/v1/licences", {**asked, "event_id": "no-grant"})
    assert problem(answer) == (409, "conflict", "event_id")


def test_the_term_asset_names_the_licensed_object(desk: Desk) -> None:
    asked = request(desk)
    other, _ = desk.picture()
    asset = {**asked["terms"]["asset"], "object": other}
    answer = desk.studio.post("/v1/licences", {**asked, "terms": {**asked["terms"], "asset": asset}})
    assert problem(answer) == (422, "inconsistent", "terms.asset.object")


def test_the_term_asset_names_its_content(desk: Desk) -> None:
    asked = request(desk)
    asset = {**asked["terms"]["asset"], "sha256": "ab" * 32}
    answer = desk.studio.post("/v1/licences", {**asked, "terms": {**asked["terms"], "asset": asset}})
    assert problem(answer) == (422, "inconsistent", "terms.asset.sha256")


def test_the_asset_of_a_folder_is_its_root(desk: Desk) -> None:
    object_id, files = desk.folder()
    granted = told(desk.studio.post("/v1/licences", {"object": object_id, "terms": desk.terms(object_id, files)}))
    assert granted["licence"].startswith("10.5555/L-")


def test_the_holder_is_the_licensee(desk: Desk, rival: Party) -> None:
    answer = desk.studio.post("/v1/licences", request(desk, holder=rival.id))
    assert problem(answer) == (422, "inconsistent", "terms.licensee.party")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"window": {"start": "2026-01-01T00:00:00Z", "end": "2025-01-01T00:00:00Z"}}, "terms.window"),
        ({"territory": {"include": ["XX"], "exclude": []}}, "terms.territory"),
        ({"colour": "red"}, "terms.colour"),
        ({"payment": {"amount": "1.5", "currency": "EUR", "shares": []}}, "terms.payment.amount"),
    ],
    ids=["window", "territory", "unknown", "amount"],
)
def test_terms_are_read_before_they_are_hidden(desk: Desk, change: dict[str, Any], field: str) -> None:
    asked = request(desk)
    status, code, named = problem(desk.studio.post("/v1/licences", {**asked, "terms": {**asked["terms"], **change}}))
    assert (status, code) == (422, "malformed")
    assert named is not None
    assert named.startswith(field)


def test_a_missing_term_is_named(desk: Desk) -> None:
    asked = request(desk)
    del asked["terms"]["ai_use"]
    assert problem(desk.studio.post("/v1/licences", asked)) == (422, "malformed", "terms.ai_use")


def test_an_unregistered_object_is_not_licensed(desk: Desk) -> None:
    asked = {**request(desk), "object": desk.house.world.identifier(Letter.OBJECT)}
    assert problem(desk.studio.post("/v1/licences", asked)) == (404, "not-found", "object")


def test_nobody_licenses_what_another_holds(desk: Desk, rival: Party) -> None:
    assert problem(rival.post("/v1/licences", request(desk))) == (403, "not-holder", "body.object")


def test_a_title_chain_holds_the_object(desk: Desk) -> None:
    other, _ = desk.picture()
    answer = desk.studio.post("/v1/licences", request(desk, title_chain=[other]))
    assert problem(answer) == (422, "incomplete", "body.title_chain")


def test_granting_takes_the_scope_submit(house: House, desk: Desk) -> None:
    reader = house.with_token(desk.studio.who, "read-private", "evidence")
    for path, body in (
        ("/v1/licences", request(desk)),
        ("/v1/status-indexes", None),
        (f"/v1/licences/{desk.licence()[0]}/status", {"action": "suspend", "grounds": "breach"}),
    ):
        assert problem(reader.post(path, body)) == (403, "forbidden", None)
        assert problem(house.http.post(path, json=body)) == (401, "unauthenticated", None)


def test_reserved_indexes_differ(desk: Desk) -> None:
    found = [told(desk.studio.post("/v1/status-indexes")) for _ in range(30)]
    assert len({one["index"] for one in found}) == 30
    assert {one["list"] for one in found} == {f"{desk.house.world.origin}/status/1"}


def test_a_studio_that_signs_itself_uses_a_reserved_index(desk: Desk) -> None:
    pointer = told(desk.studio.post("/v1/status-indexes"))
    object_id, data = desk.picture()
    world = desk.house.world
    body = LicenceGrant(object_id, (object_id,), StatusPointer(**pointer), desk.licensee.id)
    licence = world.identifier(Letter.LICENCE)
    desk.said(desk.studio, world.say(desk.studio.who, "licence.grant", licence, body, desk.terms(object_id, data)))
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    again = world.say(
        desk.studio.who, "licence.grant", world.identifier(Letter.LICENCE), body, desk.terms(object_id, data)
    )
    assert problem(desk.studio.state(again)) == (409, "already-used", "body.status")


# --- status ------------------------------------------------------------------------


def test_the_status_goes_its_ways(desk: Desk) -> None:
    licence, _ = desk.licence()
    for action in ("suspend", "reinstate", "suspend", "revoke"):
        told(desk.status(licence, action))
    assert problem(desk.status(licence, "reinstate")) == (409, "wrong-state", "body.action")


def test_the_registrar_may_change_a_status_and_nobody_else(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    for stranger in (rival, desk.licensee):
        assert problem(desk.status(licence, "revoke", who=stranger)) == (403, "not-holder", "iss")
    told(desk.status(licence, "suspend", "court-order", who=desk.house.registrar))


def test_a_repeated_change_is_one_change(desk: Desk) -> None:
    licence, _ = desk.licence()
    change = {"action": "suspend", "grounds": "breach", "effective": desk.house.world.now(), "event_id": "stop-once"}
    first, second = (desk.studio.post(f"/v1/licences/{licence}/status", change) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["position"] == second.json()["position"]


def test_under_older_rules_a_change_is_not_recorded_before_it_takes_effect(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it would count at once: the list would say what is meant for next year."""
    monkeypatch.setattr(desk.house.services.licences, "_version", lambda: 2)
    licence, _ = desk.licence()
    change = {"action": "revoke", "grounds": "breach", "effective": "2031-01-01T00:00:00Z"}
    answer = desk.studio.post(f"/v1/licences/{licence}/status", change)
    assert problem(answer) == (422, "malformed", "effective")


def test_a_status_of_nothing(desk: Desk) -> None:
    unknown = desk.house.world.identifier(Letter.LICENCE)
    assert problem(desk.status(unknown, "revoke")) == (422, "unregistered", "subject")
    answer = desk.studio.post("/v1/licences/no-licence/status", {"action": "revoke", "grounds": "breach"})
    assert problem(answer) == (422, "malformed", "subject")
