"""Creating and upgrading a database. Imports Alembic, so it is itself imported only when the schema differs."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Connection

SCRIPTS = Path(__file__).with_name("migrations")


def migrate(database: Path) -> None:
    """Bring ``database`` to the newest schema in one transaction; creates the file if it is missing."""
    # The driver must not begin or commit behind our back: schema changes are part of the transaction.
    engine = create_engine(f"sqlite:///{database}", connect_args={"isolation_level": None})
    event.listen(engine, "begin", _begin_for_writing)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    try:
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _begin_for_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
