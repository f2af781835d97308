"""What every check of a log begins with: its database as it is, and the keys that it says it has."""

from __future__ import annotations

from ledger.errors import NoLog, UnknownSchema
from ledger.folder import Folder
from ledger.store.sqlite import SCHEMA, SqliteStore, schema_of
from tallystick.admission import LOG, State, StateReader
from tallystick.admission.log_rules import role_key
from tallystick.admission.state import LogState
from tallystick.tree_head import LogKeys


def open_unchanged(folder: Folder) -> SqliteStore:
    """The database of a log, which is not migrated. Raises ``NoLog`` or ``UnknownSchema``."""
    if not folder.database.is_file():
        raise NoLog(f"there is no log in {folder.path}: correct the path")
    if schema_of(folder.database) != SCHEMA:
        raise UnknownSchema(f"{folder.database} has another schema than this program: open the log with it once")
    return SqliteStore(folder.database)


def keys_in(states: StateReader) -> LogKeys:
    """The keys that sign this log's checkpoints now. Raises ``NoLog`` when it has not begun."""
    keys = keys_of(states.get(LOG))
    if keys is None:
        raise NoLog("entry 0 gives no keys: no checkpoint of this log can be verified; run `fsck`")
    return keys


def keys_of(state: State | None) -> LogKeys | None:
    """The keys in the state under ``LOG``."""
    if not isinstance(state, LogState):
        return None
    ed25519, ml_dsa, authority = (role_key(state.keys, role) for role in ("log", "log-pq", "authority"))
    return LogKeys(state.origin, ed25519, ml_dsa, authority)
