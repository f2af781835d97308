"""The last signed checkpoint of each log: one row, compared and swapped, apart from the log's database.

It is what remembers that a checkpoint was signed when the database has forgotten: keep
it on another disk than the database, and out of the backups of the database.
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from ledger.errors import Fenced, LogExists, NoLog, UnknownSchema
from tallystick.lazy_dataclass import dataclass

_VERSION = 1
_TABLE = (
    "CREATE TABLE signed (origin TEXT PRIMARY KEY, epoch INTEGER NOT NULL, size INTEGER NOT NULL, note TEXT NOT NULL)"
)


@dataclass(frozen=True, slots=True)
class Held:
    """What was signed last. ``note`` is empty before the first checkpoint; ``epoch`` counts publishers."""

    epoch: int
    size: int
    note: str


class CheckpointStore(Protocol):
    """Remembers, durably and for every process that publishes a log, what was signed last."""

    def latest(self, origin: str) -> Held:
        """The row of a log. Raises ``NoLog``."""
        ...

    def take_over(self, origin: str, epoch: int | None = None) -> int:
        """A new epoch, the next one unless an election gave it: whoever published before can sign no more.

        Raises ``NoLog``, and ``Fenced`` when that epoch or a later one has published already.
        """
        ...

    def swap(self, origin: str, epoch: int, old: Held, size: int, note: str) -> None:
        """Put a new checkpoint in the place of ``old``. Raises ``Fenced`` unless epoch and ``old`` are current."""
        ...


class SqliteCheckpointStore:
    """A ``CheckpointStore`` in one file of its own."""

    def __init__(self, path: Path) -> None:
        """Opens an existing file; raises ``NoLog`` and ``UnknownSchema``."""
        if not path.is_file():
            raise NoLog(
                f"there is no checkpoint store {path}; a log must not run without it, for it could sign a second "
                "history: correct the path, or bring the file back"
            )
        uri = f"file:{quote(str(path.absolute()))}?mode=rw"
        self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        self._lock = threading.Lock()
        try:
            # Durable although the journal is deleted: EXTRA syncs its folder too.
            self._connection.execute("PRAGMA synchronous=EXTRA")
            self._connection.execute("PRAGMA busy_timeout=10000")
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise UnknownSchema(f"{path} is not a checkpoint store: {error}") from None
        if version != _VERSION:
            self._connection.close()
            raise UnknownSchema(
                f"{path} has checkpoint store version {version}, this program knows {_VERSION}: install a newer one"
                if version > _VERSION
                else f"{path} is no checkpoint store"
            )

    @classmethod
    def create(cls, path: Path) -> None:
        """A new file, unless a creation that was cut short left a blank one. Raises ``LogExists`` if it has content."""
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            try:
                connection.execute("PRAGMA synchronous=EXTRA")
                connection.execute("BEGIN IMMEDIATE")
                (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            except sqlite3.DatabaseError as error:
                raise UnknownSchema(f"{path} is not a checkpoint store: {error}") from None
            if tables:
                raise LogExists(f"{path} is a checkpoint store already: open it")
            connection.execute(_TABLE)
            connection.execute(f"PRAGMA user_version={_VERSION}")
            connection.execute("COMMIT")

    def enter(self, origin: str) -> None:
        """Make the row of a new log. Raises ``LogExists`` when a checkpoint of that origin was ever signed."""
        with self._lock:
            self._connection.execute("INSERT OR IGNORE INTO signed VALUES (?, 0, 0, '')", (origin,))
        if self.latest(origin).note:
            raise LogExists(
                f"checkpoints of {origin} were signed already: a second log of that origin would be a fork; "
                "open the log that there is, or choose another origin and other keys"
            )

    def latest(self, origin: str) -> Held:
        """See ``CheckpointStore``."""
        with self._lock:
            row = self._connection.execute(
                "SELECT epoch, size, note FROM signed WHERE origin = ?", (origin,)
            ).fetchone()
        if row is None:
            raise NoLog(f"the checkpoint store knows no log {origin}: it is another log's")
        return Held(*row)

    def take_over(self, origin: str, epoch: int | None = None) -> int:
        """See ``CheckpointStore``."""
        with self._lock:
            rows = self._connection.execute(
                "UPDATE signed SET epoch = coalesce(:epoch, epoch + 1)"
                " WHERE origin = :origin AND epoch < coalesce(:epoch, epoch + 1) RETURNING epoch",
                {"origin": origin, "epoch": epoch},
            ).fetchall()
        if not rows:
            raise Fenced(f"epoch {self.latest(origin).epoch} publishes {origin}; epoch {epoch} is over")
        return int(rows[0][0])

    def swap(self, origin: str, epoch: int, old: Held, size: int, note: str) -> None:
        """See ``CheckpointStore``."""
        with self._lock:
            done = self._connection.execute(
                "UPDATE signed SET size = ?, note = ? WHERE origin = ? AND epoch = ? AND size = ? AND note = ?",
                (size, note, origin, epoch, old.size, old.note),
            )
        if done.rowcount != 1:
            raise Fenced(
                f"another publisher of {origin} has taken over, or signed since size {old.size}; nothing was "
                "published: stop one of the two, then open the log again"
            )

    def close(self) -> None:
        """Free the file."""
        with self._lock:
            self._connection.close()
