"""Everything recomputed from stored bytes: entries, tiles, checkpoints, admissions, index and states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ledger.checkpoint_store import Held, SqliteCheckpointStore
from ledger.completeness import Completeness
from ledger.errors import Corrupt, LedgerError
from ledger.folder import Folder
from ledger.frontier import hashes
from ledger.integrate import recompute
from ledger.opening import keys_of, open_unchanged
from ledger.replaying import Finding, Progress, Replayed, replay_log
from ledger.store import Reads, Store, leaves_digest
from ledger.tiles import Tiles
from ledger.tilestore import CHECKPOINT, TEMPORARY, TileStore
from tallystick.admission import LOG
from tallystick.errors import MalformedInput, TallystickError
from tallystick.merkle import CompactRange, leaf_hash
from tallystick.tiles import HEIGHT, WIDTH, Tile, parse_bundle, parse_tile_path
from tallystick.tree_head import CheckpointKeys, verify_tree_head


@dataclass(frozen=True)
class Report:
    """What a check found, the first bad position first; nothing is wrong when ``findings`` is empty."""

    entries: int
    published: int
    completeness: Completeness
    findings: tuple[Finding, ...]


def fsck(folder: Folder, progress: Progress = lambda done: None) -> Report:
    """Check a log, which may be in use. Raises ``NoLog`` or ``UnknownSchema`` when there is nothing to check."""

    def held(origin: str) -> Held:
        with closing(SqliteCheckpointStore(folder.checkpoints)) as store:
            return store.latest(origin)

    with closing(open_unchanged(folder)) as store:
        return check_log(Parts(store, TileStore(folder.public), held, lambda: _files(folder.public)), progress)


@dataclass(frozen=True)
class Parts:
    """What a log consists of. ``signed``: the checkpoint store's row. ``kept``: every published tile, or why not."""

    store: Store
    tiles: Tiles
    signed: Callable[[str], Held]
    kept: Callable[[], Iterable[tuple[Tile, bytes] | Finding]]


def check_log(parts: Parts, progress: Progress = lambda done: None) -> Report:
    """Recompute everything."""
    # The note is read first: what it covers is committed already.
    note = parts.tiles.checkpoint()
    with parts.store.snapshot() as reads:
        replayed = replay_log(reads, progress)
        keys = keys_of(replayed.states.get(LOG))
        findings = list(replayed.findings)
        size, root = 0, b""
        if keys is None:
            findings.append(Finding(0, "entry 0 gives no keys: no checkpoint of this log can be verified"))
        else:
            size, root = _published(note, keys, findings)
            findings += _signed(parts.signed, keys, size, reads.size())
        findings += _batches(reads)
        findings += _tree(reads, parts.tiles, size, root)
        findings += _fronts(parts, size)
    return Report(
        replayed.entries, size, replayed.completeness, tuple(sorted(findings, key=lambda finding: finding.order))
    )


def replay(folder: Folder, progress: Progress = lambda done: None) -> Replayed:
    """The admissions alone."""
    with closing(open_unchanged(folder)) as store, store.snapshot() as reads:
        return replay_log(reads, progress)


def _published(note: bytes | None, keys: CheckpointKeys, findings: list[Finding]) -> tuple[int, bytes]:
    if note is None:
        findings.append(Finding(-1, "no checkpoint is published"))
        return 0, b""
    try:
        checkpoint = verify_tree_head(note, keys).checkpoint
    except TallystickError as error:
        findings.append(Finding(-1, f"the published checkpoint: {error}"))
        return 0, b""
    return checkpoint.size, checkpoint.root


def _signed(signed_last: Callable[[str], Held], keys: CheckpointKeys, published: int, size: int) -> Iterator[Finding]:
    """The checkpoint store: what it holds was signed by the log, and is neither behind nor ahead of the rest."""
    try:
        held = signed_last(keys.origin)
        signed = verify_tree_head(held.note.encode(), keys).checkpoint if held.note else None
    except (LedgerError, TallystickError) as error:
        yield Finding(-1, f"the checkpoint store: {error}")
        return
    signed_size = signed.size if signed else 0
    if signed_size < published:
        yield Finding(-1, f"a checkpoint of size {published} is published, only one of {signed_size} is held as signed")
    if signed_size > size:
        yield Finding(size, f"a checkpoint of size {signed_size} was signed, the database ends here: an old copy")


def _batches(reads: Reads) -> Iterator[Finding]:
    """Entries are as they were when they were appended."""
    for batch in reads.batches(0):
        entries = reads.entries(batch.first, batch.position + 1)
        if leaves_digest(leaf_hash(entry) for entry in entries) != batch.digest:
            yield Finding(batch.first, f"an entry of positions {batch.first} to {batch.position} is not as appended")


def _tree(reads: Reads, tiles: Tiles, size: int, root: bytes) -> Iterator[Finding]:
    """Stored entries, bundles, tiles and the published root give one another."""
    edge = CompactRange()
    for first in range(0, size, WIDTH):
        entries = reads.entries(first, min(first + WIDTH, size))
        for entry in entries:
            edge.append(leaf_hash(entry))
        yield from _bundle(tiles, first, entries, min(WIDTH, size - first))
    try:
        found = recompute(tiles, 0, size)
    except (Corrupt, MalformedInput) as error:
        yield Finding(getattr(error, "position", None) or 0, f"the tiles: {error}")
    else:
        if size and found != root:
            yield Finding(-1, f"the tiles give root {found.hex()}, the published checkpoint says {root.hex()}")
    if size and (edge.size != size or edge.root() != root):
        yield Finding(-1, f"the {edge.size} stored entries do not give the published root of size {size}")


def _bundle(tiles: Tiles, first: int, entries: list[bytes], width: int) -> Iterator[Finding]:
    try:
        published = parse_bundle(tiles.get(Tile(None, first // WIDTH, width)))[:width]
    except (Corrupt, MalformedInput) as error:
        yield Finding(first, f"the entry bundle from {first}: {error}")
        return
    for offset in range(width):
        stored = entries[offset : offset + 1]
        if stored != published[offset : offset + 1]:
            yield Finding(first + offset, "the stored entry is not the published one")


def _files(public: Path) -> Iterator[tuple[Tile, bytes] | Finding]:
    """The tiles in a public folder, and the files in it that are none."""
    for path in sorted(path for path in public.rglob("*") if path.is_file()):
        name = path.relative_to(public).as_posix()
        if name == CHECKPOINT or name.endswith(TEMPORARY):
            continue
        try:
            tile = parse_tile_path(name)
        except MalformedInput:
            yield Finding(-1, f"the public folder holds a file that is no tile: {name}")
        else:
            yield tile, path.read_bytes()


def _fronts(parts: Parts, size: int) -> Iterator[Finding]:
    """Partial tiles of earlier sizes, which mirrors may still ask for, are the fronts of the present ones."""
    for kept in parts.kept():
        if isinstance(kept, Finding):
            yield kept
            continue
        tile, data = kept
        level = tile.level or 0
        present = Tile(tile.level, tile.index, min(WIDTH, (size >> level * HEIGHT) - tile.index * WIDTH))
        if tile.width < present.width:
            yield from _front(parts.tiles, tile, data, present)


def _front(tiles: Tiles, tile: Tile, data: bytes, present: Tile) -> Iterator[Finding]:
    parse = parse_bundle if tile.level is None else hashes
    try:
        found, expected = parse(data), parse(tiles.get(present))[: tile.width]
    except (Corrupt, MalformedInput) as error:
        yield Finding(tile.index * WIDTH ** ((tile.level or 0) + 1), f"the tile {tile.path()}: {error}")
        return
    if found != expected:
        pairs = enumerate(zip(found, expected, strict=False))
        offset = next((at for at, (have, want) in pairs if have != want), min(len(found), len(expected)))
        first = (tile.index * WIDTH + offset) * WIDTH ** (tile.level or 0)
        yield Finding(first, f"the tile {tile.path()} is not the front of {present.path()}")
