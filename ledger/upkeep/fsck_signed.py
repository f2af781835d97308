"""What was signed is of the entries that are stored: the checkpoint store's checkpoint, and the aligned one.

Each is read before a snapshot of the entries is taken: in a log in use it may be newer than what is published, and the
entries that it covers were committed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ledger.checkpoint_store import Held
from ledger.errors import LedgerError
from ledger.store import Store
from ledger.tiles import Tiles
from ledger.upkeep.replaying import Finding
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import CompactRange, leaf_hash, root_at
from tallystick.tiles import WIDTH, TileReader
from tallystick.tree_head import CheckpointKeys, verify_tree_head


@dataclass(frozen=True)
class Shown:
    """What is published: a tree whose tiles were held against the entries. ``root`` is empty where nothing is."""

    tiles: Tiles
    size: int
    root: bytes


def held(signed_last: Callable[[str], Held], keys: CheckpointKeys, shown: Shown, store: Store) -> Iterator[Finding]:
    """What was signed last, as the checkpoint store has it: of these entries, and neither behind nor ahead of them."""
    try:
        row = signed_last(keys.origin)
        signed = verify_tree_head(row.note.encode(), keys).checkpoint if row.note else None
    except (LedgerError, TallystickError) as error:
        yield Finding(-1, f"the checkpoint store: {error}")
        return
    size = signed.size if signed else 0
    if row.size != size:
        yield Finding(-1, f"the checkpoint store says size {row.size} of a checkpoint of {size}")
    if size < shown.size:
        yield Finding(-1, f"a checkpoint of size {shown.size} is published, only one of {size} is held as signed")
    if signed:
        yield from _of_the_entries("the checkpoint that was signed last", signed, shown, store)


def aligned(keys: CheckpointKeys, shown: Shown, store: Store) -> Iterator[Finding]:
    """The newest aligned checkpoint, which anchors want."""
    note = shown.tiles.aligned()
    if note is None:
        return
    try:
        signed = verify_tree_head(note, keys).checkpoint
    except TallystickError as error:
        yield Finding(-1, f"the aligned checkpoint: {error}")
        return
    yield from _of_the_entries("the aligned checkpoint", signed, shown, store)


def _of_the_entries(what: str, signed: Checkpoint, shown: Shown, store: Store) -> Iterator[Finding]:
    with store.snapshot() as reads:
        size = reads.size()
    if signed.size > size:
        yield Finding(size, f"a checkpoint of size {signed.size} was signed, the database ends here: an old copy")
        return
    # That the published root is what the entries give was looked at with its tiles.
    root = shown.root if signed.size == shown.size else _root_at(signed.size, shown, store)
    if root != signed.root:
        yield Finding(
            -1,
            f"{what}, of size {signed.size}, has the root {signed.root.hex()}; the {signed.size} entries here give "
            f"{root.hex()}: two histories, or entries that were changed. Keep everything, and see what mirrors have",
        )


def _root_at(size: int, shown: Shown, store: Store) -> bytes:
    """From tiles, as far as they go, and then from entries."""
    known = min(size, shown.size)
    nodes = TileReader(shown.size, shown.tiles.get)
    if known == size:
        return root_at(nodes, size)
    edge = CompactRange(known, nodes.nodes(CompactRange.coordinates(known)))
    for first in range(known, size, WIDTH):
        with store.snapshot() as reads:
            for entry in reads.entries(first, min(first + WIDTH, size)):
                edge.append(leaf_hash(entry))
    return edge.root()
