"""Service and worker, met in one process: names, requests, proofs, and what is anchored at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anchors.folder import OUTBOX
from anchors.worker import AnchorWorker
from api.settings import Settings
from api.worker import PublishedFiles, open_worker
from ledger.folder import Folder
from ledger.reader import PublishedLog
from ledger.tilestore import TileStore
from tallystick.events.dispute import DisputeOpening
from tallystick.events.licence import LicenceGrant, StatusPointer
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tallystick.merkle import root_at, verify_consistency
from tests.api.house import House, Party, open_house, problem
from tests.api.process import PATIENCE
from tests.api.test_submission import picture

SELDOM = {"anchor_entries": 1 << 30, "anchor_seconds": 1 << 30}
"""A policy that anchors only when asked."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("house"), **SELDOM) as opened:
        yield opened


@pytest.fixture(scope="module")
def worker(house: House) -> Iterator[AnchorWorker]:
    """The worker of the house, its contract deployed and named."""
    with open_worker(house.services.settings, house.services.clock) as opened:
        assert opened.run_once().progress == "waiting for its name"
        wait_until(lambda: house.services.desk.targets()[0].state == "named")
        assert opened.run_once().progress == "final"
        yield opened


def wait_until(happened: Any) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def anchors(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = house.http.get("/v1/anchors").json()["anchors"]
    return found


def run(house: House, worker: AnchorWorker) -> str:
    """Publish, then one run of the worker."""
    house.services.log.publish_now()
    return worker.run_once().progress


def test_the_outbox_is_where_the_worker_looks() -> None:
    settings = Settings(data=Path("data"))
    assert settings.outbox == settings.anchors / OUTBOX


def test_the_first_anchor_covers_the_name_of_its_target(house: House, worker: AnchorWorker) -> None:
    (target,) = house.services.desk.targets()
    assert target.log_position is not None
    event = house.http.get(f"/v1/events/{target.log_position}").json()
    assert (event["type"], event["issuer"]) == ("log.anchor-target", house.world.origin)
    assert event["body"]["contract"] == target.announcement.contract
    assert anchors(house)[0]["size"] > target.log_position


def test_nothing_is_anchored_that_nobody_asked_for(house: House, worker: AnchorWorker, studio: Party) -> None:
    run(house, worker)
    before = len(anchors(house))
    studio.record("object.register", picture())
    assert run(house, worker) == "idle"
    assert len(anchors(house)) == before


def test_an_anchor_on_demand(house: House, worker: AnchorWorker, studio: Party) -> None:
    told = studio.record("object.register", picture())
    answer = house.registrar.post("/v1/anchors", {"reason": "closing"})
    assert answer.status_code == 202
    assert answer.json()["size"] > told["position"]
    assert worker.run_once().progress == "final"
    newest = anchors(house)[-1]
    assert (newest["reason"], newest["size"], newest["state"]) == ("closing", answer.json()["size"], "final")
    assert house.http.get(f"/v1/anchors/{newest['id']}").json() == newest
    proof = house.http.get(f"/v1/anchors/{newest['id']}/proof")
    assert proof.headers["content-type"] == "application/json"
    (target,) = house.services.desk.targets()
    fact = verifier.verify(formats.decode(proof.content), target.announcement)
    assert (fact.size, fact.root.hex()) == (newest["size"], newest["root"])


def test_licences_and_disputes_are_anchored_at_once(house: House, worker: AnchorWorker, studio: Party) -> None:
    made = studio.record("object.register", picture())["subject"]
    run(house, worker)
    body = LicenceGrant(made, (made,), StatusPointer("https://log.example/status/anchors", 1))
    for reason, submitted in (
        ("licence", lambda: studio.record("licence.grant", body, private=house.world.terms(made))),
        ("dispute", lambda: studio.record("dispute.open", DisputeOpening(made, "authorship"))),
    ):
        told = submitted()
        assert run(house, worker) == "final"
        newest = anchors(house)[-1]
        assert newest["reason"] == reason
        assert newest["size"] > told["position"]
    assert run(house, worker) == "idle"


def test_a_repeated_licence_asks_once_more(house: House, worker: AnchorWorker, studio: Party) -> None:
    """Whoever was cut off before the request was written repeats the event."""
    made = studio.record("object.register", picture())["subject"]
    body = DisputeOpening(made, "content")
    told = studio.record("dispute.open", body, event_id="cut-off")
    run(house, worker)
    pending = house.services.desk.targets()[0].id
    again = studio.submit("dispute.open", body, event_id="cut-off")
    assert (again.status_code, again.json()["position"]) == (200, told["position"])
    assert run(house, worker) == "idle"
    assert house.services.desk._outbox.pending(pending) == []


def test_the_oldest_entry_without_an_anchor(house: House, worker: AnchorWorker, studio: Party) -> None:
    house.registrar.post("/v1/anchors", {})
    worker.run_once()
    anchored = anchors(house)[-1]["size"]
    told = studio.record("object.register", picture())
    oldest = house.http.get("/v1/status").json()["oldest_unanchored"]
    assert oldest == {"position": anchored, "admitted_at": told["admitted_at"]}
    page = house.http.get("/", params={"lang": "zh"}).text
    assert f"位置 {anchored}" in page
    assert "已终局" in page
    assert "担保方：仅日志运营方自身" in page
    assert "operator only" in house.http.get("/", params={"lang": "en"}).text


def test_anchors_page_by_page(house: House, worker: AnchorWorker) -> None:
    """Anybody may ask, and every licence may bring one."""
    whole, listed, cursor = anchors(house), list[int](), None
    assert whole
    while True:
        asked = {"limit": 1} | ({} if cursor is None else {"cursor": cursor})
        page = house.http.get("/v1/anchors", params=asked).json()
        listed += [one["id"] for one in page["anchors"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert listed == [one["id"] for one in whole] == sorted(listed)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/anchors/99999", (404, "not-found", "id")),
        ("/v1/anchors/0", (422, "malformed", "id")),
        ("/v1/anchors/99999/proof", (404, "not-found", "id")),
    ],
)
def test_anchors_that_do_not_exist(house: House, path: str, expected: tuple[int, str, str]) -> None:
    assert problem(house.http.get(path)) == expected


@pytest.mark.parametrize("reason", ["", "Ünder", "x" * 41, 7])
def test_a_reason_is_a_few_plain_words(house: House, reason: object) -> None:
    assert problem(house.registrar.post("/v1/anchors", {"reason": reason})) == (422, "malformed", "reason")


def test_a_name_that_was_logged_but_not_marked_is_found_again(tmp_path: Path) -> None:
    """The service dies between the two: the next one finds the entry by its event id."""
    with open_house(tmp_path) as house, open_worker(house.services.settings, house.services.clock) as worker:
        worker.run_once()
        wait_until(lambda: house.services.desk.targets()[0].state == "named")
        (target,) = house.services.desk.targets()
        house.services.desk._outbox._sql.execute("UPDATE target SET state = 'announced', log_position = NULL")
        house.world.clock += 60
        wait_until(lambda: house.services.desk.targets()[0].state == "named")
        assert house.services.desk.targets()[0].log_position == target.log_position


def test_consistency_proofs_from_files_alone(house: House, studio: Party, tmp_path: Path) -> None:
    """Of any two sizes, published or not: the scheduler may choose an old one after an outage."""
    keys = house.services.keyring.log_signers(house.world.origin).keys
    published = PublishedLog(TileStore(Folder(house.services.settings.log).public), keys)
    source = PublishedFiles(published, keys)
    for count in (5, 300):
        events = [{"type": "object.register", "body": picture(b"%d" % n)} for n in range(count)]
        studio.post("/v1/events/batch", {"events": events})
        house.services.log.publish_now()
    latest = source.latest()
    assert latest is not None
    assert latest.note == house.services.proofs.note()
    nodes = published.nodes(latest.checkpoint.size)
    for old, new in ((1, 2), (3, 200), (255, 257), (17, latest.checkpoint.size)):
        verify_consistency(old, root_at(nodes, old), new, root_at(nodes, new), source.consistency(old, new))
    with pytest.raises(ValueError, match="no checkpoint"):
        source.consistency(1, latest.checkpoint.size + 1)
    assert PublishedFiles(PublishedLog(TileStore(tmp_path), keys), keys).latest() is None
