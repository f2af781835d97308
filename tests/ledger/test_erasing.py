"""An erasure deletes in the batch that admits it; a vault from before is erased again; ``fsck`` sees what was not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path

import psycopg
import pytest

from ledger.batch import _Draft
from ledger.folder import Folder
from ledger.log import Log
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.submission import prepare
from ledger.upkeep.backup import back_up
from ledger.upkeep.fsck import Report, fsck
from ledger.upkeep.replaying import Finding
from ledger.upkeep.restore import restore
from tallystick.admission import Refused
from tallystick.admission.state import committed_key
from tallystick.events.erasure import Erasure
from tallystick.statement import Statement, parse_statement
from tests.ledger.conftest import open_log
from tests.ledger.shared_copies import opened
from tests.ledger.test_fsck import plant
from tests.world import World


class Kept:
    """The main job's log, in a folder or in a database."""

    def __init__(self, open_it: Callable[[World], AbstractContextManager[Log]], check: Callable[[], Report]) -> None:
        self.open = open_it
        self._check = check

    def findings(self) -> tuple[Finding, ...]:
        return self._check().findings

    def values(self) -> str:
        """What the check says of private values, of a log with which nothing is wrong."""
        report = self._check()
        assert report.findings == ()
        return str(report.values)


@pytest.fixture(params=["folder", "postgres"])
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "postgres":
        dsn = request.getfixturevalue("worked")
        return Kept(lambda world: opened(dsn, world), lambda: fsck_shared(Place(dsn, "fsck")))
    data = request.getfixturevalue("data")
    return Kept(lambda world: open_log(data, world), lambda: fsck(Folder(data)))


def vault(log: Log, position: int) -> set[str]:
    with log.store.snapshot() as reads:
        return set(reads.disclosures(position))


def erase(log: Log, world: World, position: int, *names: str) -> None:
    with log.store.snapshot() as reads:
        record = reads.record(position)
    assert record is not None
    body = Erasure(position, names, "unlawful")
    log.submit(world.say(world.registrar, "disclosure.erase", record.subject, body)).result()


def granted(log: Log) -> int:
    """Position of the licence, the last of the main job; its terms are private."""
    with log.store.snapshot() as reads:
        (record,) = [one for at in range(reads.size()) if (one := reads.record(at)) and one.type == "licence.grant"]
    return record.position


def test_the_value_goes_with_the_batch_that_admits_the_erasure(kept: Kept, world: World) -> None:
    with kept.open(world) as log:
        position = granted(log)
        before = vault(log, position)
        erase(log, world, position, "payment", "territory")
        assert vault(log, position) == before - {"payment", "territory"}
        log.publish_now()
    assert kept.findings() == ()


def test_fsck_counts_what_is_kept_and_what_was_erased(kept: Kept, world: World, request: pytest.FixtureRequest) -> None:
    """A row that somebody deletes is no finding, for after a restore from tiles it may be missing: the count tells."""
    assert kept.values() == "15 of 15 private values are kept, 0 were erased"
    with kept.open(world) as log:
        position = granted(log)
        erase(log, world, position, "payment")
        log.publish_now()
    assert kept.values() == "14 of 15 private values are kept, 1 was erased"
    with kept.open(world) as log:
        erase(log, world, position, "territory", "window")
        log.submit(titled(world)).result()
        log.publish_now()
    assert kept.values() == "12 of 17 private values are kept, 3 were erased"
    harm = "DELETE FROM disclosures WHERE position = (SELECT min(position) FROM disclosures)"
    if "worked" in request.fixturenames:
        with psycopg.connect(request.getfixturevalue("worked")) as server:
            deleted = server.execute(harm).rowcount
    else:
        with closing(sqlite3.connect(request.getfixturevalue("data") / "ledger.sqlite")) as file, file:
            deleted = file.execute(harm).rowcount
    assert kept.values() == f"{12 - deleted} of 17 private values are kept, 3 were erased"


def test_an_erasure_that_the_log_has_twice_counts_once(data: Path, world: World) -> None:
    """The first rules left it to the registrar which values an entry had, and whether they were there still."""
    with open_log(data, world) as log:
        position = granted(log)
        with log.store.snapshot() as reads:
            subject = parse_statement(reads.entries(position, position + 1)[0]).event.subject
    bodies = [
        Erasure(at, names, "unlawful") for at, names in ((position, ("colour", "payment")), (position, ("payment",)))
    ]
    bodies += [Erasure(0, ("payment",), "unlawful"), Erasure(900, ("payment",), "unlawful")]
    said = tuple(world.say(world.registrar, "disclosure.erase", subject, body) for body in bodies)
    plant(data, world, statements=said)
    report = fsck(Folder(data))
    assert str(report.values) == "15 of 15 private values are kept, 1 was erased"
    assert report.findings != ()


def test_values_are_not_counted_where_not_all_entries_were_read(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.upkeep.fsck.MOST", 0)
    assert fsck(Folder(data)).values is None


def test_a_refused_erasure_deletes_nothing(kept: Kept, world: World) -> None:
    with kept.open(world) as log:
        position = granted(log)
        before = vault(log, position)
        with pytest.raises(Refused, match="none named colour"):
            erase(log, world, position, "colour", "payment")
        assert vault(log, position) == before


def test_a_value_may_go_in_the_very_batch_that_brings_it(kept: Kept, world: World) -> None:
    with kept.open(world) as log:
        with log.store.snapshot() as reads:
            position = reads.size()
        plain = world.object()
        said = world.say(world.studio, "object.register", plain.event.subject, plain.event.body, {"title": "x"})
        erased = world.say(
            world.studio, "disclosure.erase", plain.event.subject, Erasure(position, ("title",), "objection")
        )
        work = [prepare(said, world.disclosures[said.statement_id]), prepare(erased)]
        outcomes = log.submit_many(work).result()
        assert [isinstance(one, Exception) for one in outcomes] == [False, False]
        assert vault(log, position) == set()


def titled(world: World) -> Statement:
    plain = world.object()
    return world.say(world.studio, "object.register", plain.event.subject, plain.event.body, {"a": "1", "b": "2"})


def test_a_value_that_comes_after_its_statement_is_kept(kept: Kept, world: World) -> None:
    """It was taken with the answer that the statement stands, and dropped: whoever sent it had nothing more to send."""
    with kept.open(world) as log:
        said = titled(world)
        (a, b) = world.disclosures[said.statement_id]
        position = log.submit(said).result().position
        assert vault(log, position) == set()
        for values, names in (((a,), {"a"}), ((a, b), {"a", "b"})):
            again = log.submit(said, values).result()
            assert (again.position, again.duplicate) == (position, True)
            assert vault(log, position) == names
        with log.store.snapshot() as reads:
            assert reads.disclosures(position) == {"a": a.text, "b": b.text}
        log.publish_now()
    assert kept.findings() == ()


def test_a_value_that_comes_twice_in_one_batch_is_kept(kept: Kept, world: World) -> None:
    with kept.open(world) as log:
        said = titled(world)
        (a, b) = world.disclosures[said.statement_id]
        first, second = log.submit_many([prepare(said, [a]), prepare(said, [b])]).result()
        assert (first.position, first.duplicate) == (second.position, False)
        assert second.duplicate
        assert vault(log, first.position) == {"a", "b"}


@pytest.mark.parametrize("together", [True, False], ids=["in the batch of its erasure", "later"])
def test_a_value_that_was_erased_does_not_come_back(kept: Kept, world: World, together: bool) -> None:
    with kept.open(world) as log:
        said = titled(world)
        values = world.disclosures[said.statement_id]
        position = log.submit(said).result().position
        body = Erasure(position, ("a",), "objection")
        erased = prepare(world.say(world.studio, "disclosure.erase", said.event.subject, body))
        again = prepare(said, values)
        for work in ([erased, again],) if together else ([erased], [again]):
            log.submit_many(work).result()
        assert vault(log, position) == {"b"}
        log.publish_now()
    assert kept.findings() == ()


def test_a_value_that_was_erased_under_the_first_rules_does_not_come_back(data: Path, world: World) -> None:
    """No state says what an entry of theirs has; the erasures themselves do."""
    with open_log(data, world) as log:
        said = titled(world)
        position = log.submit(said).result().position
        body = Erasure(position, ("a",), "objection")
        log.submit(world.say(world.studio, "disclosure.erase", said.event.subject, body)).result()
        with log.store.transaction() as working:
            draft = _Draft(working, [prepare(said, world.disclosures[said.statement_id])], 0, "", world.roles["log"])
            draft._states._read[committed_key(position)] = None
            assert draft._erased(position) == {"a"}


def test_a_value_that_is_kept_in_spite_of_it_is_found(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        position = granted(log)
        with log.store.snapshot() as reads:
            kept, size = reads.disclosures(position), reads.size()
        erase(log, world, position, "payment")
        log.publish_now()
    with closing(sqlite3.connect(data / "ledger.sqlite")) as database, database:
        database.execute("INSERT INTO disclosures VALUES (?, ?, ?)", (position, "payment", kept["payment"]))
    (finding,) = fsck(Folder(data)).findings
    assert finding.position == size
    assert finding.problem == f"values of entry {position} that this entry says were erased are kept still"


def test_a_backup_from_before_is_erased_when_it_is_brought_forward(data: Path, world: World, tmp_path: Path) -> None:
    with open_log(data, world) as log:
        position = granted(log)
        back_up(Folder(data), tmp_path / "backup")
        before = vault(log, position)
        erase(log, world, position, "payment")
        log.publish_now()
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    restore(Folder(data), tmp_path / "backup", None, None)
    with open_log(data, world) as log:
        assert vault(log, position) == before - {"payment"}
    assert fsck(Folder(data)).findings == ()
