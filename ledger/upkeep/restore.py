"""A log brought back: from a backup, from tiles, or both; and never as a second history.

What was signed last decides. The database is brought forward to it from published
entries; where it cannot be, nothing writes to the log until what is missing is found.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from ledger.acknowledged import acknowledged
from ledger.copies.evidence import save_fork
from ledger.copies.follow import Follower, check_extends
from ledger.copies.known import Head, KnownLog
from ledger.copies.mirror import EVIDENCE
from ledger.copies.source import Source
from ledger.disk import LocalDisk
from ledger.errors import Corrupt, ForkSeen, HistoryLost, LogExists, NoLog, WrongLog
from ledger.folder import Folder, FolderLock
from ledger.frontier import Frontier
from ledger.integrate import integrate, recompute
from ledger.store.sqlite import create, open_store
from ledger.tiles import Tiles
from ledger.upkeep.backup import DATABASE, NOTE, check_entries, read_backup
from ledger.upkeep.ground import RESTORING, FolderGround, Ground
from ledger.upkeep.opening import keys_in
from ledger.upkeep.rebuild import append_published, published_entries
from ledger.upkeep.strays import put_aside
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput
from tallystick.key_history import KeyHistory
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import HASH_SIZE, root_at
from tallystick.tiles import HEIGHT, WIDTH, Tile, TileReader, encode_bundle, parse_bundle
from tallystick.tree_head import verify_tree_head

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Restored:
    """``brought``: entries that came from tiles; ``missing_values``: private values of theirs, which are in no tile.

    ``given_up``: entries that were acknowledged and never published, and are in nothing that was given; ``aside``:
    where tiles were put that were made of such entries.
    """

    entries: int
    signed: int
    brought: int
    missing_values: int
    given_up: int = 0
    aside: Path | None = None


def restore(
    folder: Folder,
    backup: Path | None,
    source: Source | None,
    log: KnownLog | None,
    store_lost: bool = False,
    progress: Progress = lambda done: None,
) -> Restored:
    """Bring a log back into ``folder``. ``log``: its keys, needed where no database tells them.

    ``store_lost``: the checkpoint store is gone, and the caller vouches that no checkpoint
    was signed after the newest one that backup and source hold. Raises ``HistoryLost``
    when entries are still missing (the database stays, and the log refuses to open),
    ``LogExists``, ``NoLog``, ``WrongLog``, ``ForkSeen``, ``Corrupt``, ``LogBusy``.
    """
    folder.make()
    lock = FolderLock(folder)
    try:
        note = _place_database(folder, backup, log)
        with closing(open_store(folder.database)) as store:
            done = bring_back(FolderGround(folder, store), source, log, note, store_lost, progress)
            aside = put_aside(folder, store, done.signed)
        given_up = max(0, acknowledged(folder.acknowledged) - done.entries)
        folder.acknowledged.unlink(missing_ok=True)
        return replace(done, given_up=given_up, aside=aside)
    finally:
        lock.release()


def bring_back(
    ground: Ground,
    source: Source | None,
    log: KnownLog | None,
    note: str,
    store_lost: bool = False,
    progress: Progress = lambda done: None,
) -> Restored:
    """As ``restore``, of what stands in its place already. ``note``: the backup's checkpoint, empty without one."""
    return _Restoring(ground, source, log, note).run(store_lost, progress)


def _place_database(folder: Folder, backup: Path | None, log: KnownLog | None) -> str:
    """Put the backup's database in its place, or an empty one; the backup's checkpoint."""
    _check_alone(folder.database)
    if backup is None:
        if log is None and not folder.database.exists():
            raise NoLog("there is no database and no backup: give the log's keys too, to begin from tiles alone")
        # An attempt that was cut short may have left a blank one.
        with suppress(LogExists):
            create(folder.database)
        return ""
    if folder.database.exists():
        raise LogExists(
            f"{folder.database} exists, and a restore replaces nothing: to bring it forward leave the backup out, to "
            "give it up move it away, with its -wal and -shm"
        )
    read_backup(backup)
    staged = folder.database.with_name(folder.database.name + RESTORING)
    staged.touch(mode=0o600)  # Private values stand in it.
    shutil.copyfile(backup / DATABASE, staged)
    disk = LocalDisk()
    disk.sync([staged])
    disk.rename(staged, folder.database)
    disk.sync_folders([folder.path])
    return (backup / NOTE).read_text(encoding="utf-8")


def _check_alone(database: Path) -> None:
    """SQLite would read what a lost database left behind into whatever is put in its place."""
    left = database.with_name(database.name + "-wal")
    if not database.exists() and left.exists() and left.stat().st_size:
        raise LogExists(
            f"{left} was left by a database that is gone, and may hold entries that are nowhere else: bring that "
            f"database back beside it; to give it up move it away, with {database.name}-shm, and restore again"
        )


def _own(keys: KeyHistory, given: KnownLog | None) -> KnownLog:
    """The log as its own entries know it; with keys that came after those of an old copy, if any are given."""
    if given is None:
        return KnownLog(keys.origin, keys.current.verifiers(), keys)
    if given.origin != keys.origin:
        raise WrongLog(f"the database is of {keys.origin}, the keys are of {given.origin}: they must agree")
    sizes = (0, *(one.position + 1 for one in keys.replaced))
    every = [verifier for size in sizes for verifier in keys.at(size).verifiers()]
    return KnownLog(keys.origin, tuple(dict.fromkeys([*every, *given.verifiers])))


class _Restoring:
    """One restore, once a database stands in its place."""

    def __init__(self, ground: Ground, source: Source | None, log: KnownLog | None, note: str):
        self._ground = ground
        self._store = ground.store
        self._source = source
        self._tiles = ground.tiles
        with self._store.snapshot() as reads:
            own = _own(keys_in(reads), log) if reads.size() else log
        if own is None:
            raise NoLog("the database holds no entries, and no keys were given: give the keys of the log")
        self._log = own
        self._backed_up = self._log.verify(note.encode()) if note else None

    def run(self, store_lost: bool, progress: Progress) -> Restored:
        held = self._held(store_lost)
        signed = [head for head in (held, self._backed_up) if head]
        shown = self._follow(signed, progress)
        known = [*([shown] if shown else []), *signed]
        if shown:
            nodes = TileReader(shown.checkpoint.size, self._tiles.get)
            for head in known:
                if head.checkpoint.size <= shown.checkpoint.size:
                    self._one_history(head, shown, nodes)
        brought, missing = self._bring_forward(shown, progress) if shown else (0, 0)
        with self._store.snapshot() as reads:
            size = reads.size()
        if not known:
            if size and self._ground.signed(self._log.origin) is None:
                # Nothing was signed yet, as the caller vouches: without a store that says so the log does not open.
                self._ground.remember(self._log.origin, 0, "")
            return Restored(size, 0, brought, missing)
        newest = max(known, key=lambda head: head.checkpoint.size)
        self._check_whole(size, newest.checkpoint.size)
        self._check_keys(newest)
        self._write_tiles(newest)
        nodes = TileReader(newest.checkpoint.size, self._tiles.get)
        for head in known:
            self._one_history(head, newest, nodes)
        if shown is None or shown.checkpoint.size < newest.checkpoint.size:
            self._tiles.put_checkpoint(newest.note)
        if held is None or held.checkpoint.size < newest.checkpoint.size:
            self._ground.remember(self._log.origin, newest.checkpoint.size, newest.note)
        return Restored(size, newest.checkpoint.size, brought, missing)

    def _held(self, store_lost: bool) -> Head | None:
        """What the checkpoint store remembers."""
        note = self._ground.signed(self._log.origin)
        if note is not None:
            return self._log.verify(note.encode()) if note else None
        if not store_lost:
            raise NoLog(
                f"there is no checkpoint store {self._ground.checkpoints}: bring the newest one back (--checkpoints "
                "says where). Only if every copy of it is lost give --checkpoint-store-lost, together with "
                "--from-tiles and the most complete mirror that there is: if a later checkpoint was signed than those "
                "have, the log will fork"
            )
        return None

    def _follow(self, signed: Sequence[Head], progress: Progress) -> Head | None:
        """Bring the published tiles forward from the source; what they show then, recomputed."""
        if self._source:
            follower = Follower(self._log, self._source, self._tiles)
            for head in signed:
                follower.expect(head)
            try:
                follower.step(progress)
            except ForkSeen as fork:
                self._keep(fork)
        note = self._tiles.checkpoint()
        shown = self._log.verify(note) if note else None
        if shown and shown.checkpoint.size:
            try:
                root, why = recompute(self._tiles, 0, shown.checkpoint.size), "they do not give the signed root"
            except (Corrupt, MalformedInput) as error:
                root, why = b"", str(error)
            if root != shown.checkpoint.root:
                raise Corrupt(f"the tiles are damaged in {self._ground.anew}, and restore again: {why}")
        return shown

    def _one_history(self, smaller: Head, larger: Head, nodes: TileReader) -> None:
        try:
            check_extends(smaller, larger, nodes, Corrupt)
        except ForkSeen as fork:
            self._keep(fork)

    def _keep(self, fork: ForkSeen) -> NoReturn:
        kept = save_fork(self._ground.evidence / EVIDENCE, fork)
        raise ForkSeen(
            f"{fork}; nothing was restored from it, the evidence is in {kept}",
            fork.notes,
            fork.smaller_root,
            fork.proof,
        ) from None

    def _bring_forward(self, shown: Head, progress: Progress) -> tuple[int, int]:
        """Entries that came from the published tiles, and how many private values they lack."""
        origin, size = shown.checkpoint.origin, shown.checkpoint.size
        with self._store.snapshot() as reads:
            first = reads.size()
            if first >= size:
                return 0, 0
            beginning = Checkpoint(origin, first, root_at(TileReader(size, self._tiles.get), first))
            check_entries(reads, beginning)
        missing = append_published(self._store, published_entries(self._tiles, first, size), progress)
        return size - first, missing

    def _check_whole(self, size: int, signed: int) -> None:
        if size < signed:
            raise HistoryLost(
                f"the database has {size} entries, a checkpoint of {signed} was signed. The missing ones are in every "
                f"mirror and copy of the published tiles that has {signed} entries (restore {self._ground.name} "
                "--from-tiles URL-OR-FOLDER), or in a newer backup. Nothing can be written to the log until then"
            )

    def _check_keys(self, newest: Head) -> None:
        """The newest checkpoint bears the keys that the entries below it name, now that they are all here."""
        with self._store.snapshot() as reads:
            verify_tree_head(newest.note.encode(), keys_in(reads))

    def _write_tiles(self, newest: Head) -> None:
        """Tiles of the newest checkpoint, written or compared, all of them."""
        size = newest.checkpoint.size
        with self._store.snapshot() as reads:
            root = integrate(reads, self._tiles, Frontier(0, []), size).root()
            if root != newest.checkpoint.root:
                raise Corrupt(f"the entries do not give the root that was signed for {size}: run `fsck`")
            ends = [batch.position + 1 for batch in reads.batches(size - size % WIDTH) if batch.position + 1 < size]
        self._tiles.put(_earlier(self._tiles, size, ends))


def _earlier(tiles: Tiles, size: int, ends: list[int]) -> Iterator[tuple[Tile, bytes]]:
    """The partial tiles of checkpoints that may have been published before ``size``, and whose full tile is not there.

    Readers may still ask for them. ``ends``: ends of batches in the last bundle, each of which may have been one.
    """
    start = size - size % WIDTH
    if size > start:
        entries = parse_bundle(tiles.get(Tile(None, start // WIDTH, size - start)))
        leaves = tiles.get(Tile(0, start // WIDTH, size - start))
        for width in (end - start for end in ends if end > start):
            yield Tile(None, start // WIDTH, width), encode_bundle(entries[:width])
            yield Tile(0, start // WIDTH, width), leaves[: width * HASH_SIZE]
    for level in range(1, (size.bit_length() + HEIGHT - 1) // HEIGHT):
        index, most = divmod(size >> level * HEIGHT, WIDTH)
        nodes = tiles.get(Tile(level, index, most)) if most else b""
        yield from ((Tile(level, index, width), nodes[: width * HASH_SIZE]) for width in range(1, most))
