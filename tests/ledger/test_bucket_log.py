"""A log whose tiles are in an object store: opened, moved there, checked, copied, watched, brought back."""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path

import pytest

from ledger.bucket.opening import PROBE, reading
from ledger.bucket.place import BucketPlace, parse_place
from ledger.bucket.s3 import S3Objects
from ledger.errors import Corrupt, Fenced, HistoryLost, NoLog, ObjectsUnreachable, WrongLog
from ledger.log import Log
from ledger.tilestore import CHECKPOINT
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.note import parse_note
from tallystick.tiles import Tile
from tests.ledger.commands import run
from tests.ledger.conftest import founding
from tests.ledger.following import VKEYS
from tests.s3 import Bucket, Server
from tests.world import World

KEYS = [part for line in VKEYS for part in ("--key", line)]
PREFIX = "a/log"


@pytest.fixture
def place(bucket: Bucket) -> BucketPlace:
    return parse_place(bucket.place(PREFIX))


def open_there(data: Path, world: World, place: BucketPlace, checkpoints: Path | None = None) -> Log:
    return Log.open(data, world.signers, lambda: world.clock, bucket=place, checkpoints=checkpoints, publish_every=None)


def move_in(data: Path, place: BucketPlace) -> None:
    """As any tool copies files into a bucket, which tells nothing of epochs; the folder is not needed any more."""
    objects = S3Objects(place)
    for path in (data / "public").rglob("*"):
        if path.is_file():
            assert objects.create(path.relative_to(data / "public").as_posix(), path.read_bytes())
    shutil.rmtree(data / "public")


@pytest.fixture
def moved(data: Path, place: BucketPlace) -> Path:
    move_in(data, place)
    return data


def shown(place: BucketPlace) -> Checkpoint:
    note = reading(place).checkpoint()
    assert note is not None
    return parse_body(parse_note(note).text)


def grow(log: Log, world: World) -> None:
    log.submit(world.object()).result()
    log.publish_now()


# --- opening ------------------------------------------------------------------------------


def test_a_log_moves_into_a_bucket_and_goes_on_there(data: Path, world: World, place: BucketPlace) -> None:
    with pytest.raises(Corrupt, match="copy its public folder there if it moves in"):
        open_there(data, world, place)
    assert list(S3Objects(place).names()) == [PROBE]
    move_in(data, place)
    with open_there(data, world, place) as log:
        grow(log, world)
        assert log.published.checkpoint().checkpoint == shown(place)
        assert log.published.entries([30], 31)
        log.published.prove_inclusion(30, 31)
    assert shown(place).size == 31
    assert not (data / "public").exists()


def test_nobody_who_still_has_the_folder_goes_on_without_the_bucket(moved: Path, world: World) -> None:
    with pytest.raises(Corrupt, match="missing"):
        Log.open(moved, world.signers, lambda: world.clock, publish_every=None)


def test_the_bucket_of_another_log_is_refused(moved: Path, place: BucketPlace, tmp_path: Path) -> None:
    other = World("other", "log.example/other")
    with pytest.raises(WrongLog, match=r"holds the log log\.example/little, this is log\.example/other"):
        Log.create(tmp_path / "other", founding(other), other.signers, lambda: other.clock, bucket=place)
    assert shown(place).size == 29


def test_a_log_begins_in_a_bucket(tmp_path: Path, place: BucketPlace, world: World) -> None:
    world = World()
    path = tmp_path / "new"
    with Log.create(path, founding(world), world.signers, lambda: world.clock, bucket=place, publish_every=None) as log:
        assert log.publish_now().checkpoint == shown(place)
    assert [one for one in (path / "public").rglob("*") if one.is_file()] == []


def test_an_old_copy_of_everything_but_the_bucket_is_refused(
    moved: Path, world: World, place: BucketPlace, tmp_path: Path
) -> None:
    shutil.copytree(moved, tmp_path / "old")
    with open_there(moved, world, place) as log:
        grow(log, world)
    with pytest.raises(HistoryLost, match="of 31 leaves that this log signed, the checkpoint store remembers 29"):
        open_there(tmp_path / "old", world, place)
    assert shown(place).size == 31


def test_two_copies_with_one_checkpoint_store(moved: Path, world: World, place: BucketPlace, tmp_path: Path) -> None:
    """Who opened last signs; the other one shows nothing any more."""
    kept = tmp_path / "signed.sqlite"
    shutil.move(moved / "checkpoints.sqlite", kept)
    twin = tmp_path / "twin"
    shutil.copytree(moved, twin)
    with open_there(moved, world, place, kept) as first, open_there(twin, world, place, kept) as second:
        grow(second, world)
        first.submit(world.object()).result()
        with pytest.raises(Fenced):
            first.publish_now()
        head = shown(place)
        assert head == second.published.checkpoint().checkpoint
        assert head.size == 31


def test_a_store_that_is_away_stops_publication_and_nothing_else(
    moved: Path, world: World, place: BucketPlace, s3: Server
) -> None:
    with open_there(moved, world, place) as log:
        s3.plan(denied="writer")
        receipt = log.submit(world.object()).result()
        for _ in range(2):
            with pytest.raises(ObjectsUnreachable, match="access was denied"):
                log.publish_now()
        assert shown_size(s3, log, place) == 29
        grow(log, world)
        assert log.published.entries([receipt.position], 33)
    assert shown(place).size == 33


def shown_size(s3: Server, log: Log, place: BucketPlace) -> int:
    s3.plan()
    return shown(place).size


# --- a thief of the credentials -------------------------------------------------------------


@pytest.mark.parametrize("tile", [Tile(None, 0, 31), Tile(0, 0, 31)])
def test_a_tile_that_was_put_before_the_log_s_own_is_named_and_nothing_is_signed(
    moved: Path, world: World, place: BucketPlace, bucket: Bucket, tile: Tile
) -> None:
    bucket.overwrite(f"{PREFIX}/{tile.path()}", bytes(31 * 32))
    with open_there(moved, world, place) as log:
        log.submit(world.object()).result()
        for _ in range(2):
            with pytest.raises(Corrupt, match=f"the tile {tile.path()} exists with other bytes"):
                log.publish_now()
        assert shown(place).size == 29
        bucket.remove(f"{PREFIX}/{tile.path()}")
        assert log.publish_now().checkpoint == shown(place)
    assert shown(place).size == 31


def test_a_checkpoint_of_a_later_epoch_is_named_and_can_be_removed(
    moved: Path, world: World, place: BucketPlace, bucket: Bucket
) -> None:
    with open_there(moved, world, place) as log:
        note = log.published.note()
        bucket.remove(f"{PREFIX}/{CHECKPOINT}")
        S3Objects(place).replace(CHECKPOINT, note, 10**17, None)
        log.submit(world.object()).result()
        with pytest.raises(Fenced, match="somebody else wrote there: remove the object checkpoint"):
            log.publish_now()
        assert reading(place).checkpoint() == note
        bucket.remove(f"{PREFIX}/{CHECKPOINT}")
        assert log.publish_now().checkpoint == shown(place)
    assert shown(place).size == 31


# --- the commands -------------------------------------------------------------------------


def test_fsck(moved: Path, bucket: Bucket) -> None:
    where = bucket.place(PREFIX)
    code, out, _ = run("fsck", moved, "--tiles", where)
    assert (code, out.splitlines()[-1]) == (0, "nothing is wrong")
    assert "29 published" in out
    assert run("fsck", moved)[0] == 1, "nothing is in the folder"
    assert run("fsck", moved, "--tiles", "s3://logs?key=value")[::2] == (
        2,
        "expected s3://bucket[/prefix][?endpoint=https://…&region=…&style=virtual], each at most once\n",
    )


def test_fsck_takes_the_place_from_the_environment(
    moved: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_TILES", bucket.place(PREFIX))
    assert run("fsck", moved)[0] == 0


@pytest.mark.parametrize("tile", [Tile(None, 0, 29), Tile(0, 0, 29), Tile(None, 0, 15), Tile(0, 0, 3)])
def test_fsck_names_an_object_that_was_changed(moved: Path, bucket: Bucket, place: BucketPlace, tile: Tile) -> None:
    data = reading(place).find(tile)
    assert data is not None
    bucket.overwrite(f"{PREFIX}/{tile.path()}", data[:40] + bytes([data[40] ^ 1]) + data[41:])
    code, _, told = run("fsck", moved, "--tiles", bucket.place(PREFIX))
    assert code == 1
    assert tile.path() in told


def test_fsck_names_objects_that_are_missing_or_strange(moved: Path, bucket: Bucket) -> None:
    bucket.overwrite(f"{PREFIX}/index.html", b"<html>")
    bucket.remove(f"{PREFIX}/{Tile(0, 0, 29).path()}")
    code, _, told = run("fsck", moved, "--tiles", bucket.place(PREFIX))
    assert code == 1
    assert "the bucket holds an object that is no tile: index.html" in told
    assert f"the tile {Tile(0, 0, 29).path()} is missing in s3://" in told
    bucket.remove(f"{PREFIX}/{CHECKPOINT}")
    assert "no checkpoint is published" in run("fsck", moved, "--tiles", bucket.place(PREFIX))[2]


def test_fsck_of_a_bucket_that_nobody_may_read_says_so(moved: Path, bucket: Bucket, s3: Server) -> None:
    s3.plan(denied="writer")
    code, _, told = run("fsck", moved, "--tiles", bucket.place(PREFIX))
    assert code == 2
    assert "access was denied (AccessDenied)" in told


def test_mirror_and_monitor_by_the_public_address(
    moved: Path, world: World, place: BucketPlace, bucket: Bucket, tmp_path: Path
) -> None:
    url = f"{bucket.public}/{PREFIX}/"
    code, out, _ = run("mirror", url, tmp_path / "copy", *KEYS)
    assert (code, out.split(",")[0]) == (0, "log.example/little: 29 entries")
    with open_there(moved, world, place) as log:
        grow(log, world)
    assert run("mirror", url, tmp_path / "copy", *KEYS, "--check")[0] == 0
    code, out, _ = run("monitor", url, tmp_path / "watch", *KEYS, "--once")
    assert code == 0, out
    assert json.loads(out.splitlines()[-1])["watched"]


def test_backup_while_it_runs_and_all_that_was_lost_brought_back(
    moved: Path, world: World, place: BucketPlace, bucket: Bucket, tmp_path: Path
) -> None:
    """Database, checkpoint store and folder are gone: a backup and the bucket, by its public URL, give them back."""
    backup, url = tmp_path / "backup", f"{bucket.public}/{PREFIX}/"
    with open_there(moved, world, place) as log:
        assert run("backup", moved, backup)[0] == 0
        grow(log, world)
        grow(log, world)
    before = S3Objects(place).get(CHECKPOINT)
    assert before is not None
    shutil.rmtree(moved)
    lost = ("--checkpoint-store-lost", "--from-tiles", url)
    code, out, told = run("restore", moved, "--backup", backup, *lost)
    assert code == 0, told
    assert out.startswith("the log has 33 entries, 33 of them signed; 4 came from tiles")
    shutil.rmtree(moved / "public")
    with open_there(moved, world, place) as log:
        grow(log, world)
    after = S3Objects(place).get(CHECKPOINT)
    assert after is not None
    assert after.epoch > before.epoch > 1, "a checkpoint store that was made anew counts on from what is shown"
    assert shown(place).size == 35
    assert run("fsck", moved, "--tiles", bucket.place(PREFIX))[0] == 0


def test_a_folder_without_a_log(tmp_path: Path, world: World, place: BucketPlace) -> None:
    with pytest.raises(NoLog):
        open_there(tmp_path / "nothing", world, place)
    assert list(S3Objects(place).names()) == []


def test_strangers_cannot_write(moved: Path, bucket: Bucket) -> None:
    request = urllib.request.Request(f"{bucket.public}/{PREFIX}/{CHECKPOINT}", b"mine", method="PUT")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(request, timeout=30)


# --- brought back where the bucket is the setting ---------------------------------------------


@pytest.fixture
def named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bucket as the service's setting names it, for commands too."""
    monkeypatch.setenv("TALLYSTICK_TILES", bucket.place(PREFIX))
    return bucket.place(PREFIX)


def contents(place: BucketPlace) -> dict[str, tuple[bytes, int]]:
    objects = S3Objects(place)
    found = {name: objects.get(name) for name in objects.names() if name != PROBE}
    return {name: (one.data, one.epoch) for name, one in found.items() if one}


def test_a_bucket_that_was_lost_is_filled_by_a_restore(
    data: Path, world: World, place: BucketPlace, named: str, tmp_path: Path
) -> None:
    assert run("backup", data, tmp_path / "backup")[0] == 0
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.rmtree(data / "public")
    code, out, told = run("restore", data, "--backup", tmp_path / "backup")
    assert code == 0, told
    assert "tiles are in s3://" in out
    assert CHECKPOINT not in contents(place), "the service shows it, and nobody else"
    shutil.rmtree(data / "public")
    with open_there(data, world, place) as log:
        grow(log, world)
    assert shown(place).size == 31
    assert run("fsck", data)[0] == 0


def test_a_restore_is_brought_forward_from_the_bucket_that_is_set(
    moved: Path, world: World, place: BucketPlace, named: str, tmp_path: Path
) -> None:
    """By the credentials: nobody else may have to read it. And the bucket is as it was."""
    with open_there(moved, world, place) as log:
        assert run("backup", moved, tmp_path / "backup")[0] == 0
        grow(log, world)
    before = contents(place)
    shutil.rmtree(moved)
    code, out, told = run("restore", moved, "--backup", tmp_path / "backup", "--checkpoint-store-lost")
    assert code == 0, told
    assert out.startswith("the log has 31 entries, 31 of them signed; 2 came from tiles")
    after = contents(place)
    assert {name: after[name] for name in before} == before
    with open_there(moved, world, place) as log:
        grow(log, world)
    assert run("fsck", moved)[0] == 0


def test_a_rehearsal_disturbs_nobody(moved: Path, world: World, place: BucketPlace, named: str, tmp_path: Path) -> None:
    """A second machine has the setting too: the service goes on publishing."""
    with open_there(moved, world, place) as log:
        assert run("backup", moved, tmp_path / "backup")[0] == 0
        lost = ("--checkpoint-store-lost", "--backup", tmp_path / "backup")
        assert run("restore", tmp_path / "rehearsal", *lost)[0] == 0
        grow(log, world)
    assert shown(place).size == 31


def test_a_bucket_that_is_away_stops_a_restore_before_it_begins(
    moved: Path, s3: Server, named: str, tmp_path: Path
) -> None:
    """What it shows is not known: to go on without could be a second history."""
    assert run("backup", moved, tmp_path / "backup")[0] == 0
    s3.plan(denied="writer")
    lost = ("--checkpoint-store-lost", "--backup", tmp_path / "backup")
    code, _, told = run("restore", tmp_path / "new", *lost)
    assert (code, "access was denied" in told) == (2, True), told
    assert not (tmp_path / "new" / "ledger.sqlite").exists()


def test_a_bucket_with_other_tiles_or_of_another_log_is_not_filled(
    moved: Path, bucket: Bucket, place: BucketPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("backup", moved, tmp_path / "backup")[0] == 0
    monkeypatch.setenv("TALLYSTICK_TILES", bucket.place("other"))
    S3Objects(parse_place(bucket.place("other"))).create("tile/0/000.p/29", b"x")
    lost = ("--checkpoint-store-lost", "--backup", tmp_path / "backup")
    code, _, told = run("restore", tmp_path / "new", *lost)
    assert (code, "exists with other bytes" in told) == (1, True), told


def test_a_mirror_reads_a_bucket_by_its_name(
    moved: Path, world: World, place: BucketPlace, named: str, tmp_path: Path
) -> None:
    code, out, told = run("mirror", named, tmp_path / "copy", *KEYS)
    assert (code, out.split(",")[0]) == (0, "log.example/little: 29 entries"), told
    code, _, told = run("mirror", named.replace(PREFIX, "nothing"), tmp_path / "none", *KEYS)
    assert (code, "there is no checkpoint in s3://" in told) == (2, True)
    assert "expected s3://" in run("mirror", "s3://x?secret=1", tmp_path / "none", *KEYS)[2]


def test_a_bucket_that_shows_more_than_was_brought_back_is_not_filled(
    moved: Path, world: World, place: BucketPlace, named: str, tmp_path: Path
) -> None:
    assert run("mirror", named, tmp_path / "old", *KEYS)[0] == 0
    with open_there(moved, world, place) as log:
        assert run("backup", moved, tmp_path / "backup")[0] == 0
        grow(log, world)
    before = contents(place)
    lost = ("--checkpoint-store-lost", "--backup", tmp_path / "backup", "--from-tiles", tmp_path / "old")
    code, _, told = run("restore", tmp_path / "new", *lost)
    assert (code, "shows a checkpoint of 31 leaves that this log signed" in told) == (1, True), told
    assert contents(place) == before
    # Said at once, and again by the service; without the older copy it is brought forward.
    code, out, told = run("restore", tmp_path / "new")
    assert (code, "the log has 31 entries" in out) == (0, True), told
