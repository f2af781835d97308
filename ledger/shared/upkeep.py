"""A shared log looked at and copied while it is in use."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ledger.shared.checkpoint_postgres import PostgresCheckpointStore
from ledger.shared.place import Place
from ledger.shared.tiles_postgres import PostgresTiles
from ledger.store import Reads
from ledger.store.postgres import open_unchanged
from ledger.store.sqlite import create
from ledger.store.sqlite import open_store as open_file
from ledger.upkeep import fsck_postgres
from ledger.upkeep.backup import Written, clear, write_backup
from ledger.upkeep.fsck import Parts, Report, check_log
from ledger.upkeep.fsck_rows import Asked
from ledger.upkeep.opening import keys_in
from ledger.upkeep.rebuild import copy_log
from ledger.upkeep.replaying import Progress, Replayed, replay_log


def fsck_shared(place: Place, progress: Progress = lambda done: None) -> Report:
    """Check a shared log, which may be in use. Raises ``NoLog``, ``UnknownSchema`` or ``DatabaseUnreachable``."""
    with closing(open_unchanged(place.database)) as store, closing(PostgresCheckpointStore(place.signed)) as held:
        asked = Asked()
        own = {
            "the private values": lambda: fsck_postgres.rows(store, asked),
            "the schema": lambda: fsck_postgres.schema(store),
        }
        if place.bucket:
            from ledger.bucket.checking import Bucket

            bucket = Bucket(place.bucket)
            return check_log(Parts(store, bucket.tiles, held.latest, bucket.kept, own, asked), progress)
        tiles = PostgresTiles(store.pool)
        return check_log(Parts(store, tiles, held.latest, tiles.kept, own, asked), progress)


def replay_shared(place: Place, progress: Progress = lambda done: None) -> Replayed:
    """See ``ledger.upkeep.fsck.replay``. Raises ``NoLog``, ``UnknownSchema`` or ``DatabaseUnreachable``."""
    with _reading(place) as reads:
        return replay_log(reads, progress)


def back_up_shared(place: Place, target: Path, progress: Progress = lambda entries: None) -> Written:
    """As ``ledger.upkeep.backup.back_up``, of the same form: each entry is decided again on its way into the copy.

    ``progress`` is told how many more entries are copied. Raises ``LogExists``, ``LogBusy``, ``NoLog``,
    ``Corrupt`` or ``DatabaseUnreachable``.
    """

    def copy(database: Path) -> str:
        with closing(PostgresCheckpointStore(place.signed)) as signed:
            with _reading(place) as reads:
                origin = keys_in(reads).origin
            # Read before the entries are: whatever was signed is in the copy.
            note = signed.latest(origin).note
        clear(database)
        create(database)
        with _reading(place) as reads, closing(open_file(database)) as store:
            copy_log(reads, store, progress)
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        return note

    return write_backup(target, copy)


@contextmanager
def _reading(place: Place) -> Iterator[Reads]:
    with closing(open_unchanged(place.database)) as store, store.snapshot() as reads:
        yield reads
