"""A copy of a log's database, taken while the log runs: one moment of it, verified after it was written.

Its form is the same whatever keeps the log. It holds entries, index, states and private values,
and the checkpoint that was signed last before the copy was taken. Tiles are not in it: entries
give them. Keys are not in it, nor is the checkpoint store, which must never go back in time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

from ledger.checkpoint_store import SqliteCheckpointStore
from ledger.disk import LocalDisk
from ledger.errors import Corrupt, LogBusy, LogExists, NoLog
from ledger.folder import Folder
from ledger.store import Reads, leaves_digest
from ledger.store.sqlite import SqliteStore, connect
from ledger.upkeep import fsck_rows
from ledger.upkeep.opening import keys_in, open_unchanged
from ledger.upkeep.replaying import Finding
from tallystick import canonical
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, TallystickError
from tallystick.events.log import ORIGIN
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from tallystick.schema import HEX32, between, read, record, write
from tallystick.tree_head import verify_tree_head
from tallystick.versions import check_version

DATABASE, NOTE, MANIFEST = "ledger.sqlite", "checkpoint", "backup.json"
UNFINISHED = ".unfinished"
_PAGES = 4096
_MOST_ROTTEN = 1000
_MANIFEST_BYTES = 1 << 16
_MOST = canonical.MAX_INTEGER
_VERSION: Literal[1] = 1
Progress = Callable[[int], None]


@record
class Holding:
    """What a backup holds. ``signed``: size of the checkpoint in it; ``database``, ``checkpoint``: SHA-256, hex."""

    v: Literal[1]
    origin: Annotated[str, ORIGIN]
    entries: Annotated[int, between(0, _MOST)]
    signed: Annotated[int, between(0, _MOST)]
    private_values: Annotated[int, between(0, _MOST)]
    database: Annotated[str, HEX32]
    checkpoint: Annotated[str, HEX32]


@dataclass(frozen=True)
class Written:
    """A backup, and the private values in it that open no commitment of their entry: they had rotted before."""

    holding: Holding
    rotten: tuple[Finding, ...]


def back_up(folder: Folder, target: Path, progress: Progress = lambda pages: None) -> Written:
    """Write a backup into the new folder ``target``. Raises ``LogExists``, ``LogBusy``, ``NoLog`` or ``Corrupt``.

    ``progress`` is told how many more database pages are copied.
    """

    def copy(database: Path) -> str:
        with closing(open_unchanged(folder)) as store, store.snapshot() as reads:
            origin = keys_in(reads).origin
        # Read before the database is: whatever was signed is in the copy.
        with closing(SqliteCheckpointStore(folder.checkpoints)) as signed:
            note = signed.latest(origin).note
        copy_database(folder.database, database, progress)
        return note

    return write_backup(target, copy)


def write_backup(target: Path, copy: Callable[[Path], str]) -> Written:
    """A backup in the new folder ``target``, whole or under another name. Raises as ``back_up``.

    ``copy`` makes the database, and gives the checkpoint that was signed last before. What a crash leaves behind is
    named ``target`` + ``.unfinished``, and is written over by the next attempt.
    """
    _check_free(target)
    unfinished = target.with_name(target.name + UNFINISHED)
    unfinished.mkdir(exist_ok=True)
    with _alone(unfinished):
        _check_free(target)
        note = copy(unfinished / DATABASE)
        (unfinished / NOTE).write_bytes(note.encode())
        written = _describe(unfinished, note)
        (unfinished / MANIFEST).write_bytes(canonical.encode(write(written.holding)))
        disk = LocalDisk()
        disk.sync([unfinished / name for name in (DATABASE, NOTE, MANIFEST)])
        disk.sync_folders([unfinished])
        disk.rename(unfinished, target)
        disk.sync_folders([target.absolute().parent])
    return written


def _check_free(target: Path) -> None:
    if target.exists():
        raise LogExists(f"{target} exists: a backup replaces nothing, choose another name")


_JUST_NOW = "another process wrote {} just now: choose another name"


@contextmanager
def _alone(unfinished: Path) -> Iterator[None]:
    """No other process writes the same backup; the operating system lets the next one in when this one ends."""
    try:
        descriptor = os.open(unfinished, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise LogBusy(_JUST_NOW.format(unfinished)) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LogBusy(f"another process writes {unfinished}: wait for it, or choose another name") from None
        # The other one may have ended in between, and what was opened here be its whole backup.
        if not (unfinished.exists() and os.path.samestat(os.fstat(descriptor), unfinished.stat())):
            raise LogBusy(_JUST_NOW.format(unfinished))
        yield
    finally:
        os.close(descriptor)


def read_backup(path: Path) -> Holding:
    """What a backup says that it holds; its files are those it was made with. Raises ``NoLog`` or ``Corrupt``."""
    try:
        manifest = canonical.decode((path / MANIFEST).read_bytes(), _MANIFEST_BYTES)
        check_version(manifest, "backup", _VERSION)
        holding = read(Holding, manifest)
        found = {name: _digest(path / name) for name in (DATABASE, NOTE)}
    except FileNotFoundError as error:
        raise NoLog(f"{path} is no backup, or not a whole one: it lacks {Path(error.filename).name}") from None
    except MalformedInput as error:
        raise Corrupt(f"{path / MANIFEST}: {error}") from None
    for name, expected in ((DATABASE, holding.database), (NOTE, holding.checkpoint)):
        if found[name] != expected:
            raise Corrupt(f"{path / name} has SHA-256 {found[name]}, it had {expected}: use another backup")
    return holding


def copy_database(source: Path, target: Path, progress: Progress = lambda pages: None) -> None:
    """Copy one moment of a database that may be in use, without its write-ahead log beside it."""
    clear(target)
    target.touch(mode=0o600)  # Private values stand in it.
    with closing(connect(source)) as live, closing(sqlite3.connect(target)) as copy:
        # One read transaction: writers go on, and the copy does not begin again with each of their commits.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        left = 0

        def step(_: int, remaining: int, total: int) -> None:
            nonlocal left
            progress((left or total) - remaining)
            left = remaining

        live.backup(copy, pages=_PAGES, progress=step)
        copy.execute("PRAGMA journal_mode=DELETE").fetchone()


def clear(database: Path) -> None:
    """Take away what an attempt that was cut short left."""
    for name in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal"))):
        name.unlink(missing_ok=True)


def _describe(path: Path, note: str) -> Written:
    """Read back what was written: every page, every entry against its batch, and the root that was signed."""
    database = path / DATABASE
    with closing(connect(database)) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            raise Corrupt(f"the copy of the database is damaged, so may the database be ({answer}): run `fsck`")
        (values,) = connection.execute("SELECT count(*) FROM disclosures").fetchone()
    with closing(SqliteStore(database)) as store, store.snapshot() as reads:
        keys = keys_in(reads)
        try:
            head = verify_tree_head(note.encode(), keys).checkpoint if note else Checkpoint(keys.origin, 0, EMPTY_ROOT)
        except TallystickError as error:
            raise Corrupt(f"the checkpoint store holds a checkpoint that this log did not sign: {error}") from None
        check_entries(reads, head)
        entries, rotten = reads.size(), tuple(islice(fsck_rows.values(reads, fsck_rows.Asked()), _MOST_ROTTEN))
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    holding = Holding(_VERSION, keys.origin, entries, head.size, values, _digest(database), _digest(path / NOTE))
    return Written(holding, rotten)


def check_entries(reads: Reads, head: Checkpoint) -> None:
    """Every entry is as it was appended, and the first ``head.size`` give its root. Raises ``Corrupt``."""
    edge, size = CompactRange(), reads.size()
    root = EMPTY_ROOT if head.size == 0 else b""
    for batch in reads.batches(0):
        leaves = [leaf_hash(entry) for entry in reads.entries(batch.first, batch.position + 1)]
        if leaves_digest(leaves) != batch.digest or batch.first != edge.size:
            raise Corrupt(
                f"an entry of positions {batch.first} to {batch.position} is not as appended: run `fsck`", batch.first
            )
        for leaf in leaves:
            edge.append(leaf)
            if edge.size == head.size:
                root = edge.root()
    if edge.size != size or root != head.root:
        raise Corrupt(f"the {size} entries do not give the root that was signed for {head.size}: run `fsck`")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
