"""Creating and upgrading a PostgreSQL schema. Imports Alembic, so it is itself imported only when that is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError

from ledger.store.postgres_wire import connect, reaching

SCRIPTS = Path(__file__).with_name("postgres_migrations")

_LOCK = 0x7A11
"""Of the advisory lock: two processes that start together do not migrate both."""


def migrate(dsn: str) -> None:
    """Bring the database to the newest schema in one transaction. Raises ``DatabaseUnreachable``."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: _open(dsn))
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    try:
        with _as_driven(), engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


@contextmanager
def _as_driven() -> Iterator[None]:
    """What the server refuses is told as everywhere else: SQLAlchemy puts errors of its own around the driver's."""
    with reaching():
        try:
            yield
        except DBAPIError as error:
            raise error.orig or error from None


def _open(dsn: str) -> object:
    connection = connect(dsn, "tallystick migration")
    # Another process's migration is waited for.
    connection.execute("SET lock_timeout = 0")
    connection.autocommit = False
    return connection
