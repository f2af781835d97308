"""A backup is whole or nothing; a log that was restored goes on as one history, or not at all."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

import ledger.upkeep.restore
from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.copies.known import known_log
from ledger.copies.source import open_source
from ledger.disk import LocalDisk
from ledger.errors import Corrupt, ForkSeen, HistoryLost, LogBusy, LogExists, NoLog, WrongLog
from ledger.folder import Folder
from ledger.log import Log
from ledger.store.sqlite import create, open_store
from ledger.submission import Receipt
from ledger.upkeep.backup import back_up, read_backup
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import Restored, restore
from tallystick.identifiers import Letter
from tests.ledger.commands import run, serving
from tests.ledger.conftest import founding, open_log
from tests.ledger.following import VKEYS, Leader, known, write_tree
from tests.ledger.rows import change_entry, cut_entries
from tests.world import Someone, World, key_from


@pytest.fixture
def kept(data: Path, tmp_path: Path) -> Path:
    """A backup of the template's 29 entries."""
    back_up(Folder(data), tmp_path / "kept")
    return tmp_path / "kept"


def go_on(data: Path, world: World, parties: int = 0) -> int:
    """Three objects and some parties, who have a private value each, published; the size."""
    new = [Someone(world.identifier(Letter.PARTY), key_from(f"party {number}")) for number in range(parties)]
    with open_log(data, world) as log:
        for said in (*(world.object() for _ in range(3)), *(world.register(one, "licensee") for one in new)):
            log.submit(said, world.disclosures.get(said.statement_id, ())).result()
        return log.publish_now().checkpoint.size


def lose(data: Path, *names: str) -> None:
    """Take files away, with what SQLite keeps beside them."""
    for name in names:
        for path in data.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sound(data: Path, world: World, size: int) -> None:
    """The log has ``size`` entries, goes on, and nothing is wrong with it."""
    before = fsck(Folder(data))
    assert (before.findings, before.entries) == ((), size)
    with open_log(data, world) as log:
        assert isinstance(log.submit(world.object()).result(), Receipt)
        assert log.publish_now().checkpoint.size == size + 2
    assert fsck(Folder(data)).findings == ()


def tree(path: Path) -> dict[str, bytes]:
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in path.rglob("*") if one.is_file()}


# --- backups -----------------------------------------------------------------------------


def test_what_a_backup_holds(data: Path, tmp_path: Path) -> None:
    code, out, _ = run("backup", data, tmp_path / "kept")
    assert code == 0
    assert "29 entries of log.example/little, the checkpoint of 29, and 15 private values; no keys" in out
    assert sorted(tree(tmp_path / "kept")) == ["backup.json", "checkpoint", "ledger.sqlite"]
    holding = read_backup(tmp_path / "kept")
    assert (holding.entries, holding.signed, holding.origin) == (29, 29, "log.example/little")
    code, _, error = run("backup", data, tmp_path / "kept")
    assert (code, "a backup replaces nothing" in error) == (2, True)
    assert run("backup", tmp_path, tmp_path / "other")[0] == 2
    assert not (tmp_path / "other").exists()


def test_private_values_are_for_the_owner_alone(data: Path, kept: Path, tmp_path: Path) -> None:
    create(tmp_path / "begun.sqlite")
    lose(data, "ledger.sqlite", "public")
    assert run("restore", data, "--backup", kept)[0] == 0
    with closing(open_store(data / "ledger.sqlite")):
        beside = list(data.glob("ledger.sqlite-*"))
        assert beside
        for path in (kept / "ledger.sqlite", tmp_path / "begun.sqlite", data / "ledger.sqlite", *beside):
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_backup_of_a_log_in_use_is_one_moment_of_it(data: Path, world: World, tmp_path: Path) -> None:
    stop = threading.Event()
    with open_log(data, world, every=0.0) as log:

        def write() -> None:
            while not stop.is_set():
                log.submit_many([]).result()
                log.submit(world.object()).result()

        writer = threading.Thread(target=write)
        writer.start()
        for number in range(5):
            holding = back_up(Folder(data), tmp_path / f"kept-{number}").holding
            assert holding.entries >= holding.signed >= 29
        stop.set()
        writer.join()
        log.publish_now()
    # Each of them can be brought forward to what was signed since, from the public folder that is still there.
    for number in (0, 4):
        copy = Path(shutil.copytree(data, tmp_path / f"data-{number}"))
        lose(copy, "ledger.sqlite")
        restore(Folder(copy), tmp_path / f"kept-{number}", None, None)
        assert fsck(Folder(copy)).findings == ()


@pytest.mark.parametrize("name", ["ledger.sqlite", "checkpoint", "backup.json"])
def test_a_backup_that_changed_is_refused(kept: Path, name: str, tmp_path: Path) -> None:
    content = bytearray((kept / name).read_bytes())
    content[len(content) // 2] ^= 1
    (kept / name).write_bytes(bytes(content))
    with pytest.raises(Corrupt):
        restore(Folder(tmp_path / "new"), kept, None, None, store_lost=True)
    assert not (tmp_path / "new/ledger.sqlite").exists()


@pytest.mark.parametrize("name", ["ledger.sqlite", "checkpoint", "backup.json"])
def test_half_a_backup_is_refused(kept: Path, name: str, tmp_path: Path) -> None:
    (kept / name).unlink()
    with pytest.raises(NoLog, match=f"lacks {name}"):
        restore(Folder(tmp_path / "new"), kept, None, None)


def test_a_damaged_log_is_not_backed_up(data: Path, tmp_path: Path) -> None:
    change_entry(data / "ledger.sqlite", 17, lambda entry: bytes(50))
    code, _, error = run("backup", data, tmp_path / "kept")
    assert (code, "positions 17 to 18 is not as appended" in error) == (1, True)
    assert not (tmp_path / "kept").exists()
    # What was left unfinished is in nobody's way.
    cut_entries(data / "ledger.sqlite", 28)
    assert run("backup", data, tmp_path / "kept")[0] == 1


def test_pages_that_are_damaged_are_not_backed_up(data: Path, tmp_path: Path) -> None:
    database = bytearray((data / "ledger.sqlite").read_bytes())
    with sqlite3.connect(data / "ledger.sqlite") as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'batches_admitted_at'").fetchone()
    connection.close()
    database[(root - 1) * 4096 + 8] ^= 0x11
    (data / "ledger.sqlite").write_bytes(bytes(database))
    code, _, error = run("backup", data, tmp_path / "kept")
    assert (code, "damaged" in error) == (1, True)


# --- restoring -----------------------------------------------------------------------------


def test_a_whole_restore(data: Path, world: World, kept: Path, tmp_path: Path) -> None:
    before = tree(data / "public")
    lose(data, "ledger.sqlite", "public")
    code, out, _ = run("restore", data, "--backup", kept)
    assert (code, out) == (0, "the log has 29 entries, 29 of them signed; 0 came from tiles\n")
    # Every tile that was public is there again: those of each earlier checkpoint too.
    after = tree(data / "public")
    assert {name: after[name] for name in before} == before
    sound(data, world, 29)


def test_an_old_backup_is_brought_forward_from_what_is_public(data: Path, world: World, kept: Path) -> None:
    size = go_on(data, world)
    before = tree(data / "public")
    lose(data, "ledger.sqlite")
    code, out, _ = run("restore", data, "--backup", kept)
    assert (code, out) == (0, f"the log has {size} entries, {size} of them signed; {size - 29} came from tiles\n")
    assert {name: tree(data / "public")[name] for name in before} == before
    sound(data, world, size)


def test_an_old_backup_alone_writes_nothing_until_a_mirror_brings_it_forward(
    data: Path, world: World, kept: Path, tmp_path: Path
) -> None:
    size = go_on(data, world, parties=4)
    with serving(data) as url:
        assert run("mirror", url, tmp_path / "mirror", "--key", VKEYS[0])[0] == 0
    lose(data, "ledger.sqlite", "public")
    code, _, error = run("restore", data, "--backup", kept)
    assert code == 1
    assert f"the database has 29 entries, a checkpoint of {size} was signed" in error
    assert "--from-tiles" in error
    assert "newer backup" in error
    with pytest.raises(HistoryLost, match="an old copy"):
        open_log(data, world)
    code, _, error = run("restore", data, "--backup", kept)
    assert (code, "a restore replaces nothing" in error) == (2, True)
    with serving(tmp_path / "mirror") as url:
        code, out, _ = run("restore", data, "--from-tiles", url)
    assert code == 0
    assert f"{size - 29} came from tiles" in out
    assert "4 private values of those are in no tile" in out
    sound(data, world, size)


def test_a_mirror_that_is_behind_too_helps_as_far_as_it_goes(
    data: Path, world: World, kept: Path, tmp_path: Path
) -> None:
    first = go_on(data, world)
    assert run("mirror", data, tmp_path / "mirror", "--key", VKEYS[0])[0] == 0
    size = go_on(data, _later_still(world))
    whole = Path(shutil.copytree(data / "public", tmp_path / "whole"))
    lose(data, "ledger.sqlite", "public")
    with pytest.raises(HistoryLost, match=f"has {first} entries, a checkpoint of {size} was signed"):
        restore(Folder(data), kept, open_source(str(tmp_path / "mirror")), None)
    assert restore(Folder(data), None, open_source(str(whole)), None) == Restored(size, size, size - first, 0)
    sound(data, _later_still(world, 2), size)


def _later_still(world: World, step: int = 1) -> World:
    again = World(world.name, world.origin)
    again._made = world._made + step * 1_000_000
    return again


def test_a_log_from_tiles_alone(data: Path, world: World, tmp_path: Path) -> None:
    (tmp_path / "vkeys").write_text("\n".join(VKEYS))
    checkpoints = tmp_path / "signed.sqlite"
    (data / "checkpoints.sqlite").rename(checkpoints)
    new = tmp_path / "new"
    code, _, error = run("restore", new, "--from-tiles", data, "--checkpoints", checkpoints)
    assert (code, "give the log's keys" in error) == (2, True)
    keys = ("--key", tmp_path / "vkeys")
    code, out, _ = run("restore", new, "--from-tiles", data, "--checkpoints", checkpoints, *keys)
    assert (code, "29 came from tiles" in out) == (0, True)
    assert fsck(Folder(new, checkpoints)).findings == ()


# --- one history ---------------------------------------------------------------------------


def test_without_its_checkpoint_store_nothing_is_restored(data: Path, world: World, kept: Path, tmp_path: Path) -> None:
    size = go_on(data, world)
    mirror = Path(shutil.copytree(data / "public", tmp_path / "mirror"))
    new = tmp_path / "new"
    code, _, error = run("restore", new, "--backup", kept)
    assert (code, "bring the newest one back" in error) == (2, True)
    with pytest.raises(NoLog, match="must not run without it"):
        open_log(new, world)
    code, out, _ = run("restore", new, "--from-tiles", mirror, "--checkpoint-store-lost")
    assert (code, f"{size} of them signed" in out) == (0, True)
    sound(new, _later_still(world), size)


def test_an_old_checkpoint_store_is_brought_forward(data: Path, world: World, kept: Path, tmp_path: Path) -> None:
    old = (data / "checkpoints.sqlite").read_bytes()
    size = go_on(data, world)
    lose(data, "ledger.sqlite")
    (data / "checkpoints.sqlite").write_bytes(old)
    restore(Folder(data), kept, None, None)
    store = SqliteCheckpointStore(data / "checkpoints.sqlite")
    assert store.latest(world.origin).size == size
    store.close()
    sound(data, _later_still(world), size)


@pytest.fixture
def fork(data: Path, world: World, tmp_path: Path) -> Path:
    """The public part of a second history from 29 entries on, signed by the same keys."""
    other = Path(shutil.copytree(data, tmp_path / "other"))
    go_on(other, _later_still(world, 5), 1)
    return other / "public"


def test_a_fork_is_not_restored_from(data: Path, world: World, kept: Path, fork: Path) -> None:
    go_on(data, world)
    lose(data, "ledger.sqlite")
    public, signed = tree(data / "public"), (data / "checkpoints.sqlite").read_bytes()
    for lost in ((), ("public",)):
        lose(data, *lost)
        with pytest.raises(ForkSeen, match="the evidence is in"):
            restore(Folder(data), None if lost else kept, open_source(str(fork)), None)
        assert tree(data / "public") == ({} if lost else public)
        assert (data / "checkpoints.sqlite").read_bytes() == signed
        assert len(list((data / "evidence").iterdir())) == 1
    with pytest.raises(HistoryLost):
        open_log(data, world)


def test_a_public_folder_of_another_history(data: Path, world: World, kept: Path, fork: Path) -> None:
    go_on(data, world)
    lose(data, "ledger.sqlite", "public")
    shutil.copytree(fork, data / "public")
    with pytest.raises(ForkSeen):
        restore(Folder(data), kept, None, None)


def test_another_log_is_not_restored_over_this_one(data: Path, kept: Path, tmp_path: Path) -> None:
    stranger = World(name="stranger", origin="log.example/stranger")
    other = tmp_path / "stranger"
    with Log.create(other, founding(stranger), stranger.signers, lambda: stranger.clock, publish_every=None) as log:
        log.publish_now()
    lose(other, "ledger.sqlite")
    with pytest.raises(NoLog, match="it is another log's"):
        restore(Folder(other), kept, None, None)
    keys = known_log(list(stranger.signers.keys.verifier_keys()))
    with pytest.raises(WrongLog):
        restore(Folder(data), None, None, keys)


def test_a_restore_that_is_cut_short_is_done_again(
    data: Path, world: World, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = go_on(data, world)
    lose(data, "ledger.sqlite")
    checkpoints = data / "checkpoints.sqlite"
    checkpoints.unlink()
    fault = OSError("planted")

    def fail(*_: object, **__: object) -> None:
        raise fault

    steps = [(ledger.upkeep.restore, name) for name in ("append_published", "integrate", "_earlier")]
    for where, step in (*steps, (SqliteCheckpointStore, "swap"), (LocalDisk, "sync_folders")):
        first = None if (data / "ledger.sqlite").exists() else kept
        with monkeypatch.context() as patch:
            patch.setattr(where, step, fail)
            with pytest.raises(OSError, match="planted"):
                restore(Folder(data), first, None, None, store_lost=True)
        assert not checkpoints.exists()
        with pytest.raises(NoLog):
            open_log(data, world)
    restore(Folder(data), None, None, None, store_lost=True)
    sound(data, _later_still(world), size)


def test_a_log_in_use_is_not_restored(data: Path, world: World) -> None:
    with open_log(data, world), pytest.raises(LogBusy):
        restore(Folder(data), None, None, None)


def test_bad_tiles_bring_nothing_forward(data: Path, world: World, kept: Path) -> None:
    go_on(data, world)
    lose(data, "ledger.sqlite")
    bundle = next((data / "public/tile/entries/000.p").glob("3?"))
    bundle.write_bytes(bundle.read_bytes()[:-1] + b"x")
    with pytest.raises(Corrupt):
        restore(Folder(data), kept, None, None)


def test_opaque_entries_are_no_log_of_this_program(tmp_path: Path) -> None:
    opaque = write_tree(Leader(5).disk, tmp_path / "opaque")
    with pytest.raises(Corrupt, match="is no statement"):
        restore(Folder(tmp_path / "new"), None, open_source(str(opaque)), known(), store_lost=True)
    with pytest.raises(LogExists):
        back_up(Folder(tmp_path / "new"), tmp_path)
