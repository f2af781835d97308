"""Everything recomputed from stored bytes: entries, tiles, checkpoints, admissions, index and states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import field
from itertools import islice
from typing import TypeAlias, TypeVar

from ledger.acknowledged import acknowledged
from ledger.bucket.place import BucketPlace
from ledger.checkpoint_store import Held, SqliteCheckpointStore
from ledger.folder import Folder
from ledger.store import Reads, Store
from ledger.tiles import Tiles
from ledger.tilestore import TileStore
from ledger.upkeep import fsck_database, fsck_keys, fsck_signed, fsck_tree
from ledger.upkeep.completeness import Completeness
from ledger.upkeep.fsck_rows import Asked, PrivateValues
from ledger.upkeep.opening import keys_of, open_unchanged
from ledger.upkeep.replaying import Finding, Progress, Replayed, replay_log
from ledger.upkeep.strays import strays
from tallystick.admission import LOG
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.tiles import Tile
from tallystick.tree_head import CheckpointKeys, verify_tree_head

T = TypeVar("T")
Kept: TypeAlias = Callable[[], Iterable[tuple[Tile, bytes] | Finding]]

MOST = 1000
"""Findings of one kind at most: a log that is damaged all over need not be listed whole."""


@dataclass(frozen=True)
class Report:
    """What a check found, the first bad position first; nothing is wrong when ``findings`` is empty.

    ``values`` is ``None`` where not all were counted.
    """

    entries: int
    published: int
    completeness: Completeness
    values: PrivateValues | None
    findings: tuple[Finding, ...]


def fsck(folder: Folder, progress: Progress = lambda done: None, bucket: BucketPlace | None = None) -> Report:
    """Check a log, which may be in use. ``bucket``: where its tiles are published, if not in the folder.

    Raises ``NoLog``, ``UnknownSchema``, ``Corrupt`` or ``ObjectsUnreachable`` when it cannot be read.
    """

    def held(origin: str) -> Held:
        with closing(SqliteCheckpointStore(folder.checkpoints)) as store:
            return store.latest(origin)

    # Read before the database is: what is noted was committed by then.
    known, asked = acknowledged(folder.acknowledged), Asked()
    own = {
        "what was acknowledged": lambda: _acknowledged(folder, known),
        "the database": lambda: fsck_database.pages(folder.database),
        "the schema": lambda: fsck_database.schema(folder.database),
        "the table chunks": lambda: fsck_database.chunks(folder.database),
        "the index": lambda: fsck_database.rows(folder.database, asked),
        "the keys of the index": lambda: fsck_keys.keys(folder.database),
    }
    with closing(open_unchanged(folder)) as store:
        tiles, kept = _published_in(folder, bucket)
        return check_log(Parts(store, tiles, held, kept, own, asked), progress)


def _published_in(folder: Folder, bucket: BucketPlace | None) -> tuple[Tiles, Kept]:
    if bucket is None:
        return TileStore(folder.public), lambda: fsck_tree.files(folder.public)
    from ledger.bucket.checking import Bucket

    found = Bucket(bucket)
    return found.tiles, found.kept


def _acknowledged(folder: Folder, known: int) -> Iterator[Finding]:
    with closing(open_unchanged(folder)) as store, store.snapshot() as reads:
        size = reads.size()
    if size < known:
        yield Finding(size, f"{known} entries were acknowledged, the database ends here: they were lost")


@dataclass(frozen=True)
class Parts:
    """What a log consists of. ``signed``: the checkpoint store's row. ``kept``: every published tile, or why not.

    ``own``: further checks, by what they look at, of this kind of store alone; one of them counts in ``asked``.
    """

    store: Store
    tiles: Tiles
    signed: Callable[[str], Held]
    kept: Kept
    own: Mapping[str, Callable[[], Iterator[Finding]]] = field(default_factory=dict)
    asked: Asked = field(default_factory=Asked)


def check_log(parts: Parts, progress: Progress = lambda done: None) -> Report:
    """Recompute everything."""
    # In this order, for the log may be in use: what is published was signed before, and what was signed was stored.
    note = parts.tiles.checkpoint()
    aligned = _now(parts.tiles.aligned)
    held = _now(lambda: parts.signed(fsck_signed.origin_of(parts.store)))
    with parts.store.snapshot() as reads:
        replayed, findings = _replayed(reads, progress)
        keys = keys_of(replayed.states.get(LOG))
        published = None
        if keys is None:
            findings.append(Finding(0, "entry 0 gives no keys: no checkpoint of this log can be verified"))
        else:
            published = _published(note, keys, findings)
            findings += _guarded("the checkpoint store", fsck_signed.held(held, keys, published, reads))
            findings += _guarded("the aligned checkpoint", fsck_signed.aligned(aligned, keys, published, reads))
        size, root = (published.size, published.root) if published else (0, b"")
        findings += _guarded("the table batches", fsck_tree.batches(reads))
        findings += _guarded("the published tree", fsck_tree.tree(reads, parts.tiles, size, root))
    beyond: list[Tile] = []
    findings += _guarded("what is published", fsck_tree.fronts(parts.kept(), parts.tiles, size, beyond))
    found = (finding for _, finding in strays(parts.store, parts.tiles, size, beyond))
    findings += _guarded("the tiles of no checkpoint", found)
    for what, check in parts.own.items():
        findings += _guarded(what, check())
    findings.sort(key=lambda finding: finding.order)
    return Report(replayed.entries, size, replayed.completeness, parts.asked.private, tuple(findings))


def _now(read: Callable[[], T]) -> Callable[[], T]:
    """What is read now; what that raised is raised when it is asked for."""
    try:
        found = read()
    # As in ``_guarded``.
    except Exception as error:
        raised = error

        def fail() -> T:
            raise raised

        return fail
    return lambda: found


def _replayed(reads: Reads, progress: Progress) -> tuple[Replayed, list[Finding]]:
    try:
        replayed = replay_log(reads, progress)
    # As in ``_guarded``.
    except Exception as error:
        return Replayed(), [_unreadable("the database", error)]
    return replayed, list(replayed.findings)


def _guarded(what: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The first of many findings; damaged bytes can make whatever reads them stumble, which is one too."""
    try:
        yield from islice(findings, MOST)
    except Exception as error:
        yield _unreadable(what, error)


def _unreadable(what: str, error: Exception) -> Finding:
    return Finding(-1, f"{what} cannot be read: {type(error).__name__}: {error}")


def replay(folder: Folder, progress: Progress = lambda done: None) -> Replayed:
    """The admissions alone."""
    with closing(open_unchanged(folder)) as store, store.snapshot() as reads:
        return replay_log(reads, progress)


def _published(note: bytes | None, keys: CheckpointKeys, findings: list[Finding]) -> Checkpoint | None:
    if note is None:
        findings.append(Finding(-1, "no checkpoint is published"))
        return None
    try:
        return verify_tree_head(note, keys).checkpoint
    except TallystickError as error:
        findings.append(Finding(-1, f"the published checkpoint: {error}"))
        return None
