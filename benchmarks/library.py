"""The library alone: opaque 300-byte entries, durable, integrated and tiled, batches of 1,000 with a root each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks import entries
from benchmarks.checking import check, now, tile_store
from benchmarks.harness import Bench, Row, seconds
from benchmarks.marks import LEAVES, RATIO
from benchmarks.peers import hypercore, limits, merkle
from ledger.appender import Appender
from ledger.store.sqlite import create, open_store

UNIQUE = "bare SQLite inserts, UNIQUE hash"

Batches = Sequence[list[bytes]]


def append(folder: Path, batches: Batches, ids: Batches = ()) -> float:
    """Seconds until all of it is durable with its tiles; what was written is then checked, outside the time."""
    create(folder / "ledger.sqlite")
    (folder / "public").mkdir()
    with closing(open_store(folder / "ledger.sqlite")) as store:
        began = time.perf_counter()
        with tile_store(folder) as tiles, Appender(store, tiles, now) as log:
            for number, batch in enumerate(batches):
                log.append(batch, *([ids[number]] if ids else []))
            root = log.settle()
        took = time.perf_counter() - began
        check(folder, store, root)
    return took


def benchmark(bench: Bench) -> Iterator[Row]:
    """Ours and the others take turns, so that what slows the machine slows all of them."""
    total, rates = bench.scale.leaves, _rates(bench)
    middle = {name: statistics.median(found) for name, found in rates.items()}
    ours, unique = middle.pop("ours"), middle.pop("unique")
    spread = f"{len(rates['ours'])} turns, {min(rates['ours']):,.0f} to {max(rates['ours']):,.0f}"
    yield Row("library append", ours, LEAVES, middle, f"{total:,} leaves; {spread}")
    for peer in ("hypercore", "pymerkle with roots", "bare SQLite inserts"):
        ratios = [mine / theirs for mine, theirs in zip(rates["ours"], rates[peer], strict=True)]
        told = f"{min(ratios):.2f} to {max(ratios):.2f}, turn by turn"
        yield Row(f"library append / {peer}", statistics.median(ratios), RATIO, note=told)
    bare = {UNIQUE: middle[UNIQUE]}
    yield Row("library append, unique statement hash", unique, LEAVES, bare, f"{total:,} leaves")
    yield from _one_by_one(bench)


def _rates(bench: Bench) -> dict[str, list[float]]:
    """Of each turn of each, in leaves a second."""
    total = bench.scale.leaves
    batches = entries.batches(total)
    hashes = [entries.ids(batch) for batch in batches]
    works: dict[str, Callable[[Path], float]] = {
        "ours": lambda at: append(at, batches),
        "bare SQLite inserts": lambda at: seconds(lambda: limits.sqlite_inserts(at, batches)),
        "hypercore": lambda at: hypercore.run(at, total).append,
        "pymerkle with roots": lambda at: _pymerkle(at, batches, roots=True),
        "unique": lambda at: append(at, batches, hashes),
        UNIQUE: lambda at: seconds(lambda: limits.sqlite_inserts(at, batches, hashes)),
        "pymerkle": lambda at: _pymerkle(at, batches, roots=False),
        "bare hashlib": lambda _: seconds(lambda: limits.hashes(batches)),
    }
    rates: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(2 * bench.scale.repeats - 1):
        bench.warm()
        for name, work in works.items():
            rates[name].append(total / work(bench.fresh("library")))
    rebuilt = entries.batches(bench.scale.rebuilt)
    rates["merkletools (memory)"] = [bench.scale.rebuilt / seconds(lambda: merkle.merkletools(rebuilt))]
    return rates


def _pymerkle(folder: Path, batches: Batches, roots: bool) -> float:
    def run() -> None:
        merkle.pymerkle(folder, batches, roots).close()

    return seconds(run)


def _one_by_one(bench: Bench) -> Iterator[Row]:
    """One durable append a call."""
    count = min(2_000, bench.scale.leaves // 10)
    single = [[entry] for entry in entries.batch(0, count)]
    ours = bench.median(lambda: count / append(bench.fresh("one"), single))
    peers = {
        "bare SQLite inserts": bench.median(
            lambda: count / seconds(lambda: limits.sqlite_inserts(bench.fresh("one-sqlite"), single))
        ),
        "pymerkle": bench.median(lambda: count / _pymerkle(bench.fresh("one-pymerkle"), single, roots=False)),
    }
    yield Row("library append, one leaf a call", ours, LEAVES, peers, f"{count:,} leaves")
