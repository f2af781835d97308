"""What a witness remembers: of each log the latest checkpoint that it cosigned, and the forks that it was shown.

Looking at the last checkpoint, deciding and writing the next are one transaction,
synced before it is over: of two requests from one size, in whatever threads or
processes, one finds what the other wrote.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ledger.errors import LogExists, NoLog, UnknownSchema
from tallystick.lazy_dataclass import dataclass

_VERSION = 1
_TABLES = (
    # Sizes reach 2^63, which SQLite's integers do not.
    "CREATE TABLE heads (origin TEXT PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, "
    "note TEXT NOT NULL) STRICT",
    "CREATE TABLE forks (origin TEXT NOT NULL, size TEXT NOT NULL, root BLOB NOT NULL, time INTEGER NOT NULL, "
    "held TEXT NOT NULL, offered TEXT NOT NULL, PRIMARY KEY (origin, size, root)) STRICT",
)
# Made when it is missing: an older program passes it over.
_SMALLER = (
    "CREATE TABLE IF NOT EXISTS smaller (origin TEXT PRIMARY KEY, size TEXT NOT NULL, root BLOB NOT NULL, "
    "time INTEGER NOT NULL, note TEXT NOT NULL) STRICT"
)
KEPT_FORKS = 100
"""Of each log; whoever makes more needs no more evidence."""


@dataclass(frozen=True, slots=True)
class Head:
    """A checkpoint that was cosigned at ``time`` (Unix seconds). ``note``: the log's signatures and the witness's."""

    size: int
    root: bytes
    time: int
    note: str


@dataclass(frozen=True, slots=True)
class Fork:
    """Two checkpoints of one size under the log's signature: proof that it shows different trees.

    ``root``: of the one that was offered; ``time``: when, Unix seconds.
    """

    origin: str
    size: int
    root: bytes
    time: int
    held: str
    offered: str


@dataclass(frozen=True, slots=True)
class Smaller:
    """A checkpoint under the log's signature that was refused at ``time``: more had been cosigned. Proves nothing."""

    origin: str
    size: int
    root: bytes
    time: int
    note: str


class Heads:
    """The database of a witness; from any thread, and beside other processes."""

    def __init__(self, path: Path) -> None:
        """Opens an existing file: a mistyped path must not begin a witness that has forgotten what it signed.

        Raises ``NoLog`` and ``UnknownSchema``.
        """
        if not path.is_file():
            raise NoLog(
                f"there is no witness database {path}: correct the path, or begin a witness with `witness init`"
            )
        self._connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
        )
        self._lock = threading.Lock()
        try:
            # The journal is deleted at commit: EXTRA syncs its folder too.
            self._connection.execute("PRAGMA synchronous=EXTRA")
            self._connection.execute("PRAGMA busy_timeout=10000")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            if version == _VERSION:
                self._connection.execute(_SMALLER)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise UnknownSchema(f"{path} is not a witness database: {error}") from None
        if version != _VERSION:
            self._connection.close()
            raise UnknownSchema(f"{path} has witness database version {version}, this program knows {_VERSION}")

    @classmethod
    def create(cls, path: Path) -> None:
        """A new file. Raises ``LogExists``."""
        if path.exists():
            raise LogExists(f"{path} exists")
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=EXTRA")
            connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA user_version={_VERSION}")
            connection.execute("COMMIT")

    def get(self, origin: str) -> Head | None:
        """The latest checkpoint of a log that was cosigned."""
        with self._lock:
            return self._get(origin)

    def update(self, origin: str, decide: Callable[[Head | None], Head]) -> Head:
        """Put in the place of the latest head what ``decide`` makes of it, durably; what it raises changes nothing."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                head = decide(self._get(origin))
                self._connection.execute(
                    "INSERT INTO heads VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
                    "size = excluded.size, root = excluded.root, time = excluded.time, note = excluded.note",
                    (origin, str(head.size), head.root, head.time, head.note),
                )
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            return head

    def keep_fork(self, fork: Fork) -> None:
        """Keep the evidence, once for each pair of size and root of a log."""
        with self._lock:
            self._connection.execute(
                "INSERT OR IGNORE INTO forks SELECT ?, ?, ?, ?, ?, ? "
                "WHERE (SELECT count(*) FROM forks WHERE origin = ?) < ?",
                (fork.origin, str(fork.size), fork.root, fork.time, fork.held, fork.offered, fork.origin, KEPT_FORKS),
            )

    def forks(self) -> list[Fork]:
        """All that were kept, oldest first."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM forks ORDER BY rowid").fetchall()
        return [Fork(origin, int(size), *rest) for origin, size, *rest in rows]

    def keep_smaller(self, one: Smaller) -> None:
        """Keep the latest of each log."""
        with self._lock:
            self._connection.execute(
                "INSERT OR REPLACE INTO smaller VALUES (?, ?, ?, ?, ?)",
                (one.origin, str(one.size), one.root, one.time, one.note),
            )

    def smaller(self) -> list[Smaller]:
        """The latest of each log."""
        with self._lock:
            rows = self._connection.execute("SELECT * FROM smaller ORDER BY origin").fetchall()
        return [Smaller(origin, int(size), *rest) for origin, size, *rest in rows]

    def origins(self) -> list[str]:
        """Logs of which something was cosigned."""
        with self._lock:
            rows = self._connection.execute("SELECT origin FROM heads ORDER BY origin").fetchall()
        return [origin for (origin,) in rows]

    def close(self) -> None:
        """Free the file."""
        with self._lock:
            self._connection.close()

    def _get(self, origin: str) -> Head | None:
        row = self._connection.execute(
            "SELECT size, root, time, note FROM heads WHERE origin = ?", (origin,)
        ).fetchone()
        return None if row is None else Head(int(row[0]), *row[1:])
