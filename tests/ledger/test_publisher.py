"""Publication: what is signed is what is stored; no step that fails loses or forks anything."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from ledger.checkpoint_store import Held
from ledger.errors import Corrupt, Fenced, Forked, HistoryLost
from ledger.face import NoCosigners
from ledger.frontier import Frontier
from ledger.integrate import integrate, recompute
from ledger.publisher import Publisher
from ledger.reader import PublishedLog
from ledger.store import leaves_digest
from ledger.store.memory import MemoryStore
from ledger.tilestore import TileStore
from tallystick.checkpoint import Checkpoint
from tallystick.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from tallystick.note import Note
from tallystick.tiles import Tile, tiles_between
from tallystick.tree_head import verify_tree_head
from tests.ledger.faults import ROOT, Fault, MemoryCheckpoints, MemoryDisk, Plan
from tests.ledger.rawlog import fill, raw_entry
from tests.world import START, World

WORLD = World()
KEYS = WORLD.signers.keys


class Bench:
    """A store, a disk, a checkpoint store, and publishers on them."""

    def __init__(self, *batches: int) -> None:
        self.store = MemoryStore()
        for count in batches:
            fill(self.store, count)
        self.disk = MemoryDisk()
        self.tiles = TileStore(ROOT, self.disk)
        self.checkpoints = MemoryCheckpoints()
        self.reader = PublishedLog(self.tiles, KEYS)

    def publisher(self) -> Publisher:
        return Publisher(self.store, self.tiles, self.checkpoints, WORLD.signers, lambda: START)

    def plant(self, plan: Plan) -> None:
        self.disk.plan = self.checkpoints.plan = plan

    def check_shown(self) -> int:
        """Whatever is shown was signed and has all its tiles; its size."""
        note = self.tiles.checkpoint()
        if note is None:
            return 0
        assert note.decode() in self.checkpoints.notes
        shown = verify_tree_head(note, KEYS).checkpoint
        assert root(shown.size) == shown.root == recompute(self.tiles, 0, shown.size)
        assert self.reader.entries(range(shown.size), shown.size) == [raw_entry(at) for at in range(shown.size)]
        return shown.size

    def check_no_fork(self) -> None:
        """Each checkpoint ever signed is extended by the next."""
        heads = [verify_tree_head(note.encode(), KEYS).checkpoint for note in self.checkpoints.notes]
        for old, new in itertools.pairwise(heads):
            proof = self.reader.prove_consistency(old.size, new.size)
            verify_consistency(old.size, old.root, new.size, new.root, proof)


def root(size: int) -> bytes:
    return root_of(leaf_hash(raw_entry(at)) for at in range(size))


# --- trees in tiles ---------------------------------------------------------------------


@pytest.mark.parametrize("steps", [(1,), (255,), (256,), (257,), (3, 252, 1, 1), (512, 513), (100, 70_000, 5, 300)])
def test_a_frontier_gives_the_tiles_and_root_of_its_tree(steps: tuple[int, ...]) -> None:
    written: dict[Tile, bytes] = {}
    edge, leaves = Frontier(0, []), [leaf_hash(raw_entry(at)) for at in range(sum(steps))]
    for count in steps:
        old = edge.size
        fresh = dict(edge.extend(leaves[old : old + count]))
        fresh.update(edge.partial_tiles(old))
        assert set(fresh) == set(tiles_between(old, edge.size))
        written.update(fresh)
        assert edge.root() == root_of(leaves[: edge.size])
        again = Frontier.load(edge.size, written.__getitem__)
        assert (again.root(), again.levels) == (edge.root(), edge.levels)


def test_every_published_size_has_its_proofs() -> None:
    bench = Bench(3)
    publisher = bench.publisher()
    sizes = [3]
    publisher.publish()
    for count in (1, 250, 2, 1, 300):
        fill(bench.store, count)
        sizes.append(publisher.publish().checkpoint.size)
    assert sizes == [3, 4, 254, 256, 257, 557]
    latest = bench.reader.checkpoint().checkpoint
    for size in sizes:
        # From the partial tiles of that size alone.
        for index in {0, 2, size // 2, size - 1}:
            proof = bench.reader.prove_inclusion(index, size)
            verify_inclusion(leaf_hash(raw_entry(index)), index, size, proof, root(size))
        verify_consistency(size, root(size), 557, latest.root, bench.reader.prove_consistency(size, 557))
    assert bench.check_shown() == 557
    bench.check_no_fork()


def test_old_tiles_serve_when_partial_ones_are_gone() -> None:
    bench = Bench(300)
    bench.publisher().publish()
    assert bench.reader.entries([299, 0, 256], 300) == [raw_entry(299), raw_entry(0), raw_entry(256)]
    # A full tile stands in for the partial ones before it.
    assert bench.tiles.get(Tile(0, 0, 7)) == b"".join(leaf_hash(raw_entry(at)) for at in range(7))
    with pytest.raises(Corrupt, match="missing"):
        bench.tiles.get(Tile(0, 2, 7))


def test_positions_outside_the_tree_are_refused() -> None:
    bench = Bench(3)
    bench.publisher().publish()
    for position in (-1, 3):
        with pytest.raises(ValueError, match="no entry"):
            bench.reader.entries([position], 3)
        with pytest.raises(ValueError, match="no leaf"):
            bench.reader.prove_inclusion(position, 3)


def test_nothing_new_is_not_signed_again() -> None:
    bench = Bench(3)
    publisher = bench.publisher()
    first = publisher.publish()
    assert publisher.publish() == first
    assert len(bench.checkpoints.notes) == 1


Some = TypeVar("Some", bound=Bench)


# --- the crash table ---------------------------------------------------------------------


def steps_of_a_publication(*batches: int) -> list[str]:
    """The steps of the publication of the last batch."""
    bench, plan = Bench(), Plan()
    publisher = bench.publisher()
    for count in batches:
        fill(bench.store, count)
        plan = Plan()
        bench.plant(plan)
        publisher.publish()
    return plan.steps


FIRST = steps_of_a_publication(5)
STEPS = steps_of_a_publication(5, 260)


def test_the_table_has_every_kind_of_step() -> None:
    assert {"write", "sync", "rename", "make_folder", "sync_folder", "swap"} == set(STEPS)
    assert STEPS[-5:] == ["swap", "write", "sync", "rename", "sync_folder"]  # sign, compare-and-swap, publish


@pytest.mark.parametrize("power", ["kept", "lost"])
@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_publication_that_fails_at_any_step(when: str, power: str) -> None:
    for where, bench, again in failed_at_each(STEPS, when, power, lambda: Bench(5), 260):
        assert bench.check_shown() in (5, 265), where
        assert again.publish().checkpoint.size == 265
        assert bench.check_shown() == 265, where
        bench.check_no_fork()


def failed_at_each(
    steps: list[str], when: str, power: str, begin: Callable[[], Some], entries: int
) -> Iterator[tuple[tuple[int, str], Some, Publisher]]:
    """A log of each time whose second publication, of ``entries`` more, failed at the next step; and who goes on there.

    Recovery is the ordinary path: the same publisher, or one in a new process.
    """
    for number, name in enumerate(steps):
        if when == "torn" and name != "write":
            continue
        bench = begin()
        publisher = bench.publisher()
        publisher.publish()
        fill(bench.store, entries)
        bench.plant(Plan(number, when))
        with pytest.raises(Fault):
            publisher.publish()
        bench.plant(Plan())
        if power == "lost":
            bench.disk.lose_power()
        yield (number, name), bench, publisher if power == "kept" and number % 2 else bench.publisher()


@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_the_first_publication_that_fails_at_any_step(when: str) -> None:
    for number in range(len(FIRST)):
        bench = Bench(5)
        publisher = bench.publisher()
        bench.plant(Plan(number, when))
        with pytest.raises(Fault):
            publisher.publish()
        bench.plant(Plan())
        bench.disk.lose_power()
        assert bench.check_shown() in (0, 5)
        assert bench.publisher().publish().checkpoint.size == 5
        assert bench.check_shown() == 5


def test_a_signed_checkpoint_that_was_not_shown_is_shown_even_if_nothing_is_new() -> None:
    bench = Bench(5)
    publisher = bench.publisher()
    bench.plant(Plan(FIRST.index("swap"), "done"))
    with pytest.raises(Fault):
        publisher.publish()
    bench.plant(Plan())
    assert bench.tiles.checkpoint() is None
    bench.publisher().publish()
    assert bench.check_shown() == 5
    assert len(bench.checkpoints.notes) == 1


# --- bytes that changed ------------------------------------------------------------------


@pytest.mark.parametrize("position", [0, 4, 5, 200, 264])
def test_a_changed_entry_is_seen_before_signing(position: int) -> None:
    bench = Bench(5)
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, 260)
    entries = bench.store._committed._entries
    entries[position] = entries[position][:-1] + bytes([entries[position][-1] ^ 1])
    with pytest.raises(Corrupt) as caught:
        publisher.publish()
    # An entry that was signed is named; one that was not is found by the digest of its batch.
    assert caught.value.position == (position if position < 5 else 5)
    assert len(bench.checkpoints.notes) == 1


def test_a_missing_entry_is_seen() -> None:
    bench = Bench(5)
    bench.publisher().publish()
    fill(bench.store, 10)
    fill(bench.store, 10)
    del bench.store._committed._batches[1]
    with pytest.raises(Corrupt, match="no batch begins at position 5"):
        bench.publisher().publish()


def test_an_entry_without_a_batch_is_not_published() -> None:
    bench = Bench(5)
    bench.publisher().publish()
    bench.store._committed._entries.append(b"planted")
    with pytest.raises(Corrupt, match="no batch closes over position 5"):
        bench.publisher().publish()


@pytest.mark.parametrize("name", ["tile/0/000.p/5", "tile/entries/000.p/5"])
def test_a_changed_tile_of_the_last_checkpoint_is_seen_at_start(name: str) -> None:
    bench = Bench(5)
    bench.publisher().publish()
    bench.disk.flip(ROOT / name)
    with pytest.raises(Corrupt):
        bench.publisher()


class LyingDisk(MemoryDisk):
    """Flips a bit of what it is given to write."""

    def __init__(self, victim: str) -> None:
        super().__init__()
        self.victim = victim

    def write(self, path: Path, data: bytes) -> None:
        if str(path).startswith(str(ROOT / self.victim)):
            data = data[:3] + bytes([data[3] ^ 4]) + data[4:]
        super().write(path, data)


@pytest.mark.parametrize(
    "victim",
    ["tile/0/000.tmp", "tile/0/001.p/9.tmp", "tile/1/000.p/1.tmp", "tile/entries/000.tmp", "tile/entries/001.p/9.tmp"],
)
def test_a_bit_that_flips_on_the_way_to_the_disk_is_seen_before_signing(victim: str) -> None:
    bench = Bench(265)
    bench.disk = LyingDisk(victim)
    bench.tiles = TileStore(ROOT, bench.disk)
    with pytest.raises(Corrupt):
        bench.publisher().publish()
    assert bench.checkpoints.notes == []
    assert any(str(path).startswith(str(ROOT / victim.removesuffix(".tmp"))) for path in bench.disk.files())


def test_a_tile_is_never_replaced_by_other_bytes() -> None:
    bench = Bench(5)
    bench.tiles.put([(Tile(0, 0, 5), bytes(160))])
    with pytest.raises(Corrupt, match="exists with other bytes"):
        bench.publisher().publish()
    assert bench.disk.read(ROOT / "tile/0/000.p/5") == bytes(160)


# --- one history -------------------------------------------------------------------------


def test_an_old_database_is_refused() -> None:
    bench = Bench(5)
    old = bench.store._committed.fork()
    fill(bench.store, 20)
    bench.publisher().publish()
    bench.store._committed = old
    with pytest.raises(HistoryLost, match="an old copy"):
        bench.publisher()


def test_a_database_that_falls_back_while_open_is_refused() -> None:
    bench = Bench(5)
    old = bench.store._committed.fork()
    fill(bench.store, 20)
    publisher = bench.publisher()
    publisher.publish()
    bench.store._committed = old
    with pytest.raises(HistoryLost):
        publisher.publish()


def other_history(*batches: int) -> MemoryStore:
    """Entry 3 is another one; honest batches of these sizes."""
    store = MemoryStore()
    for count in batches:
        fill(store, count)
    reads = store._committed
    reads._entries[3] = b"another history"
    for at, batch in enumerate(reads._batches):
        entries = reads._entries[batch.first : batch.position + 1]
        reads._batches[at] = dataclasses.replace(batch, digest=leaves_digest(map(leaf_hash, entries)))
    return store


def test_another_history_is_refused_at_start() -> None:
    bench = Bench(5)
    bench.publisher().publish()
    bench.store = other_history(5, 3)
    with pytest.raises(Corrupt, match="not the one that was signed") as caught:
        bench.publisher()
    assert caught.value.position == 3


def test_another_history_with_tiles_of_its_own_is_never_signed() -> None:
    bench = Bench(300)
    publisher = bench.publisher()
    signed = publisher.publish().checkpoint
    forked, tiles = other_history(300, 20), TileStore(ROOT, MemoryDisk())
    with forked.snapshot() as reads:
        grown = integrate(reads, tiles, integrate(reads, tiles, Frontier(0, []), 300), 320)
    bench.store, bench.tiles = forked, tiles
    with pytest.raises(Corrupt, match="do not give the root that was signed"):
        bench.publisher()
    # Past that check there is a last one: what is signed must extend what was signed.
    publisher._tiles = tiles
    fork = Checkpoint(signed.origin, 320, grown.root())
    with pytest.raises(Forked, match="does not extend") as caught:
        publisher._check_extends(signed, fork, bench.checkpoints.held.note)
    assert caught.value.notes == (bench.checkpoints.held.note, fork.body())


def test_a_publisher_that_was_taken_over_signs_nothing() -> None:
    bench = Bench(5)
    frozen = bench.publisher()
    frozen.publish()
    successor = bench.publisher()
    fill(bench.store, 3)
    with pytest.raises(Fenced):
        frozen.publish()
    assert successor.publish().checkpoint.size == 8
    fill(bench.store, 3)
    with pytest.raises(Fenced):
        frozen.publish()
    assert successor.publish().checkpoint.size == 11
    bench.check_no_fork()


def test_a_checkpoint_store_that_was_tampered_with_is_refused() -> None:
    bench = Bench(5)
    bench.publisher().publish()
    held = bench.checkpoints.held
    bench.checkpoints.held = dataclasses.replace(held, size=4)
    with pytest.raises(Corrupt, match="says size 4"):
        bench.publisher()
    bench.checkpoints.held = dataclasses.replace(held, note=held.note.replace("\n5\n", "\n4\n"))
    with pytest.raises(Corrupt, match="did not sign"):
        bench.publisher()


def test_a_predecessor_that_signs_while_witnesses_are_asked_is_no_old_copy() -> None:
    """They may take seconds, and whoever is to be deposed goes on until then."""
    bench = Bench(3)
    old = bench.publisher()
    old.publish()
    fill(bench.store, 2)

    class Witnesses(NoCosigners):
        def remembered(self, origin: str) -> Sequence[Note]:
            return [old.publish().note]

    Publisher(bench.store, bench.tiles, bench.checkpoints, WORLD.signers, lambda: START, Witnesses()).publish()
    assert bench.check_shown() == 5
    with pytest.raises(Fenced):
        old.publish()


def test_a_predecessor_that_signed_what_the_store_forgot_is_told() -> None:
    bench = Bench(3)
    note = bench.publisher().publish().note
    bench.checkpoints.held = Held(bench.checkpoints.held.epoch, 0, "")

    class Witnesses(NoCosigners):
        def remembered(self, origin: str) -> Sequence[Note]:
            return [note]

    with pytest.raises(HistoryLost, match="a witness cosigned a checkpoint of 3 leaves"):
        Publisher(bench.store, bench.tiles, bench.checkpoints, WORLD.signers, lambda: START, Witnesses())
