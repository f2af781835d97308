"""Names by number, with their states and what mentions them; events by short keys; types as rows of neighbours."""

import sqlite3
from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from alembic import op

from ledger.store.event_ids import event_key
from ledger.store.names import name_key

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAMES = """
INSERT INTO names (name, state) SELECT name, state FROM (
    SELECT subject AS name, min(position) AS first FROM subject_references GROUP BY subject
    UNION ALL
    SELECT "key", 9223372036854775807 FROM states
    WHERE NOT EXISTS (SELECT 1 FROM subject_references WHERE subject = "key")
) LEFT JOIN states ON "key" = name ORDER BY first, name
"""
"""In the order in which entries first mentioned them."""
_MENTIONS = """
SELECT n.number, r.position FROM names n CROSS JOIN subject_references r ON r.subject = n.name
ORDER BY n.number, r.position
"""


def upgrade() -> None:
    """Entries are not touched. What was found by texts is found by numbers and keys."""
    _make_tables()
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    _fill(connection)
    for name in ("states", "subject_references"):
        op.drop_table(name)
    _drop_texts()


def _make_tables() -> None:
    op.create_table(
        "names",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=True),
    )
    for name, keys, others in (
        ("event_keys", [("key", sa.Integer), ("position", sa.Integer)], []),
        ("name_keys", [("key", sa.Integer), ("number", sa.Integer)], []),
        ("mentions", [("name", sa.Integer), ("last", sa.Integer)], ["first"]),
        ("kinds", [("type", sa.String), ("last", sa.Integer)], ["first"]),
    ):
        op.create_table(
            name,
            *(sa.Column(column, kind, primary_key=True) for column, kind in keys),
            *(sa.Column(column, sa.Integer, nullable=False) for column in others),
            sqlite_with_rowid=False,
        )


def _fill(connection: sqlite3.Connection) -> None:
    connection.create_function("name_key", 1, name_key)
    connection.create_function("event_key", 2, event_key)
    connection.execute(_NAMES)
    connection.execute("INSERT INTO name_keys SELECT name_key(name), number FROM names ORDER BY 1")
    connection.execute("INSERT INTO event_keys SELECT event_key(party, event_id), position FROM statements ORDER BY 1")
    for table, query in (
        ("mentions", _MENTIONS),
        ("kinds", "SELECT type, position FROM statements ORDER BY type, position"),
    ):
        connection.executemany(f"INSERT INTO {table} VALUES (?, ?, ?)", _neighbours(connection.execute(query)))


def _neighbours(rows: Iterable[tuple[object, int]]) -> Iterator[tuple[object, int, int]]:
    """(what, last, first) of (what, position) in order; memory does not grow with their number."""
    what, first, last = None, 0, -1
    for other, position in rows:
        if other != what or position != last + 1:
            if what is not None:
                yield what, last, first
            what, first = other, position
        last = position
    if what is not None:
        yield what, last, first


def _drop_texts() -> None:
    """Party and event id stand once because the writer looks; a table loses its constraints by being made again."""
    op.create_table(
        "statements_without_keys",
        sa.Column("position", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("party", "event_id", "type", "subject")),
    )
    columns = "position, party, event_id, type, subject"
    op.execute(f"INSERT INTO statements_without_keys SELECT {columns} FROM statements ORDER BY position")
    op.drop_table("statements")
    op.rename_table("statements_without_keys", "statements")
