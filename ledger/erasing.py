"""Erasures applied again: to a vault that was brought back from a copy made before them."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store import Reads, Search, Store
from ledger.store.protocol import MAX_SEARCH
from tallystick.events.erasure import Erasure
from tallystick.statement import parse_statement

ERASURE = "disclosure.erase"


def erasures(reads: Reads) -> Iterator[tuple[int, Erasure]]:
    """Position and body of every erasure in the log."""
    after = -1
    while found := reads.search(Search(type=ERASURE, after=after, limit=MAX_SEARCH)):
        for record in found:
            yield record.position, parse_statement(record.entry).event.body
        after = found[-1].position


def still_kept(reads: Reads, erasure: Erasure) -> list[str]:
    """Names of values that the vault holds although they were erased."""
    return sorted(set(erasure.names) & reads.disclosures(erasure.position).keys())


def erase_again(store: Store) -> int:
    """Erase whatever the log says was erased; how many values there were. Restoring an old copy calls it."""
    with store.transaction() as working:
        return sum(len(working.erase(one.position, still_kept(working, one))) for _, one in list(erasures(working)))
