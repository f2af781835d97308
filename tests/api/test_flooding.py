"""A registered party says what it likes about another's things: their case is still exported, and proved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from api.services.open_disputes import MOST_OPEN, OpenDisputes
from api.services.vetting import Vetting
from ledger.submission import Submission, prepare
from tallystick.admission import Refused
from tallystick.events.dispute import DisputeOpening, DisputeResolution
from tallystick.identifiers import Letter
from tallystick.schema import write
from tests.api.desk import Desk, anchoring, case_of
from tests.api.house import Party, open_house, problem
from tests.api.test_histories import judged

TOO_MANY = (409, "wrong-state", "body.target")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_house(tmp_path_factory.mktemp("house")) as house:
        yield Desk(house, house.party("studio"), house.party("licensee"))


@pytest.fixture(scope="module")
def rival(desk: Desk) -> Party:
    return desk.house.party("studio")


def dispute(target: str, **more: Any) -> dict[str, Any]:
    return {"type": "dispute.open", "body": write(DisputeOpening(target, "ownership")), **more}


def opened(desk: Desk, target: str) -> list[str]:
    page = desk.house.http.get("/v1/events", params={"subject": target, "type": "dispute.open", "limit": 1000}).json()
    return [one["subject"] for one in page["events"]]


def test_a_party_has_so_many_disputes_open_about_one_thing(desk: Desk, rival: Party) -> None:
    (target, _), (other, _) = desk.picture(), desk.picture()
    events = [dispute(target, event_id=f"d-{n}") for n in range(MOST_OPEN + 5)]
    results = rival.post("/v1/events/batch", {"events": events}).json()["results"]
    assert [one.get("code") for one in results] == [None] * MOST_OPEN + ["wrong-state"] * 5
    assert problem(rival.post("/v1/events", dispute(target))) == TOO_MANY
    said = desk.house.world.say(
        rival.who, "dispute.open", desk.house.world.identifier(Letter.DISPUTE), DisputeOpening(target, "ownership")
    )
    assert problem(rival.state(said)) == TOO_MANY
    assert desk.house.http.post("/entries", content=said.entry, headers={"Content-Type": "application/cose"}).is_error
    # What was said is said again, of other things, by others, and when one is resolved.
    assert rival.post("/v1/events", dispute(target, event_id="d-0")).status_code == 200
    assert rival.post("/v1/events", dispute(other)).status_code == 201
    assert desk.licensee.post("/v1/events", dispute(target)).status_code == 201
    body = DisputeResolution("rejected", "evidence")
    desk.house.registrar.record("dispute.resolve", body, subject=results[0]["subject"])
    assert rival.state(said).status_code == 201
    assert len(opened(desk, target)) == MOST_OPEN + 2


def test_a_dispute_that_a_snapshot_does_not_know_yet_counts(desk: Desk) -> None:
    """Requests at the same time look at snapshots of their own, and the older one may come last."""
    target, _ = desk.picture()
    counted, key = OpenDisputes(), (desk.licensee.id, target)
    with desk.house.services.log.store.snapshot() as before:
        before.size()
        desk.licensee.record("dispute.open", DisputeOpening(target, "ownership"))
        with desk.house.services.log.store.snapshot() as after:
            assert counted._count(after, key) == 1
        assert counted._count(before, key) == 1
        with desk.house.services.log.store.snapshot() as after:
            assert counted._count(after, key) == 1


def test_requests_at_the_same_time_open_no_more(desk: Desk, rival: Party) -> None:
    """Each looks at a log in which nothing of the others stands yet."""
    target, _ = desk.picture()
    world, vetting = desk.house.world, Vetting("log.example")

    def batch(count: int) -> list[Submission | Exception]:
        body = DisputeOpening(target, "ownership")
        said = [world.say(rival.who, "dispute.open", world.identifier(Letter.DISPUTE), body) for _ in range(count)]
        return [prepare(one) for one in said]

    with desk.house.services.log.store.snapshot() as reads:
        first = batch(10)
        for _ in range(2):
            assert vetting.vet_all(reads, first) == first, "what is said again counts once"
        second = vetting.vet_all(reads, batch(10))
    assert [isinstance(one, Refused) for one in second] == [False] * (MOST_OPEN - 10) + [True] * 4


def test_what_was_refused_by_the_log_is_forgotten(desk: Desk, rival: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.services.open_disputes._REMEMBERED", 3)
    counted, now = OpenDisputes(), [0.0]
    monkeypatch.setattr("api.services.open_disputes.time.monotonic", lambda: now[0])
    world = desk.house.world
    with desk.house.services.log.store.snapshot() as reads:
        for _ in range(20):
            target = world.identifier(Letter.OBJECT)
            body = DisputeOpening(target, "ownership")
            said = world.say(rival.who, "dispute.open", world.identifier(Letter.DISPUTE), body)
            counted.vet(reads, prepare(said))
            now[0] += 61
    assert len(counted._coming) <= 3
    assert target not in {about for _, about in counted._opened}


def test_a_case_without_room_for_all_that_is_said_of_it(
    desk: Desk, rival: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Licences of the rival's own that name the studio's picture in their chain of title, more than a case may hold."""
    with anchoring(desk) as worker:
        object_id, data = desk.picture()
        licence = desk.grant(object_id, data)
        (disputed,) = [desk.studio.record("dispute.open", DisputeOpening(object_id, "content"))["subject"]]
        own, drawn = desk.picture(who=rival)
        terms = desk.terms(own, drawn)
        request = {"object": own, "terms": terms, "title_chain": [own, object_id], "holder": desk.licensee.id}
        for _ in range(30):
            assert rival.post("/v1/licences", request).status_code == 201
        worker.anchor()
        monkeypatch.setattr("api.services.evidence.MAX_ENTRIES", 60)
        of_object = desk.export(desk.studio, "object", object_id, originals={"a.png": data})
        of_licence = desk.export(desk.studio, "licence", licence)
    for answer in (of_object, of_licence):
        report = judged(desk, answer.content)
        assert (report.verdict, answer.headers["X-Tallystick-Histories"]) == ("proved", "yes"), report.claims
        assert report.claim("completeness").outcome == "needs_external_fact"
        assert {"map.not-shown"} <= {line.key for line in report.claim("completeness").evidence}
        shown = {placed.statement.event.subject for placed in case_of(answer.content).entries}
        assert disputed in shown
