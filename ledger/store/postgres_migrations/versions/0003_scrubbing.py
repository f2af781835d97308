"""What was erased, and what of it is out of the tables' files."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0002."""
    op.create_table(
        "scrubbing",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("erased", sa.BigInteger, nullable=False),
        sa.Column("gone", sa.BigInteger, nullable=False),
        sa.CheckConstraint("id = 1", name="scrubbing_only_row"),
    )
    # Whether earlier erasures are out of the files nobody knows: the first sequencer writes the tables anew.
    op.execute("INSERT INTO scrubbing SELECT 1, count(*), 0 FROM statements WHERE type = 'disclosure.erase'")
