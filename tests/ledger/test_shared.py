"""Several logs opened on one database, as several processes would: one history, whoever sequences."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from ledger.__main__ import app
from ledger.errors import Conflict, HistoryLost, LogExists, NoLog, OutcomeUnknown, WrongLog
from ledger.log import Log
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.submission import Receipt, prepare
from tallystick.admission import Refused
from tallystick.merkle import verify_consistency
from tallystick.tree_head import verify_tree_head
from tests.ledger.conftest import founding
from tests.patience import join
from tests.world import World

PUBLISHED = 20.0
"""Seconds that a test waits for what comes at once."""


@pytest.fixture
def world(dsn: str) -> World:
    """Of a log that was begun in the database."""
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    return world


Open = Callable[..., Log]


@pytest.fixture
def opened(dsn: str, world: World) -> Iterator[Open]:
    """Opens the log once more, under a name."""
    with ExitStack() as stack:

        def one(name: str, lease: float = 5.0, **options: Any) -> Log:
            place = Place(dsn, name, lease=lease)
            return stack.enter_context(
                open_shared(place, world.signers, lambda: world.clock, publish_every=0.0, **options)
            )

        yield one


def run(dsn: str, query: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(query)  # type: ignore[call-overload]


def seat(log: Log) -> tuple[int, str, bool]:
    found = log.status().seat
    assert found is not None
    return found.epoch, found.holder, found.here


def test_a_statement_gets_its_place_and_is_published(opened: Open, world: World) -> None:
    log = opened("one")
    receipt = log.submit(world.parties()[0]).result()
    assert (receipt.position, receipt.batch, receipt.duplicate) == (3, 4, False)
    head = log.wait_published(5, PUBLISHED).checkpoint
    assert log.published.checkpoint().checkpoint == head
    assert log.publish_now().checkpoint.size == 5
    assert seat(log) == (2, "one", True)
    assert (log.status().size, log.status().published, log.status().publisher_error) == (5, 5, None)


def test_the_aligned_checkpoint_is_signed_before_the_log_goes_beyond(opened: Open, dsn: str, world: World) -> None:
    log = opened("one", align=1024)
    assert log.published.aligned() is None
    for batch in range(3):
        people = [world.someone(f"party {batch} {number}") for number in range(400)]
        log.submit_many([prepare(world.register(who, "studio")) for who in people]).result(PUBLISHED)
        newest = log.publish_now().checkpoint
    kept = verify_tree_head(log.published.aligned() or b"", world.signers.keys).checkpoint
    assert kept.size == 1024 < newest.size
    proof = log.published.prove_consistency(1024, newest.size)
    verify_consistency(1024, kept.root, newest.size, newest.root, proof)
    assert fsck_shared(Place(dsn, "checker")).findings == ()


def test_answers_are_told_as_they_were_given(opened: Open, world: World) -> None:
    log = opened("one")
    said = world.main_job()
    first = log.submit_many([prepare(one, world.disclosures.get(one.statement_id, ())) for one in said]).result()
    assert all(isinstance(one, Receipt) for one in first)
    again = log.submit_many([prepare(one) for one in said]).result()
    assert [one.position for one in again] == [one.position for one in first]  # type: ignore[union-attr]
    assert all(one.duplicate for one in again)  # type: ignore[union-attr]
    with log.store.snapshot() as reads:
        held = [reads.disclosures(one.position) for one in first if isinstance(one, Receipt)]
    expected = [{one.name: one.text for one in world.disclosures.get(each.statement_id, ())} for each in said]
    assert held == expected
    assert any(expected)
    with pytest.raises(Refused) as refused:
        log.submit(world.parties()[0]).result()
    assert refused.value.code
    assert refused.value.hint


def test_another_body_under_an_event_id_is_a_conflict_from_any_process(opened: Open, world: World) -> None:
    one, two = opened("one"), opened("two")
    [one.submit(party).result() for party in world.parties()]
    first = world.object()
    place = one.submit(first).result().position
    other = world.say(world.studio, "object.register", first.event.subject, first.event.body, event_id=first.event.event_id, time="2026-01-02T00:00:00Z")  # fmt: skip  # noqa: E501
    with pytest.raises(Conflict) as conflict:
        two.submit(other).result()
    assert (conflict.value.event_id, conflict.value.position) == (first.event.event_id, place)


def test_many_processes_say_the_same_at_once_and_it_stands_once(opened: Open, dsn: str, world: World) -> None:
    logs = [opened(name) for name in ("one", "two", "three")]
    [logs[0].submit(party).result() for party in world.parties()]
    said = [world.object() for _ in range(60)]
    answers: list[dict[bytes, int]] = [{} for _ in logs]

    def say(log: Log, into: dict[bytes, int], turn: int) -> None:
        mixed = said[turn * 20 :] + said[: turn * 20]
        futures = [(each, log.submit(each)) for each in mixed]
        into.update({each.statement_id: future.result().position for each, future in futures})

    threads = [threading.Thread(target=say, args=(log, answers[at], at)) for at, log in enumerate(logs)]
    [thread.start() for thread in threads]
    join(*threads)
    assert answers[0] == answers[1] == answers[2]
    assert len(set(answers[0].values())) == len(said)
    with logs[1].store.snapshot() as reads:
        assert reads.positions_of([each.statement_id for each in said]) == answers[0]
    assert fsck_shared(Place(dsn, "fsck")).findings == ()
    heads = {log.publish_now().checkpoint.size for log in logs}
    assert max(heads) > max(answers[0].values())
    assert [seat(log)[1] for log in logs] == ["one"] * 3


def test_the_next_one_takes_over_when_the_sequencer_leaves(opened: Open, dsn: str, world: World) -> None:
    first = open_shared(Place(dsn, "first"), world.signers, lambda: world.clock, publish_every=0.0)
    parties = world.parties()
    with first:
        first.submit(parties[0]).result()
        old = first.publish_now().checkpoint
        second = opened("second")
        assert seat(second) == (2, "first", False)
    assert second.submit(parties[1]).result().position == 5
    new = second.wait_published(7, PUBLISHED).checkpoint
    proof = second.published.prove_consistency(old.size, new.size)
    verify_consistency(old.size, old.root, new.size, new.root, proof)
    assert seat(second) == (3, "second", True)


def test_a_sequencer_whose_lease_was_lost_steps_down_and_work_goes_on(opened: Open, dsn: str, world: World) -> None:
    one, two = opened("one", 1.0), opened("two", 1.0)
    parties = world.parties()
    for party in parties:
        holder = seat(one)[1]
        assert isinstance((two if holder == "one" else one).submit(party).result(), Receipt)
        # As if the holder had said nothing for long: the other one, or it again, in a new epoch.
        run(dsn, "UPDATE lease SET holder = 'nobody', expires = '-infinity'")
    with one.store.snapshot() as reads:
        assert len(reads.positions_of([each.statement_id for each in parties])) == len(parties)
    assert one.publish_now().checkpoint.size >= 3 + 2 * len(parties)
    assert fsck_shared(Place(dsn, "fsck")).findings == ()


def test_nobody_sequences_and_callers_are_told(opened: Open, dsn: str, world: World) -> None:
    run(dsn, "UPDATE lease SET holder = 'frozen', epoch = 9, expires = now() + interval '4 seconds'")
    log = opened("one", patience=0.3)
    with pytest.raises(OutcomeUnknown, match="submit the same statement again"):
        log.submit(world.parties()[0]).result()
    with pytest.raises(OutcomeUnknown, match="is there a sequencer"):
        log.publish_now()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM submissions").fetchone() == (0,)


class Broken:
    """A store in which a batch with a certain statement always fails."""

    def __init__(self, inner: Any, statement_id: bytes) -> None:
        self._inner = inner
        self._statement_id = statement_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._inner.transaction() as working:
            yield working
            if working.positions_of([self._statement_id]):
                raise ValueError("planted")


def test_work_that_always_fails_does_not_hold_up_others_for_ever(opened: Open, world: World) -> None:
    first, second = world.parties()[:2]
    log = opened("one", adapt=lambda office: replace(office, store=Broken(office.store, first.statement_id)))
    with pytest.raises(OutcomeUnknown, match="could not record it"):
        log.submit(first).result()
    assert log.submit(second).result().position == 3


def test_a_lease_from_before_the_clock_jumped_back_has_ended(opened: Open, dsn: str, world: World) -> None:
    run(dsn, "UPDATE lease SET holder = 'late', epoch = 9, expires = now() + interval '1 hour'")
    log = opened("one")
    assert log.submit(world.parties()[0]).result().position == 3
    assert seat(log) == (10, "one", True)


# --- opening ------------------------------------------------------------------------------


def test_a_log_is_begun_once(dsn: str, world: World) -> None:
    with pytest.raises(LogExists):
        create_shared(Place(dsn, "again"), founding(world), lambda: world.clock)


def test_an_old_copy_of_the_database_is_not_opened(opened: Open, dsn: str, world: World) -> None:
    run(dsn, "UPDATE signed SET size = 9, note = 'signed'")
    with pytest.raises(HistoryLost, match="it is an old copy"):
        opened("one")


def test_a_log_without_its_checkpoint_store_is_not_opened(opened: Open, dsn: str) -> None:
    run(dsn, "DROP TABLE checkpoint_store")
    with pytest.raises(NoLog, match="must not run without it"):
        opened("one")


def test_other_keys_do_not_open_it(dsn: str, world: World) -> None:
    with pytest.raises(WrongLog):
        open_shared(Place(dsn, "one"), World(origin="log.example/other").signers)


def test_the_checkpoint_store_may_be_in_another_database(dsn: str, postgres: Any) -> None:
    world = World()
    with postgres.database("template0") as apart:
        place = Place(dsn, "one", apart)
        create_shared(place, founding(world), lambda: world.clock)
        with open_shared(place, world.signers, lambda: world.clock) as log:
            log.submit(world.parties()[0]).result()
            size = log.publish_now().checkpoint.size
        with closing(PostgresCheckpointStore(apart)) as held:
            assert held.latest(world.origin).size == size
        with pytest.raises(NoLog):
            PostgresCheckpointStore(dsn)


# --- checking -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("damage", "position", "found"),
    [
        ("UPDATE entries SET entry = set_byte(entry, 9, get_byte(entry, 9) # 1) WHERE position = 1", 0, "as appended"),
        ("UPDATE published_tiles SET data = set_byte(data, 9, get_byte(data, 9) # 1) WHERE level = 0", 0, "tile"),
        ("UPDATE published_tiles SET data = set_byte(data, 90, get_byte(data, 90) # 1) WHERE level = -1", 0, ""),
        ("DELETE FROM published_tiles WHERE level = 0", 0, "is missing"),
        ("INSERT INTO published_tiles VALUES (0, 0, 1, decode(repeat('00', 32), 'hex'))", 0, "not the front"),
        ("UPDATE signed SET size = 3, note = ''", -1, "checkpoint store|held as signed"),
        ("DELETE FROM states WHERE key = 'log'", -1, ""),
    ],
)
def test_fsck_names_what_is_wrong(opened: Open, dsn: str, world: World, damage: str, position: int, found: str) -> None:
    with open_shared(Place(dsn, "one"), world.signers, lambda: world.clock) as log:
        log.submit(world.parties()[0]).result()
        log.publish_now()
    assert fsck_shared(Place(dsn, "fsck")).findings == ()
    run(dsn, damage)
    findings = fsck_shared(Place(dsn, "fsck")).findings
    assert any(re.search(found, str(one)) for one in findings)
    assert findings[0].position == position
    address = f"postgresql:///?{dsn.replace(' ', '&')}"
    assert CliRunner().invoke(app, ["fsck", address]).exit_code == 1


def test_fsck_of_a_database_from_the_command_line(dsn: str, world: World) -> None:
    with open_shared(Place(dsn, "one"), world.signers, lambda: world.clock) as log:
        log.publish_now()
    done = CliRunner().invoke(app, ["fsck", f"postgresql:///?{dsn.replace(' ', '&')}"])
    assert done.exit_code == 0
    assert done.output == (
        "3 entries, 3 published; 0 of 0 objects are bound and complete; 0 of 0 private values are kept, 0 were erased\n"
        "nothing is wrong\n"
    )
