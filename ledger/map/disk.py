"""The map of a log in a SQLite file. The entries are the truth: the file goes on from the size that it names.

Changes gather in memory and become durable together, pages and size in one transaction, now and then: what a crash
takes is made again from the entries. Memory does not grow with the number of identifiers.

SQLite keeps no checksums, so what is read is held against what was written: every page against its sum and against its
root in the page above, the uppermost against the root kept beside the size.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from ledger import fast_json
from ledger.errors import Corrupt, MapUnreachable
from ledger.map.pages import CAPACITY, DEEPEST, STEP, TOP, Children, Leaves, Page, decode, parted
from tallystick.map import NAMED, OWN, MapProof, key_of
from tallystick.map.memory import about_entry
from tallystick.map.proof import EMPTY_ROOT
from tallystick.merkle import leaf_hash

GATHER = 32_768
"""Additions that are made together."""
_ROWS = 256
"""Pages that are written together."""
_BEHIND = 4000
"""SQLite's pages that the log behind the file holds before they are copied to it: 64 MB."""
_VERSION = 3
Durable: TypeAlias = tuple[int, bytes]
"""Of how many entries the file is, and the root of its uppermost page; that is empty where there are no leaves."""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""What SQLite says of a file that is none of ours. The last: it has other tables."""
_TABLES = (
    "CREATE TABLE pages (number INTEGER PRIMARY KEY, page BLOB NOT NULL)",
    "CREATE TABLE reached (one INTEGER PRIMARY KEY CHECK (one = 1), standing BLOB NOT NULL)",
    f"PRAGMA user_version={_VERSION}",
)


class DiskMap:
    """The map of the first ``size`` entries of one log. Used by one thread at a time.

    ``capacity``: leaves in a page.
    """

    def __init__(self, path: Path, capacity: int = CAPACITY) -> None:
        """Opens the file, or makes it; one that is damaged or of another version is made anew, at size 0.

        Raises ``MapUnreachable``, as all else here may: a file that is locked, or a disk that is full, is no damage.
        """
        self._path = path
        self._capacity = capacity
        self._gathered: defaultdict[bytes, list[bytes]] = defaultdict(list)
        self._waiting = 0
        self._rows: list[tuple[int, bytes]] = []
        self.damaged = False
        """Something was read that was never written: only ``reset`` helps."""
        with _reaching(path):
            found = _open(path)
            if found is None:
                for end in ("", "-wal", "-shm"):
                    path.with_name(path.name + end).unlink(missing_ok=True)
                found = _open(path)
        if found is None:
            raise MapUnreachable(f"no map can be made at {path}: it is damaged as soon as it is written")
        self._connection, self._durable = found
        self.size = self._durable[0]

    # --- growing ---------------------------------------------------------------------------------

    def take(self, entries: Iterable[bytes]) -> None:
        """The next entries of the log."""
        for entry in entries:
            found = about_entry(entry, fast_json.read)
            if found.own:
                # All before the first is added: an entry counts as a whole or, where something fails, not at all.
                keys = [key_of(OWN, text) for text in found.own] + [key_of(NAMED, text) for text in found.named]
                leaf = leaf_hash(entry)
                for key in keys:
                    self.add(key, self.size, leaf)
            self.size += 1
            # Between two entries, so that what is durable is the map of a size.
            if self._waiting >= GATHER:
                self._apply()

    def add(self, key: bytes, index: int, leaf: bytes) -> None:
        """One more entry in the history under ``key``."""
        self._gathered[key].append(index.to_bytes(8, "big") + leaf)
        self._waiting += 1

    def _apply(self) -> None:
        """What was gathered, in one transaction, by key: so each page is read and written once, and in their order."""
        size, root = self._durable
        if size == self.size and not self._gathered:
            return
        with self._transaction():
            if self._gathered:
                root = self._change(TOP, 0, root, sorted(self._gathered))
            self._write()
            stands, stood = _standing(self.size, root), _standing(*self._durable)
            # Not where the file goes on from elsewhere: what was gathered would be added to something else.
            changed = self._connection.execute("UPDATE reached SET standing = ? WHERE standing = ?", (stands, stood))
            if changed.rowcount != 1:
                raise self._damage("what it has reached")
        self._durable = self.size, root
        self._gathered.clear()
        self._waiting = 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _reaching(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                self._rows.clear()
                self._connection.rollback()

    def _change(self, number: int, depth: int, root: bytes, keys: list[bytes]) -> bytes:
        """Make the changes under these keys, which belong to a page of this root; its root then."""
        page = self._page(number, depth, root)
        if isinstance(page, Leaves):
            page.add(keys, self._gathered, depth)
            return self._keep(number, depth, page)
        for slot, below in parted(keys, number, depth):
            page.roots[slot] = self._change(number << STEP | slot, depth + STEP, page.roots[slot], below)
        return self._keep(number, depth, page)

    def _keep(self, number: int, depth: int, page: Page) -> bytes:
        """Write a page that changed, one with too many leaves as several; its root."""
        if isinstance(page, Leaves) and depth < DEEPEST and len(page) > self._capacity:
            below = enumerate(page.split(depth))
            page = Children([self._keep(number << STEP | slot, depth + STEP, part) for slot, part in below])
        self._rows.append((number, page.encode()))
        if len(self._rows) >= _ROWS:
            self._write()
        return page.root(depth)

    def _write(self) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?)", sorted(self._rows))
        self._rows.clear()

    # --- what it says ----------------------------------------------------------------------------

    def root(self) -> bytes:
        """Of the first ``size`` entries."""
        self._apply()
        _, root = self._durable
        with _reaching(self._path):
            self._page(TOP, 0, root)
        return root or EMPTY_ROOT

    def prove(self, key: bytes) -> MapProof:
        """The proof for a key under ``root``, present or not."""
        self._apply()
        with _reaching(self._path):
            return self._prove(key)

    def _prove(self, key: bytes) -> MapProof:
        number, depth, path = TOP, 0, list[tuple[int, bytes]]()
        page = self._page(number, depth, self._durable[1])
        while isinstance(page, Children):
            slot, steps = page.way(key, depth)
            path += steps
            number, depth = number << STEP | slot, depth + STEP
            page = self._page(number, depth, page.roots[slot])
        if not len(page):
            return MapProof(None)
        leaf, steps = page.way(key, depth)
        return MapProof(leaf, (*path, *steps))

    def _page(self, number: int, depth: int, root: bytes) -> Page:
        """The page that has this root."""
        row = self._connection.execute("SELECT page FROM pages WHERE number = ?", (number,)).fetchone()
        try:
            page = decode(row[0]) if row else Leaves()
        except (ValueError, TypeError):
            raise self._damage(f"page {number}") from None
        if page.root(depth) != root:
            raise self._damage(f"page {number}")
        return page

    def _damage(self, what: str) -> Corrupt:
        self.damaged = True
        return Corrupt(f"{what} of {self._path} is damaged: remove the file, and it is made anew")

    # --- keeping -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Make it durable as of ``size``."""
        self._apply()

    def reset(self) -> None:
        """Begin again at size 0; where that fails, all stays as it was."""
        with self._transaction():
            self._connection.execute("DELETE FROM pages")
            self._connection.execute("UPDATE reached SET standing = ?", (_standing(0, b""),))
        self._gathered.clear()
        self._waiting = 0
        self.size, self._durable = 0, (0, b"")
        self.damaged = False

    def close(self) -> None:
        """Make it durable, and free the file."""
        try:
            self.flush()
        finally:
            self._connection.close()


@contextmanager
def _reaching(path: Path) -> Iterator[None]:
    """What SQLite says, in our words. Raises ``Corrupt``, ``MapUnreachable``."""
    try:
        yield
    except sqlite3.Error as error:
        if _is_damage(error):
            raise Corrupt(f"{path} is damaged ({error}): remove the file, and it is made anew") from error
        raise MapUnreachable(
            f"the map {path} cannot be read or written ({error}): free the disk, or end who else uses it"
        ) from error


def _is_damage(error: sqlite3.Error) -> bool:
    # The lower byte: the rest says more about the same.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED


def _open(path: Path) -> tuple[sqlite3.Connection, Durable] | None:
    """The file and what it is of; ``None``: it must be made anew. Raises ``sqlite3.Error`` where it is in doubt."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        reached = _reached(connection)
    except sqlite3.Error as error:
        connection.close()
        if _is_damage(error):
            return None
        raise
    if reached is None:
        connection.close()
        return None
    return connection, reached


def _standing(size: int, root: bytes) -> bytes:
    """As it stands on disk: with a hash, for nothing else there says what it must be."""
    told = size.to_bytes(8, "big") + root
    return told + sha256(told).digest()


def _reached(connection: sqlite3.Connection) -> Durable | None:
    """What the map is of; ``None`` for another version's, or one that does not say."""
    # Before anything is written: a page of the map then stands in one of SQLite's.
    connection.execute("PRAGMA page_size=16384")
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit that a power failure takes back leaves an older map, which is as good.
    connection.execute("PRAGMA synchronous=NORMAL")
    # Pages of the next batches are mostly those of this one: they are copied from the log behind once, not each time.
    connection.execute(f"PRAGMA wal_autocheckpoint={_BEHIND}")
    connection.execute("PRAGMA cache_size=-4096")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO reached VALUES (1, ?)", (_standing(0, b""),))
        connection.execute("COMMIT")
    elif version != _VERSION:
        return None
    found = connection.execute("SELECT standing FROM reached").fetchone()
    if found is None or not isinstance(found[0], bytes):
        return None
    durable = int.from_bytes(found[0][:8], "big"), found[0][8:-32]
    return durable if _standing(*durable) == found[0] else None
