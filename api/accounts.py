"""Access tokens: each belongs to one party and has scopes. Only the SHA-256 of a token is kept."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from tallystick.errors import MalformedInput, TallystickError
from tallystick.lazy_dataclass import dataclass

Scope: TypeAlias = Literal["submit", "read-private", "evidence", "registrar", "operate"]
SCOPES: tuple[Scope, ...] = get_args(Scope)

VERSION = 1
"""Of the table, kept in ``PRAGMA user_version``; 0 is a blank file."""

FRESH = 0.1
"""Seconds for which what was found is not looked for again."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS token (
    id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, party TEXT NOT NULL, scopes TEXT NOT NULL
) STRICT
"""


@dataclass(frozen=True)
class Account:
    """Who presents a token: the party, what the token may do, and the token's public name."""

    token_id: str
    party: str
    scopes: frozenset[str]


class LaterAccounts(TallystickError):
    """A later program wrote the database."""


class Accounts:
    """Tokens in a small database of their own, apart from the log. Safe to share between threads."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock``: seconds that never go back."""
        self._clock = clock
        self._found: dict[bytes, Account] = {}
        self._version, self._fresh_until = -1, clock()
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            self._db.close()
            raise LaterAccounts(
                f"{path} has account format {version}, this program knows {VERSION}: install a newer one"
            )
        self._db.executescript(
            f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN; {_SCHEMA}; PRAGMA user_version={VERSION}; COMMIT"
        )

    def issue(self, party: str, scopes: Iterable[str]) -> tuple[str, Account]:
        """A new token, told once, and the account it opens. Raises ``MalformedInput`` for an unknown scope."""
        token, account = draw(party, scopes)
        with self._lock:
            self._db.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?)",
                (account.token_id, digest_of(token), party, " ".join(sorted(account.scopes))),
            )
        return token, account

    def find(self, token: str) -> Account | None:
        """The account that ``token`` opens, if any. What another process revoked may open for ``FRESH`` seconds yet."""
        digest = digest_of(token)
        with self._lock:
            if self._clock() >= self._fresh_until:
                self._refresh()
            found = self._found.get(digest)
            if found is None:
                query = "SELECT id, party, scopes FROM token WHERE digest = ?"
                row = self._db.execute(query, (digest,)).fetchone()
                if row is None:
                    return None
                found = self._found[digest] = Account(row[0], row[1], frozenset(row[2].split()))
            return found

    def _refresh(self) -> None:
        """Forget what was found if somebody else has changed the database since."""
        (version,) = self._db.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._found.clear()
        self._version, self._fresh_until = version, self._clock() + FRESH

    def revoke(self, token_id: str) -> bool:
        """Make a token worthless; whether there was one of that name."""
        with self._lock:
            self._found.clear()
            return self._db.execute("DELETE FROM token WHERE id = ?", (token_id,)).rowcount == 1

    def is_empty(self) -> bool:
        """Whether no token was ever issued (or all were revoked)."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM token LIMIT 1").fetchone() is None

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()


def draw(party: str, scopes: Iterable[str]) -> tuple[str, Account]:
    """A new token, and the account that it is to open. Raises ``MalformedInput`` for an unknown scope."""
    chosen = frozenset(scopes)
    if unknown := chosen - set(SCOPES):
        raise MalformedInput(f"unknown scopes {', '.join(sorted(unknown))}; known: {', '.join(SCOPES)}")
    return f"ts_{secrets.token_urlsafe(32)}", Account(secrets.token_hex(8), party, chosen)


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
