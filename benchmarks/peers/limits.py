"""What cannot be beaten: the database alone, the hashes alone, and what each event takes whoever serves it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import orjson


def sqlite_inserts(folder: Path, batches: Sequence[Sequence[bytes]], unique: Sequence[Sequence[bytes]] = ()) -> None:
    """Rows of 300 bytes and nothing else, a durable commit a batch; with ``unique``, a UNIQUE 32-byte column too."""
    with closing(sqlite3.connect(folder / "bare.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        column = ", hash BLOB NOT NULL UNIQUE" if unique else ""
        connection.execute(f"CREATE TABLE entries (position INTEGER PRIMARY KEY, entry BLOB NOT NULL{column})")
        position = 0
        for number, batch in enumerate(batches):
            rows = zip(
                range(position, position + len(batch)), batch, *([unique[number]] if unique else []), strict=True
            )
            connection.execute("BEGIN")
            connection.executemany(f"INSERT INTO entries VALUES (?, ?{', ?' if unique else ''})", rows)
            connection.execute("COMMIT")
            position += len(batch)


def hashes(batches: Sequence[Sequence[bytes]]) -> None:
    """One leaf hash for each entry and one node hash for each leaf, as any RFC 6962 tree needs, and no tree."""
    sha256 = hashlib.sha256
    for batch in batches:
        for entry in batch:
            sha256(b"\x01" + sha256(b"\x00" + entry).digest() * 2).digest()


def bare_batches(folder: Path, bodies: Sequence[bytes], name: str, sign: Callable[[], object]) -> None:
    """The items under ``name`` of each body read and written as JSON, ``sign`` for each, and each stored under a hash
    that stands once, a durable commit a body, and hashed for a tree. No rule is looked at, and nothing is answered.
    """
    batches = []
    for body in bodies:
        batches.append([orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in orjson.loads(body)[name]])
        for _ in batches[-1]:
            sign()
    sqlite_inserts(folder, batches, [[hashlib.sha256(entry).digest() for entry in batch] for batch in batches])
    hashes(batches)
