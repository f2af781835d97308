"""What another's evidence rests on its speaker does not have erased: terms, who acquired a licence, what was agreed."""

from __future__ import annotations

from typing import Any

import pytest

from api.services.vetting import Vetting
from ledger.submission import prepare
from tallystick.admission import Refused
from tallystick.events.erasure import Erasure
from tallystick.events.licence import LicenceGrant
from tallystick.identifiers import Letter
from tallystick.schema import write
from tests.api.desk import Desk, picture_bytes, registration, told
from tests.api.house import House, Party, problem
from tests.api.test_erasures import erase, position_of
from tests.api.test_former_holders import move
from tests.api.test_licence_files import card_of, credential_of, shown_names
from tests.api.test_licence_tokens import issued
from tests.api.test_settlements import accept, settle
from tests.api.test_status_chains import free, pointer

THEIRS = (403, "not-entitled", "body.position")


@pytest.fixture(scope="module")
def buyer(house: House) -> Party:
    return house.party("licensee")


def asked(desk: Desk, who: Party, position: int, subject: str, *names: str) -> Any:
    """In each way that there is; what all of them come to."""
    world, body = desk.house.world, Erasure(position, names, "purpose-ended")
    said = world.say(who.who, "disclosure.erase", subject, body)
    batch = {"events": [{"type": "disclosure.erase", "body": write(body), "subject": subject}]}
    (one,) = told(who.post("/v1/events/batch", batch), 200)["results"]
    found = {
        problem(who.submit("disclosure.erase", body, subject=subject)),
        problem(who.state(said)),
        (one["status"], one["code"], one["field"]),
    }
    entered = desk.house.http.post("/entries", content=said.entry, headers={"Content-Type": "application/cose"})
    assert entered.is_client_error
    (same,) = found
    return same


def kept(desk: Desk, position: int) -> set[str]:
    with desk.house.services.log.store.snapshot() as reads:
        return set(reads.disclosures(position))


def test_a_licensor_does_not_erase_the_terms_of_anothers_licence(desk: Desk) -> None:
    licence, _ = desk.licence()
    card, at = card_of(desk, licence), position_of(desk, licence, "licence.grant")
    before = kept(desk, at)
    assert asked(desk, desk.studio, at, licence, "media", "territory") == THEIRS
    assert kept(desk, at) == before
    assert desk.licensee.get(f"/v1/licences/{licence}/card").content == card
    assert "territory" in shown_names(credential_of(desk, card))
    erase(desk.house.registrar, at, licence, "territory")
    assert kept(desk, at) == before - {"territory"}


def test_a_licensor_does_not_erase_the_terms_of_a_licence_that_others_acquired(desk: Desk, buyer: Party) -> None:
    """Whoever held it first may be the licensor itself: what counts is who holds it now, too."""
    licence, _ = free(desk)
    move(desk, licence, buyer)
    move(desk, licence, desk.studio, buyer)
    at = position_of(desk, licence, "licence.grant")
    assert asked(desk, desk.studio, at, licence, "media") == THEIRS
    move(desk, licence, buyer, desk.studio)
    assert asked(desk, desk.studio, at, licence, "media") == THEIRS


def test_a_former_holder_does_not_erase_who_acquired_the_licence(desk: Desk, buyer: Party) -> None:
    licence, _ = free(desk)
    at = move(desk, licence, buyer)
    assert asked(desk, desk.licensee, at, licence, "licensee") == THEIRS
    assert issued(desk, licence, buyer).holder == buyer.who.signer.public


def test_nobody_erases_what_another_agreed_to(desk: Desk) -> None:
    licence, _ = desk.licence()
    at = settle(desk, licence)
    accept(desk, at)
    assert asked(desk, desk.studio, at, licence, "amount") == THEIRS
    assert "amount" in kept(desk, at)
    erase(desk.house.registrar, at, licence, "amount")
    assert "amount" not in kept(desk, at)


def test_what_nobody_agreed_to_its_speaker_erases(desk: Desk) -> None:
    licence, _ = desk.licence()
    at = settle(desk, licence)
    erase(desk.studio, at, licence, "amount")
    assert "amount" not in kept(desk, at)


@pytest.mark.parametrize("holder", ["nobody", "the licensor"])
def test_terms_of_a_licence_that_names_nobody_else_are_its_licensors(desk: Desk, holder: str) -> None:
    world, (object_id, data) = desk.house.world, desk.picture()
    licence, named = world.identifier(Letter.LICENCE), None if holder == "nobody" else desk.studio.id
    body = LicenceGrant(object_id, (object_id,), pointer(desk), named)
    said = world.say(desk.studio.who, "licence.grant", licence, body, desk.terms(object_id, data))
    at = desk.said(desk.studio, said)
    erase(desk.studio, at, licence, "media")
    assert "media" not in kept(desk, at)


def test_a_rival_is_refused_by_the_rules(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    at = position_of(desk, licence, "licence.grant")
    assert asked(desk, rival, at, licence, "media") == (403, "not-entitled", "iss")


def test_an_erasure_ahead_of_its_entry_is_refused(desk: Desk) -> None:
    """It went to the log behind the entry that came in between: whoever expects one would say it again and again."""
    licence, _ = desk.licence()
    world, store = desk.house.world, desk.house.services.log.store
    with store.snapshot() as reads:
        body = Erasure(reads.size(), ("media",), "purpose-ended")
        said = world.say(desk.studio.who, "disclosure.erase", licence, body)
        (vetted,) = Vetting("log.example").vet_all(reads, [prepare(said)])
    assert isinstance(vetted, Refused)
    assert (vetted.code, vetted.field) == ("unknown-commitment", "body.position")


def test_an_erasure_that_stands_is_said_again(desk: Desk) -> None:
    """The other side agreed after it: whoever repeats it is told where it stands."""
    licence, _ = desk.licence()
    at = settle(desk, licence)
    said = desk.house.world.say(desk.studio.who, "disclosure.erase", licence, Erasure(at, ("amount",), "purpose-ended"))
    first = told(desk.studio.state(said))
    accept(desk, at)
    assert told(desk.studio.state(said), 200)["position"] == first["position"]


def test_a_licensor_has_no_card_of_anothers_removed_that_does_not_show_what_it_erased(desk: Desk) -> None:
    """Nobody but the licensor has a new one made."""
    data = picture_bytes(next(desk.shades))
    private = {"title": "The Lantern", "note": "of no concern to others"}
    object_id = str(desk.studio.record("object.register", registration(data), private=private)["subject"])
    licence = desk.grant(object_id, data)
    card, at = card_of(desk, licence), position_of(desk, object_id, "object.register")
    assert "title" in shown_names(credential_of(desk, card))
    erase(desk.studio, at, object_id, "note")
    assert desk.licensee.get(f"/v1/licences/{licence}/card").content == card
    desk.house.services.erased.sweep()
    assert desk.licensee.get(f"/v1/licences/{licence}/card").content == card
    erase(desk.studio, at, object_id, "title")
    assert desk.licensee.get(f"/v1/licences/{licence}/card").status_code == 404
