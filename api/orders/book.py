"""The order book: what was ordered and how far each item is, durable before anybody is told.

It decides nothing: what stands in the log is asked of the log. It says what is still to be done, and keeps the terms
of an item for as long as they are needed to grant it, and no longer.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from api.services.errors import TooMany
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass

State: TypeAlias = Literal["waiting", "granted", "issued", "refused"]
"""Of an item. An item that was granted may still be refused its card."""

VERSION = 1
"""Of the tables, kept in ``PRAGMA user_version``; 0 is a blank file."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, party TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, scopes TEXT NOT NULL,
    disclose TEXT, total INTEGER NOT NULL, accepted INTEGER NOT NULL, UNIQUE (party, name)
) STRICT;
CREATE TABLE IF NOT EXISTS item (
    order_id INTEGER NOT NULL, n INTEGER NOT NULL, request TEXT, state TEXT NOT NULL, licence TEXT, position INTEGER,
    made TEXT, card INTEGER, size INTEGER, problem TEXT, PRIMARY KEY (order_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS unfinished ON item (order_id, n) WHERE state IN ('waiting', 'granted');
"""
_ITEM = "n, request, state, licence, position, made, card, size, problem"
_LEFT = "state IN ('waiting', 'granted')"
_NEXT = f"(SELECT order_id FROM item WHERE {_LEFT} AND order_id > open.id ORDER BY order_id LIMIT 1)"
_UNFINISHED = (
    f"WITH RECURSIVE open(id) AS (SELECT 0 UNION ALL SELECT {_NEXT} FROM open WHERE open.id IS NOT NULL)"
    " SELECT o.* FROM open JOIN orders o ON o.id = open.id"
)
"""Orders of which something is left to do, without a look at each of their items."""
MOST_OPEN = 64
"""Orders of a party that are not done: each may have 16 MiB of terms."""


class LaterOrders(TallystickError):
    """A later program wrote the order book."""


@dataclass(frozen=True)
class Order:
    """An order as it was taken. ``name``: the client's id; ``accepted``: Unix seconds."""

    id: int
    party: str
    name: str
    digest: str
    scopes: frozenset[str]
    disclose: tuple[str, ...] | None
    total: int
    accepted: int


@dataclass(frozen=True)
class Item:
    """One grant of an order. ``position``: of the grant; ``made``: the card's SHA-256; ``card``: where it is logged."""

    n: int
    request: Mapping[str, Any] | None
    state: State
    licence: str | None = None
    position: int | None = None
    made: str | None = None
    card: int | None = None
    size: int | None = None
    problem: Mapping[str, Any] | None = None


class OrderBook:
    """A small database of its own. Safe to share between threads; every change is on disk when its call returns."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            self._db.close()
            raise LaterOrders(f"{path} has order format {version}, this program knows {VERSION}: install a newer one")
        # Terms are private: what is deleted is overwritten, and the write-ahead log emptied (``scrub``).
        self._db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; "
            f"BEGIN; {_SCHEMA} PRAGMA user_version={VERSION}; COMMIT"
        )
        self.scrub()  # a crash may have left one behind

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def scrub(self) -> None:
        """Empty the write-ahead log, in which terms stand that were forgotten since."""
        with self._lock, suppress(sqlite3.Error):
            # What is committed is, whatever comes of this: it is tried again the next time.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def _scrub_if_idle(self) -> None:
        with self._lock:
            busy = self._db.execute("SELECT 1 FROM item WHERE state IN ('waiting', 'granted') LIMIT 1").fetchone()
        if busy is None:
            self.scrub()

    @contextmanager
    def _transaction(self) -> Any:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    # --- orders --------------------------------------------------------------------

    def accept(self, order: Order, requests: Sequence[bytes]) -> tuple[Order, bool]:
        """Write the order down, or find the one that the party gave this name before; whether it is new.

        ``requests``: JSON objects; ``order.id`` counts for nothing. Nothing is compared: that is for the caller.
        """
        disclose = None if order.disclose is None else json.dumps(order.disclose)
        known = (order.party, order.name, order.digest, " ".join(sorted(order.scopes)), disclose)
        with self._transaction() as db:
            row = self._row(order.party, order.name)
            if row is not None:
                return row, False
            self._require_room(order.party)
            made = db.execute(
                "INSERT INTO orders (party, name, digest, scopes, disclose, total, accepted) VALUES (?,?,?,?,?,?,?)",
                (*known, order.total, order.accepted),
            )
            db.executemany(
                "INSERT INTO item (order_id, n, request, state) VALUES (?, ?, ?, 'waiting')",
                ((made.lastrowid, n, one.decode()) for n, one in enumerate(requests)),
            )
            found = self._row(order.party, order.name)
        assert found is not None  # it was just written
        return found, True

    def require_room(self, party: str, name: str) -> None:
        """Raise ``TooMany`` where the party has too many open, and none of this name: before all of it is read."""
        with self._lock:
            if self._row(party, name) is None:
                self._require_room(party)

    def _require_room(self, party: str) -> None:
        if sum(1 for row in self._db.execute(_UNFINISHED) if _order(row).party == party) >= MOST_OPEN:
            raise TooMany(
                f"{MOST_OPEN} orders of {party} are being worked off", "give this one when one of them is done"
            )

    def find(self, party: str, name: str) -> Order | None:
        """An order of the party."""
        with self._lock:
            return self._row(party, name)

    def _row(self, party: str, name: str) -> Order | None:
        row = self._db.execute("SELECT * FROM orders WHERE party = ? AND name = ?", (party, name)).fetchone()
        return None if row is None else _order(row)

    def counts(self, order: Order) -> dict[State, int]:
        """How many items are in each state."""
        found: dict[State, int] = {"waiting": 0, "granted": 0, "issued": 0, "refused": 0}
        with self._lock:
            found.update(
                self._db.execute("SELECT state, count(*) FROM item WHERE order_id = ? GROUP BY state", (order.id,))
            )
        return found

    def items(self, order: Order, first: int, limit: int) -> list[Item]:
        """Items from number ``first`` on."""
        query = f"SELECT {_ITEM} FROM item WHERE order_id = ? AND n >= ? ORDER BY n LIMIT ?"
        with self._lock:
            return [_item(row) for row in self._db.execute(query, (order.id, first, limit))]

    # --- work ------------------------------------------------------------------------

    def next_piece(
        self,
        least: int,
        limit: int,
        shares: int,
        busy: Collection[tuple[int, int]],
        served: Mapping[str, int] = MappingProxyType({}),
    ) -> tuple[Order, list[Item]] | None:
        """Unfinished items of an order, but those that somebody is at: (order, number). It is the oldest order of the
        party that was ``served`` longest ago, by numbers that grow: nobody waits for all that another has ordered.

        At most ``limit``; of the last of an order one of so many ``shares``, unless that is fewer than ``least``.
        """
        unfinished = f"SELECT {_ITEM} FROM item WHERE {_LEFT} AND order_id = ? ORDER BY n LIMIT ?"
        with self._lock:
            orders = [_order(row) for row in self._db.execute(_UNFINISHED)]
            for order in sorted(orders, key=lambda one: (served.get(one.party, 0), one.id)):
                rows = self._db.execute(unfinished, (order.id, limit * shares + len(busy)))
                mine = [row for row in rows if (order.id, row[0]) not in busy]
                if mine:
                    size = min(limit, max(least, -(-len(mine) // shares)))
                    return order, [_item(one) for one in mine[:size]]
        return None

    def granted(self, order: Order, found: Iterable[tuple[int, str, int]]) -> None:
        """Items whose licence stands in the log: number, licence, position. Their terms are forgotten."""
        change = "UPDATE item SET state = 'granted', licence = ?, position = ?, request = NULL"
        self._each(order, f"{change} WHERE state = 'waiting' AND", [(licence, at, n) for n, licence, at in found])

    def made(self, order: Order, found: Iterable[tuple[int, str]]) -> None:
        """Cards that are about to be kept: number, SHA-256."""
        self._each(order, "UPDATE item SET made = ? WHERE state = 'granted' AND", [(sha256, n) for n, sha256 in found])

    def issued(self, order: Order, found: Iterable[tuple[int, str, int, int]]) -> None:
        """Items whose card stands in the log: number, SHA-256, size, position of its entry."""
        change = "UPDATE item SET state = 'issued', made = ?, size = ?, card = ? WHERE state = 'granted' AND"
        self._each(order, change, [(sha256, size, at, n) for n, sha256, size, at in found])

    def refused(self, order: Order, found: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Items that come to nothing, or get no card: number, problem. Their terms are forgotten."""
        change = "UPDATE item SET state = 'refused', problem = ?, request = NULL, made = NULL"
        told = [(json.dumps(problem), n) for n, problem in found]
        self._each(order, f"{change} WHERE state IN ('waiting', 'granted') AND", told)

    def failed(self, order: Order, n: int, problem: Mapping[str, Any]) -> None:
        """An item that comes to nothing through a fault of the service: what it takes to do it again stays."""
        change = "UPDATE item SET state = 'refused', problem = ? WHERE state IN ('waiting', 'granted') AND"
        self._each(order, change, [(json.dumps(problem), n)])

    def resume(self, order: Order) -> None:
        """What failed through a fault of the service is to be done again."""
        change = "UPDATE item SET state = iif(licence IS NULL, 'waiting', 'granted'), problem = NULL"
        failed = "state = 'refused' AND json_extract(problem, '$.status') >= 500"
        with self._transaction() as db:
            db.execute(f"{change} WHERE order_id = ? AND {failed}", (order.id,))

    def _each(self, order: Order, change: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            with self._transaction() as db:
                db.executemany(f"{change} order_id = ? AND n = ?", [(*row[:-1], order.id, row[-1]) for row in rows])
            self._scrub_if_idle()


def _order(row: Sequence[Any]) -> Order:
    key, party, name, digest, scopes, disclose, total, accepted = row
    shown = None if disclose is None else tuple(json.loads(disclose))
    return Order(key, party, name, digest, frozenset(scopes.split()), shown, total, accepted)


def _item(row: Sequence[Any]) -> Item:
    n, request, state, licence, position, made, card, size, problem = row
    asked = None if request is None else json.loads(request)
    return Item(n, asked, state, licence, position, made, card, size, None if problem is None else json.loads(problem))
