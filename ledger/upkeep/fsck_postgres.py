"""What only a PostgreSQL database can tell: rows that no entry asks for, how its tables are declared."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store.postgres import PostgresStore
from ledger.store.postgres_catalogue import declared, differences
from ledger.upkeep.fsck_rows import Asked, miscounted, values
from ledger.upkeep.replaying import Finding

_ONE_ROW = ("fence", "lease", "scrubbing")


def rows(store: PostgresStore, asked: Asked) -> Iterator[Finding]:
    """As ``ledger.upkeep.fsck_database.rows``."""
    with store.snapshot() as reads:
        yield from values(reads, asked)
        counts = {
            "entries": reads.size(),
            "statements": asked.entries,
            "subject_references": asked.named,
            "disclosures": asked.values,
            "batches": asked.batches,
        }
        yield from miscounted(counts, reads.rows)
        for table in _ONE_ROW:
            if (count := reads.rows(table)) != 1:
                yield Finding(-1, f"the table {table} has {count} rows, expected one: nobody can sequence without it")


def schema(store: PostgresStore) -> Iterator[Finding]:
    """Tables are declared as the migrations declare them, and no trigger nor rule stands between."""
    with store.pool.use() as connection:
        found = declared(connection)
    for difference in differences(found):
        yield Finding(-1, f"the database's tables are not as they were made: {difference}")
