"""A shared log is backed up and brought back as one in a folder is: whole, as one history, or not at all."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import ledger.shared.restoring
import ledger.upkeep.restore
from ledger.bucket.place import parse_place
from ledger.copies.source import open_source
from ledger.errors import Corrupt, DatabaseUnreachable, Fenced, HistoryLost, LogBusy, LogExists, NoLog
from ledger.folder import Folder
from ledger.log import Log
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.election import Election
from ledger.shared.log import open_shared
from ledger.shared.place import Place
from ledger.shared.restoring import restore_shared
from ledger.shared.tiles_postgres import PostgresTiles
from ledger.shared.upkeep import back_up_shared, fsck_shared, replay_shared
from ledger.upkeep.backup import back_up, read_backup
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import Restored, restore
from tallystick.events.erasure import Erasure
from tests.ledger.commands import run
from tests.ledger.conftest import founding, open_log
from tests.ledger.following import VKEYS, known
from tests.ledger.shared_copies import (
    SIZE,
    at_step,
    copy_of,
    go_on,
    mirror,
    opened,
    published,
    sizes,
    sound,
    url,
    values,
)
from tests.ledger.test_backup import tree
from tests.patience import PATIENCE, wait_until
from tests.postgres import Server
from tests.s3 import Bucket
from tests.world import World

# --- backups -------------------------------------------------------------------------------


def test_a_backup_has_the_form_of_every_backup(worked: str, data: Path, tmp_path: Path) -> None:
    code, out, error = run("backup", url(worked), tmp_path / "kept")
    assert (code, error) == (0, "")
    assert "29 entries of log.example/little, the checkpoint of 29, and 15 private values; no keys" in out
    assert sorted(tree(tmp_path / "kept")) == ["backup.json", "checkpoint", "ledger.sqlite"]
    assert (tmp_path / "kept/ledger.sqlite").stat().st_mode & 0o077 == 0
    holding, alike = read_backup(tmp_path / "kept"), back_up(Folder(data), tmp_path / "folder's").holding
    assert (holding.entries, holding.signed, holding.private_values) == (29, 29, 15)
    assert (alike.entries, alike.signed, alike.private_values) == (29, 29, 15)
    code, _, error = run("backup", url(worked), tmp_path / "kept")
    assert (code, "a backup replaces nothing" in error) == (2, True)


def test_a_backup_of_a_log_in_use_is_one_moment_of_it(worked: str, tmp_path: Path) -> None:
    world = at_step(1)
    with opened(worked, world) as log:
        waiting = [log.submit(world.object()) for _ in range(50)]
        holding = back_up_shared(Place(worked, "operator"), tmp_path / "kept").holding
        for one in waiting:
            one.result()
    assert holding.entries >= holding.signed >= SIZE
    assert restore(Folder(tmp_path / "new"), tmp_path / "kept", None, None, store_lost=True).signed == holding.signed
    assert fsck(Folder(tmp_path / "new")).findings == ()


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE entries SET entry = overlay(entry PLACING '\\x00'::bytea FROM 30) WHERE position = 17",
        "UPDATE batches SET digest = overlay(digest PLACING '\\x00'::bytea FROM 3) WHERE position = 18",
    ],
)
def test_a_damaged_log_is_not_backed_up(worked: str, tmp_path: Path, harm: str) -> None:
    with psycopg.connect(worked) as connection:
        assert connection.execute(harm).rowcount == 1  # type: ignore[call-overload]
    with pytest.raises(Corrupt):
        back_up_shared(Place(worked, "operator"), tmp_path / "kept")
    assert not (tmp_path / "kept").exists()
    # What was left unfinished is in nobody's way.
    with pytest.raises(Corrupt):
        back_up_shared(Place(worked, "operator"), tmp_path / "kept")


def test_replay(worked: str) -> None:
    code, out, _ = run("replay", url(worked))
    assert (code, "29 entries decided again" in out, "nothing is wrong" in out) == (0, True, True)
    with psycopg.connect(worked) as connection:
        connection.execute("DELETE FROM states WHERE key = (SELECT min(key) FROM states)")
    assert [one.position for one in replay_shared(Place(worked, "operator")).findings] == [-1]
    code, _, error = run("replay", url(worked))
    assert (code, "is not stored" in error) == (1, True)


# --- restoring -----------------------------------------------------------------------------


def test_all_that_was_lost_is_brought_back(worked: str, kept: Path, empty: str, dsn: str) -> None:
    """The checkpoint store stands in another database, as it should, and was not lost."""
    before = tree(kept)
    PostgresCheckpointStore.create(dsn)
    with closing(PostgresCheckpointStore(worked)) as old, closing(PostgresCheckpointStore(dsn)) as signed:
        held = old.latest(World().origin)
        signed.enter(World().origin)
        signed.take_over(World().origin, 7)
        signed.swap(World().origin, 7, signed.latest(World().origin), held.size, held.note)
    code, out, error = run("restore", url(empty), "--backup", kept, "--checkpoints", url(dsn))
    assert (code, error) == (0, "")
    assert out == "the log has 29 entries, 29 of them signed; 0 came from tiles\n"
    assert tree(kept) == before
    assert values(empty) == values(worked) != {}
    # Every tile that was public is there again.
    assert published(worked).items() <= published(empty).items()
    sound(empty, at_step(1), SIZE, dsn)


def test_an_old_copy_writes_nothing_until_a_mirror_brings_it_forward(
    postgres: Server, worked: str, tmp_path: Path
) -> None:
    world = at_step(1)
    with copy_of(postgres, worked) as old:
        size = go_on(worked, world, parties=4)
        with pytest.raises(HistoryLost, match="bring this one forward"):
            open_shared(Place(old, "one", worked), world.signers, lambda: world.clock)
        code, _, error = run("restore", url(old), "--checkpoints", url(worked))
        assert code == 1
        assert f"the database has 29 entries, a checkpoint of {size} was signed" in error
        assert "--from-tiles" in error
        before = sizes(old)
        source = mirror(worked, tmp_path / "mirror")
        code, out, error = run("restore", url(old), "--checkpoints", url(worked), "--from-tiles", source)
        assert (code, error, before[0]) == (0, "", SIZE)
        assert f"{size - SIZE} came from tiles" in out
        assert "4 private values of those are in no tile" in out
        sound(old, at_step(2), size, worked)


def test_an_old_copy_is_brought_forward_by_a_newer_backup_with_its_values(
    postgres: Server, worked: str, tmp_path: Path
) -> None:
    world = at_step(1)
    with copy_of(postgres, worked) as old:
        size = go_on(worked, world, parties=4)
        back_up_shared(Place(worked, "operator"), tmp_path / "newer")
        place = Place(old, "operator", worked)
        assert restore_shared(place, tmp_path / "newer", None, None, tmp_path) == Restored(size, size, 0, 0)
        assert values(old) == values(worked)
        sound(old, at_step(2), size, worked)


def test_a_log_moves_between_a_folder_and_databases(data: Path, dsn: str, tmp_path: Path) -> None:
    back_up(Folder(data), tmp_path / "kept")
    place = Place(dsn, "operator")
    with pytest.raises(NoLog, match="bring the newest one back"):
        restore_shared(place, tmp_path / "kept", None, None, tmp_path)
    assert restore_shared(place, tmp_path / "kept", None, None, tmp_path, store_lost=True).signed == SIZE
    sound(dsn, at_step(1), SIZE)
    back_up_shared(place, tmp_path / "back")
    restore(Folder(tmp_path / "new"), tmp_path / "back", None, None, store_lost=True)
    assert fsck(Folder(tmp_path / "new")).findings == ()
    with open_log(tmp_path / "new", at_step(2)) as log:
        assert log.status().size == SIZE + 2


def test_a_log_from_tiles_alone(worked: str, empty: str, tmp_path: Path) -> None:
    source = mirror(worked, tmp_path / "mirror")
    code, _, error = run("restore", url(empty), "--from-tiles", source, "--checkpoints", url(worked))
    assert (code, "the database has no tables of a log: correct its address" in error) == (2, True)
    with psycopg.connect(empty) as connection:
        # In a database that was mistyped nothing is made.
        made = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert made == (0,)
    (tmp_path / "vkeys").write_text("\n".join(VKEYS))
    keys = ("--key", tmp_path / "vkeys")
    code, out, _ = run("restore", url(empty), "--from-tiles", source, "--checkpoints", url(worked), *keys)
    assert (code, "29 came from tiles" in out, "15 private values" in out) == (0, True, True)
    sound(empty, at_step(1), SIZE, worked)


def test_empty_tables_are_no_log(dsn: str, worked: str, tmp_path: Path) -> None:
    with pytest.raises(NoLog, match="give the log's keys too"):
        restore_shared(Place(dsn, "operator", worked), None, None, None, tmp_path)


def test_a_value_that_was_erased_since_does_not_come_back(worked: str, kept: Path, empty: str, tmp_path: Path) -> None:
    world = at_step(1)
    position, names = next((at, tuple(one)) for at, one in values(worked).items() if at > 10)
    with opened(worked, world) as log:
        with log.store.snapshot() as reads:
            found = reads.record(position)
        assert found is not None
        body = Erasure(position, names[:1], "objection")
        placed = log.submit(world.say(world.registrar, "disclosure.erase", found.subject, body)).result()
        log.wait_published(placed.batch + 1, PATIENCE)
    source = open_source(str(mirror(worked, tmp_path / "mirror")))
    done = restore_shared(Place(empty, "operator", worked), kept, source, None, tmp_path)
    assert done.brought == 2
    assert names[0] not in values(empty).get(position, {})
    assert values(empty) == values(worked)
    sound(empty, at_step(2), SIZE + 2, worked)


# --- one history ---------------------------------------------------------------------------


@pytest.fixture
def fork(kept: Path, tmp_path: Path) -> Path:
    """The public part of a second history from 29 entries on, signed by the same keys."""
    world = at_step(3)
    other = tmp_path / "other"
    restore(Folder(other), kept, None, None, store_lost=True)
    with open_log(other, world) as log:
        for _ in range(3):
            log.submit(world.object()).result()
        log.publish_now()
    return other / "public"


def test_a_fork_is_not_restored_from(postgres: Server, worked: str, fork: Path, tmp_path: Path) -> None:
    world = at_step(1)
    with copy_of(postgres, worked) as old:
        go_on(worked, world)
        before, signed = sizes(old), sizes(worked)
        code, _, error = run(
            *("restore", url(old), "--checkpoints", url(worked), "--from-tiles", fork, "--evidence", tmp_path)
        )
        assert (code, "the evidence is in" in error) == (1, True)
        assert len(list((tmp_path / "evidence").iterdir())) == 1
        assert (sizes(old), sizes(worked)) == (before, signed)
        with pytest.raises(HistoryLost), opened(old, world, worked):
            pass


def test_a_backup_of_another_history_replaces_nothing(worked: str, fork: Path, tmp_path: Path) -> None:
    back_up(Folder(fork.parent), tmp_path / "other history")
    size = go_on(worked, at_step(1))
    before = sizes(worked)
    with pytest.raises(LogExists, match=f"there are {size} entries, and those from position 29 on are not in the copy"):
        restore_shared(Place(worked, "operator"), tmp_path / "other history", None, None, tmp_path)
    assert sizes(worked) == before


def test_an_older_backup_replaces_nothing(worked: str, kept: Path, tmp_path: Path) -> None:
    size = go_on(worked, at_step(1))
    with pytest.raises(LogExists, match="a restore replaces nothing"):
        restore_shared(Place(worked, "operator"), kept, None, None, tmp_path)
    sound(worked, at_step(2), size)


@pytest.mark.parametrize("name", ["ledger.sqlite", "checkpoint", "backup.json"])
def test_a_backup_that_changed_is_refused(kept: Path, name: str, empty: str, tmp_path: Path) -> None:
    content = bytearray((kept / name).read_bytes())
    content[len(content) // 2] ^= 1
    (kept / name).write_bytes(bytes(content))
    with pytest.raises(Corrupt):
        restore_shared(Place(empty, "operator"), kept, None, None, tmp_path, store_lost=True)
    with pytest.raises(NoLog, match="has no tables"):
        sizes(empty)


def test_another_log_is_not_restored_beside_this_ones_checkpoints(worked: str, empty: str, tmp_path: Path) -> None:
    stranger = World(name="stranger", origin="log.example/stranger")
    with Log.create(tmp_path / "stranger", founding(stranger), stranger.signers, lambda: stranger.clock) as log:
        log.publish_now()
    back_up(Folder(tmp_path / "stranger"), tmp_path / "kept")
    # The store knows no such log: to vouch is the caller's, and the other log's row stays what it is.
    place = Place(empty, "operator", worked)
    with pytest.raises(NoLog, match="there is no checkpoint store"):
        restore_shared(place, tmp_path / "kept", None, None, tmp_path)
    with closing(PostgresCheckpointStore(worked)) as signed:
        assert signed.latest(World().origin).size == SIZE


def test_a_log_in_use_is_not_restored(worked: str, tmp_path: Path) -> None:
    with opened(worked, at_step(1)) as log:
        log.wait_published(SIZE, PATIENCE)
        wait_until(lambda: bool((seat := log.status().seat) and seat.here), "it sequences")
        with pytest.raises(LogBusy, match="one sequences this log: stop every process"):
            restore_shared(Place(worked, "operator"), None, None, None, tmp_path)


def test_a_restore_that_takes_long_keeps_its_seat(worked: str, kept: Path, empty: str, tmp_path: Path) -> None:
    place, other = Place(empty, "operator", worked, lease=0.5), Election(empty, "other", 0.5)
    tried: list[int | None] = []

    def slow(_: int) -> None:
        if not tried:
            until = other.incumbent().seconds
            wait_until(lambda: other.incumbent().seconds > until, "the lease is renewed")
            tried.append(other.stand())

    with closing(other):
        restore_shared(place, kept, None, None, tmp_path, progress=slow)
        # And leaves it at the end.
        assert (tried, other.stand() is not None) == ([None], True)


def test_a_process_that_is_elected_meanwhile_shuts_the_restore_out(
    worked: str, kept: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.upkeep.rebuild._TOGETHER", 4)
    with closing(Election(empty, "other")) as other:

        def taken(_: int) -> None:
            with psycopg.connect(empty) as connection:
                connection.execute("UPDATE lease SET expires = '-infinity'")
            other.stand()

        # The takeover ends its connection too, which may be seen first.
        with pytest.raises((Fenced, DatabaseUnreachable)):
            restore_shared(Place(empty, "operator", worked), kept, None, None, tmp_path, progress=taken)
    assert sizes(empty)[0] < SIZE
    with pytest.raises((HistoryLost, NoLog)), opened(empty, World(), worked):
        pass


FAULTS: list[tuple[object, str]] = [
    (ledger.shared.restoring, "copy_log"),
    (PostgresTiles, "put_checkpoint"),
    (ledger.upkeep.restore, "append_published"),
    (ledger.upkeep.restore, "integrate"),
    (ledger.upkeep.restore, "_earlier"),
    (PostgresCheckpointStore, "create"),
    (PostgresCheckpointStore, "begin"),
]


def test_a_restore_that_is_cut_short_is_done_again(
    worked: str, kept: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each step: what was signed is never signed again otherwise, and at the end all of it is there."""
    size = go_on(worked, at_step(1))
    source = str(mirror(worked, tmp_path / "mirror"))
    place, fault = Place(empty, "operator"), OSError("planted")

    def fail(*_: object, **__: object) -> None:
        raise fault

    def bring(backup: Path | None) -> Restored:
        return restore_shared(place, backup, open_source(source), known(), tmp_path, store_lost=True)

    for number, (where, step) in enumerate(FAULTS):
        with monkeypatch.context() as patch:
            patch.setattr(where, step, fail)
            with pytest.raises(OSError, match="planted"):
                bring(kept if number < 2 else None)
        with pytest.raises(NoLog), opened(empty, World()):
            pass
    assert bring(None) == Restored(size, size, 0, 0)
    assert values(empty) == {at: one for at, one in values(worked).items() if at < SIZE}
    sound(empty, at_step(2), size)


def test_a_copy_that_is_cut_short_is_gone_on_with(
    worked: str, kept: Path, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.upkeep.rebuild._TOGETHER", 4)
    steps: list[int] = []

    def stop(done: int) -> None:
        steps.append(done)
        if len(steps) == 3:
            raise OSError("planted")

    place = Place(empty, "operator", worked)
    with pytest.raises(OSError, match="planted"):
        restore_shared(place, kept, None, None, tmp_path, progress=stop)
    assert 0 < sizes(empty)[0] < SIZE
    with pytest.raises(HistoryLost), opened(empty, World(), worked):
        pass
    restore_shared(place, kept, None, None, tmp_path)
    assert values(empty) == values(worked)
    sound(empty, at_step(1), SIZE, worked)


def test_published_tiles_that_are_damaged_bring_nothing_forward(postgres: Server, worked: str, tmp_path: Path) -> None:
    harm = "UPDATE published_tiles SET data = overlay(data PLACING '\\x00'::bytea FROM 70) WHERE level = -1"
    with psycopg.connect(worked) as connection:
        assert connection.execute(harm).rowcount > 0
    with pytest.raises(Corrupt, match="tiles are damaged in the database: empty its tables published_tiles"):
        restore_shared(Place(worked, "operator"), None, None, None, tmp_path)
    with psycopg.connect(worked) as connection:
        connection.execute("TRUNCATE published_tiles, published_checkpoint")
    restore_shared(Place(worked, "operator"), None, None, None, tmp_path)
    sound(worked, at_step(1), SIZE)


def test_a_bucket_that_was_lost_is_filled_again(worked: str, kept: Path, empty: str, bucket: Bucket) -> None:
    where = bucket.place("shared/log")
    code, out, error = run("restore", url(empty), "--backup", kept, "--checkpoints", url(worked), "--tiles", where)
    assert (code, error) == (0, "")
    assert "29 of them signed" in out
    assert published(empty) == {}
    place = Place(empty, "one", worked, bucket=parse_place(where))
    (finding,) = fsck_shared(place).findings
    # It shows no checkpoint: the service does when it opens, and the tiles are there.
    assert finding.problem == "no checkpoint is published"
    world = at_step(1)
    with open_shared(place, world.signers, lambda: world.clock, publish_every=0.0) as log:
        log.submit(world.object()).result()
        assert log.wait_published(SIZE + 2, PATIENCE).checkpoint.size == SIZE + 2
    assert fsck_shared(place).findings == ()


def test_an_old_checkpoint_store_is_brought_forward(postgres: Server, worked: str, tmp_path: Path) -> None:
    with copy_of(postgres, worked) as old:
        size = go_on(worked, at_step(1))
        source = open_source(str(mirror(worked, tmp_path / "mirror")))
        restore_shared(Place(old, "operator"), None, source, None, tmp_path)
        with closing(PostgresCheckpointStore(old)) as signed:
            assert signed.latest(World().origin).size == size
        sound(old, at_step(2), size)
