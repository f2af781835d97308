"""Who sequences: a lease in the database, by the database's clock, with an epoch that only grows.

The lease says who should write; it does not keep anybody from it, for a process that was
frozen does not know how late it is. What keeps a deposed sequencer out is the epoch, in
two places: the fence that each appending transaction locks and compares, and the
checkpoint store that each publication compares and swaps.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from ledger.errors import DatabaseUnreachable, LogBusy
from ledger.store.postgres_wire import WRITER, Connection, Pool
from tallystick.lazy_dataclass import dataclass

LEASE = 5.0
"""Seconds after which a sequencer that says nothing is replaced."""

# A lease that ends later than any lease can was given before the clock jumped back: it has ended.
_OVER = "(expires <= clock_timestamp() OR expires > clock_timestamp() + %(seconds)s * interval '1 second')"
_TAKE = (
    "UPDATE lease SET epoch = greatest(epoch, %(least)s, (SELECT max(epoch) FROM fence)) + 1, holder = %(holder)s,"
    " expires = clock_timestamp() + %(seconds)s * interval '1 second'"
    f" WHERE {_OVER} RETURNING epoch"
)
_RENEW = (
    "UPDATE lease SET expires = clock_timestamp() + %(seconds)s * interval '1 second'"
    " WHERE epoch = %(epoch)s AND holder = %(holder)s"
)
# Another role's may not be ended, and end by themselves when they have been silent for long enough.
_END_WRITERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = %s AND pg_has_role(usesysid, 'USAGE')
"""


@dataclass(frozen=True, slots=True)
class Incumbent:
    """Who was elected last. ``seconds``: until the lease ends; not positive when it has ended."""

    epoch: int
    holder: str
    seconds: float


class Election:
    """One process's part. Any call raises ``DatabaseUnreachable`` while the server does not answer."""

    def __init__(self, dsn: str, holder: str, seconds: float = LEASE) -> None:
        """``holder``: what others call this process. ``seconds``: the same in every process of a log."""
        self.holder = holder
        self.seconds = seconds
        self._pool = Pool(dsn, "tallystick election")

    def incumbent(self) -> Incumbent:
        """As of now."""
        with self._pool.use() as connection:
            query = "SELECT epoch, holder, extract(epoch FROM expires - clock_timestamp())::float8 FROM lease"
            found = connection.execute(query).fetchone()
        assert found is not None  # the migration made the row
        return Incumbent(*found)

    def vacant(self) -> bool:
        """Whether ``stand`` may succeed: the lease of who was elected last is over, or was offered."""
        with self._pool.use() as connection:
            ((over,),) = connection.execute(f"SELECT {_OVER} FROM lease", self._with()).fetchall()
        return bool(over)

    def stand(self, least: int = 0) -> int | None:
        """The epoch that this process now writes in, greater than ``least``; ``None`` while another's lease runs."""
        with self._pool.use() as connection:
            found = connection.execute(_TAKE, self._with(least=least)).fetchone()
            if found is None:
                return None
            epoch = int(found[0])
            while not self._raise_fence(connection, epoch):
                if not self.renew(epoch):
                    return None
            return epoch

    def _raise_fence(self, connection: Connection, epoch: int) -> bool:
        """Shut earlier writers out, also one that sleeps in the middle of a transaction, whatever locks it holds."""
        connection.execute(_END_WRITERS, (WRITER,))
        # No transaction around them: this process may fall asleep as well, and must not do it with a lock.
        connection.execute("SET lock_timeout = '500ms'")
        try:
            connection.execute("UPDATE fence SET epoch = %s WHERE epoch < %s", (epoch, epoch))
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    def renew(self, epoch: int) -> bool:
        """Whether this process is still the one elected; then for another lease."""
        with self._pool.use() as connection:
            return connection.execute(_RENEW, self._with(epoch=epoch)).rowcount == 1

    def resign(self, epoch: int) -> None:
        """End the lease now, so that another need not wait for its end."""
        with self._pool.use() as connection:
            query = "UPDATE lease SET expires = '-infinity' WHERE epoch = %(epoch)s AND holder = %(holder)s"
            connection.execute(query, self._with(epoch=epoch))

    @contextmanager
    def hold(self, least: int) -> Iterator[int]:
        """An epoch as by ``stand``, kept for as long as the block takes. Raises ``LogBusy`` while another sequences."""
        epoch = self.stand(least)
        if epoch is None:
            other = self.incumbent()
            raise LogBusy(
                f"{other.holder} sequences this log: stop every process of it first. If it was killed, its lease ends "
                # Who has resigned since: a lease that ended an infinite time ago.
                f"in {math.ceil(max(1, other.seconds))} s"
            )
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(epoch, over), name="lease", daemon=True)
        keeper.start()
        try:
            yield epoch
        finally:
            over.set()
            keeper.join()
            self.resign(epoch)

    def _keep(self, epoch: int, over: threading.Event) -> None:
        """Should it not be kept, the fence refuses what is written, and so it is told."""
        while not over.wait(self.seconds / 5):
            with suppress(DatabaseUnreachable):
                self.renew(epoch)

    def _with(self, **values: int) -> dict[str, object]:
        return {**values, "holder": self.holder, "seconds": self.seconds}

    def close(self) -> None:
        """Free its connections."""
        self._pool.close()
