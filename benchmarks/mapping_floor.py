"""What the verifiable map cannot do without: the hashes of a batch, each once, and its rows, written and committed.

No key is looked for, no page taken apart or put together, nothing is held against anything: a loop over ``hashlib``,
and SQLite.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from tallystick.map.proof import HASH_SIZE, LEAF, LINK, NODE

_KEY = len(b"tallystick/map/key\nown\n10.5555/M-0000-0000-0000-0000-Q")
_NUMBER = 8
_TOP = 8
"""Bytes that tell the keys of a benchmark apart."""
_PRAGMAS = ("page_size=16384", "journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=4000", "cache_size=-4096")


class Bare:
    """The hashes and the rows of a map, without the map."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute("CREATE TABLE pages (number INTEGER PRIMARY KEY, page BLOB NOT NULL)")
        self._tops: list[int] = []
        self._known = set[bytes]()
        self._messages: list[bytes] = []
        self._rows: list[tuple[int, bytes]] = []
        self._done = Counter[str]()

    def prepare(
        self, entries: Sequence[bytes], changed: Mapping[bytes, Sequence[bytes]], rows: Sequence[tuple[int, bytes]]
    ) -> None:
        """What ``run`` is to do for these entries, which made these changes by key and wrote these pages."""
        self._known.update(changed)
        self._tops = sorted(int.from_bytes(key[:_TOP]) for key in self._known)
        links = sum(map(len, changed.values()))
        nodes = _nodes_above(self._tops, [int.from_bytes(key[:_TOP]) for key in changed])
        for kind, size, count in (
            ("keys", _KEY, len(changed)),
            ("links", len(LINK) + HASH_SIZE + _NUMBER + HASH_SIZE, links),
            ("leaves", len(LEAF) + HASH_SIZE + _NUMBER + HASH_SIZE, len(changed)),
            ("nodes", len(NODE) + 1 + 2 * HASH_SIZE, nodes),
        ):
            self._messages += [bytes(size)] * count
            self._done[kind] += count
        self._messages += [b"\x00" + entry for entry in entries]
        self._messages.append(bytes(HASH_SIZE * len(entries)))
        self._rows += rows
        self._done["bytes"] += sum(len(page) for _, page in rows)

    def run(self) -> None:
        """All of it, once."""
        for message in self._messages:
            sha256(message).digest()
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR REPLACE INTO pages VALUES (?, ?)", self._rows)
        self._connection.execute("COMMIT")
        self._messages.clear()
        self._rows.clear()

    def told(self, events: int) -> str:
        """What an event takes of it."""
        kinds = ", ".join(f"{self._done[kind] / events:.1f} {kind}" for kind in ("keys", "links", "leaves", "nodes"))
        return f"an event's hashes: one of its own, {kinds}; {self._done['bytes'] / events / 1000:.1f} kB of rows"

    def close(self) -> None:
        """Free the file."""
        self._connection.close()


def _nodes_above(tops: Sequence[int], changed: Sequence[int]) -> int:
    """How many nodes of the tree over ``tops``, which are sorted, have one of those that changed below them."""
    # Between two neighbours in the order of keys stands one node.
    nodes = defaultdict[int, list[int]](list)
    for low, high in pairwise(tops):
        nodes[(low ^ high).bit_length()].append(low)
    count = 0
    for behind, found in nodes.items():
        above = {top >> behind for top in changed}
        count += sum(low >> behind in above for low in found)
    return count
