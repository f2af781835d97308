"""Aligned checkpoints: signed exactly at the newest multiple before the log goes beyond, and never a smaller size."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from ledger.aligned import aligned_below
from ledger.errors import Corrupt
from ledger.publisher import Publisher
from ledger.tilestore import TileStore
from ledger.upkeep import fsck_tree
from tallystick.merkle import leaf_hash, verify_consistency, verify_inclusion
from tallystick.tiles import Tile
from tallystick.tree_head import verify_tree_head
from tests.ledger.faults import ROOT, Fault, Plan
from tests.ledger.rawlog import fill, raw_entry
from tests.ledger.test_publisher import KEYS, WORLD, Bench, failed_at_each, root
from tests.world import START


class AlignedBench(Bench):
    """A bench whose publishers align."""

    align: int | None = 1024

    def publisher(self) -> Publisher:
        return Publisher(self.store, self.tiles, self.checkpoints, WORLD.signers, lambda: START, align=self.align)

    @property
    def signed(self) -> list[int]:
        """Every size that was signed, in the order of signing."""
        return [verify_tree_head(note.encode(), KEYS).checkpoint.size for note in self.checkpoints.notes]

    @property
    def aligned(self) -> int:
        """Size of the aligned checkpoint that is kept, whose root is the entries'."""
        note = self.tiles.aligned()
        if note is None:
            return 0
        assert note.decode() in self.checkpoints.notes
        kept = verify_tree_head(note, KEYS).checkpoint
        assert kept.root == root(kept.size)
        return kept.size


@pytest.mark.parametrize(
    ("size", "align", "expected"),
    [(0, 1024, 0), (1023, 1024, 0), (1024, 1024, 1024), (5000, 1024, 4096), (5000, 2048, 4096), (5000, None, 0)],
)
def test_the_newest_multiple(size: int, align: int | None, expected: int) -> None:
    assert aligned_below(size, align) == expected


@pytest.mark.parametrize("align", [0, -1024, 1, 1000, 1025])
def test_another_alignment_is_refused_before_anything_is_signed(align: int) -> None:
    bench = AlignedBench(2000)
    bench.align = align
    with pytest.raises(ValueError, match="multiples of 1024"):
        bench.publisher()
    assert bench.signed == []


@pytest.mark.parametrize(
    ("batches", "signed", "aligned"),
    [
        ([1000, 100], [1000, 1024, 1100], 1024),  # inside a batch
        ([1000, 24, 1], [1000, 1024, 1025], 1024),  # where a batch ends: signed once
        ([1024], [1024], 1024),
        ([1000], [1000], 0),
        ([1100, 900], [1024, 1100, 2000], 1024),
        ([900, 4500, 20], [900, 5120, 5400, 5420], 5120),  # several multiples at once: the newest
    ],
)
def test_exactly_the_multiple_is_signed_first(batches: list[int], signed: list[int], aligned: int) -> None:
    bench = AlignedBench()
    publisher = bench.publisher()
    for count in batches:
        fill(bench.store, count)
        assert publisher.publish().checkpoint.size == sum(batches[: batches.index(count) + 1])
    assert (bench.signed, bench.aligned) == (signed, aligned)
    assert bench.check_shown() == sum(batches)
    bench.check_no_fork()


def test_without_an_alignment_nothing_is_signed_besides() -> None:
    bench = AlignedBench(900, 200)
    bench.align = None
    bench.publisher().publish()
    assert (bench.signed, bench.aligned) == ([1100], 0)


def test_a_multiple_that_the_log_has_passed_is_never_signed() -> None:
    """Neither when alignment is switched on later, nor by a publisher that takes over."""
    bench = AlignedBench(1500)
    bench.align = None
    bench.publisher().publish()
    bench.align = 1024
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, 10)
    publisher.publish()
    assert (bench.signed, bench.aligned) == ([1500, 1510], 0)
    fill(bench.store, 600)
    bench.publisher().publish()
    assert (bench.signed, bench.aligned) == ([1500, 1510, 2048, 2110], 2048)


@pytest.mark.parametrize(("before", "more"), [(100, 70_000), (65_000, 70_000), (1000, 1100)])
def test_proofs_at_an_aligned_size_need_nothing_but_tiles(before: int, more: int) -> None:
    bench = AlignedBench(before)
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, more)
    size = publisher.publish().checkpoint.size
    cut = bench.aligned
    assert cut == size - size % 1024
    for index in (0, cut // 2, cut - 1):
        proof = bench.reader.prove_inclusion(index, cut)
        verify_inclusion(leaf_hash(raw_entry(index)), index, cut, proof, root(cut))
    verify_consistency(before, root(before), cut, root(cut), bench.reader.prove_consistency(before, cut))
    verify_consistency(cut, root(cut), size, root(size), bench.reader.prove_consistency(cut, size))


def test_the_partial_tiles_of_the_aligned_size_are_kept() -> None:
    bench = AlignedBench(1000, 2000)
    bench.publisher().publish()
    assert bench.signed == [2048, 3000]
    assert bench.tiles.find(Tile(1, 0, 8)) == bench.tiles.get(Tile(1, 0, 11))[: 8 * 32]


def steps() -> list[str]:
    bench = AlignedBench(1000)
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, 1300)
    plan = Plan()
    bench.plant(plan)
    publisher.publish()
    return plan.steps


STEPS = steps()


def test_both_are_signed_before_the_larger_is_shown() -> None:
    kept = ["write", "sync", "rename", "sync_folder"]
    assert STEPS[-10:] == ["swap", *kept, "swap", *kept]


@pytest.mark.parametrize("power", ["kept", "lost"])
@pytest.mark.parametrize("when", ["before", "done", "torn"])
def test_a_publication_that_fails_at_any_step(when: str, power: str) -> None:
    """In whatever order the power goes: the multiple is signed once, before the rest, and kept."""
    for where, bench, again in failed_at_each(STEPS, when, power, lambda: AlignedBench(1000), 1300):
        assert bench.check_shown() in (1000, 2300), where
        assert again.publish().checkpoint.size == 2300
        assert bench.check_shown() == 2300, where
        assert bench.aligned == 2048, where
        assert bench.signed == [1000, 2048, 2300], where
        bench.check_no_fork()


def cut_short() -> AlignedBench:
    """A log whose publisher died between its two signatures: what is signed last ends inside a batch."""
    bench = AlignedBench(1000)
    publisher = bench.publisher()
    publisher.publish()
    fill(bench.store, 1300)
    second = [at for at, name in enumerate(STEPS) if name == "swap"][1]
    bench.plant(Plan(second, "before"))
    with pytest.raises(Fault):
        publisher.publish()
    bench.plant(Plan())
    assert bench.signed == [1000, 2048]
    return bench


def test_what_was_signed_inside_a_batch_is_shown_until_the_rest_is() -> None:
    bench = cut_short()
    publisher = bench.publisher()
    publisher._face.restore(verify_tree_head(bench.checkpoints.notes[-1].encode(), KEYS))
    assert bench.check_shown() == 2048
    assert publisher.publish().checkpoint.size == 2300


@pytest.mark.parametrize("position", [1000, 2047, 2048, 2299])
def test_an_entry_changed_in_a_batch_of_which_a_part_is_signed_is_seen(position: int) -> None:
    bench = cut_short()
    entries = bench.store._committed._entries
    entries[position] = entries[position][:-1] + bytes([entries[position][-1] ^ 1])
    with pytest.raises(Corrupt):
        bench.publisher().publish()
    assert bench.signed == [1000, 2048]


def test_a_changed_tile_of_the_aligned_size_is_seen() -> None:
    bench = cut_short()
    bench.disk.flip(ROOT / "tile/1/000.p/8")
    with pytest.raises(Corrupt):
        bench.publisher().publish()
    assert bench.signed == [1000, 2048]


def test_every_multiple_in_turn() -> None:
    bench = AlignedBench()
    publisher = bench.publisher()
    for _ in range(40):
        fill(bench.store, 300)
        publisher.publish()
    assert [size for size in bench.signed if size % 300] == [size for size in range(1024, 12_000, 1024) if size % 300]
    assert all(old < new for old, new in itertools.pairwise(bench.signed))
    assert bench.aligned == 11_264


def test_the_file_is_known_to_the_check_of_the_public_folder(tmp_path: Path) -> None:
    tiles = TileStore(tmp_path)
    tiles.put_aligned("a note\n")
    assert list(fsck_tree.files(tmp_path)) == []
    (tmp_path / "checkpoint-other").write_text("a note\n")
    assert [finding.problem for finding in fsck_tree.files(tmp_path)] == [
        "the public folder holds a file that is no tile: checkpoint-other"
    ]
