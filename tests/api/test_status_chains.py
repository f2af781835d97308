"""What a status list says of licences that went on: transferred, sublicensed, to be suspended tomorrow."""

from __future__ import annotations

from typing import Any

import pytest

from api.services.kept import kept_terms
from tallystick.base64s import from_base64
from tallystick.commitments import parse_disclosure
from tallystick.events.licence import LicenceGrant, LicenceStatus, LicenceTransfer, StatusPointer
from tallystick.identifiers import Letter
from tallystick.licence.staple import decode_staple
from tallystick.licence.status_list import Status, StatusList, verify_status_list
from tallystick.times import format_time
from tallystick.token.status_jwt import verify_status_jwt
from tests.api.desk import Desk, told
from tests.api.house import House, Party
from tests.api.test_licence_tokens import evidence, issued, offline, shown
from tests.api.test_status_lists import listed

HOUR = 3600


@pytest.fixture(scope="module")
def heir(house: House) -> Party:
    return house.party("licensee")


def pointer(desk: Desk) -> StatusPointer:
    return StatusPointer(**told(desk.studio.post("/v1/status-indexes")))


def free(desk: Desk, **more: Any) -> tuple[str, StatusPointer]:
    """A licence that its holder may hand on, and where its status is."""
    world, (object_id, data) = desk.house.world, desk.picture()
    licence, at = world.identifier(Letter.LICENCE), pointer(desk)
    body = LicenceGrant(object_id, (object_id,), at, desk.licensee.id, transfer="free", **more)
    allowed = {"allowed": "sublicences" in more, "max_depth": more.get("sublicences", 0)}
    terms = desk.terms(object_id, data, sublicensing=allowed)
    desk.said(desk.studio, world.say(desk.studio.who, "licence.grant", licence, body, terms))
    return licence, at


def sublicence(desk: Desk, parent: str, heir: Party) -> tuple[str, StatusPointer]:
    """The licensee grants on what it has, to the heir, in two countries."""
    world = desk.house.world
    with desk.house.services.log.store.snapshot() as reads:
        above = {name: parse_disclosure(text).value for name, text in kept_terms(reads, parent).items()}
    object_id, child, at = above["asset"]["object"], world.identifier(Letter.LICENCE), pointer(desk)
    terms = {
        **{name: value for name, value in above.items() if name != "payment"},
        "licensee": {"party": heir.id, "holder_kid": heir.who.signer.public.kid.hex()},
        "territory": {"include": ["AT", "DE"], "exclude": []},
        "sublicensing": {"allowed": False, "max_depth": 0},
    }
    body = LicenceGrant(object_id, (object_id, parent), at, heir.id, parent)
    desk.said(desk.licensee, world.say(desk.licensee.who, "licence.grant", child, body, terms))
    return child, at


def status(desk: Desk, at: StatusPointer) -> Status:
    desk.publish()
    return listed(desk).status(at.index)


def change(desk: Desk, licence: str, action: str, later: int, **more: Any) -> int:
    """The licensor says a change that takes effect later."""
    effective = format_time(desk.house.world.clock + later)
    body = LicenceStatus(action, "breach", effective, **more)  # type: ignore[arg-type]
    return desk.said(desk.studio, desk.house.world.say(desk.studio.who, "licence.status", licence, body))


def transferred(desk: Desk, licence: str, heir: Party) -> StatusPointer:
    world, at = desk.house.world, pointer(desk)
    body = LicenceTransfer(heir.id, "agreement", world.now(), at)
    licensee = {"party": heir.id, "holder_kid": heir.who.signer.public.kid.hex()}
    said = world.say(desk.licensee.who, "licence.transfer", licence, body, {"licensee": licensee})
    desk.said(desk.licensee, said)
    return at


def test_after_a_transfer_the_old_index_is_dead(desk: Desk, heir: Party) -> None:
    licence, old = free(desk)
    assert status(desk, old) is Status.VALID
    new = transferred(desk, licence, heir)
    assert (status(desk, old), status(desk, new)) == (Status.INVALID, Status.VALID)
    told(desk.status(licence, "suspend"))
    assert (status(desk, old), status(desk, new)) == (Status.INVALID, Status.SUSPENDED)
    told(desk.status(licence, "reinstate", "remedied"))
    assert (status(desk, old), status(desk, new)) == (Status.INVALID, Status.VALID)


def stapled(desk: Desk, licence: str) -> StatusList:
    """The list in the licence's staple."""
    found = decode_staple(desk.staple(licence))
    key = desk.house.services.keyring.signers["status"].public
    return verify_status_list(from_base64(found.list), key, f"{desk.house.world.origin}/status/1")


def test_a_change_to_come_is_not_yet_and_no_staple_outlives_it(desk: Desk) -> None:
    licence, at = free(desk)
    change(desk, licence, "suspend", HOUR)
    found, now = stapled(desk, licence), desk.house.world.clock
    assert found.status(at.index) is Status.VALID
    assert (found.expires_at, found.ttl) == (now + HOUR, HOUR)
    desk.house.world.clock += HOUR - 1
    assert (status(desk, at), stapled(desk, licence).expires_at) == (Status.VALID, now + HOUR)
    desk.house.world.clock += 1
    assert status(desk, at) is Status.SUSPENDED
    lifetime = desk.house.services.settings.status_lifetime
    assert stapled(desk, licence).expires_at == listed(desk).expires_at == desk.house.world.clock + lifetime


def test_a_staple_of_a_sublicence_does_not_outlive_a_change_of_its_parent(desk: Desk, heir: Party) -> None:
    parent, _ = free(desk, sublicences=1)
    child, _ = sublicence(desk, parent, heir)
    change(desk, parent, "revoke", HOUR)
    assert stapled(desk, child).ttl == HOUR


def test_what_one_records_ahead_shortens_nobody_elses_list(desk: Desk, heir: Party) -> None:
    """A stranger has its own licence suspended in two seconds: everybody else's status is as good as before."""
    mine, _ = desk.licence()
    text, early = shown(desk, issued(desk, mine)), evidence(desk, mine)
    strange, _ = free(desk)
    change(desk, strange, "suspend", 2)
    desk.publish()
    lifetime = desk.house.services.settings.status_lifetime
    path, key = "/v1/status-lists/1", desk.house.services.keyring.signers["status"].public
    listed_jwt = desk.house.http.get(path, headers={"accept": "application/statuslist+jwt"}).text
    for found in (
        listed(desk),
        stapled(desk, mine),
        verify_status_jwt(listed_jwt, key, f"{desk.house.world.origin}/status/1"),
    ):
        assert (found.ttl, found.expires_at) == (lifetime, desk.house.world.clock + lifetime)
    late = evidence(desk, mine)
    desk.house.world.clock += 60
    assert [offline(desk, text, proof).answer for proof in (early, late)] == ["valid", "valid"]


def test_the_list_is_signed_anew_when_a_change_comes(desk: Desk) -> None:
    """Not a minute later: who asks then is told."""
    licence, at = free(desk)
    change(desk, licence, "suspend", 5)
    desk.publish()
    assert listed(desk).status(at.index) is Status.VALID
    desk.house.world.clock += 5
    assert listed(desk).status(at.index) is Status.SUSPENDED


def test_a_change_that_is_withdrawn_never_comes(desk: Desk) -> None:
    licence, at = free(desk)
    position = change(desk, licence, "revoke", HOUR)
    assert stapled(desk, licence).ttl == HOUR
    change(desk, licence, "withdraw", 0, change=position)
    assert stapled(desk, licence).ttl == desk.house.services.settings.status_lifetime
    desk.house.world.clock += HOUR
    assert status(desk, at) is Status.VALID


def test_a_sublicence_is_no_better_than_its_parent(desk: Desk, heir: Party) -> None:
    parent, above = free(desk, sublicences=1)
    _, below = sublicence(desk, parent, heir)
    assert (status(desk, above), status(desk, below)) == (Status.VALID, Status.VALID)
    told(desk.status(parent, "suspend"))
    assert (status(desk, above), status(desk, below)) == (Status.SUSPENDED, Status.SUSPENDED)
    told(desk.status(parent, "reinstate", "remedied"))
    assert (status(desk, above), status(desk, below)) == (Status.VALID, Status.VALID)
    told(desk.status(parent, "revoke"))
    assert (status(desk, above), status(desk, below)) == (Status.INVALID, Status.INVALID)
