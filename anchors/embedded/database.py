"""Key-value store of the embedded chain on SQLite: a block's writes are one transaction, on disk when it returns.

One process owns the file: it is opened with SQLite's exclusive locking mode,
which the operating system releases when the process dies, however it dies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth.abc import AtomicWriteBatchAPI
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB

from anchors.errors import ChainLocked, ChainMismatch
from anchors.transactions import writing

FORMAT = 1
"""Version of the tables below, kept in ``PRAGMA user_version``."""

MAX_HELD = 20_000
"""Keys held in memory, of some hundred bytes each."""

APPLICATION_ID = 0x74616C6C
"""``PRAGMA application_id``: "tall", so that a file of another program is never taken for a chain."""

_TABLES = """
CREATE TABLE node (key BLOB PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE seal (block_hash BLOB PRIMARY KEY, seal BLOB NOT NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class ChainDatabase(BaseAtomicDB):
    """py-evm's database. Writes are accepted only inside ``block()``; reads see that block's own writes.

    Raises ``ChainLocked`` when another process (or another object in this one)
    holds the file, ``ChainMismatch`` when the file is not an embedded chain.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Callers serialise access with the chain's own lock; SQLite need not check the thread.
        self._sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
        # None outside a block; inside, the values written so far (None stands for a deleted key).
        self._pending: dict[bytes, bytes | None] | None = None
        # What the file holds, of the keys that were read or written last: nobody else writes there.
        self._held: dict[bytes, bytes | None] = {}
        try:
            self._take_ownership()
            self._check_format()
        except BaseException:
            self._sql.close()
            raise

    def _take_ownership(self) -> None:
        try:
            self._sql.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._sql.execute("PRAGMA journal_mode=WAL")
            self._sql.execute("PRAGMA synchronous=FULL")
            self._sql.execute("BEGIN IMMEDIATE")
            self._sql.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise ChainLocked(
                f"{self.path} is open in another process, and one process owns an embedded chain: "
                "stop the worker that is running, or let that worker do the work"
            ) from error

    def _check_format(self) -> None:
        tables = self._scalar("SELECT count(*) FROM sqlite_master")
        application, version = self._scalar("PRAGMA application_id"), self._scalar("PRAGMA user_version")
        if tables == 0:
            self._sql.executescript(
                f"BEGIN IMMEDIATE; {_TABLES} PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={FORMAT};"
                " COMMIT;"
            )
        elif application != APPLICATION_ID:
            raise ChainMismatch(f"{self.path} is a database of another program: give the path of an embedded chain")
        elif version != FORMAT:
            raise ChainMismatch(
                f"{self.path} has chain format {version}, this release reads format {FORMAT}: install a newer release"
            )

    def _scalar(self, query: str) -> int:
        (value,) = self._sql.execute(query).fetchone()
        return int(value)

    def close(self) -> None:
        """Release the file. The object is of no use afterwards."""
        self._sql.close()

    @contextmanager
    def block(self) -> Iterator[None]:
        """Everything written inside is committed at the end, in one transaction, or not at all."""
        if self._pending is not None:
            raise RuntimeError("a block is being written already")
        self._pending = {}
        try:
            with writing(self._sql):
                yield
                self._flush(self._pending)
            self._remember(self._pending)
        finally:
            self._pending = None

    def _flush(self, pending: dict[bytes, bytes | None]) -> None:
        self._sql.executemany(
            "INSERT INTO node VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [(key, value) for key, value in pending.items() if value is not None],
        )
        self._sql.executemany("DELETE FROM node WHERE key = ?", [(k,) for k, v in pending.items() if v is None])

    # --- py-evm's mapping -------------------------------------------------------

    def __getitem__(self, key: bytes) -> bytes:
        value = self._find(key)
        if value is None:
            raise KeyError(key)
        return value

    def _exists(self, key: bytes) -> bool:
        return self._find(key) is not None

    def _find(self, key: bytes) -> bytes | None:
        if self._pending is not None and key in self._pending:
            return self._pending[key]
        if key in self._held:
            return self._held[key]
        row = self._sql.execute("SELECT value FROM node WHERE key = ?", (key,)).fetchone()
        value = None if row is None else bytes(row[0])
        self._remember({bytes(key): value})
        return value

    def _remember(self, values: dict[bytes, bytes | None]) -> None:
        if len(self._held) > MAX_HELD:
            self._held.clear()
        self._held.update(values)

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._writable()[bytes(key)] = bytes(value)

    def __delitem__(self, key: bytes) -> None:
        if not self._exists(key):
            raise KeyError(key)
        self._writable()[bytes(key)] = None

    def _writable(self) -> dict[bytes, bytes | None]:
        if self._pending is None:
            raise RuntimeError("the chain's database is written only inside block()")
        return self._pending

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """py-evm's batch: buffered, then applied to the block being written."""
        with AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch

    # --- what we keep beside the chain --------------------------------------------

    def put_seal(self, block_hash: bytes, seal: bytes) -> None:
        """Keep the operator's seal of a block; inside ``block()``."""
        self._writable()
        self._sql.execute("INSERT INTO seal VALUES (?, ?)", (block_hash, seal))

    def seal(self, block_hash: bytes) -> bytes | None:
        """The seal of a block, or None when there is no such block."""
        row = self._sql.execute("SELECT seal FROM seal WHERE block_hash = ?", (block_hash,)).fetchone()
        return None if row is None else bytes(row[0])

    def put_meta(self, name: str, value: bytes) -> None:
        """Keep a fact about the chain, for ever; inside ``block()``."""
        self._writable()
        self._sql.execute("INSERT INTO meta VALUES (?, ?)", (name, value))

    def meta(self, name: str) -> bytes | None:
        """A fact kept with ``put_meta``, or None."""
        row = self._sql.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])
