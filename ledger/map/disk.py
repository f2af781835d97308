"""The map of a log in a SQLite file. The entries are the truth: the file goes on from the size that it names.

Changes gather in memory and become durable together, pages and size in one transaction, now and then: what a crash
takes is made again from the entries. Memory does not grow with the number of identifiers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

from ledger.errors import Corrupt
from ledger.map.pages import CAPACITY, DEEPEST, FAN, STEP, TOP, Children, Leaves, Page, decode
from tallystick.map import NAMED, OWN, MapProof, key_of
from tallystick.map.memory import about_entry
from tallystick.map.proof import EMPTY_ROOT, KEY_BITS
from tallystick.merkle import leaf_hash

MOST_PAGES = 4096
"""Pages in memory, beside those of one batch, before all is made durable and let go."""
GATHER = 8192
"""Additions that are made together."""
_VERSION = 1
_TABLES = (
    "CREATE TABLE pages (number INTEGER PRIMARY KEY, page BLOB NOT NULL)",
    "CREATE TABLE reached (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL)",
    "INSERT INTO reached VALUES (1, 0)",
    f"PRAGMA user_version={_VERSION}",
)


class DiskMap:
    """The map of the first ``size`` entries of one log. Used by one thread at a time.

    ``capacity``: leaves in a page.
    """

    def __init__(self, path: Path, capacity: int = CAPACITY) -> None:
        """Opens the file, or makes it; one that is damaged or of another version is made anew, at size 0."""
        self._capacity = capacity
        self._gathered: list[tuple[bytes, bytes, bytes]] = []
        self._pages: dict[int, Page] = {}
        self._dirty: set[int] = set()
        self._stale: set[int] = set()
        try:
            self._connection, self.size = _open(path)
        except sqlite3.DatabaseError:
            for end in ("", "-wal", "-shm"):
                path.with_name(path.name + end).unlink(missing_ok=True)
            self._connection, self.size = _open(path)
        self._path = path

    # --- growing ---------------------------------------------------------------------------------

    def take(self, entries: Iterable[bytes]) -> None:
        """The next entries of the log."""
        for entry in entries:
            found = about_entry(entry)
            if found.own:
                index, leaf = self.size.to_bytes(8, "big"), leaf_hash(entry)
                for text in found.own:
                    self._gathered.append((key_of(OWN, text), index, leaf))
                for text in found.named:
                    self._gathered.append((key_of(NAMED, text), index, leaf))
            self.size += 1
            # Between two entries, so that what is durable is the map of a size.
            if len(self._gathered) >= GATHER:
                self._apply()

    def _apply(self) -> None:
        """What was gathered, by key: neighbours stand in one page, and pages lie in that order. A key keeps its own."""
        gathered, self._gathered = self._gathered, []
        gathered.sort(key=itemgetter(0))
        for key, index, leaf in gathered:
            self._add(key, index, leaf)
        if len(self._pages) > MOST_PAGES:
            self._write()

    def _add(self, key: bytes, index: bytes, leaf: bytes) -> None:
        number, depth = TOP, 0
        page = self._page(number)
        while isinstance(page, Children):
            depth += STEP
            number = 1 << depth | int.from_bytes(key, "big") >> (KEY_BITS - depth)
            page = self._page(number)
        page.add(key, index, leaf)
        self._dirty.add(number)
        self._stale.add(number)
        if len(page.held) > self._capacity and depth < DEEPEST:
            self._burst(number, depth, page)

    def _burst(self, number: int, depth: int, page: Leaves) -> None:
        self._pages[number] = Children([b""] * FAN)
        self._stale.discard(number)
        for slot, below in page.split(depth).items():
            child = number << STEP | slot
            self._pages[child] = below
            self._dirty.add(child)
            self._stale.add(child)
            if len(below.held) > self._capacity and depth + STEP < DEEPEST:
                self._burst(child, depth + STEP, below)

    # --- what it says ----------------------------------------------------------------------------

    def root(self) -> bytes:
        """Of the first ``size`` entries."""
        self._settle()
        top = self._page(TOP)
        if isinstance(top, Leaves):
            return top.root() if top.held else EMPTY_ROOT
        return top.root(0)

    def prove(self, key: bytes) -> MapProof:
        """The proof for a key under ``root``, present or not."""
        self._settle()
        number, depth, path = TOP, 0, list[tuple[int, bytes]]()
        page = self._page(number)
        while isinstance(page, Children):
            slot, steps = page.way(key, depth)
            path += steps
            number, depth = number << STEP | slot, depth + STEP
            page = self._page(number)
        if not page.held:
            return MapProof(None)
        leaf, steps = page.way(key)
        return MapProof(leaf, (*path, *steps))

    def _settle(self) -> None:
        """Roots of pages that changed, into the pages above them, the deepest first."""
        self._apply()
        self._roots()

    def _roots(self) -> None:
        stale, self._stale = self._stale, set()
        while stale:
            deepest = max(stale).bit_length()
            depth = deepest - 1
            if not depth:
                return
            level = [number for number in stale if number.bit_length() == deepest]
            stale.difference_update(level)
            for number in level:
                page = self._page(number)
                above = number >> STEP
                parent = self._page(above)
                if not isinstance(parent, Children):
                    raise self._damaged(above)
                parent.roots[number & FAN - 1] = page.root() if isinstance(page, Leaves) else page.root(depth)
                self._dirty.add(above)
                stale.add(above)

    def _page(self, number: int) -> Page:
        found = self._pages.get(number)
        if found is None:
            row = self._connection.execute("SELECT page FROM pages WHERE number = ?", (number,)).fetchone()
            try:
                found = decode(row[0]) if row else Leaves({})
            except ValueError:
                raise self._damaged(number) from None
            self._pages[number] = found
        return found

    def _damaged(self, number: int) -> Corrupt:
        return Corrupt(f"page {number} of {self._path} is damaged: remove the file, and it is made anew")

    # --- keeping -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Make it durable as of ``size``."""
        self._apply()
        self._write()

    def _write(self) -> None:
        self._roots()
        rows = [(number, self._pages[number].encode()) for number in sorted(self._dirty)]
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?)", rows)
            self._connection.execute("UPDATE reached SET size = ?", (self.size,))
            self._connection.execute("COMMIT")
        finally:
            self._connection.rollback()
        self._dirty.clear()
        if len(self._pages) > MOST_PAGES:
            self._pages.clear()

    def reset(self) -> None:
        """Begin again at size 0."""
        self._gathered.clear()
        self._pages.clear()
        self._dirty.clear()
        self._stale.clear()
        self._connection.execute("DELETE FROM pages")
        self._connection.execute("UPDATE reached SET size = 0")
        self.size = 0

    def close(self) -> None:
        """Make it durable, and free the file."""
        try:
            self.flush()
        finally:
            self._connection.close()


def _open(path: Path) -> tuple[sqlite3.Connection, int]:
    """Raises ``sqlite3.DatabaseError`` for a file that must be made anew."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        # A commit that a power failure takes back leaves an older map, which is as good.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA cache_size=-4096")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            connection.execute("BEGIN IMMEDIATE")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute("COMMIT")
        elif version != _VERSION:
            raise sqlite3.DatabaseError(f"version {version}")
        (size,) = connection.execute("SELECT size FROM reached").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection, int(size)
