"""What is said so often of a licence, a capability or an object that what rests on it could not be shown any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from api.services.gathering import MOST_USED, gather_case, gather_grant
from api.services.said_often import MOST, MOST_ENDING, MOST_IN_ALL, SaidOften
from api.services.vetting import Vetting
from ledger.submission import prepare
from tallystick.admission import Refused, licensing
from tallystick.digests import digest_pair
from tallystick.events.capability import CapabilityFiling, CapabilityTest, Weights
from tallystick.events.facts import CaptureRecord
from tallystick.events.licence import LicenceStatus, TransferConsent
from tallystick.events.objects import Basis
from tallystick.identifiers import Letter
from tallystick.modelsig import sign_model
from tallystick.schema import write
from tallystick.times import format_time
from tests.api.desk import Desk, anchoring, case_of, picture_bytes, registration, told
from tests.api.house import Party, open_house, problem
from tests.api.test_former_holders import move
from tests.api.test_histories import judged
from tests.api.test_status_chains import HOUR, free, sublicence

ENOUGH = (409, "wrong-state", "subject")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


def batch(who: Party, kind: str, subject: str, bodies: Sequence[Any], **more: Any) -> list[str | None]:
    """What each was refused for."""
    events = [{"type": kind, "subject": subject, "body": write(body), **more} for body in bodies]
    results = told(who.post("/v1/events/batch", {"events": events}), 200)["results"]
    return [one.get("code") for one in results]


def filed(desk: Desk, provider: Party) -> str:
    subject, pair = desk.house.world.identifier(Letter.CAPABILITY), digest_pair(b"weights")
    weights = Weights(pair.sha256, pair.sm3, 4096)
    signature = sign_model(provider.who.signer, subject, "1", weights)
    body = CapabilityFiling("maker", "1", True, ("text",), ("image",), weights, signature)
    provider.record("capability.file", body, subject=subject)
    return subject


def test_a_tester_says_so_often_what_came_of_its_tests(desk: Desk) -> None:
    house = desk.house
    capability, rival, tester = filed(desk, house.party("provider")), house.party("tester"), house.party("tester")
    report, most = digest_pair(b"report"), MOST["capability.test"]
    failed, passed = CapabilityTest(report, report, "fail", "0"), CapabilityTest(report, report, "pass", "1")
    codes = batch(rival, "capability.test", capability, [failed] * (most + 5))
    assert codes == [None] * most + ["wrong-state"] * 5
    said = house.world.say(rival.who, "capability.test", capability, failed)
    assert problem(rival.state(said)) == ENOUGH
    assert house.http.post("/entries", content=said.entry, headers={"Content-Type": "application/cose"}).is_error
    # Others are heard, and so is the registrar.
    assert batch(tester, "capability.test", capability, [passed]) == [None]
    assert batch(house.registrar, "capability.test", capability, [passed] * (most + 5)) == [None] * (most + 5)
    assert batch(rival, "capability.test", filed(desk, house.party("provider")), [failed]) == [None]


def test_a_licensor_consents_so_often(desk: Desk) -> None:
    licence, _ = free(desk)
    most, heir = MOST["licence.consent"], desk.house.party("licensee")
    body = TransferConsent(heir.id)
    assert batch(desk.studio, "licence.consent", licence, [body] * most) == [None] * most
    again = {"type": "licence.consent", "subject": licence, "body": write(body), "event_id": "c-1"}
    assert problem(desk.studio.post("/v1/events", again)) == ENOUGH
    other, _ = free(desk)
    assert desk.studio.post("/v1/events", {**again, "subject": other}).status_code == 201
    assert batch(desk.studio, "licence.consent", other, [body] * most)[-1] == "wrong-state"
    assert desk.studio.post("/v1/events", {**again, "subject": other}).status_code == 200, "said again, it stands"


def test_a_licensor_ends_what_it_changed_so_often(desk: Desk) -> None:
    licence, _ = free(desk)
    now, most = desk.house.world.clock, MOST["licence.status"]

    def change(action: str, later: int) -> LicenceStatus:
        return LicenceStatus(action, "breach", format_time(now + later))  # type: ignore[arg-type]

    # What lies ahead is moved nearer each time, which the rules let a licensor do for ever.
    ahead = [change("revoke", HOUR - n) for n in range(most + MOST_ENDING)]
    assert batch(desk.studio, "licence.status", licence, ahead[:most]) == [None] * most
    assert batch(desk.studio, "licence.status", licence, [change("suspend", 0)]) == ["wrong-state"]
    assert batch(desk.studio, "licence.status", licence, ahead[most:]) == [None] * MOST_ENDING
    assert batch(desk.studio, "licence.status", licence, [change("revoke", 0)]) == ["wrong-state"]
    assert batch(desk.house.registrar, "licence.status", licence, [change("revoke", 0)]) == [None]


def test_licensors_one_after_the_other_leave_a_court_its_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds the parent hands it on, and both change the sublicence as often as each may."""
    monkeypatch.setattr(licensing, "MAX_CHANGES", 12)
    monkeypatch.setitem(MOST, "licence.status", 6)
    monkeypatch.setitem(MOST_IN_ALL, "licence.status", 8)
    registrar, heir = desk.house.registrar, desk.house.party("licensee")
    parent, _ = free(desk, sublicences=1)
    below, _ = sublicence(desk, parent, heir)
    now = format_time(desk.house.world.clock)

    def turns(who: Party, count: int) -> list[str | None]:
        actions = ("suspend", "reinstate") * count
        return [code for one in actions for code in batch(who, "licence.status", below, [change(one)])]

    def change(action: str, grounds: str = "request") -> LicenceStatus:
        return LicenceStatus(action, grounds, now)  # type: ignore[arg-type]

    for _ in range(2):
        tried = batch(desk.house.party("licensee"), "licence.status", below, [change("suspend")] * 6)
        assert set(tried) == {"not-holder"}, "what others try counts against nobody"
    assert turns(desk.licensee, 3) == [None] * 6
    move(desk, parent, heir)
    assert turns(heir, 2) == [None] * 2 + ["wrong-state"] * 2
    assert batch(registrar, "licence.status", below, [change("suspend", "court-order")]) == [None]
    assert batch(heir, "licence.status", below, [change("revoke")]) == [None]


def test_requests_at_the_same_time_say_it_no_oftener(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each looks at a log in which nothing of the others stands yet; and who was refused there is forgotten."""
    now = [0.0]
    monkeypatch.setattr("api.services.said_often.time.monotonic", lambda: now[0])
    licence, _ = free(desk)
    world, vetting, most = desk.house.world, Vetting("log.example"), MOST["licence.consent"]
    body = TransferConsent(desk.licensee.id)
    said = [prepare(world.say(desk.studio.who, "licence.consent", licence, body)) for _ in range(most + 4)]
    with desk.house.services.log.store.snapshot() as reads:
        for _ in range(2):
            assert vetting.vet_all(reads, said[:most]) == said[:most], "what is said again counts once"
        assert all(isinstance(one, Refused) for one in vetting.vet_all(reads, said[most:]))
        now[0] += 61
        assert vetting.vet_all(reads, said[most:]) == said[most:]


def test_subjects_that_nobody_asks_for_are_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.said_often._REMEMBERED", 3)
    often, world = SaidOften(), desk.house.world
    body = TransferConsent(desk.licensee.id)
    with desk.house.services.log.store.snapshot() as reads:
        for _ in range(9):
            said = world.say(desk.studio.who, "licence.consent", world.identifier(Letter.LICENCE), body)
            often.vet(reads, prepare(said))
    assert len(often._said) == 3


# --- what is not counted finds room --------------------------------------------------------------


def derived(desk: Desk, source: str) -> tuple[str, bytes]:
    """What the licensee made of the studio's picture."""
    data = picture_bytes(next(desk.shades))
    body = registration(data, origin="composed", basis=(Basis("object", None, source),))
    return str(desk.licensee.record("object.register", body)["subject"]), data


def test_what_was_made_by_a_licence_that_was_settled_very_often(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    licence, _ = free(desk)
    with desk.house.services.log.store.snapshot() as reads:
        source = reads.get(licence).object  # type: ignore[union-attr]
    made, data = derived(desk, source)
    parties = {"parties": sorted((desk.studio.id, desk.licensee.id))}
    private = {"amount": {"amount": "1200", "currency": "EUR"}}
    settled = {"type": "settlement.record", "subject": licence, "body": parties, "private": private}
    with anchoring(desk) as worker:
        for _ in range(3):
            told(desk.studio.post("/v1/events/batch", {"events": [settled] * 20}), 200)
        worker.anchor()
        monkeypatch.setattr("api.services.evidence.MAX_ENTRIES", 50)
        answer = desk.export(desk.licensee, "object", made, originals={"a.png": data})
        of_licence = desk.export(desk.licensee, "licence", licence)
    assert judged(desk, answer.content).verdict == "proved"
    assert "settlement.record" not in {one.statement.event.type for one in case_of(of_licence.content).entries}


def test_licences_that_nobody_asked_for_leave_what_was_made_its_room(desk: Desk) -> None:
    """Whoever holds an object may grant it to a party by the thousand, before that party uses it."""
    data = picture_bytes(next(desk.shades))
    source = str(desk.studio.record("object.register", registration(data))["subject"])
    for n in range(MOST_USED + 8):
        licence = desk.grant(source, data)
        if n < 2:  # the first ones do not show by themselves that it was in force
            for action in ("suspend", "reinstate"):
                body = LicenceStatus(action, "request", desk.house.world.now())
                desk.studio.record("licence.status", body, subject=licence)
    made, drawn = derived(desk, source)
    with anchoring(desk) as worker:
        worker.anchor()
        answer = desk.export(desk.licensee, "object", made, originals={"a.png": drawn})
    assert judged(desk, answer.content).verdict == "proved"
    with desk.house.services.log.store.snapshot() as reads:
        found = gather_case(reads, made, reads.size(), 1000)
    grants = [one for _, one in found.of_type("licence.grant")]
    assert len(grants) == 1
    assert not list(found.of_type("licence.status"))
    few, _ = free(desk)
    with desk.house.services.log.store.snapshot() as reads:
        assert list(gather_grant(reads, few, reads.size(), 1000).of_type("licence.grant"))


def test_an_object_is_said_to_be_made_so_often(desk: Desk) -> None:
    object_id, _ = desk.picture()
    now, most = desk.house.world.now(), MOST["capture.record"]
    body = CaptureRecord("authoring", now, now, ())
    assert batch(desk.studio, "capture.record", object_id, [body] * (most + 1)) == [None] * most + ["wrong-state"]
