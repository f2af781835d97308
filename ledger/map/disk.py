"""The map of a log in a SQLite file. The entries are the truth: the file goes on from the size that it names.

Changes gather in memory and become durable together, pages and size in one transaction, now and then: what a crash
takes is made again from the entries. Memory does not grow with the number of identifiers.

SQLite keeps no checksums, so what is read is held against the root: what is used of a page against the root that the
page above has of it, by the hashes of the tree itself, and the uppermost against the root kept beside the size. Whoever
holds that one against a root of which he knows otherwise has held against it all that is said or added here.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias, TypeVar

from ledger.errors import Corrupt, MapUnreachable
from ledger.map.behind import Copying
from ledger.map.pages import (
    CAPACITY,
    DEEPEST,
    NONE,
    SLOTS,
    TOP,
    Branches,
    Changes,
    DamagedPage,
    Leaves,
    Page,
    Seals,
    combine,
    decode,
    down,
    neighbour,
    step,
)
from ledger.map.reading import LONGEST, mentioned
from tallystick.identifiers import has_form
from tallystick.map import NAMED, OWN, MapProof, key_of
from tallystick.map.proof import EMPTY_ROOT, HASH_SIZE, KEY_BITS, MapProofFailed, keys_of, prove_key
from tallystick.merkle import leaf_hashes

GATHER = 32_768
"""Additions that are made together."""
_ROWS = 256
"""Pages that are written together."""
_PAGE = 16_384
"""Bytes of one of SQLite's pages, so that most of one of ours stands in one."""
_BEHIND = 1 << 26
"""Bytes that the log behind the file holds before it is copied; of four times as many SQLite itself sees to it."""
_VERSION = 4
T = TypeVar("T")
_Gathered: TypeAlias = defaultdict[T, list[bytes]]
Durable: TypeAlias = tuple[int, bytes]
"""Of how many entries the file is, and the root of its uppermost page; ``NONE`` where there are no leaves."""
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
        self._own: _Gathered[str] = defaultdict(list)
        self._named: _Gathered[str] = defaultdict(list)
        self._gathered: _Gathered[bytes] = defaultdict(list)
        """By key, what was read of no entry, and what is own to texts so long that they are not held."""
        self._waiting = 0
        self._changes: Changes = {}
        self._rows: list[tuple[int, bytes]] = []
        self._written = 0
        """Bytes of pages, in this transaction."""
        self._seals = Seals()
        self._copying = Copying(path, _BEHIND)
        self.damaged = False
        """Something was read that was never written: only ``reset`` helps."""
        self._broken = False
        """SQLite itself says so: then what it does with the file is worth nothing."""
        with self._reaching():
            self._connection, self._durable = _open(path) or _made_anew(path)
        self.size, self._broken = self._durable[0], False

    # --- growing ---------------------------------------------------------------------------------

    def take(self, entries: Iterable[bytes], leaves: Sequence[bytes] | None = None) -> None:
        """The next entries of the log. ``leaves``: their leaf hashes, where they are known."""
        entries = list(entries)
        own, named, size, waiting = self._own, self._named, self.size, self._waiting
        try:
            for entry, leaf in zip(entries, leaves or leaf_hashes(entries), strict=True):
                subjects, others = mentioned(entry)
                if subjects:
                    one = size.to_bytes(8, "big") + leaf
                    for text in subjects:
                        (own[text] if len(text) <= LONGEST else self._gathered[key_of(OWN, text)]).append(one)
                    for text in others:
                        named[text].append(one)
                    waiting += len(subjects) + len(others)
                size += 1
                # Between two entries, so that what is durable is the map of a size.
                if waiting >= GATHER:
                    self.size, self._waiting = size, waiting
                    self._apply()
                    waiting = self._waiting
        finally:
            self.size, self._waiting = size, waiting

    def add(self, key: bytes, index: int, leaf: bytes) -> None:
        """One more entry in the history under ``key``."""
        self._gathered[key].append(index.to_bytes(8, "big") + leaf)
        self._waiting += 1

    def _apply(self) -> None:
        """What was gathered, in one transaction, by key: so each page is read and written once, and in their order."""
        size, root = self._durable
        if size == self.size and not self._waiting:
            return
        self._written = 0
        changes = self._by_key()
        with self._transaction():
            if changes:
                root = self._change(root, changes)
            self._write()
            stands, stood = _standing(self.size, root), _standing(*self._durable)
            # Not where the file goes on from elsewhere: what was gathered would be added to something else.
            changed = self._connection.execute("UPDATE reached SET standing = ? WHERE standing = ?", (stands, stood))
            if changed.rowcount != 1:
                raise self._damage("what it has reached")
        self._copying.wrote(self._written)
        self._durable = self.size, root
        self._forget()

    def _by_key(self) -> dict[bytes, list[bytes]]:
        """What was gathered. So each text is hashed once, and looked at once whether it is an identifier."""
        named = {text: added for text, added in self._named.items() if has_form(text)}
        changes = dict(zip(keys_of(OWN, self._own), self._own.values(), strict=True))
        changes.update(zip(keys_of(NAMED, named), named.values(), strict=True))
        changes.update(self._gathered)
        return changes

    def _forget(self) -> None:
        for gathered in (self._own, self._named, self._gathered):
            gathered.clear()
        self._waiting = 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._reaching():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                self._rows.clear()
                self._connection.rollback()

    def _change(self, root: bytes, changes: Changes) -> bytes:
        """Make these changes; the root then."""
        above = Branches()
        above.heap[1] = root
        self._changes = changes
        try:
            self._change_page(above, 1, TOP, 0, sorted(changes))
        except DamagedPage as error:
            raise self._damage(str(error)) from None
        return above.heap[1]

    def _change_below(self, place: Branches, node: int, number: int, depth: int, keys: list[bytes]) -> None:
        """Make the changes below a node of a page; the node has its digest then."""
        if not place.is_parted(node):
            self._change_page(place, node, number, depth, keys)
            return
        heap, left = place.heap, 2 * node
        if combine(depth, heap[left], heap[left + 1]) != heap[node]:
            raise DamagedPage
        at = _parting(keys, number, depth)
        if at:
            self._change_below(place, left, number << 1, depth + 1, keys[:at])
        if at < len(keys):
            self._change_below(place, left + 1, number << 1 | 1, depth + 1, keys[at:])
        heap[node] = combine(depth, heap[left], heap[left + 1])

    def _change_page(self, place: Branches, node: int, number: int, depth: int, keys: list[bytes]) -> None:
        root = place.heap[node]
        if root == NONE:
            self._check_empty(place, node, number, depth)
        page = self._page(number, root, depth)
        if isinstance(page, Branches):
            self._change_below(page, 1, number, depth, keys)
            place.heap[node] = self._keep(number, page)
        else:
            place.heap[node] = self._change_leaves(place, node, number, depth, page, keys)

    def _change_leaves(
        self, place: Branches, node: int, number: int, depth: int, page: Leaves, keys: list[bytes]
    ) -> bytes:
        """Change a page of leaves, and write it, one with too many as several; its root."""
        # So many that two pages have enough of them, whichever of the keys are new.
        if depth == DEEPEST or len(page) + len(keys) <= 2 * self._capacity:
            if keys:
                page.change(keys, self._changes, depth)
            if depth == DEEPEST or len(page) <= self._capacity:
                return self._keep(number, page)
            keys = []
        # Page 1 has none above it, and a page has so many nodes: then a page of its own tells what is below.
        own = depth == 0 or node >= SLOTS
        if own:
            place, node = Branches(), 1
        place.parted[node] = True
        heap, left, at = place.heap, 2 * node, _parting(keys, number, depth)
        for side, (below, its) in enumerate(zip(page.split(depth), (keys[:at], keys[at:]), strict=True)):
            heap[left + side] = self._change_leaves(place, left + side, number << 1 | side, depth + 1, below, its)
        heap[node] = combine(depth, heap[left], heap[left + 1])
        return self._keep(number, place) if own else heap[node]

    def _keep(self, number: int, page: Page) -> bytes:
        """Write a page that changed; its root."""
        if page.heap[1] != NONE:
            data = page.encode()
            self._rows.append((number, data if isinstance(page, Branches) else self._seals.seal(number, data)))
        if len(self._rows) >= _ROWS:
            self._write()
        return page.heap[1]

    def _check_empty(self, place: Branches, node: int, number: int, depth: int) -> None:
        """See ``Leaves.check``: what stands nearest to where nothing stands belongs where it stands."""
        near = neighbour(place.heap, node)
        if not near:
            return
        self._write()
        # Numbers of nodes are those of what stands there, by what is below the page.
        number, depth = (
            number >> node.bit_length() - near.bit_length() ^ 1,
            depth - node.bit_length() + near.bit_length(),
        )
        node = near
        while True:
            while place.is_parted(node):
                node = down(place.heap, node, depth)
                number, depth = number << 1 | node & 1, depth + 1
            page = self._page(number, place.heap[node], depth)
            if isinstance(page, Leaves):
                return
            place, node = page, 1

    def _write(self) -> None:
        self._connection.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?)", sorted(self._rows))
        self._written += sum(len(page) for _, page in self._rows)
        self._rows.clear()

    # --- what it says ----------------------------------------------------------------------------

    def root(self) -> bytes:
        """Of the first ``size`` entries."""
        self._apply()
        _, root = self._durable
        with self._reaching():
            self._page(TOP, root)
        return EMPTY_ROOT if root == NONE else root

    def prove(self, key: bytes) -> MapProof:
        """The proof for a key under ``root``, present or not."""
        self._apply()
        _, root = self._durable
        if root == NONE:
            return MapProof(None)
        try:
            with self._reaching():
                proof = self._prove(key, root)
            prove_key(root, key, proof)
        except (DamagedPage, MapProofFailed) as error:
            raise self._damage(f"a page on the way to a key ({error})") from None
        return proof

    def _prove(self, key: bytes, root: bytes) -> MapProof:
        number, depth, path = TOP, 0, list[tuple[int, bytes]]()
        page = self._page(number, root)
        while isinstance(page, Branches):
            node = 1
            while page.is_parted(node):
                node = step(page.heap, node, depth, key, path)
                number, depth = number << 1 | node & 1, depth + 1
            page = self._page(number, page.heap[node])
        return MapProof(page.way(key, depth, path), tuple(path))

    def _page(self, number: int, root: bytes, depth: int | None = None) -> Page:
        """The page that has this root; none was written where there are no leaves.

        ``depth``: of a page that will be changed. Of one of leaves nothing needs to be held against its root then.
        """
        if root == NONE:
            return Leaves()
        row = self._connection.execute("SELECT page FROM pages WHERE number = ?", (number,)).fetchone()
        try:
            page = decode(row[0] if row else b"")
            if page.heap[1] != root:
                raise DamagedPage
            if depth is not None and isinstance(page, Leaves) and not self._seals.holds(number, row[0]):
                page.check(number, depth)
        except (ValueError, TypeError):
            raise self._damage(f"page {number}") from None
        return page

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """What SQLite says, in our words. Raises ``Corrupt``, ``MapUnreachable``."""
        try:
            yield
        except sqlite3.Error as error:
            if _is_damage(error):
                self.damaged = self._broken = True
                raise Corrupt(f"{self._path} is damaged ({error}): remove the file, and it is made anew") from error
            raise MapUnreachable(
                f"the map {self._path} cannot be read or written ({error}): free the disk, or end who else uses it"
            ) from error

    def _damage(self, what: str) -> Corrupt:
        self.damaged = True
        return Corrupt(f"{what} of {self._path} is damaged: remove the file, and it is made anew")

    # --- keeping -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """Make it durable as of ``size``."""
        self._apply()

    def reset(self) -> None:
        """Begin again at size 0, in a file made anew where SQLite finds the old one damaged.

        Where that fails, all stays as it was, but for a file that was worth nothing.
        """
        if not self._broken:
            with suppress(Corrupt), self._transaction():
                self._connection.execute("DELETE FROM pages")
                self._connection.execute("UPDATE reached SET standing = ?", (_standing(0, NONE),))
        if self._broken:
            self._copying.end()
            with self._reaching():
                self._connection.close()
                self._connection, _ = _made_anew(self._path)
        self._forget()
        self.size, self._durable = 0, (0, NONE)
        self.damaged = self._broken = False

    def close(self) -> None:
        """Make it durable, and free the file."""
        try:
            self.flush()
        finally:
            self._copying.end()
            self._connection.close()


def _parting(keys: list[bytes], number: int, depth: int) -> int:
    """How many of the sorted keys below ``number`` have 0 as their next bit."""
    beyond = (number << 1 | 1) - (1 << depth + 1)
    return bisect_left(keys, (beyond << KEY_BITS - depth - 1).to_bytes(HASH_SIZE, "big"))


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


def _made_anew(path: Path) -> tuple[sqlite3.Connection, Durable]:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    found = _open(path)
    if found is None:
        raise MapUnreachable(f"no map can be made at {path}: it is damaged as soon as it is written")
    return found


def _standing(size: int, root: bytes) -> bytes:
    """As it stands on disk: with a hash, for nothing else there says what it must be."""
    told = size.to_bytes(8, "big") + root
    return told + sha256(told).digest()


def _reached(connection: sqlite3.Connection) -> Durable | None:
    """What the map is of; ``None`` for another version's, or one that does not say."""
    # Before anything is written: a page of the map then stands in one of SQLite's.
    connection.execute(f"PRAGMA page_size={_PAGE}")
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit that a power failure takes back leaves an older map, which is as good.
    connection.execute("PRAGMA synchronous=NORMAL")
    # Pages of the next batches are mostly those of this one: they are copied from the log behind once, not each time.
    connection.execute(f"PRAGMA wal_autocheckpoint={4 * _BEHIND // _PAGE}")
    connection.execute("PRAGMA cache_size=-4096")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("INSERT INTO reached VALUES (1, ?)", (_standing(0, NONE),))
        connection.execute("COMMIT")
    elif version != _VERSION:
        return None
    found = connection.execute("SELECT standing FROM reached").fetchone()
    if found is None or not isinstance(found[0], bytes):
        return None
    durable = int.from_bytes(found[0][:8], "big"), found[0][8:-32]
    return durable if _standing(*durable) == found[0] else None
