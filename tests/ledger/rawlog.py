"""A store filled with opaque entries: publication does not look into them."""

from __future__ import annotations

from ledger.store import BatchLine, Line, Store, leaves_digest
from tallystick.merkle import leaf_hash


def raw_entry(position: int) -> bytes:
    """The entry that stands at ``position``."""
    return b"entry %d of a log " % position + bytes(position % 50)


def fill(store: Store, count: int) -> None:
    """One batch of ``count`` entries."""
    with store.transaction() as working:
        first = working.size()
        entries = [raw_entry(first + at) for at in range(count)]
        working.append(entries, [at.to_bytes(32, "big") for at in range(first, first + count)])
        lines = [Line(at, "p", f"{at}", "t", "s", frozenset()) for at in range(first, first + count)]
        digest = leaves_digest(leaf_hash(entry) for entry in entries)
        working.index(lines, BatchLine(first + count - 1, first, 100, digest), {})
