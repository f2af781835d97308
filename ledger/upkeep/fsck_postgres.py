"""What only a PostgreSQL database can tell: rows that no entry asks for, how its tables are declared."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store.postgres import PostgresStore
from ledger.upkeep.fsck_rows import Asked, miscounted, values
from ledger.upkeep.replaying import Finding


def rows(store: PostgresStore, asked: Asked) -> Iterator[Finding]:
    """As ``ledger.upkeep.fsck_database.rows``."""
    with store.snapshot() as reads:
        yield from values(reads, asked)
        counts = {
            "statements": asked.entries,
            "subject_references": asked.named,
            "disclosures": asked.values,
            "batches": asked.batches,
        }
        yield from miscounted(counts, reads.rows)


def schema(store: PostgresStore) -> Iterator[Finding]:
    """Tables, columns, indexes and unique constraints are declared as the migrations declare them."""
    from ledger.store.postgres_migrate import differences  # imports Alembic

    for difference in differences(store.pool.dsn):
        yield Finding(-1, f"the database's tables are not as they were made: {difference}")
