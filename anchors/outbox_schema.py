"""Tables of ``anchors.db`` and how the file is opened. Other processes read it while the worker writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from anchors.errors import OutboxConflict

FORMAT = 1
"""Version of the tables, kept in ``PRAGMA user_version``."""

APPLICATION_ID = 0x74616C61
"""``PRAGMA application_id``: "tala"."""

_BUSY_MILLISECONDS = 10_000

# Times are unix seconds, hashes and addresses raw bytes. A NULL time: not yet.
_TABLES = """
CREATE TABLE target (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL CHECK (state IN ('deploying', 'announced', 'named')),
    chain_id INTEGER NOT NULL,
    genesis_hash BLOB NOT NULL,
    origin TEXT NOT NULL,
    authority BLOB NOT NULL,
    log_id BLOB NOT NULL,
    sealer BLOB,
    vouched_by TEXT NOT NULL,
    code_hash BLOB NOT NULL,
    contract BLOB,
    log_position INTEGER,
    deploying_at INTEGER NOT NULL,
    announced_at INTEGER,
    named_at INTEGER
) STRICT;

CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    reason TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    requested_at INTEGER NOT NULL
) STRICT;

CREATE TABLE anchor (
    id INTEGER PRIMARY KEY,
    target_id INTEGER NOT NULL REFERENCES target,
    size INTEGER NOT NULL CHECK (size > 0),
    root BLOB NOT NULL,
    note BLOB NOT NULL,
    signature BLOB NOT NULL,
    reason TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('prepared', 'sent', 'mined', 'final', 'dropped')),
    prepared_at INTEGER NOT NULL,
    sent_at INTEGER,
    mined_at INTEGER,
    final_at INTEGER,
    dropped_at INTEGER,
    tx_hash BLOB,
    block_hash BLOB,
    block_number INTEGER,
    block_time INTEGER,
    proof BLOB,
    error TEXT,
    UNIQUE (target_id, size, root),
    CHECK (state NOT IN ('mined', 'final') OR block_hash IS NOT NULL),
    CHECK (state <> 'final' OR proof IS NOT NULL)
) STRICT;

-- One row for each signed transaction, stored before it is sent. anchor_id NULL: the target's deployment.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    target_id INTEGER NOT NULL REFERENCES target,
    anchor_id INTEGER REFERENCES anchor,
    nonce INTEGER NOT NULL,
    max_fee INTEGER NOT NULL,
    raw BLOB NOT NULL,
    tx_hash BLOB NOT NULL UNIQUE,
    stored_at INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;
CREATE INDEX attempt_anchor ON attempt (anchor_id);
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the outbox, making its tables when the file is new. Raises ``OutboxConflict`` for another file."""
    sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        sql.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        sql.execute("PRAGMA journal_mode=WAL")
        sql.execute("PRAGMA synchronous=FULL")
        sql.execute("PRAGMA foreign_keys=ON")
        sql.row_factory = sqlite3.Row
        _make_tables(sql)
        _check_format(sql, path)
    except BaseException:
        sql.close()
        raise
    return sql


def _make_tables(sql: sqlite3.Connection) -> None:
    # Two processes may open a new file at once: the second finds the first one's tables.
    sql.execute("BEGIN IMMEDIATE")
    try:
        (tables,) = sql.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == 0:
            for statement in _statements():
                sql.execute(statement)
        sql.execute("COMMIT")
    except BaseException:
        sql.execute("ROLLBACK")
        raise


def _statements() -> list[str]:
    pragmas = [f"PRAGMA application_id={APPLICATION_ID}", f"PRAGMA user_version={FORMAT}"]
    return [part for part in _TABLES.split(";") if part.strip()] + pragmas


def _check_format(sql: sqlite3.Connection, path: Path) -> None:
    (application,) = sql.execute("PRAGMA application_id").fetchone()
    (version,) = sql.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise OutboxConflict(f"{path} is a database of another program: give the path of the anchors' outbox")
    if version != FORMAT:
        raise OutboxConflict(
            f"{path} has outbox format {version}, this release reads format {FORMAT}: install a newer one"
        )
