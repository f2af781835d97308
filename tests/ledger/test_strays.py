"""Tiles that no checkpoint covers, of entries that were lost: seen, told apart from work in progress, put aside."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import publisher
from ledger.bucket.place import parse_place
from ledger.bucket.s3 import S3Objects
from ledger.disk import LocalDisk
from ledger.errors import Corrupt
from ledger.folder import Folder
from ledger.log import Log
from ledger.submission import prepare
from ledger.upkeep import fsck_tree
from ledger.upkeep.backup import back_up
from ledger.upkeep.fsck import fsck
from ledger.upkeep.restore import restore
from tallystick.statement import Statement
from tallystick.tiles import parse_bundle
from tests.ledger.commands import run
from tests.ledger.conftest import later, open_log
from tests.s3 import Bucket
from tests.world import World

SIGNED = 29
LOST = "it was made of entries that are lost"


def cut_short(log: Log, said: list[Statement]) -> None:
    """Entries in one batch, and their tiles; then the process dies."""

    def die(*_: object) -> None:
        raise OSError("nobody signs this")

    for outcome in log.submit_many([prepare(one) for one in said]).result():
        assert not isinstance(outcome, Exception)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publisher, "sign_checkpoint", die)
        with pytest.raises(OSError, match="nobody signs this"):
            log.publish_now()


def objects(world: World, count: int) -> list[Statement]:
    return [world.object() for _ in range(count)]


def open_in(where: str, data: Path, world: World) -> Log:
    return Log.open(data, world.signers, lambda: world.clock, bucket=parse_place(where), publish_every=None)


def problems(data: Path) -> list[tuple[int, str]]:
    return [(finding.position, finding.problem) for finding in fsck(Folder(data)).findings]


def lose(data: Path) -> None:
    """The database, and what tells how far it went."""
    for path in (*data.glob("ledger.sqlite*"), data / "acknowledged"):
        path.unlink(missing_ok=True)


@pytest.fixture
def kept(data: Path, tmp_path: Path) -> Path:
    back_up(Folder(data), tmp_path / "kept")
    return tmp_path / "kept"


@pytest.fixture
def old(data: Path, world: World, tmp_path: Path) -> Path:
    """An old copy of the database, beside tiles of three objects and their batch that nobody signed."""
    shutil.copyfile(data / "ledger.sqlite", tmp_path / "old.sqlite")
    with open_log(data, world) as log:
        cut_short(log, objects(world, 3))
    lose(data)
    shutil.copyfile(tmp_path / "old.sqlite", data / "ledger.sqlite")
    return data


@pytest.fixture
def others() -> World:
    """Who says other things than were lost."""
    world = later(World())
    world._made = 2_000_000
    return world


def test_work_in_progress_is_no_finding(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        cut_short(log, objects(world, 3))
        assert problems(data) == []
        assert log.publish_now().checkpoint.size == 33
    assert problems(data) == []


def test_tiles_made_while_the_log_is_looked_at_are_no_finding(
    data: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: Callable[[Path], Iterator[object]] = fsck_tree.files

    with open_log(data, world) as log:

        def grown(public: Path) -> Iterator[object]:
            cut_short(log, objects(world, 3))
            return files(public)

        monkeypatch.setattr(fsck_tree, "files", grown)
        assert problems(data) == []
    assert (data / "public/tile/0/000.p/33").exists()


def test_tiles_of_entries_that_the_database_has_not_are_named(old: Path) -> None:
    found = problems(old)
    assert [position for position, _ in found] == [0, 0]
    at = 32 * SIGNED
    assert f"the tile tile/0/000.p/33, which no signed checkpoint covers, is not what the entries give from byte {at} "
    assert [(f"from byte {at} on" in text, LOST in text) for _, text in sorted(found, key=lambda one: one[1])] == [
        (True, True),
        (False, True),
    ]
    assert {text.split(",")[0] for _, text in found} == {"the tile tile/0/000.p/33", "the tile tile/entries/000.p/33"}


def test_nothing_is_published_beside_them_and_they_are_named(old: Path, others: World) -> None:
    with open_log(old, others) as log:
        for outcome in log.submit_many([prepare(one) for one in objects(others, 3)]).result():
            assert not isinstance(outcome, Exception)
        with pytest.raises(Corrupt, match="exists with other bytes than the stored entries give"):
            log.publish_now()
        assert log.published.checkpoint().checkpoint.size == SIGNED
    assert [LOST in text for _, text in problems(old)] == [True, True]


@pytest.mark.parametrize("count", [3, 600])
def test_a_restore_puts_them_aside_and_the_log_goes_on(
    data: Path, kept: Path, world: World, others: World, count: int
) -> None:
    said = objects(world, count)
    with open_log(data, world) as log:
        cut_short(log, said)
    lose(data)
    done = restore(Folder(data), kept, None, None)
    assert (done.entries, done.aside) == (SIGNED, data / "unpublished-1")
    bundles = sorted((data / "unpublished-1/tile/entries").rglob("*[0-9]"))
    held = [entry for path in bundles if path.is_file() for entry in parse_bundle(path.read_bytes())]
    assert [one.entry in held for one in said] == [True] * count
    assert problems(data) == []
    with open_log(data, others) as log:
        # As many others as there were, so that each tile has the name of one that was put aside.
        for outcome in log.submit_many([prepare(one) for one in objects(others, count)]).result():
            assert not isinstance(outcome, Exception)
        assert log.publish_now().checkpoint.size == SIGNED + count + 1
    assert problems(data) == []


def test_a_restore_leaves_work_in_progress_where_it_is(data: Path, world: World) -> None:
    with open_log(data, world) as log:
        cut_short(log, objects(world, 3))
    done = restore(Folder(data), None, None, None)
    assert (done.entries, done.given_up, done.aside) == (33, 0, None)
    assert (data / "public/tile/entries/000.p/33").exists()


def test_what_was_acknowledged_is_told_and_where_it_may_be_found(data: Path, kept: Path, world: World) -> None:
    with open_log(data, world) as log:
        cut_short(log, objects(world, 3))
    for path in data.glob("ledger.sqlite*"):
        path.unlink()
    code, said, _ = run("restore", data, "--backup", kept)
    assert code == 0
    assert "4 entries that were acknowledged after those were never published, and are lost" in said
    assert f"are in {data / 'unpublished-1'} now: the bundles there hold what was said" in said.replace("\n", "")


def test_a_restore_that_is_cut_short_while_it_puts_them_aside_is_done_again(
    data: Path, kept: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_log(data, world) as log:
        cut_short(log, objects(world, 3))
    lose(data)
    rename, left = LocalDisk.rename, [1]

    def once(disk: LocalDisk, path: Path, target: Path) -> None:
        if "unpublished" in str(target) and not left:
            raise OSError("lost power")
        if "unpublished" in str(target):
            left.pop()
        rename(disk, path, target)

    with monkeypatch.context() as patch:
        patch.setattr(LocalDisk, "rename", once)
        with pytest.raises(OSError, match="lost power"):
            restore(Folder(data), kept, None, None)
    assert restore(Folder(data), None, None, None).aside == data / "unpublished-2"
    moved = [path.relative_to(data).as_posix() for path in data.glob("unpublished-*/**/*") if path.is_file()]
    assert sorted(name.partition("/")[2] for name in moved) == ["tile/0/000.p/33", "tile/entries/000.p/33"]
    assert problems(data) == []


def test_in_a_bucket_they_are_named_and_the_log_goes_on_when_they_are_removed(
    data: Path, kept: Path, world: World, others: World, bucket: Bucket
) -> None:
    where = bucket.place("a/log")
    objects_there = S3Objects(parse_place(where))
    for path in (data / "public").rglob("*"):
        if path.is_file():
            assert objects_there.create(path.relative_to(data / "public").as_posix(), path.read_bytes())
    shutil.rmtree(data / "public")
    with open_in(where, data, world) as log:
        cut_short(log, objects(world, 3))
    lose(data)
    assert run("restore", data, "--backup", kept, "--tiles", where)[0] == 0
    code, _, told = run("fsck", data, "--tiles", where)
    named = re.findall(r"the tile (\S+), which no signed checkpoint covers", told)
    assert (code, sorted(named)) == (1, ["tile/0/000.p/33", "tile/entries/000.p/33"])
    assert "from a bucket it has to be removed" in told
    with open_in(where, data, others) as log:
        for outcome in log.submit_many([prepare(one) for one in objects(others, 3)]).result():
            assert not isinstance(outcome, Exception)
        with pytest.raises(Corrupt, match="exists with other bytes than the stored entries give"):
            log.publish_now()
        for name in named:
            bucket.remove(f"a/log/{name}")
        assert log.publish_now().checkpoint.size == 33
    assert run("fsck", data, "--tiles", where)[0] == 0
