"""A key of the log is replaced while nobody else writes it: the entry, and the batch entry by the key then in force."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from ledger.batch import Clock, Scribe
from ledger.errors import NoLog
from ledger.folder import Folder, FolderLock
from ledger.store import Store
from ledger.store.sqlite import open_store
from ledger.submission import Receipt, prepare
from tallystick.admission import LOG
from tallystick.admission.log_rules import role_key
from tallystick.admission.rotation import prove_rotation
from tallystick.admission.state import LogState
from tallystick.events import Event
from tallystick.events.log import Role
from tallystick.keys import Signer
from tallystick.statement import Statement, sign_statement
from tallystick.times import format_time


def rotate_key(
    path: Path,
    signers: Mapping[str, Signer],
    role: Role,
    new: Signer,
    clock: Clock,
    *,
    checkpoints: Path | None = None,
) -> Receipt:
    """Give ``role`` the key ``new`` in the log in ``path``, which nobody may have open; returns once it is durable.

    ``signers``: those in force, by role. The next checkpoint is for the new keys to sign. If the
    log has the new key in this role already the entry stands, and its receipt is given again.
    Raises ``NoLog``, ``LogBusy`` or ``Refused``.
    """
    folder = Folder(path, checkpoints)
    if not folder.database.is_file():
        raise NoLog(f"there is no log in {path}: correct the path")
    lock = FolderLock(folder)
    try:
        with closing(open_store(folder.database)) as store:
            return write_rotation(store, signers, role, new, clock)
    finally:
        lock.release()


def write_rotation(store: Store, signers: Mapping[str, Signer], role: Role, new: Signer, clock: Clock) -> Receipt:
    """As ``rotate_key``, into a store that the caller alone writes."""
    with store.snapshot() as reads:
        log = reads.get(LOG)
    if not isinstance(log, LogState):
        raise NoLog("the database holds no genesis entries: begin the log first")
    if role_key(log.keys, role) == new.public:
        position = next(gone.until for gone in reversed(log.retired or ()) if gone.role == role)
        with store.snapshot() as reads:
            record = reads.record(position)
        assert record is not None  # the state says that it stands there
        return Receipt(position, record.batch, record.admitted_at, True)
    statement = _statement(log, signers, role, new, clock)
    # The batch entry comes after the rotation, so it is for the key in force by then.
    scribe = Scribe(store, log.origin, new if role == "log" else signers["log"], clock)
    (outcome,) = scribe.write([prepare(statement)])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _statement(log: LogState, signers: Mapping[str, Signer], role: Role, new: Signer, clock: Clock) -> Statement:
    event = Event(
        type="log.rotate",
        event_id=f"rotate-{role}-{new.public.kid.hex()[:16]}",
        subject=log.origin,
        time=format_time(clock()),
        body=prove_rotation(log.origin, role, signers[role], new, signers["log"]),
    )
    return sign_statement(signers["registrar"], log.registrar, event)
