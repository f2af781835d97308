"""What the service says of its anchors: where an entry is anchored, alarms, what is anchored at once and why."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from anchors.ports import PublishedCheckpoint
from anchors.worker import AnchorWorker
from api.services.anchor_watch import AnchorWatch
from api.settings import AT_ONCE, Settings, read_settings
from api.worker import open_worker
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput
from tallystick.events.dispute import DisputeOpening
from tallystick.schema import write
from tests.api.house import House, Party, open_house, problem
from tests.api.test_anchoring import SELDOM, anchors, run, wait_until
from tests.api.test_submission import picture

LIMIT = 7200
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house"), **SELDOM, anchor_alarm_seconds=LIMIT) as opened:
        yield opened


@pytest.fixture(scope="module")
def worker(house: House) -> Iterator[AnchorWorker]:
    with open_worker(house.services.settings, house.services.clock) as opened:
        assert opened.run_once().progress == "waiting for its name"
        wait_until(lambda: house.services.desk.targets()[0].state == "named")
        assert opened.run_once().progress == "final"
        yield opened


def alarms(house: House) -> list[tuple[str, str]]:
    answer = house.http.get("/v1/alarms")
    found = answer.json()["alarms"]
    assert answer.status_code == (503 if found else 200)
    assert house.http.get("/v1/status").json()["alarms"] == found
    assert house.http.get("/v1/anchors").json()["alarms"] == found
    return [(one["kind"], one["target"]) for one in found]


def anchored(house: House, worker: AnchorWorker) -> int:
    """Anchor what is there; the size."""
    size = house.registrar.post("/v1/anchors", {}).json()["size"]
    assert worker.run_once().progress in ("final", "idle")
    assert house.services.desk.anchored_size() == size
    return int(size)


# --- where an entry is anchored ------------------------------------------------------------


def test_where_and_when_an_entry_is_anchored(house: House, worker: AnchorWorker, studio: Party) -> None:
    anchored(house, worker)
    told = studio.record("object.register", picture())
    where = f"/v1/events/{told['position']}/anchors"
    found = house.http.get(where).json()
    assert (found["position"], found["admitted_at"]) == (told["position"], told["admitted_at"])
    assert (found["anchors"], found["waiting"]) == ([], [{"target": "embedded", "anchor": None}])
    first = anchored(house, worker)
    studio.record("object.register", picture())
    anchored(house, worker)
    found = house.http.get(where).json()
    assert found["waiting"] == []
    (one,) = found["anchors"]
    assert (one["size"], one["state"], one["target"]) == (first, "final", "embedded")  # the first that covers it
    assert one == next(each for each in anchors(house) if each["id"] == one["id"])
    assert (one["cost_wei"], one["operator_only"]) == (None, True)
    assert one["prepared_at"] <= one["sent_at"] <= one["mined_at"] <= one["final_at"]
    assert "operator only" in one["trust"]
    assert "仅日志运营方自身" in one["trust_zh"]


def test_an_anchor_on_its_way_is_told(house: House, worker: AnchorWorker, studio: Party) -> None:
    told = studio.record("object.register", picture())
    desk = house.services.desk
    checkpoint = Checkpoint(house.world.origin, told["position"] + 1, b"r" * 32)
    target = desk.targets()[0].id
    open_one = desk._outbox.prepare(target, PublishedCheckpoint(checkpoint, b"n", b"s"), "test", house.world.clock)
    (waiting,) = house.http.get(f"/v1/events/{told['position']}/anchors").json()["waiting"]
    assert (waiting["anchor"]["id"], waiting["anchor"]["state"]) == (open_one.id, "prepared")
    assert "nothing yet" in waiting["anchor"]["trust"]
    desk._outbox.mark_dropped(open_one.id, "a test", house.world.clock)
    (waiting,) = house.http.get(f"/v1/events/{told['position']}/anchors").json()["waiting"]
    assert waiting["anchor"] is None


def test_of_an_entry_that_is_not_there_nothing_is_told(house: House) -> None:
    size = house.http.get("/v1/status").json()["size"]
    assert problem(house.http.get(f"/v1/events/{size}/anchors")) == (404, "not-found", "position")
    assert house.http.get(f"/v1/events/{(1 << 63) - 1}/anchors").status_code == 404
    assert house.http.get("/v1/events/-1/anchors").status_code == 422


# --- alarms -------------------------------------------------------------------------------


def test_late_is_what_is_older_than_the_limit(house: House, worker: AnchorWorker, studio: Party) -> None:
    anchored(house, worker)
    assert alarms(house) == []
    begun = house.world.clock
    studio.record("object.register", picture())
    house.world.clock = begun + LIMIT
    assert alarms(house) == []
    house.world.clock += 1
    assert alarms(house) == [("late", "embedded")]
    (target,) = house.http.get("/v1/status").json()["targets"]
    assert target["oldest_unanchored"]["position"] == target["anchored"]
    size = anchored(house, worker)
    assert alarms(house) == []
    (target,) = house.http.get("/v1/status").json()["targets"]
    assert (target["anchored"], target["oldest_unanchored"]) == (size, None)


def test_a_clock_that_went_back_is_no_alarm(house: House, worker: AnchorWorker, studio: Party) -> None:
    studio.record("object.register", picture())
    kept = house.world.clock
    house.world.clock -= 1000
    assert alarms(house) == []
    house.world.clock = kept
    anchored(house, worker)


def test_where_no_worker_ever_ran_that_is_an_alarm(tmp_path: Any) -> None:
    with open_house(tmp_path, anchor_seconds=60) as house:
        assert alarms(house) == []
        house.world.clock += 60 + 1800 + 1
        assert alarms(house) == [("late", "-")]


def test_waiting_for_money_a_stopped_chain_and_a_dropped_anchor(
    house: House, worker: AnchorWorker, studio: Party
) -> None:
    size = anchored(house, worker)
    outbox, target, now = house.services.desk._outbox, house.services.desk.targets()[0].id, house.world.clock
    outbox.note_wait(target, "over budget", now)
    assert alarms(house) == [("over-budget", "embedded")]
    outbox.note_trouble(target, "another genesis block", now + 1, stopped=True)
    assert alarms(house) == [("over-budget", "embedded"), ("stopped", "embedded")]
    outbox.note_trouble(target, "the node does not answer", now + 1)
    outbox.note_wait(target, None, now)
    assert alarms(house) == []  # nothing is late yet
    (shown,) = house.http.get("/v1/status").json()["targets"]
    assert (shown["trouble"], shown["waits"]) == ("the node does not answer", None)
    outbox.note_trouble(target, None, now)
    other = Checkpoint(house.world.origin, size, b"x" * 32)
    dropped = outbox.prepare(target, PublishedCheckpoint(other, b"n", b"s"), "test", now)
    outbox.mark_dropped(dropped.id, HOSTILE, now)
    assert alarms(house) == [("dropped", "embedded")]
    page = house.http.get("/anchors?lang=en").text
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page
    studio.record("object.register", picture())
    anchored(house, worker)
    assert alarms(house) == []


def test_alarms_are_told_to_the_log_when_they_begin_and_when_they_are_over(
    house: House, worker: AnchorWorker, caplog: pytest.LogCaptureFixture
) -> None:
    anchored(house, worker)
    outbox, target = house.services.desk._outbox, house.services.desk.targets()[0].id
    watch, known = house.services.watch, {}
    with caplog.at_level(logging.WARNING, "api.services.anchor_watch"):
        known = watch.tell(known)
        outbox.note_wait(target, "over budget", house.world.clock)
        known = watch.tell(known)
        known = watch.tell(known)
        outbox.note_wait(target, None, house.world.clock)
        known = watch.tell(known)
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert told == [
        ("ERROR", "ALARM embedded: anchoring waits for money: over budget"),
        ("WARNING", "alarm over: embedded, over-budget"),
    ]


def test_a_target_that_the_settings_no_longer_name_raises_no_alarm(
    house: House, worker: AnchorWorker, studio: Party
) -> None:
    services = house.services
    studio.record("object.register", picture())
    house.world.clock += LIMIT + 1
    try:
        assert alarms(house) == [("late", "embedded")]
        without = AnchorWatch(services.log, services.desk, services.timestamps, {"other"}, LIMIT, services.clock)
        assert [(one.kind, one.target) for one in without.alarms()] == [("late", "-")]
        assert [view.current for view in without.targets()] == [False]
        assert AnchorWatch(services.log, services.desk, services.timestamps, (), None, services.clock).alarms() == ()
    finally:
        house.world.clock -= LIMIT + 1


def test_an_authority_that_cannot_be_believed_is_an_alarm_and_shown_as_text(house: House, worker: AnchorWorker) -> None:
    anchored(house, worker)
    rows, newest = house.services.timestamps._stamps, house.services.desk.latest(1)[0].anchor
    published = PublishedCheckpoint(Checkpoint(house.world.origin, newest.size, newest.root), newest.note, b"s")
    stamp = rows.prepare(f"authority {HOSTILE}", published, "age", house.world.clock)
    assert alarms(house) == []
    rows.failed(stamp.id, HOSTILE, house.world.clock + 60, alarm=True)
    assert alarms(house) == [("timestamp", f"authority {HOSTILE}")]
    for language, words in (
        ("en", f"the checkpoint of {newest.size} entries"),
        ("zh", f"{newest.size} 个条目的检查点"),
    ):
        page = house.http.get(f"/anchors?lang={language}").text
        assert words in page
        assert HOSTILE not in page
    assert rows.drop_others(["another"], house.world.clock) == 1
    assert alarms(house) == []


# --- what is anchored at once -------------------------------------------------------------------


def test_a_wish_is_anchored_at_once(house: House, worker: AnchorWorker, studio: Party) -> None:
    anchored(house, worker)
    draft = {"type": "object.register", "body": picture_body()}
    answer = studio.post("/v1/events?urgent=true", draft)
    assert answer.status_code == 201
    assert run(house, worker) == "final"
    assert (anchors(house)[-1]["reason"], anchors(house)[-1]["size"] > answer.json()["position"]) == ("urgent", True)
    assert studio.post("/v1/events/batch?urgent=true", {"events": [draft, draft]}).status_code == 200
    assert run(house, worker) == "final"
    assert anchors(house)[-1]["reason"] == "urgent"
    assert studio.post("/v1/events?urgent=false", draft).status_code == 201
    assert run(house, worker) == "idle"
    assert studio.post("/v1/events?urgent=maybe", draft).status_code == 422


def test_a_wish_for_what_is_refused_asks_for_nothing(house: House, worker: AnchorWorker, studio: Party) -> None:
    anchored(house, worker)
    nothing = {"type": "object.register", "subject": "10.5555/A-0000-0000-0000-0000-0", "body": picture_body()}
    assert studio.post("/v1/events?urgent=true", nothing).status_code == 422
    assert house.services.desk._outbox.pending(house.services.desk.targets()[0].id) == []


def test_the_settings_say_what_is_anchored_at_once(tmp_path: Any) -> None:
    with open_house(tmp_path, anchor_at_once=("object.register", "party"), **SELDOM) as house:
        studio, desk = house.party("studio"), house.services.desk
        told = studio.record("object.register", picture())
        studio.record("dispute.open", DisputeOpening(told["subject"], "authorship"))
        asked = desk._outbox._sql.execute("SELECT reason, size FROM request ORDER BY id").fetchall()
        assert [tuple(row) for row in asked][-1] == ("object", told["position"] + 1)
        assert {row[0] for row in asked} == {"party", "object"}
        draft = {"type": "object.register", "body": picture_body()}
        size = house.http.get("/v1/status").json()["size"]
        assert problem(studio.post("/v1/events?urgent=true", draft)) == (403, "forbidden", "urgent")
        assert house.http.get("/v1/status").json()["size"] == size


def picture_body() -> Any:
    return write(picture())


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("", ()),
        ("urgent", ("urgent",)),
        (" dispute , object.register,", ("dispute", "object.register")),
    ],
)
def test_what_is_anchored_at_once_is_read(told: str, expected: tuple[str, ...]) -> None:
    assert read_settings({"TALLYSTICK_ANCHOR_AT_ONCE": told}).anchor_at_once == expected
    assert read_settings({}).anchor_at_once == AT_ONCE


@pytest.mark.parametrize("told", ["dispute.close", "Dispute", "everything", "dispute;licence", "*"])
def test_what_is_no_event_is_refused(told: str) -> None:
    with pytest.raises(MalformedInput, match="TALLYSTICK_ANCHOR_AT_ONCE"):
        read_settings({"TALLYSTICK_ANCHOR_AT_ONCE": told})


@pytest.mark.parametrize("told", ["-1", "1.5", "1e18", "", " 5", "0x10"])
def test_a_budget_that_is_no_number_of_wei_is_refused(told: str) -> None:
    with pytest.raises(MalformedInput, match="TALLYSTICK_ANCHOR_BUDGET"):
        read_settings({"TALLYSTICK_ANCHOR_BUDGET": told})


@pytest.mark.parametrize(
    ("given", "limit", "align", "budget"),
    [
        ({}, 3600 + 1800, 1024, None),
        ({"TALLYSTICK_ANCHOR_SECONDS": "60"}, 60 + 1800, 1024, None),
        ({"TALLYSTICK_ANCHOR_ALARM_SECONDS": "90"}, 90, 1024, None),
        ({"TALLYSTICK_ANCHOR_ENTRIES": "1023"}, 5400, None, None),
        ({"TALLYSTICK_ANCHOR_ENTRIES": "5000", "TALLYSTICK_ANCHOR_BUDGET": "0"}, 5400, 4096, 0),
    ],
)
def test_what_follows_from_the_settings(
    given: dict[str, str], limit: int, align: int | None, budget: int | None
) -> None:
    settings = read_settings(given)
    assert (settings.anchor_limit, settings.align, settings.anchor_budget) == (limit, align, budget)
    assert isinstance(settings, Settings)
