"""Whoever held a licence before, or the licence above it, has no part in it any more: tokens, files, terms, answers."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from api.services import licence_files
from credentials.card import LicenceCard
from tallystick.events.erasure import Erasure
from tallystick.events.licence import LicenceTransfer
from tallystick.licence.evidence import decode_evidence
from tallystick.times import format_time
from tests.api.desk import Desk, case_of, told
from tests.api.house import House, Party, problem
from tests.api.test_licence_tokens import ASKED, issued
from tests.api.test_status_chains import HOUR, free, pointer, sublicence, transferred

CONFLICT = (409, "conflict", "licence")


@pytest.fixture(scope="module")
def buyer(house: House) -> Party:
    return house.party("licensee")


def move(desk: Desk, licence: str, to: Party, who: Party | None = None) -> int:
    """The holder hands the licence on through the service; where that stands."""
    asked = {"to": to.id, "holder_kid": to.who.signer.public.kid.hex(), "grounds": "agreement"}
    return int(told((who or desk.licensee).post(f"/v1/licences/{licence}/transfer", asked))["position"])


# --- tokens ---------------------------------------------------------------------------------------


def test_no_token_for_a_former_holder_whose_successor_is_not_told(desk: Desk, buyer: Party) -> None:
    """The transfer is signed by the holder itself, who keeps its private value back."""
    licence, _ = free(desk)
    world = desk.house.world
    licensee = {"party": buyer.id, "holder_kid": buyer.who.signer.public.kid.hex()}
    body = LicenceTransfer(buyer.id, "agreement", world.now(), pointer(desk))
    said = world.say(desk.licensee.who, "licence.transfer", licence, body, {"licensee": licensee})
    told(desk.licensee.state(said))
    for who in (desk.studio, buyer):
        assert problem(who.post(f"/v1/licences/{licence}/token", {"disclose": []})) == CONFLICT


def test_no_token_for_a_former_holder_whose_successor_was_erased(desk: Desk, buyer: Party) -> None:
    licence, _ = free(desk)
    at = move(desk, licence, buyer)
    assert issued(desk, licence, buyer).holder == buyer.who.signer.public
    desk.house.registrar.record("disclosure.erase", Erasure(at, ("licensee",), "purpose-ended"), subject=licence)
    for who in (desk.studio, buyer):
        assert problem(who.post(f"/v1/licences/{licence}/token", {"disclose": []})) == CONFLICT


def test_no_token_for_whom_the_term_names_and_the_log_does_not(desk: Desk, buyer: Party, house: House) -> None:
    """The holder hands the licence to the buyer, and commits to a friend as its licensee."""
    licence, _ = free(desk)
    world, friend = desk.house.world, house.party("licensee")
    licensee = {"party": friend.id, "holder_kid": friend.who.signer.public.kid.hex()}
    body = LicenceTransfer(buyer.id, "agreement", world.now(), pointer(desk))
    desk.said(desk.licensee, world.say(desk.licensee.who, "licence.transfer", licence, body, {"licensee": licensee}))
    for who in (desk.studio, buyer):
        assert problem(who.post(f"/v1/licences/{licence}/token", {"disclose": ["use"]})) == CONFLICT


def test_no_token_of_a_licence_whose_end_was_recorded_ahead_and_has_come(desk: Desk) -> None:
    licence, _ = desk.licence()
    effective = format_time(desk.house.world.clock + HOUR)
    change = {"action": "revoke", "grounds": "breach", "effective": effective}
    told(desk.studio.post(f"/v1/licences/{licence}/status", change))
    path = f"/v1/licences/{licence}/token"
    assert desk.licensee.post(path, {}).status_code == 200, "not yet"
    desk.house.world.clock += HOUR
    assert problem(desk.licensee.post(path, {})) == (409, "wrong-state", "licence")
    assert problem(desk.licensee.post(f"/v1/licences/{licence}/vc", {})) == (409, "wrong-state", "licence")


def test_no_token_of_a_sublicence_whose_parent_is_not_in_force(desk: Desk, buyer: Party) -> None:
    parent, _ = free(desk, sublicences=1)
    child, _ = sublicence(desk, parent, buyer)
    path = f"/v1/licences/{child}/token"
    assert buyer.post(path, {}).status_code == 200
    told(desk.status(parent, "suspend"))
    assert problem(buyer.post(path, {})) == (409, "wrong-state", "licence")


# --- who stood above ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sold:
    """A sublicence whose parent went from ``former`` to ``current``."""

    licence: str
    former: Party
    current: Party


@pytest.fixture(scope="module")
def sold(desk: Desk, house: House) -> Sold:
    """A parent, a sublicence of it with a card, and the parent sold: the former parent's holder keeps nothing."""
    parent, _ = free(desk, sublicences=1)
    child, _ = sublicence(desk, parent, house.party("licensee"))
    told(desk.licensee.post(f"/v1/licences/{child}/card", {}))
    current = house.party("licensee")
    move(desk, parent, current)
    desk.publish()
    return Sold(child, desk.licensee, current)


def test_tokens_of_a_sublicence_are_for_who_holds_the_parent_now(sold: Sold) -> None:
    for kind in ("token", "vc"):
        path = f"/v1/licences/{sold.licence}/{kind}"
        assert problem(sold.former.post(path, {})) == (403, "forbidden", "licence")
        assert sold.current.post(path, {}).status_code == 200


def test_terms_above_are_for_who_holds_the_parent_now(sold: Sold) -> None:
    path = f"/v1/licences/{sold.licence}/staple?version=2"
    assert decode_evidence(sold.former.get(path).content).disclosures is None
    assert decode_evidence(sold.current.get(path).content).disclosures


def test_the_card_is_for_who_holds_the_parent_now(sold: Sold) -> None:
    path = f"/v1/licences/{sold.licence}/card"
    assert problem(sold.former.get(path)) == (403, "forbidden", "licence")
    assert sold.current.get(path).headers["content-type"] == "image/png"


def test_answers_by_identifier_are_for_who_holds_the_parent_now(sold: Sold) -> None:
    asked = {"question": ASKED, "licence": sold.licence}
    assert problem(sold.former.post("/v1/licences/check", asked)) == (403, "forbidden", "licence")
    assert told(sold.current.post("/v1/licences/check", asked), 200)["licence"] == sold.licence


def test_the_card_stands_in_a_case_of_who_holds_the_parent_now(desk: Desk, sold: Sold) -> None:
    for who, count in ((sold.former, 0), (sold.current, 1)):
        case = case_of(desk.export(who, "licence", sold.licence).content)
        assert len(case.credentials) == count


# --- what is written of a licence that was transferred -----------------------------------------------


def test_the_agreement_of_odrl_names_the_holder_of_now(desk: Desk, buyer: Party) -> None:
    licence, _ = free(desk)
    at = move(desk, licence, buyer)
    found = told(buyer.get(f"/v1/licences/{licence}/odrl"), 200)
    assert {one["assignee"] for one in found["permission"]} == {f"info:doi/{buyer.id}"}
    assert desk.licensee.id not in json.dumps(found)
    assert problem(desk.licensee.get(f"/v1/licences/{licence}/odrl"))[:2] == (403, "forbidden")
    desk.house.registrar.record("disclosure.erase", Erasure(at, ("licensee",), "purpose-ended"), subject=licence)
    answer = buyer.get(f"/v1/licences/{licence}/odrl")
    assert problem(answer)[:2] == (422, "malformed"), "who its licensee is, nobody here knows any more"
    assert "the term licensee is withheld" in answer.json()["detail"]


def test_the_card_prints_where_the_status_stands_now(desk: Desk, buyer: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[LicenceCard] = []
    made = licence_files.issue_card
    monkeypatch.setattr(
        licence_files, "issue_card", lambda signer, card, *rest: printed.append(card) or made(signer, card, *rest)
    )
    licence, before = free(desk)
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    now = transferred(desk, licence, buyer)
    told(desk.studio.post(f"/v1/licences/{licence}/card", {}))
    assert [one.status for one in printed] == [f"{one.list}#{one.index}" for one in (before, now)]
    assert [one.licensee for one in printed] == [desk.licensee.id, buyer.id]


# --- what was agreed with the former holder ------------------------------------------------------------


def test_a_later_holder_is_not_shown_what_another_agreed_to_pay(desk: Desk, buyer: Party) -> None:
    """The terms stay and their commitments with them; price and contract are between those who agreed on them."""
    licence, _ = free(desk)
    price = str(desk.terms("x", b"")["payment"]["amount"])
    before = issued(desk, licence, desk.licensee)
    assert "payment" in {one.name for one in before.shown}
    assert price in json.dumps(told(desk.licensee.get(f"/v1/licences/{licence}/odrl"), 200))
    move(desk, licence, buyer)
    desk.publish()

    def names(who: Party, **asked: object) -> set[str]:
        return {one.name for one in issued(desk, licence, who, **asked).shown}

    for who in (buyer, desk.studio, desk.house.registrar):
        assert {"use", "licensee"} <= names(who)
        assert not {"payment", "contract"} & names(who), "not unless they are asked for"
    for who in (desk.studio, desk.house.registrar):
        assert names(who, disclose=["payment", "use"]) == {"payment", "use"}
    refused = buyer.post(f"/v1/licences/{licence}/token", {"disclose": ["payment"]})
    assert problem(refused) == (422, "malformed", "disclose")
    assert problem(buyer.post(f"/v1/licences/{licence}/vc", {"disclose": ["payment"]}))[:2] == (422, "malformed")
    written = told(buyer.get(f"/v1/licences/{licence}/odrl"), 200)
    assert "payment" in written["ts:withheld"]
    assert price not in json.dumps(written)
    assert price in json.dumps(told(desk.studio.get(f"/v1/licences/{licence}/odrl"), 200))
    asked = {"question": "play in DE on streaming", "licence": licence}
    assert price not in json.dumps(told(buyer.post("/v1/licences/check", asked), 200))
    assert price in json.dumps(told(desk.studio.post("/v1/licences/check", asked), 200))
