"""The table of timestamps in ``anchors.db``: a step of ``anchors.outbox_schema``."""

from __future__ import annotations

# One row for each message and authority. Times are unix seconds, gen_time and accuracy microseconds.
STAMPS = """
CREATE TABLE stamp (
    id INTEGER PRIMARY KEY,
    authority TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('checkpoint', 'block')),
    message BLOB NOT NULL,
    size INTEGER NOT NULL CHECK (size > 0),
    root BLOB NOT NULL,
    note BLOB NOT NULL,
    anchor_id INTEGER REFERENCES anchor,
    reason TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('prepared', 'sent', 'final', 'dropped')),
    prepared_at INTEGER NOT NULL,
    sent_at INTEGER,
    final_at INTEGER,
    dropped_at INTEGER,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    proof BLOB,
    gen_time INTEGER,
    accuracy INTEGER,
    serial TEXT,
    signer TEXT,
    own INTEGER,
    error TEXT,
    alarm INTEGER NOT NULL,
    UNIQUE (authority, message),
    CHECK (state <> 'final' OR (proof IS NOT NULL AND gen_time IS NOT NULL))
) STRICT;
"""

TOKENS_BY_SIZE = """
CREATE INDEX stamp_token ON stamp (authority, size) WHERE kind = 'checkpoint' AND proof IS NOT NULL;
"""
"""An export asks for few of the tokens; there may be one for each licence."""
