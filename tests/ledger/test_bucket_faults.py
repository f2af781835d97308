"""Publication into an object store: each PUT fails before it is done, or though it is; nobody who is late goes back."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from ledger.bucket.objects import Objects
from ledger.bucket.opening import PROBE, check_bucket, check_conditions
from ledger.bucket.place import parse_place
from ledger.bucket.s3 import S3Objects
from ledger.bucket.tiles import TRIES, BucketTiles
from ledger.checkpoint_store import Held
from ledger.errors import Corrupt, Fenced, HistoryLost, ObjectsUnreachable, WrongLog
from ledger.publisher import Publisher
from ledger.reader import PublishedLog
from ledger.store.memory import MemoryStore
from ledger.tilestore import ALIGNED, CHECKPOINT
from tallystick.merkle import leaf_hash, root_of, verify_consistency
from tallystick.tiles import Tile
from tallystick.tree_head import verify_tree_head
from tests.ledger import rawlog
from tests.ledger.faults import Fault, MemoryCheckpoints, Plan
from tests.ledger.objects import MemoryObjects
from tests.ledger.rawlog import fill, raw_entry
from tests.s3 import Bucket, Server
from tests.world import START, World

WORLD = World()
KEYS = WORLD.signers.keys
BEFORE, AFTER = 1022, 5
"""Entries: the second publication begins with an aligned checkpoint, at 1,024."""
ALIGNMENT = 1024


class Bench:
    """A store, an object store, a checkpoint store, and publishers on them."""

    def __init__(self, before: int = BEFORE) -> None:
        self.store = MemoryStore()
        self.objects = MemoryObjects()
        self.checkpoints = MemoryCheckpoints()
        self.reader = PublishedLog(BucketTiles(self.objects), KEYS)
        fill(self.store, before)

    def publisher(self) -> Publisher:
        """Another one, which fences all before it."""
        epoch = self.checkpoints.held.epoch + 1
        tiles = BucketTiles(self.objects, epoch, side_by_side=1)
        return Publisher(
            self.store, tiles, self.checkpoints, WORLD.signers, lambda: START, epoch=epoch, align=ALIGNMENT
        )

    def plant(self, plan: Plan) -> None:
        self.objects.plan = self.checkpoints.plan = plan

    def check_shown(self) -> int:
        """Whatever is shown was signed and has all that it names; its size."""
        found = self.objects.get(CHECKPOINT)
        if found is None:
            return 0
        assert found.data.decode() in self.checkpoints.notes
        shown = verify_tree_head(found.data, KEYS).checkpoint
        assert shown.root == root(shown.size)
        assert self.reader.entries(range(shown.size), shown.size) == [raw_entry(at) for at in range(shown.size)]
        for at in (0, shown.size // 2, shown.size - 1):
            self.reader.prove_inclusion(at, shown.size)
        return shown.size

    def check_no_fork(self) -> None:
        heads = [verify_tree_head(note.encode(), KEYS).checkpoint for note in self.checkpoints.notes]
        for old, new in itertools.pairwise(heads):
            proof = self.reader.prove_consistency(old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)


def root(size: int) -> bytes:
    return root_of(leaf_hash(raw_entry(at)) for at in range(size))


def steps() -> list[str]:
    """What the second publication does."""
    bench = Bench()
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, AFTER)
    bench.plant(Plan())
    publisher.publish()
    return bench.objects.plan.steps


STEPS = steps()


def test_all_that_a_checkpoint_names_is_put_before_it() -> None:
    shows = [at for at, step in enumerate(STEPS) if step in (f"put {CHECKPOINT}", f"put {ALIGNED}")]
    signs = [at for at, step in enumerate(STEPS) if step == "swap"]
    tiles = [at for at, step in enumerate(STEPS) if step.startswith("put tile/")]
    assert (len(signs), len(shows)) == (2, 2)
    assert max(tiles) < signs[0] < shows[0] < signs[1] < shows[1] == len(STEPS) - 1
    assert {f"put {Tile(None, 3).path()}", f"put {Tile(0, 3).path()}", f"put {Tile(None, 4, 3).path()}"} <= set(STEPS)


@pytest.mark.parametrize("again", ["the same", "another"])
@pytest.mark.parametrize("when", ["before", "done"])
@pytest.mark.parametrize("number", range(len(STEPS)))
def test_a_publication_that_fails_at_any_step(number: int, when: str, again: str) -> None:
    bench = Bench()
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, AFTER)
    bench.plant(Plan(number, when))
    with pytest.raises(Fault):
        publisher.publish()
    bench.plant(Plan())
    shown = bench.check_shown()
    assert shown == (BEFORE + AFTER if (number, when) == (len(STEPS) - 1, "done") else BEFORE), STEPS[number]
    publisher = publisher if again == "the same" else bench.publisher()
    assert publisher.publish().checkpoint.size == BEFORE + AFTER
    assert bench.check_shown() == BEFORE + AFTER
    bench.check_no_fork()
    aligned = bench.objects.get(ALIGNED)
    assert aligned is not None
    assert verify_tree_head(aligned.data, KEYS).checkpoint.size == ALIGNMENT


@pytest.mark.parametrize("number", range(sum(step.startswith("put") for step in STEPS)))
def test_another_takes_over_before_any_put_of_a_publisher_that_sleeps(number: int) -> None:
    """What it has decided to put, it puts when it wakes: nothing goes back, and it is told that it is deposed."""
    bench = Bench()
    sleeper = bench.publisher()
    sleeper.publish()
    fill(bench.store, AFTER)
    counted = itertools.count()
    seen: list[int] = []

    def between(key: str) -> None:
        if next(counted) == number:
            bench.objects.between = lambda key: seen.append(bench.check_shown())
            fill(bench.store, 2)
            assert bench.publisher().publish().checkpoint.size == BEFORE + AFTER + 2

    bench.objects.between = between
    with pytest.raises(Fenced):
        sleeper.publish()
    bench.objects.between = lambda key: None
    assert seen == sorted(seen)
    assert bench.check_shown() == BEFORE + AFTER + 2
    bench.check_no_fork()
    fill(bench.store, 1)
    with pytest.raises(Fenced):
        sleeper.publish()
    assert bench.check_shown() == BEFORE + AFTER + 2


def test_a_checkpoint_that_was_replaced_in_between_is_looked_at_again() -> None:
    objects = MemoryObjects()
    ours, times = BucketTiles(objects, 3), itertools.count(1)

    def another_line(key: str) -> None:
        # By a publisher of the same epoch: this one, whose PUT was thought lost.
        if next(times) < TRIES:
            objects.between = lambda key: None
            objects.replace(key, b"late", 3, found.tag if (found := objects.get(key)) else None)
            objects.between = another_line

    objects.between = another_line
    ours.put_checkpoint("mine\n")
    assert ours.checkpoint() == b"mine\n"


def test_who_meets_another_writer_again_and_again_gives_up() -> None:
    objects = MemoryObjects()
    numbers = itertools.count()

    def somebody(key: str) -> None:
        objects.held[key] = type(objects.held[key])(b"somebody", f"tag {next(numbers)}", 0)

    tiles = BucketTiles(objects, 1)
    tiles.put_checkpoint("one\n")
    objects.between = somebody
    with pytest.raises(ObjectsUnreachable, match="somebody else writes there"):
        tiles.put_checkpoint("two\n")


@pytest.mark.parametrize(
    ("put", "get"),
    [(BucketTiles.put_checkpoint, BucketTiles.checkpoint), (BucketTiles.put_aligned, BucketTiles.aligned)],
    ids=["shown", "aligned"],
)
def test_a_publisher_whose_epoch_is_over_shows_nothing(
    bucket: Bucket, put: Callable[[BucketTiles, str], None], get: Callable[[BucketTiles], bytes | None]
) -> None:
    objects = S3Objects(parse_place(bucket.place()))
    old, new, nobody = BucketTiles(objects, 1), BucketTiles(objects, 2), BucketTiles(objects)
    with pytest.raises(Fenced):
        put(nobody, "nobody's\n")
    put(old, "old\n")
    put(new, "new\n")
    for late in (old, nobody):
        with pytest.raises(Fenced):
            put(late, "late\n")
        assert get(late) == b"new\n"


def test_an_object_that_is_said_to_be_there_and_is_not() -> None:
    class Forgetful(MemoryObjects):
        def create(self, key: str, data: bytes) -> bool:
            return False

    with pytest.raises(ObjectsUnreachable, match="does not give it"):
        BucketTiles(Forgetful()).put([(Tile(0, 0, 1), bytes(32))])


def test_a_bit_that_flips_on_the_way_is_seen_before_signing() -> None:
    bench = Bench()
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, AFTER)
    put = bench.objects._put

    def flipped(key: str, data: bytes, epoch: int, tag: str | None) -> bool:
        done = put(key, data, epoch, tag)
        if key == Tile(None, 3).path():
            bench.objects.flip(key, 4000)
        return done

    bench.objects._put = flipped  # type: ignore[method-assign]
    with pytest.raises(Corrupt):
        publisher.publish()
    assert len(bench.checkpoints.notes) == 1
    assert verify_tree_head(bench.objects.held[CHECKPOINT].data, KEYS).checkpoint.size == BEFORE


@pytest.mark.parametrize("size", [256, 512, 513])
@pytest.mark.parametrize("more", [0, 7])
def test_another_copy_of_the_database_does_not_go_on_from_the_tree_in_the_bucket(size: int, more: int) -> None:
    """The bucket has the tiles of whoever published: that the entries are others, the entries themselves must tell."""
    bench, twin = Bench(before=200), Bench(before=200)
    fill(bench.store, size - 200)
    bench.publisher().publish()
    fill_otherwise(twin.store, size + more - 200)
    twin.objects, twin.checkpoints = bench.objects, bench.checkpoints
    with pytest.raises(Corrupt, match=r"the stored entry \d+ is not the one that was signed"):
        twin.publisher()
    assert len(bench.checkpoints.notes) == 1


def fill_otherwise(store: MemoryStore, count: int) -> None:
    """As ``fill``, with other entries."""
    entry = rawlog.raw_entry
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rawlog, "raw_entry", lambda position: b"another " + entry(position))
        fill(store, count)


# --- opening ------------------------------------------------------------------------------


def published() -> Bench:
    bench = Bench()
    bench.publisher().publish()
    return bench


def test_a_bucket_of_this_log_is_taken() -> None:
    bench = published()
    assert check_bucket(bench.objects, KEYS, lambda: bench.checkpoints.held) == bench.objects.held[CHECKPOINT]
    assert check_bucket(MemoryObjects(), KEYS, lambda: Held(0, 0, "")) is None
    assert PROBE in bench.objects.held


def test_a_bucket_that_shows_more_than_the_checkpoint_store_remembers_is_refused() -> None:
    bench = published()
    for held in (Held(1, 0, ""), Held(1, BEFORE - 1, "")):
        with pytest.raises(HistoryLost, match=f"of {BEFORE} leaves .* remembers {held.size}"):
            check_bucket(bench.objects, KEYS, lambda held=held: held)  # type: ignore[misc]


def test_a_predecessor_that_shows_another_while_the_bucket_is_looked_at_is_no_old_copy() -> None:
    bench = published()
    old = bench.publisher()

    def latest() -> Held:
        """The store is asked after the bucket: what comes between is in the store alone."""
        fill(bench.store, 2)
        old.publish()
        return bench.checkpoints.held

    before = bench.objects.held[CHECKPOINT]
    assert check_bucket(bench.objects, KEYS, latest) == before
    assert bench.checkpoints.held.size == BEFORE + 2


def test_a_bucket_of_another_log_is_refused() -> None:
    bench = published()
    note = bench.objects.held[CHECKPOINT]
    other = note.data.replace(KEYS.origin.encode(), b"log.example/other")
    bench.objects.held[CHECKPOINT] = type(note)(other, note.tag, note.epoch)
    with pytest.raises(WrongLog, match=r"holds the log log\.example/other"):
        check_bucket(bench.objects, KEYS, lambda: bench.checkpoints.held)


@pytest.mark.parametrize("written", [b"", b"nothing that is signed", b"forged"])
def test_what_somebody_wrote_over_the_checkpoint_is_replaced(written: bytes) -> None:
    bench = published()
    if written == b"forged":
        # A larger tree than was ever signed: nobody's word for it but the writer's.
        written = bench.objects.held[CHECKPOINT].data.replace(b"\n%d\n" % BEFORE, b"\n%d\n" % (BEFORE + 1))
    held = bench.objects.held[CHECKPOINT]
    bench.objects.held[CHECKPOINT] = type(held)(written, "written", 0)
    check_bucket(bench.objects, KEYS, lambda: bench.checkpoints.held)
    bench.publisher().publish()
    assert bench.check_shown() == BEFORE


def test_a_store_that_takes_no_notice_of_conditions_is_refused(s3: Server, bucket: Bucket) -> None:
    objects: Objects = S3Objects(parse_place(bucket.place()))
    check_conditions(objects)
    s3.plan(careless=True)
    with pytest.raises(ObjectsUnreachable, match="takes no notice of If-None-Match"):
        check_conditions(objects)


@pytest.mark.parametrize("careless", ["create", "replace"])
def test_a_store_that_keeps_one_condition_alone_is_refused(careless: str) -> None:
    objects = MemoryObjects()
    setattr(objects, careless, lambda *given: True)
    with pytest.raises(ObjectsUnreachable, match="Choose a store that keeps conditions"):
        check_conditions(objects)
