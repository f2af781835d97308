"""The checkpoint store in PostgreSQL, for processes on several hosts.

Its tables are its own, so that it can live in another database than the log, on another
server and outside of the log's backups: what remembers that a checkpoint was signed must
not be restored together with what may have forgotten it.
"""

from __future__ import annotations

import psycopg

from ledger.checkpoint_store import Held
from ledger.errors import Fenced, LogExists, NoLog, UnknownSchema
from ledger.store.postgres_wire import Pool

_VERSION = 1
_TABLES = (
    "CREATE TABLE checkpoint_store (version integer NOT NULL)",
    f"INSERT INTO checkpoint_store VALUES ({_VERSION})",
    "CREATE TABLE signed (origin text PRIMARY KEY, epoch bigint NOT NULL, size bigint NOT NULL, note text NOT NULL)",
)


class PostgresCheckpointStore:
    """A ``CheckpointStore``. Any call raises ``DatabaseUnreachable`` while the server does not answer."""

    def __init__(self, dsn: str) -> None:
        """Opens existing tables; raises ``NoLog``, ``UnknownSchema`` and ``DatabaseUnreachable``."""
        self._pool = Pool(dsn, "tallystick checkpoints")
        try:
            self._check_version()
        except BaseException:
            self._pool.close()
            raise

    def _check_version(self) -> None:
        with self._pool.use() as connection:
            try:
                rows = connection.execute("SELECT version FROM checkpoint_store").fetchall()
            except psycopg.errors.UndefinedTable:
                raise NoLog(
                    "the database has no checkpoint store; a log must not run without it, for it could sign a second "
                    "history: correct its address, or bring the store back"
                ) from None
        if rows != [(_VERSION,)]:
            raise UnknownSchema(f"the checkpoint store has version {rows}, this program knows {_VERSION}")

    @classmethod
    def create(cls, dsn: str) -> None:
        """Make the tables in an existing database, all or none. Raises ``LogExists`` if they are there."""
        pool = Pool(dsn, "tallystick checkpoints")
        try:
            with pool.use() as connection, connection.transaction():
                for statement in _TABLES:
                    connection.execute(statement)
        except (psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation):
            raise LogExists("the database holds a checkpoint store already: open it") from None
        finally:
            pool.close()

    def enter(self, origin: str) -> None:
        """Make the row of a new log. Raises ``LogExists`` when a checkpoint of that origin was ever signed."""
        with self._pool.use() as connection:
            connection.execute("INSERT INTO signed VALUES (%s, 0, 0, '') ON CONFLICT DO NOTHING", (origin,))
        if self.latest(origin).note:
            raise LogExists(
                f"checkpoints of {origin} were signed already: a second log of that origin would be a fork; "
                "open the log that there is, or choose another origin and other keys"
            )

    def begin(self, origin: str, held: Held) -> None:
        """Make the row of a log that was signed before, whole or not at all. Raises ``LogExists`` if it has one."""
        with self._pool.use() as connection:
            made = connection.execute(
                "INSERT INTO signed VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (origin, held.epoch, held.size, held.note),
            )
        if made.rowcount != 1:
            raise LogExists(f"the checkpoint store knows the log {origin} already: nothing was put in its place")

    def latest(self, origin: str) -> Held:
        """See ``CheckpointStore``."""
        with self._pool.use() as connection:
            query = "SELECT epoch, size, note FROM signed WHERE origin = %s"
            found = connection.execute(query, (origin,)).fetchone()
        if found is None:
            raise NoLog(f"the checkpoint store knows no log {origin}: it is another log's")
        return Held(*found)

    def take_over(self, origin: str, epoch: int | None = None) -> int:
        """See ``CheckpointStore``."""
        with self._pool.use() as connection:
            found = connection.execute(
                "UPDATE signed SET epoch = coalesce(%(epoch)s::bigint, epoch + 1)"
                " WHERE origin = %(origin)s AND epoch < coalesce(%(epoch)s::bigint, epoch + 1) RETURNING epoch",
                {"origin": origin, "epoch": epoch},
            ).fetchone()
        if found is None:
            raise Fenced(f"epoch {self.latest(origin).epoch} publishes {origin}; epoch {epoch} is over")
        return int(found[0])

    def swap(self, origin: str, epoch: int, old: Held, size: int, note: str) -> None:
        """See ``CheckpointStore``."""
        with self._pool.use() as connection:
            done = connection.execute(
                "UPDATE signed SET size = %s, note = %s WHERE origin = %s AND epoch = %s AND size = %s AND note = %s",
                (size, note, origin, epoch, old.size, old.note),
            )
        if done.rowcount != 1:
            raise Fenced(
                f"another publisher of {origin} has taken over, or signed since size {old.size}; nothing was published"
            )

    def close(self) -> None:
        """Free its connections."""
        self._pool.close()
