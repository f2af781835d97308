"""A replica of a test's PostgreSQL: streaming replication between two real servers, a failover by hand."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.patience import wait_until
from tests.postgres import SETTINGS, Server, kept, starter


class Replica(Server):
    """A running server that follows another one, until it is promoted."""

    primary: Server

    def follows(self) -> bool:
        """Whether the primary sends to it."""
        with psycopg.connect(self.primary.dsn("postgres")) as connection:
            query = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
            return connection.execute(query).fetchall() == [(1,)]

    def caught_up(self) -> bool:
        """Whether it has replayed all that the primary has written."""
        with psycopg.connect(self.primary.dsn("postgres")) as connection:
            query = "SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication"
            return connection.execute(query).fetchall() == [(True,)]

    def fall_behind(self) -> None:
        """It is sent nothing any more."""
        self.admin("ALTER SYSTEM SET primary_conninfo = ''")
        self.admin("SELECT pg_reload_conf()")
        wait_until(lambda: not self.follows(), "the replica is alone")

    def promote(self) -> None:
        """It takes writes from now on. The other one must not be reached any more."""
        self.admin("SELECT pg_promote()")


@contextmanager
def replicated(primary: Server) -> Iterator[Replica]:
    """A replica of ``primary``, which it follows, in a folder that is removed at the end."""
    with kept() as made:
        if made.system_user:
            shutil.chown(made.pgdata, made.system_user)
        copy = [made.bin_path / "pg_basebackup", "-D", made.pgdata, "-d", primary.dsn("postgres"), "-R", "-c", "fast"]
        subprocess.run(copy, user=made.system_user, check=True, capture_output=True)
        # Of the primary's socket, which is in the folder that was copied.
        (made.pgdata / ".s.PGSQL.5432.lock").unlink()
        replica = Replica(made.pgdata, starter(made, SETTINGS))
        replica.primary = primary
        try:
            replica.start()
            wait_until(replica.follows, "the replica follows")
            yield replica
        finally:
            replica.end()
