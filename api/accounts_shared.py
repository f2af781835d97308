"""Access tokens in the database that several services share: a token opens its account at each of them."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from api.accounts import Account, Accounts, digest_of, draw
from ledger.store.postgres_wire import Pool

_TABLE = (
    "CREATE TABLE IF NOT EXISTS tokens"
    " (id text PRIMARY KEY, digest bytea NOT NULL UNIQUE, party text NOT NULL, scopes text NOT NULL)"
)


class SharedAccounts(Accounts):
    """``Accounts`` in PostgreSQL. Any call raises ``DatabaseUnreachable`` while the server does not answer."""

    def __init__(self, dsn: str) -> None:
        self._pool = Pool(dsn, "tallystick accounts")
        with self._pool.use() as connection:
            try:
                connection.execute(_TABLE)
            except psycopg.errors.UniqueViolation:
                # Another service made it at this very moment.
                connection.execute(_TABLE)

    def issue(self, party: str, scopes: Iterable[str]) -> tuple[str, Account]:
        """See ``Accounts``."""
        token, account = draw(party, scopes)
        with self._pool.use() as connection:
            connection.execute(
                "INSERT INTO tokens VALUES (%s, %s, %s, %s)",
                (account.token_id, digest_of(token), party, " ".join(sorted(account.scopes))),
            )
        return token, account

    def find(self, token: str) -> Account | None:
        """See ``Accounts``."""
        with self._pool.use() as connection:
            query = "SELECT id, party, scopes FROM tokens WHERE digest = %s"
            row = connection.execute(query, (digest_of(token),)).fetchone()
        return Account(row[0], row[1], frozenset(row[2].split())) if row else None

    def revoke(self, token_id: str) -> bool:
        """See ``Accounts``."""
        with self._pool.use() as connection:
            return connection.execute("DELETE FROM tokens WHERE id = %s", (token_id,)).rowcount == 1

    def is_empty(self) -> bool:
        """See ``Accounts``."""
        with self._pool.use() as connection:
            return connection.execute("SELECT 1 FROM tokens LIMIT 1").fetchone() is None

    def close(self) -> None:
        """See ``Accounts``."""
        self._pool.close()
