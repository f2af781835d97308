"""fsck holds what was signed against the entries: a fork is seen, and a log that grows meanwhile is none."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.folder import Folder
from ledger.log import Log
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.place import Place
from ledger.shared.upkeep import fsck_shared
from ledger.upkeep.fsck import Report, fsck
from tallystick.keys import LocalSigner
from tallystick.tree_head import verify_tree_head
from tests.ledger.conftest import founding, later, open_log
from tests.ledger.shared_copies import SIZE, at_step, opened
from tests.ledger.test_rotation import rotate, use
from tests.patience import PATIENCE
from tests.world import World

FORK = "two histories, or entries that were changed"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> dict[int, str]:
    """Checkpoints of another history, signed by the same keys, by their size."""
    world, found = World(), {}
    path = tmp_path_factory.mktemp("other")
    with Log.create(path, founding(world), world.signers, lambda: world.clock + 5, publish_every=None) as log:
        for statement in world.parties():
            log.submit(statement).result()
            signed = log.publish_now()
            found[signed.checkpoint.size] = signed.note.encode()
        while max(found) < SIZE + 2:
            log.submit(world.object()).result()
            signed = log.publish_now()
            found[signed.checkpoint.size] = signed.note.encode()
    return found


def remember(log: str | Path, size: int, note: str) -> None:
    """The checkpoint store comes to hold another checkpoint."""
    path = log / "checkpoints.sqlite" if isinstance(log, Path) else None
    with closing(SqliteCheckpointStore(path) if path else PostgresCheckpointStore(str(log))) as store:
        epoch = store.take_over(World().origin)
        store.swap(World().origin, epoch, store.latest(World().origin), size, note)


def check(log: str | Path, progress: Callable[[int], None] = lambda done: None) -> Report:
    return fsck(Folder(log), progress) if isinstance(log, Path) else fsck_shared(Place(log, "fsck"), progress)


@pytest.fixture(params=["folder", "shared"])
def log(request: pytest.FixtureRequest) -> str | Path:
    found: str | Path = request.getfixturevalue("data" if request.param == "folder" else "worked")
    return found


def grow(log: str | Path, step: int) -> int:
    """Two objects more, of which the first is published."""
    if isinstance(log, Path):
        world = later(at_step(step))
        with open_log(log, world) as open_one:
            open_one.submit(world.object()).result()
            open_one.publish_now()
            return open_one.submit(world.object()).result().batch + 1
    with opened(log, world := at_step(step)) as shared:
        placed = shared.submit(world.object()).result()
        shared.wait_published(placed.batch + 1, PATIENCE)
        return placed.batch + 1


def test_a_fork_in_the_checkpoint_store_is_seen(log: str | Path, other: dict[int, str]) -> None:
    remember(log, 15, other[15])
    findings = [str(one) for one in check(log).findings]
    assert [one for one in findings if FORK in one and "signed last, of size 15, has the root" in one], findings


@pytest.mark.parametrize("shown", [False, True], ids=["held", "published"])
def test_two_histories_of_one_size_are_a_fork(log: str | Path, other: dict[int, str], shown: bool) -> None:
    """Which of the two the entries are of is told, whichever it is."""
    with opened(log, World()) if isinstance(log, str) else open_log(log, World()) as open_one:
        own = open_one.published.checkpoint().checkpoint.root.hex()
    if not shown:
        remember(log, SIZE, other[SIZE])
    elif isinstance(log, Path):
        (log / "public/checkpoint").write_text(other[SIZE])
    else:
        with psycopg.connect(log) as connection:
            connection.execute("UPDATE published_checkpoint SET note = %s", (other[SIZE].encode(),))
    strange = verify_tree_head(other[SIZE].encode(), World().signers.keys).checkpoint.root.hex()
    held, published = (own, strange) if shown else (strange, own)
    findings = [str(one) for one in check(log).findings]
    assert (
        f"the checkpoint that was signed last, of size 29, has the root {held}; what is published at that size has the "
        f"root {published}: two histories were signed, a fork. Keep everything; the 29 entries here give {own}"
    ) in findings


def test_a_fork_that_is_ahead_of_what_is_published_is_seen(data: Path, other: dict[int, str]) -> None:
    """Entries that are not published yet are held against it, too."""
    world = later(at_step(1))
    with open_log(data, world) as folder:
        folder.submit(world.object()).result()
    remember(data, SIZE + 2, other[SIZE + 2])
    findings = [str(one) for one in check(data).findings]
    assert [one for one in findings if FORK in one], findings
    assert len(findings) == 1


def test_what_was_signed_and_not_shown_is_no_fork(data: Path) -> None:
    """A publication that was cut short after the compare-and-swap."""
    before = (data / "public/checkpoint").read_bytes()
    world = later(at_step(1))
    with open_log(data, world) as folder:
        folder.submit(world.object()).result()
        folder.publish_now()
    (data / "public/checkpoint").write_bytes(before)
    assert check(data).findings == ()
    assert check(data).published == SIZE


def test_an_aligned_checkpoint_of_another_history_is_seen(log: str | Path, other: dict[int, str]) -> None:
    if isinstance(log, Path):
        (log / "public/checkpoint-aligned").write_text(other[15])
    else:
        with psycopg.connect(log) as connection:
            connection.execute("INSERT INTO aligned_checkpoint VALUES (1, 1, %s)", (other[15].encode(),))
    findings = [str(one) for one in check(log).findings]
    assert [one for one in findings if FORK in one and "the aligned checkpoint, of size 15" in one], findings
    if isinstance(log, Path):
        (log / "public/checkpoint-aligned").write_text(other[15][:-9])
        assert "the aligned checkpoint: " in str(check(log).findings[0])


def test_a_log_that_grows_meanwhile_is_no_old_copy(log: str | Path) -> None:
    grown: list[int] = []

    def meanwhile(_: int) -> None:
        if not grown:
            grown.append(grow(log, 5))

    assert check(log, meanwhile).findings == ()
    assert check(log).findings == ()
    assert check(log).entries == grown[0] > SIZE


def test_a_log_whose_key_is_replaced_meanwhile_is_sound(data: Path) -> None:
    """What is signed by the new key during the check covers entries that the check does not read."""
    world = later(World())
    done: list[LocalSigner] = []

    def meanwhile(_: int) -> None:
        if not done:
            done.append(rotate(data, world, "log"))
            use(world, "log", done[0])
            with open_log(data, world) as folder:
                assert folder.publish_now().checkpoint.size > SIZE

    assert check(data, meanwhile).findings == ()
    assert check(data).findings == ()
