"""Settlements as two parties make them: recorded, accepted, corrected; seen in cases, and changing no answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api.services import settlements
from tallystick.client.http import Client, ServiceProblem
from tallystick.identifiers import Letter
from tallystick.licence.evidence import decode_evidence
from tallystick.report.as_text import text_report
from tallystick.statement import Statement, parse_statement
from tests.api.desk import AnchorDriver, Desk, disclosed_values, told
from tests.api.house import Party, problem
from tests.api.test_licence_tokens import ASKED
from tests.api.test_sublicences import root, sub

SECRET = "7654321"
VALUES = {
    "amount": {"amount": SECRET, "currency": "EUR"},
    "rounding": "half-even",
    "reference": "statement of the first quarter",
}
PERIOD = {"start": "2026-01-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"}


def asked(desk: Desk, subject: str, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "parties": [desk.studio.id, desk.licensee.id], "values": VALUES, **more}


def settle(desk: Desk, subject: str, who: Party | None = None, **more: Any) -> int:
    return int(told((who or desk.studio).post("/v1/settlements", asked(desk, subject, **more)))["position"])


def accept(desk: Desk, position: int, who: Party | None = None) -> None:
    told((who or desk.licensee).post(f"/v1/settlements/{position}/accept", {}))


def states(desk: Desk, subject: str) -> list[tuple[int, str]]:
    """As anybody reads them."""
    answer = told(desk.house.http.get("/v1/settlements", params={"subject": subject}), 200)
    assert SECRET not in json.dumps(answer)
    return [(one["position"], one["state"]) for one in answer["settlements"]]


def test_page_by_page(desk: Desk) -> None:
    """Anybody may ask, and one side alone may record as many as it likes."""
    licence, _ = desk.licence()
    made = [settle(desk, licence) for _ in range(3)]
    asked_of: dict[str, Any] = {"subject": licence, "limit": 2}
    first = told(desk.house.http.get("/v1/settlements", params=asked_of), 200)
    rest = told(desk.house.http.get("/v1/settlements", params={**asked_of, "cursor": first["next"]}), 200)
    assert [[one["position"] for one in page["settlements"]] for page in (first, rest)] == [made[:2], made[2:]]
    assert rest["next"] is None
    assert problem(desk.house.http.get("/v1/settlements", params={**asked_of, "limit": 1001}))[0] == 422


def test_recorded_by_one_side_accepted_by_the_other_corrected_by_both(desk: Desk) -> None:
    licence, _ = desk.licence()
    assert states(desk, licence) == []
    first = settle(desk, licence, period=PERIOD)
    assert states(desk, licence) == [(first, "offered")]
    accept(desk, first)
    second = settle(desk, licence, desk.licensee, period=PERIOD, supersedes=first)
    assert states(desk, licence) == [(first, "agreed"), (second, "offered")]
    accept(desk, second, desk.studio)
    assert states(desk, licence) == [(first, "superseded"), (second, "agreed")]
    answer = desk.studio.post("/v1/settlements", asked(desk, licence, supersedes=first))
    assert problem(answer) == (409, "wrong-state", "body.supersedes")


def test_many_of_one_licence_are_not_looked_at_for_each_of_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody may ask; two parties decide how many there are."""
    licence, _ = desk.licence()
    body = {"parties": sorted((desk.studio.id, desk.licensee.id))}
    said = [{"type": "settlement.record", "subject": licence, "body": body, "private": VALUES}] * 60
    told(desk.studio.post("/v1/events/batch", {"events": said}), 200)
    read: list[bytes] = []

    def parse(entry: bytes) -> Statement:
        read.append(entry)
        return parse_statement(entry)

    monkeypatch.setattr(settlements, "parse_statement", parse)
    assert [state for _, state in states(desk, licence)] == ["offered"] * 60
    assert len(read) <= 2 * 60


def test_who_accepts_sees_the_amount_and_nobody_else_does(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    at = settle(desk, licence)
    for who in (desk.studio, desk.licensee, desk.house.registrar):
        assert SECRET in json.dumps(told(who.get(f"/v1/events/{at}"), 200)["disclosures"])
    assert SECRET not in rival.get(f"/v1/events/{at}").text
    assert SECRET not in desk.house.http.get(f"/v1/events/{at}").text


def test_said_again_it_is_recorded_once(desk: Desk) -> None:
    licence, _ = desk.licence()
    request = asked(desk, licence, event_id=f"settled-{licence[-4:]}")
    answers = [desk.studio.post("/v1/settlements", request) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 200]
    assert answers[0].json()["position"] == answers[1].json()["position"]
    assert len(states(desk, licence)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"values": {}}, "private.amount"),
        ({"values": {"amount": {"amount": 12, "currency": "EUR"}}}, "values.amount.amount"),
        ({"values": {"amount": {"amount": "012", "currency": "EUR"}}}, "values.amount.amount"),
        ({"values": {"amount": {"amount": "12", "currency": "euro"}}}, "values.amount.currency"),
        ({"values": {**VALUES, "shares": []}}, "values.shares"),
        ({"values": {**VALUES, "rounding": "as we like"}}, "values.rounding"),
        ({"values": {**VALUES, "bonus": "1"}}, "values.bonus"),
        ({"parties": ["10.5555/P-0"]}, "parties"),
        ({"period": {"start": PERIOD["start"]}}, "period.end"),
        ({"period": {"start": PERIOD["end"], "end": PERIOD["start"]}}, "body.period.end"),
        ({"rings": 1}, "rings"),
    ],
)
def test_what_is_no_settlement(desk: Desk, changes: dict[str, Any], field: str) -> None:
    licence, _ = desk.licence()
    answer = desk.studio.post("/v1/settlements", {**asked(desk, licence), **changes})
    status, _, found = problem(answer)
    assert (status, found) == (422, field)
    assert states(desk, licence) == []


def test_cross_party_attempts(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    answer = rival.post("/v1/settlements", asked(desk, licence))
    assert problem(answer) == (403, "not-entitled", "iss")
    at = settle(desk, licence)
    path = f"/v1/settlements/{at}/accept"
    assert problem(rival.post(path, {})) == (403, "not-entitled", "iss")
    assert problem(desk.studio.post(path, {})) == (409, "wrong-state", "body.record")
    assert problem(desk.house.http.post(path, json={})) == (401, "unauthenticated", None)
    assert problem(desk.licensee.post(f"/v1/settlements/{at - 1}/accept", {})) == (404, "not-found", "record")
    unknown = desk.house.world.identifier(Letter.LICENCE)
    answer = desk.house.http.get("/v1/settlements", params={"subject": unknown})
    assert problem(answer) == (404, "not-found", "subject")
    assert states(desk, licence) == [(at, "offered")]


AMONG = "agreed-among-those-named"


def found(desk: Desk, subject: str) -> list[tuple[str, list[str]]]:
    """State, and who is concerned and not named, as anybody reads them."""
    answer = told(desk.house.http.get("/v1/settlements", params={"subject": subject}), 200)
    return [(one["state"], one["unnamed"]) for one in answer["settlements"]]


@pytest.mark.parametrize("alone", ["licensee", "studio"])
def test_one_side_and_a_party_of_its_choice_agree_among_themselves_alone(desk: Desk, rival: Party, alone: str) -> None:
    licence, _ = desk.licence()
    one, other = (desk.licensee, desk.studio) if alone == "licensee" else (desk.studio, desk.licensee)
    at = settle(desk, licence, one, parties=[one.id, rival.id])
    assert found(desk, licence) == [("offered", [other.id])]
    accept(desk, at, rival)
    assert found(desk, licence) == [(AMONG, [other.id])]


def test_a_third_party_may_agree_with_both_sides(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    at = settle(desk, licence, parties=[desk.studio.id, desk.licensee.id, rival.id])
    accept(desk, at)
    accept(desk, at, rival)
    assert found(desk, licence) == [("agreed", [])]


def test_of_a_licence_whose_holder_nobody_names_openly_nobody_can_tell(desk: Desk, rival: Party) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data, holder=None)
    accept(desk, settle(desk, licence, parties=[desk.studio.id, rival.id]), rival)
    assert found(desk, licence) == [(AMONG, [])]


def test_who_is_concerned_is_decided_when_it_is_recorded(desk: Desk, rival: Party) -> None:
    object_id, data = desk.picture()
    licence = desk.grant(object_id, data, transfer="free")
    accept(desk, settle(desk, licence))
    move = {"to": rival.id, "holder_kid": rival.who.signer.public.kid.hex(), "grounds": "agreement"}
    told(desk.licensee.post(f"/v1/licences/{licence}/transfer", move))
    accept(desk, settle(desk, licence))
    assert found(desk, licence) == [("agreed", []), (AMONG, [rival.id])]


def test_what_it_settles_besides_concerns_others(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    object_id, data = desk.picture()
    kid = rival.who.signer.public.kid.hex()
    terms = desk.terms(object_id, data, licensee={"party": rival.id, "holder_kid": kid})
    also = desk.grant(object_id, data, terms=terms, holder=rival.id)
    accept(desk, settle(desk, licence, also=[also]))
    assert found(desk, licence) == [(AMONG, [rival.id])]


def test_a_sublicence_is_settled_between_its_holder_and_that_of_the_licence_above(desk: Desk, rival: Party) -> None:
    made = root(desk)
    below = sub(desk, made, rival)
    accept(desk, settle(desk, below, desk.licensee, parties=[desk.licensee.id, rival.id]), rival)
    assert found(desk, below) == [("agreed", [])]


def test_a_claimant_settles_no_dispute_without_the_other_side(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    dispute = str(desk.licensee.record("dispute.open", {"target": licence, "claim": "licence"})["subject"])
    accept(desk, settle(desk, dispute, desk.licensee, parties=[desk.licensee.id, rival.id]), rival)
    assert found(desk, dispute) == [(AMONG, [desk.studio.id])]
    object_id, _ = desk.picture()
    disputed = str(rival.record("dispute.open", {"target": object_id, "claim": "authorship"})["subject"])
    accept(desk, settle(desk, disputed, rival, parties=[rival.id, desk.licensee.id]))
    accept(desk, settle(desk, disputed, rival, parties=[rival.id, desk.studio.id]), desk.studio)
    assert found(desk, disputed) == [(AMONG, [desk.studio.id]), ("agreed", [])]


def test_a_settlement_changes_no_answer(desk: Desk) -> None:
    licence, _ = desk.licence()
    desk.publish()

    def answers() -> list[tuple[str, str]]:
        found = []
        for question in (ASKED, "play in US on streaming"):
            sent = {"question": question, "licence": licence}
            one = told(desk.licensee.post("/v1/licences/check", sent), 200)
            found.append((one["answer"], one["deciding"]["stage"]))
        return found

    before = answers()
    at = settle(desk, licence)
    accept(desk, at)
    desk.publish()
    assert answers() == before
    proof = decode_evidence(desk.house.http.get(f"/v1/licences/{licence}/staple?version=2").content)
    assert at not in [one.index for one in proof.entries], "evidence of a licence is of what decides it"


def test_a_case_shows_it_to_a_court(desk: Desk, anchor: AnchorDriver) -> None:
    licence, _ = desk.licence()
    at = settle(desk, licence, period=PERIOD)
    accept(desk, at)
    anchor.anchor()
    bundle = desk.export(desk.licensee, "licence", licence).content
    assert SECRET.encode() in disclosed_values(bundle)
    bare = desk.export(desk.licensee, "licence", licence, disclose="none").content
    assert SECRET.encode() not in disclosed_values(bare)
    for each in (bundle, bare):
        report = desk.verify(each)
        assert report.verdict == "proved", report
        for lang, words in (("en", ("settlement recorded", "settlement accepted")), ("zh", ("结算记录", "结算确认"))):
            told_of = text_report(report, lang)
            assert all(word in told_of for word in words)


def test_a_dispute_is_settled(desk: Desk, anchor: AnchorDriver) -> None:
    licence, _ = desk.licence()
    body = {"target": licence, "claim": "licence"}
    dispute = str(desk.licensee.record("dispute.open", body)["subject"])
    at = settle(desk, dispute)
    accept(desk, at)
    assert states(desk, dispute) == [(at, "agreed")]
    anchor.anchor()
    report = desk.verify(desk.export(desk.studio, "dispute", dispute).content)
    assert "settlement recorded" in text_report(report, "en")


def test_with_the_client(desk: Desk) -> None:
    """The whole life of a licence, as a pipeline lives it."""
    http, world = str(desk.house.http.base_url), desk.house.world
    heir = desk.house.party("licensee")
    object_id, data = desk.picture()
    deep = {"allowed": True, "max_depth": 1}
    terms = desk.terms(object_id, data, sublicensing=deep)
    with Client(http, desk.studio.token) as studio, Client(http, desk.licensee.token) as licensee:
        granted = studio.grant_licence(object_id, terms, holder=desk.licensee.id, sublicences=1)
        licence = granted["licence"]
        kid = heir.who.signer.public.kid.hex()
        child_terms = desk.terms(
            object_id,
            data,
            sublicensing={"allowed": False, "max_depth": 0},
            licensee={"party": heir.id, "holder_kid": kid},
        )
        child = licensee.grant_licence(object_id, child_terms, holder=heir.id, parent=licence)["licence"]
        assert child != licence
        settled = studio.settle(licence, [desk.studio.id, desk.licensee.id], VALUES, period=PERIOD)["position"]
        licensee.accept_settlement(settled)
        with Client(http) as anybody:
            assert [one["state"] for one in anybody.settlements(licence)] == ["agreed"]
        studio.change_licence(licence, "suspend", "non-payment")
        studio.change_licence(licence, "reinstate", "remedied")
        with pytest.raises(ServiceProblem, match="no-consent"):
            licensee.transfer_licence(licence, heir.id, kid, "agreement")
        studio.consent_to_transfer(licence, heir.id)
        moved = licensee.transfer_licence(licence, heir.id, kid, "agreement")
        assert moved["status"] != granted["status"]
        agreement = studio.licence_agreement(licence)
        assert {one["assignee"] for one in agreement["permission"]} == {f"info:doi/{heir.id}"}
    entry = parse_statement(desk.house.http.get(f"/v1/entries/{settled}").content)
    assert (entry.event.type, entry.event.subject, world.origin) == (
        "settlement.record", licence, desk.house.services.voices.origin
    )  # fmt: skip
