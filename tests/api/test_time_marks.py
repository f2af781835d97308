"""Proofs of time: a service with witnesses enters their cosignatures, and a bundle shows both ends on their word."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.services.time_marks import TimeMarks, newest
from ledger.store import Search
from tallystick.events.log import TimeMark
from tallystick.statement import parse_statement
from tallystick.times import parse_time
from tallystick.trust import Trust, encode_trust, parse_trust
from tallystick.verify import verify_case
from tests.api.desk import Desk, anchoring
from tests.api.house import open_house
from tests.api.witnesses import Town, town


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town"), count=2, quorum=2) as made:
        yield made


@pytest.fixture(scope="module")
def desk(here: Town) -> Desk:
    return Desk(here.house, here.house.party("studio"), here.house.party("licensee"))


def marks(desk: Desk) -> dict[int, TimeMark]:
    with desk.house.services.log.store.snapshot() as reads:
        found = reads.search(Search(type="log.time"))
    return {one.position: parse_statement(one.entry).event.body for one in found}


def believing(desk: Desk) -> Trust:
    """The log's trust file, of a reader who knows that its witnesses are independent."""
    file = desk.trust.file
    logs = tuple(dataclasses.replace(log, replaced=log.replaced or ()) for log in file.logs)
    names = ("w1.example", "w2.example")
    return parse_trust(
        encode_trust(dataclasses.replace(file, v=max(3, file.v), logs=logs, independent_witnesses=names))
    )


def another(desk: Desk, every: int) -> TimeMarks:
    """What enters proofs of time, at another pace."""
    it = desk.house.services
    return TimeMarks(it.desk, it.submission, it.voices, it.log, it.status._witnesses, it.timestamps, every, it.clock)


def test_both_ends_of_an_entry_on_the_word_of_witnesses(here: Town, desk: Desk) -> None:
    with anchoring(desk) as worker:
        desk.picture()
        here.published()
        here.until(lambda: here.cosigners() == {"w1", "w2"})
        worker.anchor()
        here.until(lambda: len(marks(desk)) == 2)
        assert {mark.kind for mark in marks(desk).values()} == {"cosignature"}
        assert {mark.source for mark in marks(desk).values()} == {"w1.example", "w2.example"}
        assert another(desk, 0).due() == [], "nothing was logged since: an idle log does not grow by its own clock"
        object_id, data = desk.picture()
        assert another(desk, 0).due() == [], "what is newest stands in the log already"
        worker.anchor()
        assert another(desk, 3600).due() == [], "not more often than the log is anchored by age"
        assert len(another(desk, 0).due()) == 2
        here.until(lambda: here.cosigners() == {"w1", "w2"})
        bundle = desk.export(desk.studio, "object", object_id, originals={"a.png": data}).content
    at = desk.house.world.clock + 3600
    report = verify_case(io.BytesIO(bundle), believing(desk), at)
    assert (report.verdict, report.claim("time").outcome) == ("proved", "proved")
    alone = report.facts["time"]["independent"]
    assert parse_time(alone["not_before"]) < parse_time(alone["not_after"])
    assert {one["position"] for one in report.facts["statements"] if one["type"] == "log.time"} == set(marks(desk))
    plain = verify_case(io.BytesIO(bundle), desk.trust, at)
    assert (plain.verdict, plain.claim("time").outcome) == ("proved", "needs_external_fact")


def test_without_witnesses_and_other_chains_nothing_is_entered(tmp_path: Path) -> None:
    with open_house(tmp_path / "data") as house:
        alone = Desk(house, house.party("studio"), house.party("licensee"))
        with anchoring(alone) as worker:
            alone.picture()
            worker.anchor()
            alone.picture()
            assert another(alone, 0).due() == []
            assert newest(house.services.desk.final(), ()) == []
