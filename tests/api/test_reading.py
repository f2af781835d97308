"""Events come out by position, by what they name, by time, and page by page."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.times import format_time
from tests.api.house import House, Party, problem
from tests.api.test_submission import picture


@pytest.fixture(scope="module")
def named(studio: Party) -> list[dict[str, Any]]:
    """Seven objects of the studio."""
    return [studio.record("object.register", picture(b"%d" % n)) for n in range(7)]


def test_an_event_says_who_said_what_and_when(house: House, studio: Party, named: list[dict[str, Any]]) -> None:
    told = named[0]
    shown = house.http.get(f"/v1/events/{told['position']}").json()
    assert {name: shown[name] for name in ("position", "statement_id", "event_id", "subject", "admitted_at")} == {
        name: told[name] for name in ("position", "statement_id", "event_id", "subject", "admitted_at")
    }
    assert (shown["party"], shown["recorded_for"]) == (studio.id, studio.id)
    assert shown["issuer"] == house.services.voices.service
    assert shown["body"] == picture(b"0")
    assert house.http.get(f"/v1/events/{shown['batch']}").json()["type"] == "log.batch"


def test_cursors_walk_through_all_events_once(house: House) -> None:
    size = house.http.get("/v1/status").json()["size"]
    seen: list[int] = []
    cursor: int | None = None
    for _ in range(size):
        query = {"limit": "3"} | ({} if cursor is None else {"cursor": str(cursor)})
        page = house.http.get("/v1/events", params=query).json()
        seen += [event["position"] for event in page["events"]]
        cursor = page["next"]
        if cursor is None:
            break
        assert len(page["events"]) == 3
        assert cursor == seen[-1]
    assert seen == list(range(size))


def test_a_page_that_ends_the_log_exactly_is_followed_by_an_empty_one(house: House) -> None:
    size = house.http.get("/v1/status").json()["size"]
    page = house.http.get("/v1/events", params={"limit": size}).json()
    assert page["next"] == size - 1
    assert house.http.get("/v1/events", params={"cursor": size - 1}).json() == {"events": [], "next": None}


def test_events_by_what_they_name(house: House, studio: Party, named: list[dict[str, Any]]) -> None:
    page = house.http.get("/v1/events", params={"subject": studio.id, "type": "object.register"}).json()
    assert [event["position"] for event in page["events"]] == [one["position"] for one in named]
    by_object = house.http.get("/v1/events", params={"subject": named[3]["subject"]}).json()["events"]
    assert [event["position"] for event in by_object] == [named[3]["position"]]


def test_events_by_time(house: House, studio: Party, named: list[dict[str, Any]]) -> None:
    before = house.world.clock
    house.world.clock += 100
    later = studio.record("object.register", picture(b"later"))
    house.world.clock += 100
    between = {"from": format_time(before + 1), "to": format_time(before + 200), "type": "object.register"}
    found = house.http.get("/v1/events", params=between).json()["events"]
    assert [event["position"] for event in found] == [later["position"]]
    # The end of a range is not part of it, its beginning is.
    edge = format_time(before + 100)
    assert house.http.get("/v1/events", params={"to": edge, "cursor": named[-1]["position"] + 1}).json()["events"] == []
    assert house.http.get("/v1/events", params={"from": edge}).json()["events"][0]["position"] == later["position"]


def test_a_subject_has_a_state_and_positions(house: House, studio: Party, named: list[dict[str, Any]]) -> None:
    shown = house.http.get(f"/v1/subjects/{named[2]['subject']}").json()
    assert shown["kind"] == "object"
    assert shown["state"]["holder"] == studio.id
    assert shown["positions"] == [named[2]["position"]]
    party = house.http.get(f"/v1/subjects/{studio.id}", params={"limit": 2}).json()
    assert (party["kind"], len(party["positions"]), party["next"]) == ("party", 2, party["positions"][-1])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/events/99999", (404, "not-found", "position")),
        ("/v1/entries/99999", (404, "not-found", "position")),
        ("/v1/events/-1", (422, "malformed", "position")),
        ("/v1/events/9223372036854775808", (422, "malformed", "position")),
        ("/v1/events/one", (422, "malformed", "position")),
        ("/v1/events?limit=0", (422, "malformed", "limit")),
        ("/v1/events?limit=1001", (422, "malformed", "limit")),
        ("/v1/events?cursor=-2", (422, "malformed", "cursor")),
        ("/v1/events?from=yesterday", (422, "malformed", "from")),
        ("/v1/events?to=2026-01-01", (422, "malformed", "to")),
        ("/v1/subjects/nobody", (422, "malformed", "identifier")),
        ("/v1/subjects/10.5555/A-0000-0000-0000-0000-X", (422, "malformed", "identifier")),
    ],
)
def test_what_cannot_be_found_says_why(house: House, path: str, expected: tuple[int, str, str]) -> None:
    assert problem(house.http.get(path)) == expected


def test_an_identifier_that_nobody_registered(house: House) -> None:
    from tallystick.identifiers import Letter

    path = f"/v1/subjects/{house.world.identifier(Letter.OBJECT)}"
    assert problem(house.http.get(path)) == (404, "not-found", "identifier")


def test_an_entry_is_served_as_cose_and_may_be_kept(house: House, named: list[dict[str, Any]]) -> None:
    answer = house.http.get(f"/v1/entries/{named[0]['position']}")
    assert answer.headers["content-type"] == "application/cose"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
