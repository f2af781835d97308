"""What a restore of a shared log leaves where it is cut short, brings with a newer backup, and is elected above."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest

from ledger.bucket.place import parse_place
from ledger.copies.source import open_source
from ledger.errors import HistoryLost, LogBusy, LogExists, NoLog
from ledger.folder import Folder
from ledger.log import Log
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.election import Election
from ledger.shared.log import create_shared, open_shared
from ledger.shared.place import Place
from ledger.shared.restoring import restore_shared, signed_last
from ledger.shared.upkeep import back_up_shared, fsck_shared
from ledger.upkeep.backup import back_up
from ledger.upkeep.restore import Restored, restore
from tallystick.events.erasure import Erasure
from tests.ledger.commands import run
from tests.ledger.conftest import founding, open_log
from tests.ledger.following import known
from tests.ledger.shared_copies import SIZE, at_step, go_on, mirror, opened, sound, url, values
from tests.patience import PATIENCE
from tests.s3 import Bucket
from tests.world import World

# --- a checkpoint store that is made anew ----------------------------------------------------


@pytest.mark.parametrize("step", ["create", "enter", "begin", "take_over", "swap"])
def test_a_new_checkpoint_store_appears_whole_or_not_at_all(
    kept: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """One that said that nothing was ever signed would let an older copy begin a second history."""
    place = Place(empty, "operator")
    original = getattr(PostgresCheckpointStore, step)

    def done_and_fail(*given: object) -> None:
        original(*given)
        raise OSError("planted")

    monkeypatch.setattr(PostgresCheckpointStore, step, done_and_fail)
    # Not every step is taken.
    with suppress(OSError):
        restore_shared(place, kept, None, None, tmp_path, store_lost=True)
    monkeypatch.undo()
    held = signed_last(place, World().origin)
    assert held is None or held.size == SIZE
    if held is None:
        with pytest.raises(NoLog, match="bring the newest one back"):
            restore_shared(place, None, None, None, tmp_path)
        with pytest.raises(NoLog), opened(empty, World()):
            pass
        restore_shared(place, None, None, known(), tmp_path, store_lost=True)
    sound(empty, at_step(1), SIZE)


def test_a_row_is_not_put_in_the_place_of_another(worked: str) -> None:
    with closing(PostgresCheckpointStore(worked)) as store:
        before = store.latest(World().origin)
        with pytest.raises(LogExists, match="knows the log"):
            store.begin(World().origin, before)
        assert store.latest(World().origin) == before


# --- a log that was never published ----------------------------------------------------------


def test_a_shared_log_that_was_never_published_goes_on_after_a_restore(dsn: str, empty: str, tmp_path: Path) -> None:
    world = World()
    create_shared(Place(dsn, "founder"), founding(world), lambda: world.clock)
    assert back_up_shared(Place(dsn, "operator"), tmp_path / "kept").holding.signed == 0
    place = Place(empty, "operator")
    with pytest.raises(NoLog, match="bring the newest one back"):
        restore_shared(place, tmp_path / "kept", None, None, tmp_path)
    assert restore_shared(place, None, None, None, tmp_path, store_lost=True) == Restored(3, 0, 0, 0)
    with opened(empty, world) as log:
        placed = log.submit(next(iter(world.parties()))).result()
        log.wait_published(placed.batch + 1, PATIENCE)
    assert fsck_shared(place).findings == ()


def test_a_log_in_a_folder_that_was_never_published_goes_on_after_a_restore(tmp_path: Path) -> None:
    world = World()
    made = Log.create(tmp_path / "first", founding(world), world.signers, lambda: world.clock, publish_every=None)
    made.close()
    assert back_up(Folder(tmp_path / "first"), tmp_path / "kept").holding.signed == 0
    restore(Folder(tmp_path / "new"), tmp_path / "kept", None, None, store_lost=True)
    with open_log(tmp_path / "new", world) as log:
        placed = log.submit(next(iter(world.parties()))).result()
        assert log.publish_now().checkpoint.size == placed.batch + 1


# --- private values --------------------------------------------------------------------------


def from_tiles(worked: str, empty: str, folder: Path) -> Place:
    """The log brought back from tiles, which have no private values."""
    place = Place(empty, "operator", worked)
    restore_shared(place, None, open_source(str(mirror(worked, folder / "mirror"))), known(), folder)
    assert values(empty) == {}
    return place


def test_a_backup_brings_the_values_of_entries_that_came_from_tiles(
    worked: str, kept: Path, empty: str, tmp_path: Path
) -> None:
    place = from_tiles(worked, empty, tmp_path)
    assert restore_shared(place, kept, None, None, tmp_path) == Restored(SIZE, SIZE, 0, 0)
    assert values(empty) == values(worked) != {}
    sound(empty, at_step(1), SIZE, worked)


def test_values_that_were_cut_short_are_gone_on_with(
    worked: str, kept: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = from_tiles(worked, empty, tmp_path)
    monkeypatch.setattr("ledger.upkeep.rebuild._CHUNK", 3)
    with psycopg.connect(empty) as connection:
        last = max(values(worked))
        connection.execute(f"ALTER TABLE disclosures ADD CONSTRAINT planted CHECK (position < {last})")
    with pytest.raises(psycopg.errors.CheckViolation):
        restore_shared(place, kept, None, None, tmp_path)
    assert 0 < len(values(empty)) < len(values(worked))
    with psycopg.connect(empty) as connection:
        connection.execute("ALTER TABLE disclosures DROP CONSTRAINT planted")
    restore_shared(place, kept, None, None, tmp_path)
    assert values(empty) == values(worked)


def erase(worked: str, position: int, name: str) -> None:
    world = at_step(1)
    with opened(worked, world) as log:
        with log.store.snapshot() as reads:
            found = reads.record(position)
        assert found is not None
        body = Erasure(position, (name,), "objection")
        placed = log.submit(world.say(world.registrar, "disclosure.erase", found.subject, body)).result()
        log.wait_published(placed.batch + 1, PATIENCE)


def test_neither_erased_nor_rotten_values_are_brought(worked: str, empty: str, tmp_path: Path) -> None:
    """The backup still has what was erased, as a vault does into which an old copy was put back."""
    before = values(worked)
    (first, erased), (second, rotten) = [(at, tuple(names)) for at, names in before.items()][:2]
    erase(worked, first, erased[0])
    with psycopg.connect(worked) as connection:
        connection.execute("INSERT INTO disclosures VALUES (%s, %s, %s)", (first, erased[0], before[first][erased[0]]))
        connection.execute("UPDATE disclosures SET disclosure = 'rot' WHERE position = %s", (second,))
    place = from_tiles(worked, empty, tmp_path)
    back_up_shared(Place(worked, "operator"), tmp_path / "kept")
    restore_shared(place, tmp_path / "kept", None, None, tmp_path)
    expected = {at: dict(one) for at, one in before.items() if at != second}
    del expected[first][erased[0]]
    assert values(empty) == {at: one for at, one in expected.items() if one}
    assert rotten
    assert fsck_shared(place).findings == ()


def test_a_value_that_rotted_comes_from_an_older_backup_restored_first(
    worked: str, kept: Path, empty: str, tmp_path: Path
) -> None:
    before = values(worked)
    with psycopg.connect(worked) as connection:
        connection.execute("UPDATE disclosures SET disclosure = 'rot' WHERE position = %s", (min(before),))
    size = go_on(worked, at_step(1), parties=2)
    back_up_shared(Place(worked, "operator"), tmp_path / "newer")
    place = Place(empty, "operator", worked)
    with pytest.raises(HistoryLost, match="has 29 entries"):
        restore_shared(place, kept, None, None, tmp_path)
    assert restore_shared(place, tmp_path / "newer", None, None, tmp_path) == Restored(size, size, 0, 0)
    after = values(empty)
    assert {at: one for at, one in after.items() if at < SIZE} == before
    assert len(after) == len(before) + 2
    sound(empty, at_step(2), size, worked)


def test_what_was_erased_is_not_missing(
    worked: str, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No backup is looked for in which it would be; in a folder as in databases, whatever is committed together."""
    held = values(worked)
    position = min(held)
    committed = sum(map(len, held.values()))
    erase(worked, position, min(held[position]))
    source = str(mirror(worked, tmp_path / "mirror"))
    monkeypatch.setattr("ledger.upkeep.rebuild._TOGETHER", 4)
    there = Place(empty, "operator", worked)
    expected = Restored(SIZE + 2, SIZE + 2, SIZE + 2, committed - 1)
    assert restore_shared(there, None, open_source(source), known(), tmp_path) == expected
    monkeypatch.undo()
    folder = Folder(tmp_path / "new")
    assert restore(folder, None, open_source(source), known(), store_lost=True) == expected


def test_an_erasure_of_what_came_before_takes_nothing_from_what_is_missing(
    worked: str, kept: Path, empty: str, tmp_path: Path
) -> None:
    """The backup has the value, and the tiles bring its erasure and four entries without theirs."""
    held = values(worked)
    position = min(held)
    erase(worked, position, min(held[position]))
    size = go_on(worked, at_step(3), parties=4)
    source = open_source(str(mirror(worked, tmp_path / "mirror")))
    done = restore_shared(Place(empty, "operator", worked), kept, source, None, tmp_path)
    assert done == Restored(size, size, size - SIZE, 4)


# --- who restores ----------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["published_checkpoint", "aligned_checkpoint"])
def test_epochs_count_on_from_what_the_database_shows(worked: str, tmp_path: Path, table: str) -> None:
    """As where an old copy of the lease, or of the whole checkpoint store, was put beside newer tables."""
    with psycopg.connect(worked) as connection:
        connection.execute("INSERT INTO aligned_checkpoint SELECT * FROM published_checkpoint ON CONFLICT DO NOTHING")
        connection.execute(f"UPDATE {table} SET epoch = 50")
    restore_shared(Place(worked, "operator"), None, None, None, tmp_path)
    with closing(Election(worked, "another")) as election:
        assert election.incumbent().epoch == 51


def test_epochs_count_on_where_only_the_bucket_is_left(
    worked: str, kept: Path, empty: str, dsn: str, bucket: Bucket, tmp_path: Path
) -> None:
    """The bucket takes no checkpoint of an earlier epoch than the one it shows."""
    where = parse_place(bucket.place("shared/log"))
    first = Place(worked, "one", bucket=where)
    restore_shared(Place(empty, "operator", worked, bucket=where), kept, None, None, tmp_path)
    world = at_step(1)
    for _ in range(9):
        with open_shared(first, world.signers, lambda: world.clock, publish_every=0.0) as log:
            placed = log.submit(world.object()).result()
            log.wait_published(placed.batch + 1, PATIENCE)
    # Database and checkpoint store are lost, both.
    code, _, error = run(
        *("restore", url(dsn), "--backup", kept, "--tiles", bucket.place("shared/log"), "--checkpoint-store-lost")
    )
    assert (code, error) == (0, "")
    world = at_step(2)
    with open_shared(Place(dsn, "two", bucket=where), world.signers, lambda: world.clock, publish_every=0.0) as log:
        placed = log.submit(world.object()).result()
        assert log.wait_published(placed.batch + 1, PATIENCE).checkpoint.size == placed.batch + 1


def test_who_was_killed_is_waited_for_so_long(worked: str, tmp_path: Path) -> None:
    """A restore that was killed holds the log until its lease ends, and the next one is told when that is."""
    with closing(Election(worked, "operator", 3600.0)) as killed:
        assert killed.stand() is not None
        place = Place(worked, "another", lease=3600.0)
        with pytest.raises(LogBusy, match=r"operator sequences this log: .* its lease ends in (3600|35\d\d) s"):
            restore_shared(place, None, None, None, tmp_path)


def test_who_resigns_meanwhile_is_waited_for_no_longer(worked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Election, "stand", lambda *_: None)
    with psycopg.connect(worked) as connection:
        connection.execute("UPDATE lease SET expires = '-infinity'")
    with (
        closing(Election(worked, "operator")) as election,
        pytest.raises(LogBusy, match="its lease ends in 1 s"),
        election.hold(0),
    ):
        pass


def test_backups_and_tiles_by_turns(worked: str, kept: Path, empty: str, tmp_path: Path) -> None:
    """Each brings what the other lacks."""
    place = from_tiles(worked, empty, tmp_path)
    size = go_on(worked, at_step(3), parties=2)
    source = open_source(str(mirror(worked, tmp_path / "newer")))
    assert restore_shared(place, kept, source, None, tmp_path) == Restored(size, size, size - SIZE, 2)
    back_up_shared(Place(worked, "operator"), tmp_path / "latest")
    assert restore_shared(place, tmp_path / "latest", None, None, tmp_path) == Restored(size, size, 0, 0)
    assert values(empty) == values(worked)
