"""Tables of ``anchors.db`` and how the file is opened. Other processes read it while the worker writes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from anchors.errors import OutboxConflict
from anchors.timestamps.schema import STAMPS, TOKENS_BY_SIZE

_FIRST_FORMAT = 1

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

_OTHER_CHAINS = """
ALTER TABLE target ADD COLUMN trouble TEXT;
ALTER TABLE target ADD COLUMN trouble_at INTEGER;
ALTER TABLE target ADD COLUMN stopped INTEGER;
ALTER TABLE anchor ADD COLUMN draft BLOB;
ALTER TABLE attempt ADD COLUMN sender BLOB;
ALTER TABLE attempt ADD COLUMN gas INTEGER;
ALTER TABLE attempt ADD COLUMN max_tip INTEGER;
ALTER TABLE attempt ADD COLUMN lost_at INTEGER;
ALTER TABLE attempt ADD COLUMN settled_at INTEGER;
ALTER TABLE attempt ADD COLUMN succeeded INTEGER;
ALTER TABLE attempt ADD COLUMN gas_used INTEGER;
ALTER TABLE attempt ADD COLUMN gas_price INTEGER;
"""

_BUDGET = """
ALTER TABLE target ADD COLUMN waits TEXT;
ALTER TABLE target ADD COLUMN waits_at INTEGER;
"""

# A log's authority was replaced: (size, root) is the last checkpoint that the predecessor signed, by ``signature``;
# consent and acceptance are for the contract.
_HANDOVER = """
CREATE TABLE handover (
    id INTEGER PRIMARY KEY,
    target_id INTEGER NOT NULL REFERENCES target,
    size INTEGER NOT NULL CHECK (size > 0),
    root BLOB NOT NULL,
    note BLOB NOT NULL,
    signature BLOB NOT NULL,
    predecessor BLOB NOT NULL,
    successor BLOB NOT NULL,
    consent BLOB NOT NULL,
    acceptance BLOB NOT NULL,
    prepared_at INTEGER NOT NULL,
    done_at INTEGER,
    UNIQUE (target_id, successor)
) STRICT;
ALTER TABLE attempt ADD COLUMN handover_id INTEGER REFERENCES handover;
"""

STEPS: tuple[str, ...] = (_OTHER_CHAINS, _BUDGET, STAMPS, _HANDOVER, TOKENS_BY_SIZE)
"""What came after the first format, oldest first. A step only adds, and is never changed: outboxes have taken it."""

FORMAT = _FIRST_FORMAT + len(STEPS)
"""Version of the tables, kept in ``PRAGMA user_version``."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the outbox, bringing its tables to ``FORMAT``. Raises ``OutboxConflict`` for a file that is none of ours."""
    sql = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        sql.execute(f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}")
        _bring_up(sql, path)
        sql.execute("PRAGMA journal_mode=WAL")
        sql.execute("PRAGMA synchronous=FULL")
        sql.execute("PRAGMA foreign_keys=ON")
        sql.row_factory = sqlite3.Row
    except BaseException:
        sql.close()
        raise
    return sql


def _bring_up(sql: sqlite3.Connection, path: Path) -> None:
    # Two processes may open a file at once: the second finds what the first one did.
    sql.execute("BEGIN IMMEDIATE")
    try:
        if _number(sql, "SELECT count(*) FROM sqlite_master") == 0:
            _run(sql, _TABLES)
            sql.execute(f"PRAGMA application_id={APPLICATION_ID}")
            sql.execute(f"PRAGMA user_version={_FIRST_FORMAT}")
        _check_format(sql, path)
        for step in STEPS[_number(sql, "PRAGMA user_version") - _FIRST_FORMAT :]:
            _run(sql, step)
        sql.execute(f"PRAGMA user_version={FORMAT}")
        sql.execute("COMMIT")
    except BaseException:
        if sql.in_transaction:
            sql.execute("ROLLBACK")
        raise


def _run(sql: sqlite3.Connection, script: str) -> None:
    for statement in script.split(";"):
        if statement.strip():
            sql.execute(statement)


def _check_format(sql: sqlite3.Connection, path: Path) -> None:
    if _number(sql, "PRAGMA application_id") != APPLICATION_ID:
        raise OutboxConflict(f"{path} is a database of another program: give the path of the anchors' outbox")
    version = _number(sql, "PRAGMA user_version")
    if not _FIRST_FORMAT <= version <= FORMAT:
        raise OutboxConflict(
            f"{path} has outbox format {version}, this release reads formats up to {FORMAT}: install a newer one"
        )


def _number(sql: sqlite3.Connection, query: str) -> int:
    (value,) = sql.execute(query).fetchone()
    return int(value)
