"""Roots of the map as a log states them, held against the entries: what only whoever has all of them can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ledger.map.disk import DiskMap
from tallystick.events.log import MapRoot

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
