"""Names by number: what stands under a name is kept in the order of time, not of names (ADR 72).

A name (an identifier, or whatever else has an admission state) gets a number when it first comes. Its state and the
entries that mention it stand under that number, so that what is new stands at the end of each tree, in pages that other
new things share; only ``name_keys`` is scattered. A key is the first eight bytes of the name's SHA-256, and the name
itself is compared before a key counts.

Entries that follow one another are one row of ``mentions``, from ``first`` to ``last``; rows of a name do not overlap.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from ledger.store.protocol import Line
from ledger.store.rows import insert, marks, pieces

T = TypeVar("T")

NUMBER = "(SELECT n.number FROM name_keys k CROSS JOIN names n ON n.number = k.number WHERE k.key = ? AND n.name = ?)"
"""The number of a name; its values are ``(name_key(name), name)``."""
_NAMED = "SELECT n.name, n.number, n.state FROM name_keys k CROSS JOIN names n ON n.number = k.number WHERE k.key IN"


def name_key(name: str) -> int:
    """As SQLite holds it, with a sign."""
    return keys_of((name,))[0]


def keys_of(names: Iterable[str]) -> list[int]:
    """As ``name_key``, for each."""
    sha256 = hashlib.sha256
    digests = [sha256(name.encode()).digest() for name in names]
    return [key for (key,) in struct.iter_unpack(">q24x", b"".join(digests))]


def state_of(connection: sqlite3.Connection, name: str) -> bytes | None:
    """The state under a name."""
    row = connection.execute(f"SELECT state FROM names WHERE number = {NUMBER}", (name_key(name), name)).fetchone()
    return row[0] if row else None


def find(connection: sqlite3.Connection, keys: Mapping[str, int]) -> Iterator[tuple[str, int, bytes | None]]:
    """Name, number and state of those that have a number; ``keys`` by name."""
    for some in pieces(list(keys.values())):
        for row in connection.execute(f"{_NAMED} ({marks(some)})", some):
            # Another name may have the same key.
            if row[0] in keys:
                yield row


def next_mention(connection: sqlite3.Connection, name: str, position: int) -> int | None:
    """Where the first entry from ``position`` on stands that mentions a name."""
    query = f"SELECT max(first, ?) FROM mentions WHERE name = {NUMBER} AND last >= ? ORDER BY last LIMIT 1"
    row = connection.execute(query, (position, name_key(name), name, position)).fetchone()
    return row[0] if row else None


def spans(pairs: Iterable[tuple[T, int]]) -> list[tuple[T, int, int]]:
    """(what, last, first) for each row of neighbours among (what, position); positions of one thing ascend."""
    first: dict[T, int] = {}
    last: dict[T, int] = {}
    ended = []
    for what, position in pairs:
        before = last.get(what)
        if before != position - 1:
            if before is not None:
                ended.append((what, before, first[what]))
            first[what] = position
        last[what] = position
    return ended + [(what, end, first[what]) for what, end in last.items()]


class Names:
    """Names as the one writer sees them inside its transaction; to be made anew for the next."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}
        self._free: dict[str, int] = {}
        """Keys of names that have no number yet."""

    def states(self, names: Collection[str]) -> dict[str, bytes]:
        """The states under ``names``; absent where there is none."""
        keys = dict(zip(names, keys_of(names), strict=True))
        found = {}
        for name, number, state in find(self._connection, keys):
            self._numbers[name] = number
            del keys[name]
            if state is not None:
                found[name] = state
        self._free.update(keys)
        return found

    def write(self, lines: Sequence[Line], states: Mapping[str, bytes]) -> None:
        """Entries mention names, and states are set."""
        rows = spans((name, line.position) for line in lines for name in sorted(line.references))
        wanted = dict.fromkeys([*[name for name, _, _ in rows], *states])
        numbers, free = self._numbers, self._free
        if unknown := [name for name in wanted if name not in numbers and name not in free]:
            self.states(unknown)
        fresh = [name for name in wanted if name in free]
        changed = [(state, numbers[name]) for name, state in states.items() if name in numbers]
        if changed:
            self._connection.executemany("UPDATE names SET state = ? WHERE number = ?", changed)
        if fresh:
            self._begin(fresh, states)
        insert(self._connection, "mentions", [(numbers[name], last, first) for name, last, first in rows])

    def _begin(self, fresh: Sequence[str], states: Mapping[str, bytes]) -> None:
        """New names get the next numbers, in this order."""
        (last,) = self._connection.execute("SELECT coalesce(max(number), 0) FROM names").fetchone()
        placed = list(enumerate(fresh, last + 1))
        insert(self._connection, "names", [(number, name, states.get(name)) for number, name in placed])
        insert(self._connection, "name_keys", [(self._free.pop(name), number) for number, name in placed])
        self._numbers.update((name, number) for number, name in placed)
