"""The same library on PostgreSQL: a real server from pip, its syncs on, tiles as files."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from benchmarks import entries
from benchmarks.checking import check, now, tile_store
from benchmarks.harness import Bench, Row
from benchmarks.marks import LEAVES, RATIO
from ledger.appender import Appender
from ledger.store.postgres import open_store
from tests.postgres import Server, serve

SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Files of the write-ahead log are kept and used again: to make one costs as much as to write it.
    "min_wal_size": "1GB",
    "log_min_messages": "panic",
}
"""What anybody would set; `fsync` and `synchronous_commit` are on, as they come."""
BARE = "bare COPY, a commit a batch"


def benchmark(bench: Bench) -> Iterator[Row]:
    """Plain, with the unique statement hash, and a bare COPY into one table: in turn, for the disk swings."""
    total = bench.scale.leaves
    batches = entries.batches(total)
    hashes = [entries.ids(batch) for batch in batches]
    rounds = 2 * bench.scale.repeats - 1
    rates: dict[str, list[float]] = {"bare": [], "plain": [], "unique": []}
    with serve(SETTINGS) as server:
        works: dict[str, Callable[[], float]] = {
            "bare": lambda: _bare(server, batches),
            "plain": lambda: _append(bench, server, batches, []),
            "unique": lambda: _append(bench, server, batches, hashes),
        }
        if rounds > 1:
            # Nobody counts the first: the server makes the files of its write-ahead log then.
            works["unique"]()
        for _ in range(rounds):
            bench.warm()
            for name, work in works.items():
                rates[name].append(total / work())
    bare, plain, unique = map(statistics.median, rates.values())
    yield Row("PostgreSQL append", plain, LEAVES, {BARE: bare}, _spread(rates["plain"], total))
    ratios = [ours / theirs for ours, theirs in zip(rates["plain"], rates["bare"], strict=True)]
    yield Row("PostgreSQL append / bare COPY", statistics.median(ratios), RATIO)
    yield Row("PostgreSQL append, unique statement hash", unique, LEAVES, note=_spread(rates["unique"], total))


def _spread(rates: list[float], total: int) -> str:
    return f"{total:,} leaves; {len(rates)} turns, {min(rates):,.0f} to {max(rates):,.0f}"


def _append(bench: Bench, server: Server, batches: list[list[bytes]], hashes: list[list[bytes]]) -> float:
    folder = bench.fresh("postgres")
    (folder / "public").mkdir()
    with server.database() as dsn, closing(open_store(dsn)) as store:
        store.epoch = 0  # elected, as the tables are made
        began = time.perf_counter()
        with tile_store(folder) as tiles, Appender(store, tiles, now) as log:
            for number, batch in enumerate(batches):
                log.append(batch, *([hashes[number]] if hashes else []))
            root = log.settle()
        took = time.perf_counter() - began
        check(folder, store, root)
    return took


def _bare(server: Server, batches: list[list[bytes]]) -> float:
    import psycopg

    with server.database("template1") as dsn, psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE entries (position bigint PRIMARY KEY, entry bytea NOT NULL)")
        connection.commit()
        began = time.perf_counter()
        position = 0
        for batch in batches:
            with connection.cursor().copy("COPY entries FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(["int8", "bytea"])
                for entry in batch:
                    copy.write_row((position, entry))
                    position += 1
            connection.commit()
        return time.perf_counter() - began
