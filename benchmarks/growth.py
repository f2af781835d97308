"""One log growing large: the rate as it grows, its memory, proofs from its tiles, and how long it takes to open."""

from __future__ import annotations

import random
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path

from benchmarks import entries
from benchmarks.checking import WORLD, check, now, reader, tile_store
from benchmarks.grow import Step, grow
from benchmarks.harness import Bench, Row
from benchmarks.marks import LEAVES, MB, MICROS, MS
from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.publisher import Publisher
from ledger.reader import PublishedLog
from ledger.store.sqlite import open_store
from tallystick.merkle import leaf_hash, root_at, verify_consistency, verify_inclusion

PLAIN, UNIQUE = "plain", "unique statement hash"
KEPT = 1_000_000
"""Leaves of logs that stay until the end: ext4 makes new files slowly for minutes after many were deleted."""
WORDS = {100_000: "100,000", 1_000_000: "1 million", 10_000_000: "10 million"}


def benchmark(bench: Bench) -> Iterator[Row]:
    """Plain, then with unique hashes, then with an index of what each entry names."""
    leaves = bench.scale.grown
    folders = {False: bench.fresh("grown"), True: bench.fresh("grown-unique")}
    for unique, folder in folders.items():
        steps = grow(folder, leaves, "unique" if unique else "plain")
        line = UNIQUE if unique else PLAIN
        bench.series.setdefault("append-rate", {})[line] = _rates(steps)
        bench.series.setdefault("append-memory", {})[line] = [(one.size, one.resident / 1e6) for one in steps]
        yield from _speed(steps, unique)
        yield from _memory(steps, unique)
        if not unique:
            yield from _proofs(bench, folder, leaves)
        began = time.perf_counter()
        with closing(open_store(folder / "ledger.sqlite")) as store:
            check(folder, store)
        yield Row(f"all of it recomputed from stored bytes, {line}", leaves / (time.perf_counter() - began), LEAVES)
    yield from _reopening(bench, folders[True], leaves)
    if leaves > KEPT:
        for folder in folders.values():
            shutil.rmtree(folder)
    yield from _indexed(bench)


def _indexed(bench: Bench) -> Iterator[Row]:
    """What a log holds in memory whose entries are found by what they name, and how fast they get there."""
    folder, leaves = bench.fresh("grown-indexed"), bench.scale.indexed
    steps = grow(folder, leaves, "indexed")
    yield from _indexed_rows(steps, (folder / "ledger.sqlite").stat().st_size)
    with closing(open_store(folder / "ledger.sqlite")) as store:
        check(folder, store)


def _indexed_rows(steps: Sequence[Step], size: int) -> Iterator[Row]:
    for one in steps:
        if one.size in WORDS:
            name = f"peak memory with an index, {WORDS[one.size]} leaves"
            yield Row(name, one.peak / 1e6, MB, note=f"{one.resident / 1e6:.1f} resident just then")
    *_, before, last = [Step(0, 0.0, 0), *steps]
    rate = (last.size - before.size) / (last.seconds - before.seconds)
    note = f"the last {last.size - before.size:,}; the database {size / 1e6:,.0f} MB"
    yield Row(f"entries stored with an index, to {WORDS.get(last.size, f'{last.size:,}')}", rate, LEAVES, note=note)


def _reopening(bench: Bench, large: Path, leaves: int) -> Iterator[Row]:
    """What a large log adds to opening: the store, the history, the last checkpoint."""
    small = bench.fresh("small")
    grow(small, 2 * entries.BATCH, "unique")
    with closing(open_store(small / "ledger.sqlite")) as store:
        check(small, store)
    took = {at: statistics.median(_seconds(partial(_open, at)) for _ in range(5)) for at in (small, large)}
    words = "10-million-leaf" if leaves == 10_000_000 else f"{leaves:,}-leaf"
    added = max(0.0, took[large] - took[small]) * 1e3
    name = f"reopening a {words} log, beyond a small one"
    yield Row(name, added, MS, note=f"{took[large] * 1e3:.1f} ms in all")


def _open(folder: Path) -> None:
    with (
        closing(open_store(folder / "ledger.sqlite")) as store,
        closing(SqliteCheckpointStore(folder / "checkpoints.sqlite")) as held,
        tile_store(folder) as tiles,
    ):
        Publisher(store, tiles, held, WORLD.signers, now).publish()


def _rates(steps: Sequence[Step]) -> list[tuple[float, float]]:
    pairs = pairwise([Step(0, 0.0, 0), *steps])
    return [(new.size, (new.size - old.size) / (new.seconds - old.seconds)) for old, new in pairs]


def _speed(steps: Sequence[Step], unique: bool) -> Iterator[Row]:
    name = "library append, unique statement hash" if unique else "library append, one log"
    last = steps[-1]
    for size, words in WORDS.items():
        at = next((one for one in steps if one.size == size), None)
        if at is None or size < 1_000_000:
            continue
        where = "to" if size == 1_000_000 else "at"
        if where == "at":
            # The rate over the last tenth: what it has become by then.
            before = max((one for one in steps if one.size <= size * 9 // 10), key=lambda one: one.size)
            rate = (at.size - before.size) / (at.seconds - before.seconds)
        else:
            rate = at.size / at.seconds
        yield Row(f"{name}, {where} {words}", rate, LEAVES)
    if last.size not in WORDS:
        yield Row(f"{name}, to {last.size:,}", last.size / last.seconds, LEAVES)


def _memory(steps: Sequence[Step], unique: bool) -> Iterator[Row]:
    name = "resident memory appending, unique statement hash" if unique else "resident memory appending"
    for size, words in WORDS.items():
        at = next((one for one in steps if one.size == size), None)
        if at is not None:
            yield Row(f"{name}, {words} leaves", at.resident / 1e6, MB, note=f"at most {at.peak / 1e6:.1f} until then")


def _proofs(bench: Bench, folder: Path, leaves: int) -> Iterator[Row]:
    with reader(folder) as log:
        yield from _proofs_by(bench, log, folder, leaves)


def _proofs_by(bench: Bench, log: PublishedLog, folder: Path, leaves: int) -> Iterator[Row]:
    words = WORDS.get(leaves, f"{leaves:,}")
    root = root_at(log.nodes(leaves), leaves)
    places = random.Random(1).sample(range(leaves), min(leaves, 2_000))
    took = [_seconds(partial(log.prove_inclusion, position, leaves)) for position in places]
    yield Row(f"inclusion proof from disk at {words} leaves", statistics.median(took) * 1e6, MICROS)
    cold = [_seconds(partial(_prove_cold, folder, position, leaves)) for position in places[:200]]
    name = f"inclusion proof by a reader that knows no tile yet, at {words} leaves"
    yield Row(name, statistics.median(cold) * 1e6, MICROS)
    for position in places[:20]:
        (entry,) = log.entries([position], leaves)
        verify_inclusion(leaf_hash(entry), position, leaves, log.prove_inclusion(position, leaves), root)
    old = leaves // 3
    proof, older = log.prove_consistency(old, leaves), root_at(log.nodes(leaves), old)
    verified = bench.each(lambda: verify_consistency(old, older, leaves, root, proof))
    yield Row("consistency proof verified", verified * 1e6, MICROS, note=f"{len(proof)} nodes")


def _prove_cold(folder: Path, position: int, leaves: int) -> None:
    with reader(folder) as log:
        log.prove_inclusion(position, leaves)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
