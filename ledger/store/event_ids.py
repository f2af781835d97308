"""Which event of a party stands where: an exact index of short keys (ADR 72).

``event_keys`` has the first eight bytes of a SHA-256 over party and event id, and a position; what stands there is
compared in full before a key counts. A row has a quarter of what the two texts would take, and so has what a batch of
them changes in the tree.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from ledger.store.names import keys_of
from ledger.store.protocol import Line
from ledger.store.rows import insert, marks, pieces

Event = tuple[str, str]
"""Party and event id."""

_STANDING = (
    "SELECT s.party, s.event_id, s.position FROM event_keys k CROSS JOIN statements s ON s.position = k.position"
    " WHERE k.key IN"
)


def event_key(party: str, event_id: str) -> int:
    """As SQLite holds it, with a sign."""
    return event_keys(((party, event_id),))[0]


def event_keys(events: Sequence[Event]) -> list[int]:
    """As ``event_key``, for each."""
    return keys_of([f"{party}\0{event_id}" for party, event_id in events])


def find(connection: sqlite3.Connection, keys: Mapping[Event, int]) -> dict[Event, int]:
    """Positions of those that stand; ``keys`` by event."""
    found: dict[Event, int] = {}
    for some in pieces(list(keys.values())):
        for party, event_id, position in connection.execute(f"{_STANDING} ({marks(some)})", some):
            # Another event may have the same key.
            if (party, event_id) in keys:
                found[party, event_id] = position
    return found


class EventIds:
    """The index as the one writer sees it inside its transaction; to be made anew for the next."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._free: dict[Event, int] = {}
        """Keys of events that stood nowhere when this transaction asked, nor were added since."""

    def find(self, events: Sequence[Event]) -> dict[Event, int]:
        """Positions of those that stand."""
        keys = dict(zip(events, event_keys(events), strict=True))
        found = find(self._connection, keys)
        for one in found:
            del keys[one]
        self._free.update(keys)
        return found

    def add(self, lines: Sequence[Line]) -> None:
        """Of entries that are about to be indexed. Raises ``ValueError``, having added nothing."""
        events = [(line.party, line.event_id) for line in lines]
        unknown = [one for one in events if one not in self._free]
        if len(set(events)) < len(events) or (unknown and self.find(unknown)):
            raise ValueError("an event id that was to be indexed is indexed already")
        free = self._free
        rows = [(free.pop(event), line.position) for event, line in zip(events, lines, strict=True)]
        insert(self._connection, "event_keys", rows)
