"""The appender: what it writes is what a publisher signs; nothing it does behind is ever taken for done."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.appender import AT_ONCE, BESIDE, Appender, _together
from ledger.errors import Corrupt, HistoryLost, LogClosed
from ledger.integrate import recompute
from ledger.publisher import Publisher
from ledger.reader import PublishedLog
from ledger.store.memory import MemoryStore
from ledger.store.postgres import open_store as open_postgres
from ledger.store.sqlite import create, open_store
from ledger.tiles import Draft
from ledger.tilestore import TileStore
from tallystick.merkle import leaf_hash, leaf_hashes, root_of, verify_inclusion
from tallystick.tiles import Tile, encode_bundle
from tests.ledger.faults import ROOT, Fault, FaultyStore, MemoryCheckpoints, MemoryDisk, Plan
from tests.ledger.rawlog import raw_entry
from tests.world import START, World

SIGNERS = World().signers
STEPS = ["begin", "append", "index", "commit"]


def entries(first: int, count: int) -> list[bytes]:
    return [raw_entry(at) for at in range(first, first + count)]


def root(size: int) -> bytes:
    return root_of(leaf_hashes(entries(0, size)))


class Bench:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.disk = MemoryDisk()
        self.tiles = TileStore(ROOT, self.disk)
        self.checkpoints = MemoryCheckpoints()

    def appender(self, **options: object) -> Appender:
        return Appender(self.store, self.tiles, lambda: START, **options)  # type: ignore[arg-type]

    def publisher(self) -> Publisher:
        return Publisher(self.store, self.tiles, self.checkpoints, SIGNERS, lambda: START)


@pytest.mark.parametrize("sizes", [[1], [255, 1, 1], [256, 256], [1000, 1000, 24], [300, 20_000, 7]])
def test_each_batch_has_the_root_of_all_and_settling_leaves_every_tile(sizes: list[int]) -> None:
    bench = Bench()
    with bench.appender() as log:
        for size in sizes:
            first = log.size
            assert log.append(entries(first, size)) == root(first + size)
        assert log.settle() == root(sum(sizes))
        bench.disk.lose_power()
        assert recompute(bench.tiles, 0, sum(sizes)) == root(sum(sizes))
    signed = bench.publisher().publish()
    assert (signed.checkpoint.size, signed.checkpoint.root) == (sum(sizes), root(sum(sizes)))


def test_an_appender_goes_on_from_the_checkpoint_published_last() -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 700))
    published = bench.publisher().publish().checkpoint
    with bench.appender() as log:  # from nothing: all of it again
        assert log.size == 700
        log.append(entries(700, 100))
    with bench.appender(since=published) as log:
        assert log.append(entries(800, 500)) == root(1300)
        log.settle()
    assert bench.publisher().publish().checkpoint.root == root(1300)
    assert len(bench.checkpoints.notes) == 2


def test_an_appender_does_not_go_on_from_changed_tiles() -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 700))
    published = bench.publisher().publish().checkpoint
    bench.disk.flip(ROOT / "tile/0/002.p/188")
    with pytest.raises(Corrupt, match="do not give the root that was signed for size 700"):
        bench.appender(since=published)


def test_a_statement_is_appended_once_and_a_refusal_appends_nothing(tmp_path: Path) -> None:
    create(tmp_path / "ledger.sqlite")
    store = open_store(tmp_path / "ledger.sqlite")
    (tmp_path / "public").mkdir()
    tiles = TileStore(tmp_path / "public")
    ids = [leaf_hash(entry) for entry in entries(0, 600)]
    with Appender(store, tiles, lambda: START) as log:
        log.append(entries(0, 300), ids[:300])
        with pytest.raises(ValueError, match="indexed already"):
            log.append(entries(300, 300), [*ids[300:599], ids[7]])
        assert log.append(entries(300, 300), ids[300:]) == log.settle() == root(600)
    publisher = Publisher(store, tiles, MemoryCheckpoints(), SIGNERS, lambda: START)
    assert publisher.publish().checkpoint.root == root(600)
    reader = PublishedLog(tiles, SIGNERS.keys)
    verify_inclusion(leaf_hash(raw_entry(299)), 299, 600, reader.prove_inclusion(299, 600), root(600))
    store.close()


class Flipping:
    """A store that gives one entry back with a bit flipped."""

    def __init__(self, inner: Any, position: int) -> None:
        self._inner = inner
        self._position = position

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        with self._inner.snapshot() as reads:
            yield Flipping(reads, self._position)

    def entries(self, first: int, end: int) -> list[bytes]:
        found = list(self._inner.entries(first, end))
        if first <= self._position < end:
            at = self._position - first
            found[at] = found[at][:-1] + bytes([found[at][-1] ^ 1])
        return found

    def holds(self, first: int, end: int, data: bytes) -> bool:
        return encode_bundle(self.entries(first, end)) == data


@pytest.mark.parametrize("position", [0, 256, 299, 300, 511, 512, 599])
def test_a_bit_that_flips_in_the_store_is_named_and_its_bundle_is_never_put(position: int) -> None:
    bench = Bench()
    with Appender(Flipping(bench.store, position), bench.tiles, lambda: START) as log:
        log.append(entries(0, 300))
        if position < 256:
            # The first bundle is looked at while the second batch is committed.
            with pytest.raises(Corrupt, match=f"the stored entry {position} is not"):
                log.append(entries(300, 300))
        else:
            assert log.append(entries(300, 300)) == root(600)
        for _ in range(2):
            with pytest.raises(Corrupt, match=f"the stored entry {position} is not") as caught:
                log.settle()
            assert caught.value.position == position
    assert not any(bench.tiles.find(Tile(None, index, 88 if index == 2 else 256)) for index in range(3))


@pytest.mark.parametrize("kept", [0, 299, 511])
def test_entries_that_are_gone_from_the_store_are_named(kept: int) -> None:
    class Losing(Flipping):
        def entries(self, first: int, end: int) -> list[bytes]:
            found = list(self._inner.entries(first, end))
            return found[: max(0, self._position - first)]

        @contextmanager
        def snapshot(self) -> Iterator[Any]:
            with self._inner.snapshot() as reads:
                yield Losing(reads, self._position)

    bench = Bench()
    with Appender(Losing(bench.store, kept), bench.tiles, lambda: START) as log:
        log.append(entries(0, 512))
        with pytest.raises(Corrupt, match=f"the stored entry {kept} is not") as caught:
            log.settle()
        assert caught.value.position == kept


def test_a_bit_that_flipped_before_an_appender_goes_on_is_named() -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 300))
    published = bench.publisher().publish().checkpoint
    with pytest.raises(Corrupt, match="the stored entry 299 is not the one that was signed"):
        Appender(Flipping(bench.store, 299), bench.tiles, lambda: START, published)


@pytest.mark.parametrize("kept", [0, 1, 255, 256, 511])
def test_a_store_with_less_than_the_checkpoint_is_an_old_copy(kept: int) -> None:
    bench, behind = Bench(), MemoryStore()
    with bench.appender() as log:
        log.append(entries(0, 512))
    published = bench.publisher().publish().checkpoint
    with Appender(behind, TileStore(ROOT, MemoryDisk()), lambda: START) as other:
        if kept:
            other.append(entries(0, kept))
    with pytest.raises(Corrupt, match=f"the store has {kept} entries, 512 were signed or appended") as caught:
        Appender(behind, bench.tiles, lambda: START, published)
    assert caught.value.position == kept


def test_time_never_falls_whoever_appended_last() -> None:
    bench, times = Bench(), iter([5, 9, 7, 8, 6])
    with (
        Appender(bench.store, bench.tiles, lambda: next(times)) as log,
        Appender(bench.store, bench.tiles, lambda: next(times)) as other,
    ):
        for hand in (log, log, log, other, log):
            hand.append(entries(hand.size, 1))
    with bench.store.snapshot() as reads:
        assert [batch.admitted_at for batch in reads.batches(0)] == [5, 9, 9, 9, 9]


def test_what_another_hand_appended_meanwhile_is_integrated_too() -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 300))
        with bench.appender() as other:
            other.append(entries(300, 250))
        assert log.append(entries(550, 10)) == root(560)
        assert log.append(entries(560, 300)) == log.settle() == root(860)
    assert recompute(bench.tiles, 0, 860) == root(860)


@pytest.mark.parametrize("count", [1, 300])
@pytest.mark.parametrize("when", ["before", "done"])
@pytest.mark.parametrize("step", STEPS)
def test_an_append_that_fails_leaves_no_trace_of_the_tree_that_grew_beside_it(step: str, when: str, count: int) -> None:
    bench = Bench()
    store = bench.store = FaultyStore(bench.store)  # type: ignore[assignment]
    stands = (step, when) == ("commit", "done")
    failing = entries(300, count) if stands else [b"never stored"] * count
    with bench.appender() as log:
        log.append(entries(0, 300))
        store.plan = Plan(STEPS.index(step), when)
        with pytest.raises(Fault, match=step):
            log.append(failing)
        # From so many on it grew before anybody knew: from when the store had them, or from the commit on.
        begun = step != "begin" and (step, when) != ("append", "before")
        assert bool(log._growing) == (begun and count >= BESIDE)
        store.plan = Plan()
        size = 300 + count * stands
        assert log.size == 300
        assert log.append(entries(size, 700)) == log.settle() == root(size + 700)
    assert recompute(bench.tiles, 0, size + 700) == root(size + 700)


def test_what_failed_behind_is_raised_and_never_forgotten() -> None:
    bench = Bench()
    bench.disk.plan = Plan(fail=3)
    with bench.appender() as log:
        for first in range(0, 20_000, 1000):
            try:
                log.append(entries(first, 1000))
            except Fault:
                break
        with pytest.raises(Fault):
            log.settle()
        with pytest.raises(Fault):
            log.settle()
    bench.disk.plan = Plan()
    bench.disk.lose_power()
    # Nothing was signed, and the entries are all there: the ordinary path makes the tiles.
    size = bench.store._committed.size()
    assert bench.publisher().publish().checkpoint.root == root(size)


@pytest.mark.parametrize("count", [1, 300])
def test_what_failed_behind_is_raised_by_every_append_from_then_on(count: int) -> None:
    bench = Bench()
    bench.disk.plan = Plan(fail=0)
    with bench.appender() as log:
        size = 300
        assert log.append(entries(0, size)) == root(size)
        for _ in range(3):
            # A small batch does not wait to learn of it.
            assert log._writing
            assert isinstance(log._writing.exception(), Fault)
            with pytest.raises(Fault):
                log.append(entries(size, count))
            # What was to be appended is committed all the same, and nothing else was.
            size += count
            assert bench.store._committed.size() == size
        with pytest.raises(Fault):
            log.settle()


@pytest.mark.parametrize("count", [1, 300])
def test_tiles_that_could_not_be_handed_over_are_made_again(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 255))
        submit, refused = log._beside.submit, 0

        def refuse(work: Any, *given: Any) -> Any:
            nonlocal refused
            if work == log._behind.write:
                refused += 1
                raise RuntimeError("can't start new thread")
            return submit(work, *given)

        monkeypatch.setattr(log._beside, "submit", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            log.append(entries(255, count))
        assert refused == 1
        monkeypatch.undo()
        # It was committed, but nobody was told so: whoever settles has what was told, whoever goes on all of it.
        assert log.settle() == root(255)
        size = 255 + count + 3
        assert log.append(entries(255 + count, 3)) == log.settle() == root(size)
    bench.disk.lose_power()
    assert recompute(bench.tiles, 0, size) == root(size)


def test_a_thread_that_cannot_begin_is_met_before_anything_is_given_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Python's executor keeps what it was given although its thread did not begin: it would be done twice, later.
    begin = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name.startswith("tree"):
            raise RuntimeError("can't start new thread")
        begin(self)

    bench = Bench()
    with bench.appender() as log:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start"):
            bench.appender()
        for first in range(0, 630, 63):
            log.append(entries(first, 63))
        assert log.append(entries(630, 300)) == log.settle() == root(930)
    assert recompute(bench.tiles, 0, 930) == root(930)


@pytest.mark.parametrize("count", [1, 300])
def test_who_closed_an_appender_appends_nothing_by_it(count: int) -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 250))
    with pytest.raises(LogClosed, match="make another one"):
        log.append(entries(250, count))
    assert bench.store._committed.size() == 250


def test_an_append_waits_for_the_tiles_of_no_batch_but_those_before_the_last() -> None:
    class Slow(TileStore):
        leave = threading.Semaphore(0)

        def draft(self, tiles: Iterable[tuple[Tile, bytes]]) -> Draft:
            self.leave.acquire()
            return super().draft(tiles)

    bench = Bench()
    bench.tiles = slow = Slow(ROOT, bench.disk)
    with bench.appender() as log:
        # Returns although nobody writes a tile of it, and so does a small one after it.
        assert log.append(entries(0, 599)) == root(599)
        assert log.append(entries(599, 1)) == root(600)
        roots: list[bytes] = []
        thread = threading.Thread(target=lambda: roots.append(log.append(entries(600, 600))))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert roots == []
        slow.leave.release()
        thread.join()
        assert roots == [root(1200)]
        slow.leave.release(9)
        assert log.settle() == root(1200)
    assert recompute(bench.tiles, 0, 1200) == root(1200)


@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_power_lost_at_any_step_behind_loses_no_entry_and_no_root(when: str) -> None:
    whole = Bench()
    with whole.appender() as log:
        log.append(entries(0, 600))
        log.settle()
    for number in range(len(whole.disk.plan.steps)):
        bench = Bench()
        bench.disk.plan = Plan(number, when)
        with bench.appender() as log:
            log.append(entries(0, 600))
            if when != "torn" or whole.disk.plan.steps[number] == "write":
                with pytest.raises(Fault):
                    log.settle()
        bench.disk.plan = Plan()
        bench.disk.lose_power()
        with bench.appender() as log:
            assert log.settle() == root(600)
        assert bench.publisher().publish().checkpoint.root == root(600), number


def test_an_old_database_is_not_signed_after_all() -> None:
    bench = Bench()
    with bench.appender() as log:
        log.append(entries(0, 500))
    bench.publisher().publish()
    bench.store = MemoryStore()
    with bench.appender() as log:
        log.append(entries(0, 499))
    with pytest.raises(HistoryLost):
        bench.publisher()


def test_in_postgresql_a_refusal_leaves_no_trace_of_the_tree_that_grew_while_the_server_looked(
    dsn: str, tmp_path: Path
) -> None:
    store = open_postgres(dsn)
    store.epoch = 0
    (tmp_path / "public").mkdir()
    tiles = TileStore(tmp_path / "public")
    ids = [leaf_hash(entry) for entry in entries(0, 900)]
    with Appender(store, tiles, lambda: START) as log:
        log.append(entries(0, 300), ids[:300])
        with pytest.raises(ValueError, match="indexed already"):
            log.append([b"never stored"] * 300, [*ids[300:599], ids[7]])
        assert log._growing is not None
        assert log.append(entries(300, 300), ids[300:600]) == root(600)
        assert log.append(entries(600, 300), ids[600:]) == log.settle() == root(900)
    publisher = Publisher(store, tiles, MemoryCheckpoints(), SIGNERS, lambda: START)
    assert publisher.publish().checkpoint.root == root(900)
    store.close()


# --- the parts ----------------------------------------------------------------------------


def test_bundles_that_follow_one_another_are_compared_together_up_to_a_bound() -> None:
    long = b"l" * (AT_ONCE // 2)
    tiles = [
        (Tile(None, 0), b"a"),
        (Tile(0, 0), b"no bundle"),
        (Tile(None, 1), b"b"),
        (Tile(None, 3), b"d"),
        (Tile(None, 4), long),
        (Tile(None, 5), long),
        (Tile(None, 6), long + long + long),
        (Tile(None, 7), b"h"),
        (Tile(None, 8, 7), b"i"),
    ]
    assert list(_together(tiles)) == [
        (0, 512, b"ab"),
        (768, 1280, b"d" + long),
        (1280, 1536, long),
        (1536, 1792, long * 3),
        (1792, 2055, b"hi"),
    ]
    assert list(_together([])) == list(_together([(Tile(0, 0), b"")])) == []
