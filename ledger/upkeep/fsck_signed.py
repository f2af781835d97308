"""What was signed is of the entries that are stored: the checkpoint store's checkpoint, and the aligned one.

They are read before the snapshot of the entries is taken, and after what is published: in a log in use one may be newer
than what is published, and the entries that it covers, and the keys that signed it, were committed before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ledger.checkpoint_store import Held
from ledger.errors import LedgerError
from ledger.store import Reads, Store
from ledger.upkeep.replaying import Finding
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError
from tallystick.merkle import CompactRange, leaf_hash
from tallystick.statement import parse_statement
from tallystick.tiles import WIDTH
from tallystick.tree_head import CheckpointKeys, verify_tree_head


def origin_of(store: Store) -> str:
    """Which log it is, as entry 0 says; raises something where there is none, or it says something else."""
    with store.snapshot() as reads:
        (first,) = reads.entries(0, 1)
    return str(parse_statement(first).event.body.origin)


def held(
    read: Callable[[], Held], keys: CheckpointKeys, published: Checkpoint | None, reads: Reads
) -> Iterator[Finding]:
    """What was signed last, as the checkpoint store has it: of these entries, and neither behind nor ahead of them.

    ``read`` gives its row, as it was before the snapshot.
    """
    try:
        row = read()
        signed = verify_tree_head(row.note.encode(), keys).checkpoint if row.note else None
    except (LedgerError, TallystickError) as error:
        yield Finding(-1, f"the checkpoint store: {error}")
        return
    size = signed.size if signed else 0
    if row.size != size:
        yield Finding(-1, f"the checkpoint store says size {row.size} of a checkpoint of {size}")
    if published and size < published.size:
        yield Finding(-1, f"a checkpoint of size {published.size} is published, only one of {size} is held as signed")
    if signed:
        yield from _of_the_entries("the checkpoint that was signed last", signed, published, reads)


def aligned(
    read: Callable[[], bytes | None], keys: CheckpointKeys, published: Checkpoint | None, reads: Reads
) -> Iterator[Finding]:
    """The newest aligned checkpoint, which anchors want."""
    note = read()
    if note is None:
        return
    try:
        signed = verify_tree_head(note, keys).checkpoint
    except TallystickError as error:
        yield Finding(-1, f"the aligned checkpoint: {error}")
        return
    yield from _of_the_entries("the aligned checkpoint", signed, published, reads)


def _of_the_entries(what: str, signed: Checkpoint, published: Checkpoint | None, reads: Reads) -> Iterator[Finding]:
    size = reads.size()
    if signed.size > size:
        yield Finding(size, f"a checkpoint of size {signed.size} was signed, the database ends here: an old copy")
        return
    # The published one is held against the entries together with its tiles.
    if signed == published:
        return
    # Of the entries themselves: tiles may be of either history.
    root = _root_at(reads, signed.size)
    named = f"{what}, of size {signed.size}, has the root {signed.root.hex()}"
    given = f"the {signed.size} entries here give {root.hex()}"
    if published and published.size == signed.size:
        other = f"what is published at that size has the root {published.root.hex()}"
        yield Finding(-1, f"{named}; {other}: two histories were signed, a fork. Keep everything; {given}")
    elif root != signed.root:
        end = "two histories, or entries that were changed. Keep everything, and see what mirrors have"
        yield Finding(-1, f"{named}; {given}: {end}")


def _root_at(reads: Reads, size: int) -> bytes:
    edge = CompactRange()
    for first in range(0, size, WIDTH):
        for entry in reads.entries(first, min(first + WIDTH, size)):
            edge.append(leaf_hash(entry))
    return edge.root()
