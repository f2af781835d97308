"""What a monitor remembers, in one SQLite file; and the scan that decides each entry again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from ledger.errors import UnknownSchema
from tallystick import canonical
from tallystick.admission import Refused, State, StateReader, decide, decode_state, encode_state
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.log import Batch, MapRoot
from tallystick.lazy_dataclass import dataclass
from tallystick.references import references
from tallystick.replay import repeated
from tallystick.statement import Statement, parse_statement
from tallystick.times import format_time, parse_time

_VERSION = 3
_ROOTS = (
    "CREATE TABLE roots (position INTEGER PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL,"
    " looked_at INTEGER NOT NULL DEFAULT 0)"
)
_IDS = "CREATE TABLE ids (id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID"
_TABLES = (
    "CREATE TABLE reached (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, note TEXT NOT NULL)",
    "CREATE TABLE states (key TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE alarms (number INTEGER PRIMARY KEY, line TEXT NOT NULL, told INTEGER NOT NULL DEFAULT 0)",
    _ROOTS,
    _IDS,
    f"PRAGMA user_version={_VERSION}",
)
_FROM_2 = (
    _IDS,
    "DELETE FROM states",
    "UPDATE reached SET size = 0",
    f"PRAGMA user_version={_VERSION}",
)
"""A file of version 2 does not know which statements stand: all is scanned again, and its alarms are told again."""
_FROM_1 = (_ROOTS, *_FROM_2)
"""A file of version 1 is of before any log stated roots of its map."""

_RIGHT, _WRONG = 1, 2
"""Of a root that was looked at. A program of before wrote 1 for either."""
_ID_BYTES = 16
"""Of a statement id that are remembered: nobody finds two statements for them whose keys he does not hold."""


@dataclass(frozen=True)
class Alarm:
    """Something that the reader of a log must know. ``seen``: Unix seconds; ``position``: of the entry, if any."""

    kind: str
    message: str
    seen: int
    position: int | None = None
    evidence: str | None = None

    def line(self) -> str:
        """One line of JSON."""
        fields = {
            "alarm": self.kind,
            "seen": format_time(self.seen),
            "position": self.position,
            "message": self.message,
            "evidence": self.evidence,
        }
        return json.dumps({name: value for name, value in fields.items() if value is not None}, ensure_ascii=False)


@dataclass(frozen=True)
class Reached:
    """Entries below ``size`` were scanned; ``note``: a checkpoint that covers them."""

    size: int
    note: str


class WatchStore:
    """A file that makes alarms, states and position durable together."""

    def __init__(self, path: Path) -> None:
        """Opens the file, or makes it. Raises ``UnknownSchema``."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        try:
            self._connection.execute("PRAGMA synchronous=EXTRA")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._write([(table, ()) for table in _TABLES])
                version = _VERSION
            elif version in (1, 2):
                self._write([(statement, ()) for statement in (_FROM_1 if version == 1 else _FROM_2)])
                version = _VERSION
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise UnknownSchema(f"{path} is no file of a monitor ({error}): move it away to scan all again") from None
        if version != _VERSION:
            self._connection.close()
            raise UnknownSchema(f"{path} has version {version}, this program knows {_VERSION}: install a newer one")

    def reached(self) -> Reached | None:
        """Where the scan stands."""
        row = self._connection.execute("SELECT size, note FROM reached").fetchone()
        return Reached(*row) if row else None

    def states(self) -> StateReader:
        """The admission states that the entries below ``reached`` give."""
        return _States(self._connection)

    def position_of(self, statement_id: bytes) -> int | None:
        """Where a statement stands below ``reached``, first."""
        query = "SELECT position FROM ids WHERE id = ?"
        row = self._connection.execute(query, (statement_id[:_ID_BYTES],)).fetchone()
        return row[0] if row else None

    def add(self, alarms: Sequence[Alarm]) -> None:
        """Remember alarms until they are told."""
        self._write([_insert(alarm) for alarm in alarms])

    def commit(self, scan: Scan, size: int, note: str) -> None:
        """Make what ``scan`` found and gave durable, together with where it stands."""
        changes, alarms, roots, ids = scan.hand_over()
        states = [(key, canonical.encode(encode_state(state))) for key, state in changes.items()]
        self._write(
            [
                *(("INSERT OR REPLACE INTO states VALUES (?, ?)", row) for row in states),
                *(("INSERT OR IGNORE INTO ids VALUES (?, ?)", (one[:_ID_BYTES], at)) for one, at in ids.items()),
                *(_insert(alarm) for alarm in alarms),
                *(
                    ("INSERT OR IGNORE INTO roots (position, size, root) VALUES (?, ?, ?)", (at, one.size, one.root))
                    for at, one in roots
                ),
                ("INSERT OR REPLACE INTO reached VALUES (1, ?, ?)", (size, note)),
            ]
        )

    def roots(self) -> list[tuple[int, MapRoot]]:
        """Roots of the map that were scanned and not looked at, by position."""
        query = "SELECT position, size, root FROM roots WHERE looked_at = 0 ORDER BY position"
        return [(position, MapRoot(size, root)) for position, size, root in self._connection.execute(query)]

    def looked_at(self, position: int, alarms: Sequence[Alarm]) -> None:
        """A root was looked at, and this was found."""
        done = ("UPDATE roots SET looked_at = ? WHERE position = ?", (_WRONG if alarms else _RIGHT, position))
        self._write([*(_insert(alarm) for alarm in alarms), done])

    def found_right(self, size: int, root: str) -> bool:
        """Whether this root of the map was looked at, and nothing was found."""
        query = "SELECT 1 FROM roots WHERE size = ? AND root = ? AND looked_at = ?"
        return self._connection.execute(query, (size, root, _RIGHT)).fetchone() is not None

    def untold(self) -> Iterator[str]:
        """Lines of alarms, oldest first; one counts as told when the next is asked for."""
        query = "SELECT number, line FROM alarms WHERE told = 0 ORDER BY number"
        for number, line in self._connection.execute(query).fetchall():
            yield line
            self._write([("UPDATE alarms SET told = 1 WHERE number = ?", (number,))])

    def close(self) -> None:
        """Free the file."""
        self._connection.close()

    def _write(self, statements: Sequence[tuple[str, tuple[object, ...]]]) -> None:
        if not statements:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._connection.execute(statement, values)
            self._connection.execute("COMMIT")
        finally:
            self._connection.rollback()


def _insert(alarm: Alarm) -> tuple[str, tuple[object, ...]]:
    return "INSERT INTO alarms (line) VALUES (?)", (alarm.line(),)


class _States:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> State | None:
        row = self._connection.execute("SELECT state FROM states WHERE key = ?", (key,)).fetchone()
        return decode_state(json.loads(row[0])) if row else None


class Scan:
    """Takes entries in log order, and decides each batch when its last entry comes."""

    def __init__(
        self,
        store: WatchStore,
        first: int,
        origin: str,
        issuers: frozenset[str],
        watched: frozenset[str],
        now: int,
    ) -> None:
        self._store = store
        self._below = store.states()
        self.first = first
        """All below was decided."""
        self._origin = origin
        self._issuers = issuers
        self._watched = watched
        self._now = now
        self._open: list[tuple[int, Statement]] = []
        self._changes: dict[str, State] = {}
        self._alarms: list[Alarm] = []
        self._roots: list[tuple[int, MapRoot]] = []
        self._ids: dict[bytes, int] = {}

    def get(self, key: str) -> State | None:
        """The state as of the batches taken so far (a ``StateReader``)."""
        return self._changes.get(key) or self._below.get(key)

    def take(self, position: int, entry: bytes) -> bool:
        """Look at one entry; whether it closes a batch."""
        try:
            statement = parse_statement(entry)
        except MalformedInput as error:
            self._alarm("admission", f"the entry is no statement: {error}", position)
            return False
        event = statement.event
        what = f"{event.type} of {event.subject}, said by {statement.issuer}"
        if self._issuers and statement.issuer not in self._issuers | {self._origin}:
            self._alarm("issuer", what, position)
        if named := sorted(self._watched & references(statement)):
            self._alarm("watched", f"{', '.join(named)} in {what}", position)
        self._open.append((position, statement))
        if event.type != "log.batch":
            return False
        self._decide(position, statement)
        self.first, self._open = position + 1, []
        return True

    def _decide(self, position: int, closing: Statement) -> None:
        body: Batch = closing.event.body
        if (body.first, body.last) != (self.first, position - 1):
            expected = f"expected {self.first} to {position - 1}"
            self._alarm("admission", f"the batch entry closes {body.first} to {body.last}, {expected}", position)
        admitted_at = parse_time(closing.event.time)
        for at, statement in self._open:
            try:
                self._enter(statement.statement_id, at)
                self._changes.update(decide(statement, at, admitted_at, self).changes)
                if isinstance(statement.event.body, MapRoot):
                    self._roots.append((at, statement.event.body))
            except VerificationFailed as error:
                code = f"{error.code}: " if isinstance(error, Refused) else ""
                self._alarm("admission", f"the log's own rules refuse this entry: {code}{error}", at)

    def _enter(self, statement_id: bytes, position: int) -> None:
        """Rule A1: a log takes a statement once; whoever writes it a second time has its signer say it again."""
        stands = self._ids.get(statement_id, self._store.position_of(statement_id))
        if stands is not None:
            raise repeated(position, stands)
        self._ids[statement_id] = position

    def end(self, size: int) -> None:
        """No published entry is without a batch; those that are, are scanned again with the batch that they get."""
        if self._open:
            self._alarm("admission", f"the checkpoint of size {size} cuts a batch in two", self._open[0][0])

    def hand_over(self) -> tuple[dict[str, State], list[Alarm], list[tuple[int, MapRoot]], dict[bytes, int]]:
        """What changed, what was found, which roots of the map were stated, and which statements stand where, since the
        last time.
        """
        given = self._changes, self._alarms, self._roots, self._ids
        self._changes, self._alarms, self._roots, self._ids = {}, [], [], {}
        return given

    def _alarm(self, kind: str, message: str, position: int) -> None:
        self._alarms.append(Alarm(kind, message, self._now, position))
