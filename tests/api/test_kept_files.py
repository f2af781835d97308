"""What the service keeps is a licence's or certificate's by the service's own word: anybody may log a digest."""

from __future__ import annotations

import hashlib
from typing import Any

from tallystick.digests import digest_pair
from tallystick.schema import write
from tests.api.desk import Desk, told
from tests.api.house import Party, problem
from tests.api.test_licence_files import card_of


def claim(desk: Desk, rival: Party, data: bytes, purpose: str = "card") -> str:
    """The rival says of a licence of its own that this file, which it never saw, is the licence's card."""
    picture, shown = desk.picture(who=rival)
    terms = desk.terms(picture, shown)
    request = {"object": picture, "terms": terms, "holder": rival.id}
    terms["licensee"]["party"] = rival.id
    licence: str = rival.post("/v1/licences", request).json()["licence"]
    body: dict[str, Any] = {"form": "c2pa", "purpose": purpose, "media_type": "image/png"}
    rival.record("credential.issue", {**body, "file": write(digest_pair(data)), "size": len(data)}, subject=licence)
    return licence


def test_anothers_card_is_not_had_by_its_digest(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    card = card_of(desk, licence)
    own = claim(desk, rival, card)
    answer = rival.get(f"/v1/licences/{own}/card")
    assert answer.status_code == 404, answer.content[:20]


def test_anothers_card_is_in_no_bundle(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    card = card_of(desk, licence)
    own = claim(desk, rival, card)
    bundle = desk.export(rival, "licence", own)
    assert card not in bundle.content


def test_anothers_card_is_not_erased_with_a_value_of_ones_own(desk: Desk, rival: Party) -> None:
    licence, _ = desk.licence()
    card = card_of(desk, licence)
    own = claim(desk, rival, card)
    (event,) = desk.house.http.get("/v1/events", params={"subject": own, "type": "licence.grant"}).json()["events"]
    rival.record(
        "disclosure.erase",
        {"position": event["position"], "names": ["payment"], "grounds": "purpose-ended"},
        subject=own,
    )
    assert desk.studio.get(f"/v1/licences/{licence}/card").content == card


def test_a_certificate_is_not_had_by_its_digest(desk: Desk, rival: Party) -> None:
    """Its holder alone reads it, and the registrar."""
    picture, _ = desk.picture("Lantern")
    issued = told(
        desk.house.registrar.post("/v1/certificates", {"object": picture, "number": "K-1", "title": "Lantern"})
    )
    certificate = desk.studio.get(f"/v1/certificates/{issued['certificate']}/file").content
    own = claim(desk, rival, certificate)
    assert rival.get(f"/v1/licences/{own}/card").status_code == 404


def test_a_signed_file_that_the_case_does_not_record(desk: Desk) -> None:
    licence, data = desk.licence()
    desk.publish()
    answer = desk.ask(desk.studio, "licence", licence, credentials=(data,))
    assert problem(answer) == (422, "malformed", "credential")
    digest = hashlib.sha256(data).hexdigest()
    beginning = f"signed (SHA-256 {digest}) is no signed file of this case, which records "
    assert answer.json()["detail"].startswith(beginning + "none: bring")
    card = told(desk.studio.post(f"/v1/licences/{licence}/card", {}))["position"]
    desk.publish()
    again = desk.ask(desk.studio, "licence", licence, credentials=(data,)).json()["detail"]
    assert again.startswith(f"{beginning}those of positions {card}: bring")
