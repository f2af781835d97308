"""The newest schema as the driver writes it: a database is begun without Alembic, which upgrades older ones.

Loading Alembic and what it rests on takes longer than all else of a first start, and 30 MB for as long as the process
lives. What the migrations make is the same: a test compares.
"""

from __future__ import annotations

import sqlite3

SCHEMA = "0003"
"""The newest migration, known here so that opening an up-to-date database need not import Alembic either."""

_NO_ROWID = "\n WITHOUT ROWID\n\n"


def _table(name: str, *lines: str, end: str = "") -> str:
    """Laid out as Alembic does it: ``fsck`` compares what a database says of itself letter by letter."""
    return f"CREATE TABLE {name} (\n\t" + ", \n\t".join(lines) + f"\n){end}"


_MADE = (
    _table(
        "alembic_version",
        "version_num VARCHAR(32) NOT NULL",
        "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)",
    ),
    _table(
        "chunks",
        "position INTEGER NOT NULL",
        "statement_ids BLOB NOT NULL",
        "entries BLOB NOT NULL",
        "PRIMARY KEY (position)",
    ),
    _table(
        "runs",
        "run INTEGER NOT NULL",
        "level INTEGER NOT NULL",
        "stop INTEGER NOT NULL",
        "merged INTEGER NOT NULL",
        "PRIMARY KEY (run)",
    ),
    _table("buckets", "slot INTEGER NOT NULL", "records BLOB NOT NULL", "PRIMARY KEY (slot)"),
    _table("filters", "slot INTEGER NOT NULL", "bits BLOB NOT NULL", "PRIMARY KEY (slot)"),
    _table(
        '"statements"',  # it had another name for a moment
        "position INTEGER NOT NULL",
        "party VARCHAR NOT NULL",
        "event_id VARCHAR NOT NULL",
        "type VARCHAR NOT NULL",
        "subject VARCHAR NOT NULL",
        "PRIMARY KEY (position)",
    ),
    _table(
        "event_keys",
        '"key" INTEGER NOT NULL',
        "position INTEGER NOT NULL",
        'PRIMARY KEY ("key", position)',
        end=_NO_ROWID,
    ),
    _table(
        "kinds",
        "type VARCHAR NOT NULL",
        "last INTEGER NOT NULL",
        "first INTEGER NOT NULL",
        "PRIMARY KEY (type, last)",
        end=_NO_ROWID,
    ),
    _table("names", "number INTEGER NOT NULL", "name VARCHAR NOT NULL", "state BLOB", "PRIMARY KEY (number)"),
    _table(
        "name_keys",
        '"key" INTEGER NOT NULL',
        "number INTEGER NOT NULL",
        'PRIMARY KEY ("key", number)',
        end=_NO_ROWID,
    ),
    _table(
        "mentions",
        "name INTEGER NOT NULL",
        "last INTEGER NOT NULL",
        "first INTEGER NOT NULL",
        "PRIMARY KEY (name, last)",
        end=_NO_ROWID,
    ),
    _table(
        "batches",
        "position INTEGER NOT NULL",
        "first INTEGER NOT NULL",
        "admitted_at INTEGER NOT NULL",
        "digest BLOB NOT NULL",
        "PRIMARY KEY (position)",
    ),
    "CREATE INDEX batches_admitted_at ON batches (admitted_at)",
    _table(
        "disclosures",
        "position INTEGER NOT NULL",
        "name VARCHAR NOT NULL",
        "disclosure VARCHAR NOT NULL",
        "PRIMARY KEY (position, name)",
        end=_NO_ROWID,
    ),
)


def make_tables(connection: sqlite3.Connection) -> None:
    """All of them or none, in a database that has none, by a connection that leaves transactions to us."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _MADE:
            connection.execute(statement)
        connection.execute("INSERT INTO alembic_version VALUES (?)", (SCHEMA,))
        connection.execute("COMMIT")
    finally:
        # After the commit there is nothing to roll back.
        connection.rollback()
