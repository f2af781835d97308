"""The log, who may write it, what is published of it, and the queue before it."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text(collation="C")


def upgrade() -> None:
    """From nothing."""
    _log()
    _writers()
    _published()
    op.execute("CREATE SEQUENCE submission_turns")
    op.create_table(
        "submissions",
        sa.Column("sender", TEXT, primary_key=True),
        _number("number", primary_key=True),
        _number("turn", nullable=False, server_default=sa.text("nextval('submission_turns')")),
        sa.Column("work", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
    op.create_index("submissions_waiting", "submissions", ["turn"], postgresql_where=sa.text("answer IS NULL"))
    # Digests, signatures and packed bytes do not shrink: trying to compress them costs time only.
    for table, column in (("entries", "entry"), ("published_tiles", "data"), ("submissions", "work")):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE EXTERNAL")


def _number(name: str, **options: Any) -> sa.Column:
    return sa.Column(name, sa.BigInteger, autoincrement=False, **options)


def _log() -> None:
    op.create_table(
        "entries",
        _number("position", primary_key=True),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("statement_id", sa.LargeBinary),
        sa.UniqueConstraint("statement_id", name="entries_statement_id"),
    )
    op.create_table(
        "statements",
        _number("position", primary_key=True),
        *(sa.Column(name, TEXT, nullable=False) for name in ("party", "event_id", "type", "subject")),
        sa.UniqueConstraint("party", "event_id", name="statements_party_event_id"),
    )
    op.create_index("statements_type", "statements", ["type", "position"])
    op.create_table(
        "subject_references", _number("position", primary_key=True), sa.Column("subject", TEXT, primary_key=True)
    )
    op.create_index("subject_references_subject", "subject_references", ["subject", "position"])
    op.create_table(
        "batches",
        _number("position", primary_key=True),
        _number("first", nullable=False),
        _number("admitted_at", nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
    )
    op.create_index("batches_admitted_at", "batches", ["admitted_at"])
    op.create_table(
        "states", sa.Column("key", TEXT, primary_key=True), sa.Column("state", sa.LargeBinary, nullable=False)
    )
    op.create_table(
        "disclosures",
        _number("position", primary_key=True),
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("disclosure", TEXT, nullable=False),
    )


def _only_row(table: str, *columns: sa.Column) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        *columns,
        sa.CheckConstraint("id = 1", name=f"{table}_only_row"),
    )


def _writers() -> None:
    _only_row("fence", _number("epoch", nullable=False))
    _only_row(
        "lease",
        _number("epoch", nullable=False),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
    )
    op.execute("INSERT INTO fence VALUES (1, 0)")
    op.execute("INSERT INTO lease VALUES (1, 0, '', '-infinity')")


def _published() -> None:
    op.create_table(
        "published_tiles",
        sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
        _number("index", primary_key=True),
        sa.Column("width", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
    _only_row(
        "published_checkpoint",
        _number("epoch", nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
    )
