"""Several entries in a row, their statement ids beside them; the index of statement ids in sorted runs."""

import sqlite3

import sqlalchemy as sa
from alembic import op

from ledger.store import chunks
from ledger.store.runs import StatementIds

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STEP = 4096


def upgrade() -> None:
    """Entries are copied as they are; memory does not grow with their number."""
    op.create_table(
        "chunks",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("statement_ids", sa.LargeBinary, nullable=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("run", sa.Integer, primary_key=True),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("stop", sa.Integer, nullable=False),
        sa.Column("merged", sa.Integer, nullable=False),
    )
    for name, content in (("buckets", "records"), ("filters", "bits")):
        op.create_table(
            name,
            sa.Column("slot", sa.Integer, primary_key=True),
            sa.Column(content, sa.LargeBinary, nullable=False),
        )
    _copy_entries(op.get_bind().connection.driver_connection)  # type: ignore[arg-type]
    op.drop_table("entries")
    _drop_statement_ids()


def _copy_entries(connection: sqlite3.Connection) -> None:
    index = StatementIds(connection)
    query = (
        "SELECT entry, statement_id FROM entries JOIN statements USING (position)"
        " WHERE position >= ? AND position < ? ORDER BY position"
    )
    (size,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    for first in range(0, size, _STEP):
        entries, ids = zip(*connection.execute(query, (first, first + _STEP)), strict=True)
        index.add(first, ids)
        chunks.write(connection, first, entries, ids)


def _drop_statement_ids() -> None:
    op.create_table(
        "statements_without_ids",
        sa.Column("position", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("party", "event_id", "type", "subject")),
        sa.UniqueConstraint("party", "event_id", name="statements_party_event_id"),
    )
    columns = "position, party, event_id, type, subject"
    op.execute(f"INSERT INTO statements_without_ids SELECT {columns} FROM statements ORDER BY position")
    op.drop_table("statements")
    op.rename_table("statements_without_ids", "statements")
    op.create_index("statements_type", "statements", ["type", "position"])
