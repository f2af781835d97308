"""Run by Alembic; ``ledger.store.migrate`` brings the connection and owns the transaction."""

from alembic import context
from sqlmodel import SQLModel

from ledger.store import tables  # noqa: F401  (declares the metadata)

context.configure(connection=context.config.attributes["connection"], target_metadata=SQLModel.metadata)
context.run_migrations()
