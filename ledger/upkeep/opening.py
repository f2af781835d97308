"""What every check of a log begins with: its database as it is, and the keys that it says it has."""

from __future__ import annotations

import sqlite3

from ledger.errors import Corrupt, NoLog, UnknownSchema
from ledger.folder import Folder
from ledger.store.newest import SCHEMA
from ledger.store.sqlite import SqliteStore, schema_of
from tallystick.admission import LOG, State, StateReader
from tallystick.admission.state import LogState
from tallystick.key_history import KeyHistory, history_of


def open_unchanged(folder: Folder) -> SqliteStore:
    """The database of a log, which is not migrated. Raises ``NoLog``, ``UnknownSchema`` or ``Corrupt``."""
    if not folder.database.is_file():
        inside = folder.path / "log"
        there = (inside / folder.database.name).is_file()
        raise NoLog(f"there is no log in {folder.path}: {f'one is in {inside}' if there else 'correct the path'}")
    if schema_of(folder.database) != SCHEMA:
        raise UnknownSchema(f"{folder.database} has another schema than this program: open the log with it once")
    try:
        return SqliteStore(folder.database)
    except sqlite3.DatabaseError as error:
        raise Corrupt(f"{folder.database} is damaged: {error}; restore it") from None


def keys_in(states: StateReader) -> KeyHistory:
    """The keys that sign this log's checkpoints, by size. Raises ``NoLog`` when it has not begun."""
    keys = keys_of(states.get(LOG))
    if keys is None:
        raise NoLog("entry 0 gives no keys: no checkpoint of this log can be verified; run `fsck`")
    return keys


def keys_of(state: State | None) -> KeyHistory | None:
    """The keys in the state under ``LOG``."""
    return history_of(state) if isinstance(state, LogState) else None
