"""The same library on PostgreSQL: a real server from pip, its syncs on, tiles as files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from benchmarks import entries
from benchmarks.checking import check, now, tile_store
from benchmarks.harness import Bench, Row
from benchmarks.marks import LEAVES
from ledger.appender import Appender
from ledger.store.postgres import open_store
from tests.postgres import Server, serve

SETTINGS = {"listen_addresses": "", "shared_buffers": "256MB", "max_wal_size": "2GB", "log_min_messages": "panic"}
"""What anybody would set; `fsync` and `synchronous_commit` are on, as they come."""


def benchmark(bench: Bench) -> Iterator[Row]:
    """Plain, then with the unique statement hash; a bare COPY into one table beside them."""
    batches = entries.batches(bench.scale.leaves)
    hashes = [entries.ids(batch) for batch in batches]
    total = f"{bench.scale.leaves:,} leaves"
    with serve(SETTINGS) as server:
        bare = bench.median(lambda: bench.scale.leaves / _bare(server, batches))
        plain = bench.median(lambda: bench.scale.leaves / _append(bench, server, batches, []))
        unique = bench.median(lambda: bench.scale.leaves / _append(bench, server, batches, hashes))
    yield Row("PostgreSQL append", plain, LEAVES, {"bare COPY, a commit a batch": bare}, total)
    yield Row("PostgreSQL append, unique statement hash", unique, LEAVES, note=total)


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
