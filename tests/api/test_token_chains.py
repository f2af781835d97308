"""Tokens of licences that went on: the old holder's are dead, the new one's good, a sublicence rests on its parent."""

from __future__ import annotations

import pytest

from tallystick.licence.check import LicenceCheck
from tallystick.token.binding import bind
from tests.api.desk import Desk, told
from tests.api.house import House, Party, problem
from tests.api.test_licence_tokens import NEEDED, issued, offline
from tests.api.test_status_chains import free, sublicence, transferred
from tests.core.token.kit import AUDIENCE, NONCE


@pytest.fixture(scope="module")
def heir(house: House) -> Party:
    return house.party("licensee")


def proof(desk: Desk, licence: str, who: Party | None = None) -> bytes:
    desk.publish()
    path = f"/v1/licences/{licence}/staple?version=2"
    answer = desk.house.http.get(path) if who is None else who.get(path)
    assert answer.status_code == 200, answer.text
    return answer.content


def checked(desk: Desk, licence: str, who: Party, given: bytes) -> LicenceCheck:
    """What a stranger finds of the token that ``who`` shows with its own key."""
    held = issued(desk, licence, who).showing((*NEEDED, "licensee"))
    return offline(desk, bind(held, who.who.signer, AUDIENCE, NONCE, desk.house.world.clock).text, given)


def test_after_a_transfer_the_new_holder_has_the_licence(desk: Desk, heir: Party) -> None:
    licence, _ = free(desk)
    old = issued(desk, licence)
    before = proof(desk, licence)
    transferred(desk, licence, heir)
    after = proof(desk, licence)
    assert checked(desk, licence, heir, after).answer == "valid"
    shown = bind(old.showing(NEEDED), desk.licensee.who.signer, AUDIENCE, NONCE, desk.house.world.clock).text
    found = offline(desk, shown, after)
    assert (found.answer, found.deciding.stage) == ("not_valid", "inclusion")
    assert "log.commitments" in found.deciding.text.en
    assert offline(desk, shown, before).answer == "valid", "as of then, and for as long as that status is fresh"
    path = f"/v1/licences/{licence}/token"
    assert problem(desk.licensee.post(path, {})) == (403, "forbidden", "licence")
    online = told(heir.post("/v1/licences/check", {"question": "play in DE on streaming", "licence": licence}), 200)
    assert online["answer"] == "valid"


def test_a_sublicence_rests_on_its_parent(desk: Desk, heir: Party) -> None:
    parent, _ = free(desk, sublicences=1)
    child, _ = sublicence(desk, parent, heir)
    world = desk.house.world
    told_all = checked(desk, child, heir, proof(desk, child, heir))
    assert told_all.answer == "valid", told_all.deciding
    assert checked(desk, child, heir, proof(desk, child)).answer == "cannot_tell", "what stands above is withheld"
    held = issued(desk, child, heir)
    shown = bind(held.showing(NEEDED), heir.who.signer, AUDIENCE, NONCE, world.clock).text
    told(desk.status(parent, "suspend"))
    suspended = offline(desk, shown, proof(desk, child, heir))
    assert (suspended.answer, suspended.deciding.stage) == ("not_valid", "status")
