"""Entries, their index, batches, states and disclosures."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From nothing."""
    op.create_table(
        "entries",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("entry", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "statements",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("statement_id", sa.LargeBinary, nullable=False),
        sa.Column("party", sa.String, nullable=False),
        sa.Column("event_id", sa.String, nullable=False),
        sa.Column("type", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.UniqueConstraint("statement_id", name="statements_statement_id"),
        sa.UniqueConstraint("party", "event_id", name="statements_party_event_id"),
    )
    op.create_index("statements_type", "statements", ["type", "position"])
    op.create_table(
        "subject_references",
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "batches",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("admitted_at", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    op.create_index("batches_admitted_at", "batches", ["admitted_at"])
    op.create_table(
        "states",
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disclosures",
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("disclosure", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
