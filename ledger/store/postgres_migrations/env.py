"""Run by Alembic; ``ledger.store.postgres_migrate`` brings the connection and owns the transaction."""

from alembic import context

from ledger.store.postgres_tables import Declared

context.configure(connection=context.config.attributes["connection"], target_metadata=Declared.metadata)
context.run_migrations()
