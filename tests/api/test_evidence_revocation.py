"""The service takes revocation data into bundles by itself, and says where to ask for what it lacks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchors.scheduler import Policy
from anchors.timestamps.client import TimestampClient
from anchors.timestamps.config import read_authorities
from anchors.timestamps.outbox import Stamps
from anchors.timestamps.runner import StampRunner
from anchors.timestamps.wire import REPLY_TYPE, encode_grant, parse_request
from api.worker import _source
from ledger.store import Search, Store
from tests.api.desk import Desk, anchoring, case_of
from tests.api.house import open_house
from tests.c2pa_corpus.people import der
from tests.core.timestamp.forge import Recipe, token
from tests.core.verify.words_kit import (
    PLACE,
    TOWER_HALL,
    TOWER_ROOT,
    TOWER_WITH_A_PLACE,
    Reason,
    holder,
    listing,
)
from tests.patience import wait_until
from tests.world import START

NOW = datetime.fromtimestamp(START, UTC)


def tower(query: bytes) -> tuple[int, str, bytes]:
    asked = parse_request(query)
    shown = (der(TOWER_WITH_A_PLACE.certificate), der(TOWER_HALL.certificate))
    recipe = Recipe(holder(TOWER_WITH_A_PLACE), nonce=asked.nonce, gen_time=NOW, certificates=shown)
    return 200, REPLY_TYPE, encode_grant(token(replace(recipe, hashed=asked.hashed)))


@dataclass
class Place:
    desk: Desk
    folder: Path
    object: str


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("authorities")
    (folder / "tower.pem").write_bytes(TOWER_ROOT.certificate.public_bytes(Encoding.PEM))
    (folder / "authorities.toml").write_text('[tower]\nurl = "http://tower.example/"\nroots = "tower.pem"\n')
    kept = folder / "revocation"
    kept.mkdir()
    home = tmp_path_factory.mktemp("house")
    with open_house(home, timestamps=folder / "authorities.toml", revocation=kept) as house:
        desk = Desk(house, house.party("studio"), house.party("licensee"))
        with anchoring(desk) as driver:
            object_id, _ = desk.picture()
            driver.anchor()
            desk.publish()
            settings, clock = house.services.settings, house.services.clock
            assert settings.timestamps is not None
            with closing(Stamps(settings.outbox)) as stamps:
                (service,) = read_authorities(settings.timestamps)
                client = TimestampClient(service, clock, tower)
                StampRunner(client, Policy(), stamps, _source(settings), clock).run_once()
            # The log enters the token by itself, within a second: not between two exports that are to be the same.
            log = house.services.log.store
            wait_until(lambda: _holds(log, "log.time"), "a token is entered")
            yield Place(desk, kept, object_id)


def _holds(log: Store, kind: str) -> bool:
    with log.snapshot() as reads:
        return bool(reads.search(Search(type=kind)))


def test_without_any_the_bundle_is_as_before_and_says_whom_to_ask(place: Place) -> None:
    answer = place.desk.export(place.desk.studio, "object", place.object)
    assert answer.headers["X-Tallystick-Unanswered"] == PLACE
    case = case_of(answer.content)
    assert (case.index.v, dict(case.revocation)) == (4, {})
    report = place.desk.verify(answer.content)
    assert (report.verdict, report.claim("timestamp").outcome) == ("proved", "proved")
    assert any(line.key == "revocation.unanswered" for line in report.claim("timestamp").evidence)


def test_what_speaks_of_its_signers_goes_in_by_itself(place: Place) -> None:
    good = listing(TOWER_HALL, at=NOW)
    (place.folder / "hall.crl").write_bytes(good)
    (place.folder / "others.crl").write_bytes(listing(TOWER_ROOT, at=NOW, key=TOWER_HALL.key))
    (place.folder / "notes.txt").write_bytes(b"fetched on Monday")
    try:
        # The first export states a root of the map, an entry that is published after it.
        place.desk.export(place.desk.studio, "object", place.object)
        answer = place.desk.export(place.desk.studio, "object", place.object)
        again = place.desk.ask(place.desk.studio, "object", place.object)
    finally:
        for path in place.folder.iterdir():
            path.unlink()
    assert answer.content == again.content, "the same facts, the same bytes"
    assert answer.headers["X-Tallystick-Unanswered"] == ""
    case = case_of(answer.content)
    assert (case.index.v, list(case.revocation.values())) == (5, [good])
    report = place.desk.verify(answer.content)
    assert (report.verdict, report.claim("timestamp").outcome) == ("proved", "proved")
    keys = {line.key for line in report.claim("timestamp").evidence}
    assert "revocation.unrevoked" in keys
    assert "revocation.unanswered" not in keys
    assert "data/report/report.en.pdf" in (case.index.report or ())


def test_a_stolen_clock_falls_by_the_operators_own_export(place: Place) -> None:
    stolen = (TOWER_WITH_A_PLACE, NOW + timedelta(days=300), Reason.key_compromise)
    (place.folder / "hall.crl").write_bytes(listing(TOWER_HALL, stolen, at=NOW + timedelta(days=300)))
    try:
        answer = place.desk.export(place.desk.studio, "object", place.object)
    finally:
        (place.folder / "hall.crl").unlink()
    report = place.desk.verify(answer.content)
    assert (report.verdict, report.claim("timestamp").outcome) == ("proved", "not_proved")
