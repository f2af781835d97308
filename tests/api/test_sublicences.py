"""Sublicences, transfers and effective times over HTTP, and the offline check of what is handed out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tallystick.admission.standing import standing_at
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.identifiers import Letter
from tallystick.times import format_time
from tests.api.desk import Desk, told
from tests.api.house import House, Party, problem

DAY = 86_400
DEEP = {"allowed": True, "max_depth": 2}
NONE = {"allowed": False, "max_depth": 0}


@pytest.fixture(scope="module")
def desk(house: House) -> Desk:
    return Desk(house, house.party("studio"), house.party("licensee"))


def root(desk: Desk, **more: Any) -> tuple[str, str, bytes]:
    """A licence for the licensee, of which sublicences two deep are admitted; its object, and the picture."""
    object_id, data = desk.picture()
    terms = desk.terms(object_id, data, sublicensing=DEEP)
    licence = desk.grant(object_id, data, **{"terms": terms, "sublicences": 2, **more})
    return licence, object_id, data


def asked(desk: Desk, made: tuple[str, str, bytes], to: Party, terms: dict[str, Any] | None = None, **more: Any) -> Any:
    """A sublicence to ``to``; ``terms``: what it states otherwise than its parent."""
    parent, object_id, data = made
    licensee = {"party": to.id, "holder_kid": to.who.signer.public.kid.hex()}
    stated = desk.terms(object_id, data, **{"sublicensing": NONE, "licensee": licensee, **(terms or {})})
    return {"object": object_id, "terms": stated, "holder": to.id, "parent": parent, **more}


def sub(desk: Desk, made: tuple[str, str, bytes], to: Party, **more: Any) -> str:
    return str(told(desk.licensee.post("/v1/licences", asked(desk, made, to, **more)))["licence"])


def status_of(desk: Desk, licence: str, after: int = 0) -> str:
    with desk.house.services.log.store.snapshot() as reads:
        return standing_at(reads, licence, format_time(desk.house.world.clock + after)).status


EXCEEDING: dict[str, dict[str, Any]] = {
    "territory": {"territory": {"include": ["AT", "CH", "DE", "FR"], "exclude": []}},
    "window": {"window": {"start": "2026-01-01T00:00:00Z", "end": "2030-01-01T00:00:01Z"}},
    "media": {"media": {"include": ["theatrical"], "exclude": []}},
    "use": {"use": {"include": ["adapt"], "exclude": []}},
    "exclusivity": {"exclusivity": "exclusive"},
    "sublicensing": {"sublicensing": {"allowed": True, "max_depth": 2}},
    "ai_use": {
        "ai_use": {
            "data_mining": "permitted",
            "inference": "prohibited",
            "generative_training": "prohibited",
            "other_training": "prohibited",
        }
    },
}


@pytest.mark.parametrize("term", EXCEEDING)
def test_a_sublicence_that_exceeds_its_parent_is_refused_with_the_term_named(
    desk: Desk, rival: Party, term: str
) -> None:
    request = asked(desk, root(desk), rival, EXCEEDING[term])
    answer = desk.licensee.post("/v1/licences", request)
    assert problem(answer) == (422, "exceeds-parent", f"terms.{term}")
    assert request["parent"] in answer.json()["detail"]
    assert f"narrow the term {term}" in answer.json()["hint"]


def test_the_same_as_an_event_and_as_a_signed_statement(desk: Desk, rival: Party) -> None:
    made = root(desk)
    request = asked(desk, made, rival, EXCEEDING["territory"])
    pointer = told(desk.licensee.post("/v1/status-indexes"))
    body = {"object": made[1], "title_chain": [made[1], made[0]], "status": pointer, "parent": made[0]}
    event = {"type": "licence.grant", "body": {**body, "holder": rival.id}, "private": request["terms"]}
    assert problem(desk.licensee.post("/v1/events", event)) == (422, "exceeds-parent", "private.territory")
    world, subject = desk.house.world, desk.house.world.identifier(Letter.LICENCE)
    grant = LicenceGrant(made[1], (made[1], made[0]), StatusPointer(**pointer), rival.id, made[0])
    statement = world.say(desk.licensee.who, "licence.grant", subject, grant, request["terms"])
    opened = world.disclosures[statement.statement_id]
    assert problem(desk.licensee.state(statement, *opened)) == (422, "exceeds-parent", "private.territory")
    # What the service is not shown it cannot compare: the rules admit it, and no offline check permits more by it.
    told(desk.licensee.state(statement, *(one for one in opened if one.name != "territory")))


@pytest.mark.parametrize("term", EXCEEDING)
def test_a_refusal_tells_nobody_else_the_terms_of_the_parent(desk: Desk, rival: Party, term: str) -> None:
    """They are private: whoever asks for too much of what is another's is told that it is another's."""
    made = root(desk)
    request = asked(desk, made, rival, EXCEEDING[term])
    pointer = told(rival.post("/v1/status-indexes"))
    body = {"object": made[1], "title_chain": [made[1], made[0]], "status": pointer, "parent": made[0]}
    event = {"type": "licence.grant", "body": {**body, "holder": rival.id}, "private": request["terms"]}
    world = desk.house.world
    grant = LicenceGrant(made[1], (made[1], made[0]), StatusPointer(**pointer), rival.id, made[0])
    said = world.say(rival.who, "licence.grant", world.identifier(Letter.LICENCE), grant, request["terms"])
    opened = world.disclosures[said.statement_id]
    for who in (rival, desk.studio):
        answers = [who.post("/v1/licences", request), who.post("/v1/events", event)]
        answers += [rival.state(said, *opened)] if who is rival else []
        for answer in answers:
            assert problem(answer) == (403, "not-holder", "body.parent")


def test_a_sublicence_is_recorded_once(desk: Desk, rival: Party) -> None:
    request = asked(desk, root(desk), rival, event_id="sublicence-again", sublicences=None)
    first, second = (desk.licensee.post("/v1/licences", request) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


def test_cross_party_attempts(desk: Desk, rival: Party, studio: Party) -> None:
    made = root(desk)
    child = sub(desk, made, rival)
    for stranger in (studio, rival, desk.studio):
        answer = stranger.post("/v1/licences", asked(desk, made, studio))
        assert problem(answer) == (403, "not-holder", "body.parent")
    for stranger in (studio, rival, desk.studio):
        assert problem(desk.status(child, "revoke", who=stranger)) == (403, "not-holder", "iss")
        consent = stranger.post(f"/v1/licences/{child}/consent", {"to": studio.id})
        assert problem(consent) == (403, "not-holder", "iss")
    move = {"to": studio.id, "holder_kid": "ab" * 32, "grounds": "agreement"}
    for stranger in (studio, desk.studio, desk.licensee):
        assert problem(stranger.post(f"/v1/licences/{child}/transfer", move)) == (403, "not-holder", "iss")
    assert problem(rival.post(f"/v1/licences/{child}/transfer", move)) == (409, "no-consent", "body.to")


def test_more_depth_than_the_term_allows_is_not_stated_openly(desk: Desk) -> None:
    object_id, data = desk.picture()
    request = {"object": object_id, "terms": desk.terms(object_id, data), "sublicences": 1}
    assert problem(desk.studio.post("/v1/licences", request)) == (422, "inconsistent", "sublicences")


def change(desk: Desk, licence: str, action: str, after: int, who: Party | None = None, **more: Any) -> Any:
    effective = format_time(desk.house.world.clock + after)
    body = {"action": action, "grounds": "request", "effective": effective, **more}
    return (who or desk.studio).post(f"/v1/licences/{licence}/status", body)


def test_a_change_is_meant_for_later_and_withdrawn_in_time(desk: Desk, rival: Party) -> None:
    made = root(desk)
    child = sub(desk, made, rival)
    said = told(change(desk, made[0], "revoke", 30 * DAY))
    assert [status_of(desk, child, at) for at in (0, 30 * DAY)] == ["valid", "revoked"]
    told(change(desk, made[0], "withdraw", 0, change=said["position"]))
    assert status_of(desk, child, 400 * DAY) == "valid"
    told(change(desk, made[0], "suspend", -DAY))
    assert [status_of(desk, child, at) for at in (-DAY - 1, -DAY)] == ["valid", "suspended"]
    assert problem(desk.licensee.post("/v1/licences", asked(desk, made, rival))) == (409, "wrong-state", "body.parent")


def test_a_change_that_is_repeated_without_its_time_is_the_same_change(desk: Desk) -> None:
    licence, *_ = root(desk)
    body = {"action": "suspend", "grounds": "request", "event_id": "suspend-again"}
    first = desk.studio.post(f"/v1/licences/{licence}/status", body)
    desk.house.world.clock += 60
    second = desk.studio.post(f"/v1/licences/{licence}/status", body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["position"] == second.json()["position"]


def test_a_transfer_with_consent(desk: Desk, rival: Party) -> None:
    made = root(desk)
    told(desk.studio.post(f"/v1/licences/{made[0]}/consent", {"to": rival.id}))
    kid = rival.who.signer.public.kid.hex()
    move = {"to": rival.id, "holder_kid": kid, "grounds": "agreement", "event_id": f"move-{made[0][-6:]}"}
    first = desk.licensee.post(f"/v1/licences/{made[0]}/transfer", move)
    desk.house.world.clock += 60
    second = desk.licensee.post(f"/v1/licences/{made[0]}/transfer", move)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["status"] == second.json()["status"]
    assert problem(desk.licensee.post("/v1/licences", asked(desk, made, rival))) == (403, "not-holder", "body.parent")
    request = asked(desk, made, desk.licensee)
    told(rival.post("/v1/licences", request))


# --- what is handed out -------------------------------------------------------------


def card(desk: Desk, who: Party, licence: str, folder: Path) -> Path:
    told(who.post(f"/v1/licences/{licence}/card", {}))
    answer = who.get(f"/v1/licences/{licence}/card")
    assert answer.status_code == 200, answer.text
    path = folder / f"{licence[-6:]}.png"
    path.write_bytes(answer.content)
    return path


def evidence(desk: Desk, licence: str) -> bytes:
    desk.publish()
    answer = desk.house.http.get(f"/v1/licences/{licence}/staple?version=2")
    assert answer.status_code == 200, answer.text
    return answer.content


def check(desk: Desk, file: Path, licence: str, question: str = "play in DE on streaming") -> tuple[str, str, str]:
    """The answer, the stage that decides, and its words."""
    from tallystick.licence.check import CheckRequest, check_licence
    from tallystick.licence.evidence import decode_status
    from tallystick.licence.file import read_licence_file
    from tallystick.licence.question import parse_question
    from tallystick.licence.status_list import FreshnessPolicy

    at = desk.house.world.now()
    request = CheckRequest(parse_question(question), at, FreshnessPolicy(DAY))
    status = decode_status(evidence(desk, licence))
    found = check_licence(read_licence_file(file, desk.trust, at), desk.trust.logs, request, status)
    return found.answer.value, found.deciding.stage.value, found.deciding.text.en


def test_a_sublicence_is_checked_offline_with_all_that_stands_above_it(
    desk: Desk, rival: Party, tmp_path: Path
) -> None:
    made = root(desk)
    child = sub(desk, made, rival, terms={"territory": {"include": ["DE"], "exclude": []}})
    file = card(desk, desk.licensee, child, tmp_path)
    assert check(desk, file, child)[0] == "valid"
    assert check(desk, file, child, "play in AT on streaming")[:2] == ("not_valid", "question")
    told(change(desk, made[0], "revoke", 0))
    assert check(desk, file, child)[:2] == ("not_valid", "status")


def test_what_the_parent_denies_is_denied_though_the_sublicence_grants_it(
    desk: Desk, rival: Party, tmp_path: Path
) -> None:
    """The service was not shown the term, so it could not refuse; the parent's clause decides."""
    made = root(desk)
    request = asked(desk, made, rival, EXCEEDING["territory"])
    world, subject = desk.house.world, desk.house.world.identifier(Letter.LICENCE)
    pointer = told(desk.licensee.post("/v1/status-indexes"))
    grant = LicenceGrant(made[1], (made[1], made[0]), StatusPointer(**pointer), rival.id, made[0])
    statement = world.say(desk.licensee.who, "licence.grant", subject, grant, request["terms"])
    opened = world.disclosures[statement.statement_id]
    told(desk.licensee.state(statement, *(one for one in opened if one.name != "territory")))
    file = card(desk, desk.licensee, subject, tmp_path)
    answer, stage, why = check(desk, file, subject, "play in FR on streaming")
    assert (answer, stage) == ("not_valid", "question")
    assert why.startswith(f"the parent licence {made[0]}: FR is not granted")
    assert check(desk, file, subject)[0] == "cannot_tell"


def test_a_licence_as_an_agreement_of_odrl(desk: Desk, rival: Party) -> None:
    made = root(desk)
    child = sub(desk, made, rival)
    answer = rival.get(f"/v1/licences/{child}/odrl")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/ld+json")
    found = answer.json()
    assert (found["@type"], found["uid"], found["ts:parent"]) == (
        "Agreement", f"info:doi/{child}", {"@id": f"info:doi/{made[0]}"}
    )  # fmt: skip
    parties = {(one["assigner"], one["assignee"]) for one in found["permission"]}
    assert parties == {(f"info:doi/{desk.licensee.id}", f"info:doi/{rival.id}")}
    assert problem(desk.studio.get(f"/v1/licences/{child}/odrl"))[:2] == (403, "forbidden")
    unknown = desk.house.world.identifier(Letter.LICENCE)
    assert problem(rival.get(f"/v1/licences/{unknown}/odrl"))[:2] == (404, "not-found")
