"""A log brought back into databases that several processes share: from a backup, from tiles, or both.

No process of the log sequences meanwhile: whoever restores is elected, and stays so until it is done.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from ledger.checkpoint_store import Held
from ledger.copies.known import KnownLog
from ledger.copies.source import Source
from ledger.errors import LogExists, NoLog
from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.election import Election
from ledger.shared.place import Place
from ledger.shared.tiles_postgres import PostgresTiles
from ledger.store.postgres import PostgresStore, create, open_store
from ledger.store.sqlite import open_store as open_file
from ledger.tiles import Tiles
from ledger.tilestore import ALIGNED, CHECKPOINT, TileStore
from ledger.upkeep.backup import DATABASE, NOTE, read_backup
from ledger.upkeep.opening import keys_in
from ledger.upkeep.rebuild import copy_log
from ledger.upkeep.restore import Restored, bring_back

Progress = Callable[[int], None]


class SharedGround:
    """See ``Ground``. The caller is elected for ``epoch``."""

    def __init__(self, place: Place, store: PostgresStore, tiles: Tiles, epoch: int, evidence: Path) -> None:
        self._place = place
        self._epoch = epoch
        self.store = store
        self.tiles = tiles
        self.evidence = evidence
        self.name = "postgresql://…"
        self.checkpoints = "in the database that was named for it"
        self.anew = "the database: empty its tables published_tiles and published_checkpoint"

    def signed(self, origin: str) -> str | None:
        """See ``Ground``."""
        held = signed_last(self._place, origin)
        return held.note if held else None

    def remember(self, origin: str, size: int, note: str) -> None:
        """See ``Ground``. Tables without a row for the log are no store of it: who finds them has to vouch again."""
        with suppress(LogExists):
            PostgresCheckpointStore.create(self._place.signed)
        with closing(PostgresCheckpointStore(self._place.signed)) as store:
            if signed_last(self._place, origin) is None:
                store.begin(origin, Held(self._epoch, size, note))
            else:
                store.take_over(origin, self._epoch)
                store.swap(origin, self._epoch, store.latest(origin), size, note)


def signed_last(place: Place, origin: str) -> Held | None:
    """What the checkpoint store remembers of a log, if there is one and it knows the log."""
    try:
        with closing(PostgresCheckpointStore(place.signed)) as store:
            return store.latest(origin)
    except NoLog:
        return None


def restore_shared(
    place: Place,
    backup: Path | None,
    source: Source | None,
    log: KnownLog | None,
    evidence: Path,
    store_lost: bool = False,
    progress: Progress = lambda done: None,
) -> Restored:
    """As ``ledger.upkeep.restore.restore``, into the database of ``place``; its tables are made where a log is given.

    With a bucket, tiles are worked on in a folder that is gone afterwards, and those that the bucket lacks are put
    there; no checkpoint is. ``evidence``: a folder for the evidence of a fork. Raises what that raises, and ``LogBusy``
    while a process of the log sequences, ``Fenced`` where one was elected in spite of that, ``DatabaseUnreachable``.
    """
    given = read_backup(backup).origin if backup else log.origin if log else None
    if given:
        with suppress(LogExists):
            create(place.database)
    with ExitStack() as undo:
        scratch = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        store = undo.enter_context(closing(open_store(place.database)))
        origin = _origin(store, given)
        election = undo.enter_context(closing(Election(place.database, place.holder, place.lease)))
        store.epoch = epoch = undo.enter_context(election.hold(_least(place, store, origin)))
        note = _take(backup, store, scratch, progress) if backup else ""
        public = scratch / "public"
        public.mkdir()
        tiles = TileStore(public) if place.bucket else PostgresTiles(store.pool, epoch)
        ground = SharedGround(place, store, tiles, epoch, evidence)
        done = bring_back(ground, source, log, note, store_lost, progress)
        if place.bucket and done.signed:
            _fill(place, store, public, progress)
        return done


def _least(place: Place, store: PostgresStore, origin: str) -> int:
    """The greatest epoch that anything tells of: the bucket does where database and checkpoint store were lost."""
    held = signed_last(place, origin)
    known = [held.epoch if held else 0, PostgresTiles(store.pool).epoch()]
    if place.bucket:
        from ledger.bucket.s3 import S3Objects

        objects = S3Objects(place.bucket)
        known += [found.epoch for name in (CHECKPOINT, ALIGNED) if (found := objects.get(name))]
    return max(known)


def _origin(store: PostgresStore, given: str | None) -> str:
    with store.snapshot() as reads:
        if reads.size():
            return keys_in(reads).origin
    if given is None:
        raise NoLog("the database is empty and there is no backup: give the log's keys too, to begin from tiles alone")
    return given


def _take(backup: Path, store: PostgresStore, scratch: Path, progress: Progress) -> str:
    """What the backup has and the database lacks; the backup's checkpoint."""
    # A copy: an older one is brought to the newest schema when it is opened, and a backup stays as it was made.
    database = scratch / DATABASE
    database.touch(mode=0o600)
    shutil.copyfile(backup / DATABASE, database)
    with closing(open_file(database)) as copy, copy.snapshot() as reads:
        copy_log(reads, store, progress)
    database.unlink()
    return (backup / NOTE).read_text(encoding="utf-8")


def _fill(place: Place, store: PostgresStore, public: Path, progress: Progress) -> None:
    # The library is loaded where there is a bucket.
    from ledger.bucket.s3 import S3Objects
    from ledger.upkeep.filling import fill_from

    assert place.bucket is not None
    with store.snapshot() as reads:
        keys = keys_in(reads)
    held = signed_last(place, keys.origin)
    assert held is not None  # it was remembered just now
    fill_from(public, S3Objects(place.bucket), keys, held, progress)
