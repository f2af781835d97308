"""Roots of the map as a log states them, held against the entries: what only whoever has all of them can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from ledger.errors import Corrupt
from ledger.map.disk import DiskMap
from ledger.store import BatchLine, Reads, leaves_digest
from tallystick.events.log import MapRoot
from tallystick.merkle import leaf_hashes

CHUNK = 4096
"""Entries read in one go."""
Fetch: TypeAlias = Callable[[int, int], Iterable[bytes]]
"""The entries from a position on up to another, which is not among them."""


def advance(found: DiskMap, size: int, fetch: Fetch) -> None:
    """Take entries until the map is that of the first ``size``."""
    while found.size < size:
        end = min(size, found.size + CHUNK)
        before = found.size
        found.take(fetch(before, end))
        if found.size != end:
            raise ValueError(f"{end - before} entries were asked for from {before} on, {found.size - before} came")


def as_appended(reads: Reads, first: int, size: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """The entries from ``first`` up to ``size``, and their leaf hashes: of whoever goes on to sign what they give.

    Whole batches are read, some at a time, and nothing is handed on before all that was read is what was appended: each
    batch has the digest that it was given then. Raises ``Corrupt``.
    """
    batches, at = reads.batches(first), first
    while at < size:
        read = _some(batches)
        start, end = (read[0].first, read[-1].position + 1) if read else (at, at)
        entries = reads.entries(start, end)
        leaves = leaf_hashes(entries)
        following = min(start, at)
        for batch in read:
            if batch.first != following:
                break
            following = batch.position + 1
            if leaves_digest(leaves[batch.first - start : following - start]) != batch.digest:
                raise Corrupt(
                    f"an entry of the batch at positions {batch.first} to {batch.position} is not as it was appended: "
                    "no root of the map is stated over it; run `fsck`",
                    batch.first,
                )
        if following != end or end <= at:
            raise Corrupt(f"no batch closes over position {following}; run `fsck`", following)
        taken = slice(at - start, size - start)
        yield entries[taken], leaves[taken]
        at = end


def _some(batches: Iterator[BatchLine]) -> list[BatchLine]:
    """The next batches, one after the other, of ``CHUNK`` entries or so."""
    found = list[BatchLine]()
    for batch in batches:
        found.append(batch)
        if batch.position - found[0].first >= CHUNK:
            break
    return found


def compare(found: DiskMap, position: int, stated: MapRoot, fetch: Fetch) -> str | None:
    """What is wrong with the root that the entry at ``position`` states; ``None``: nothing. Sizes must not fall."""
    if stated.size > position:
        return f"the map root covers {stated.size} entries, more than stand before it"
    if stated.size < found.size:
        return f"the map root covers {stated.size} entries, one before it covers {found.size}"
    advance(found, stated.size, fetch)
    root = found.root()
    if root.hex() == stated.root:
        return None
    return (
        f"the log states the map root {stated.root} of {stated.size} entries, the entries give {root.hex()}: "
        "what it says happened to some identifier is not what happened"
    )
