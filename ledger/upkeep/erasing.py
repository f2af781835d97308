"""What the log says was erased, and what is kept in spite of it."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.store import Reads, Search
from ledger.store.protocol import MAX_SEARCH
from tallystick.events.erasure import Erasure
from tallystick.statement import parse_statement

ERASURE = "disclosure.erase"


def erasures(reads: Reads, after: int = -1) -> Iterator[tuple[int, Erasure]]:
    """Position and body of every erasure in the log, of those behind position ``after``."""
    while found := reads.search(Search(type=ERASURE, after=after, limit=MAX_SEARCH)):
        for record in found:
            yield record.position, parse_statement(record.entry).event.body
        after = found[-1].position


def still_kept(reads: Reads, erasure: Erasure) -> list[str]:
    """Names of values that the vault holds although they were erased."""
    return sorted(set(erasure.names) & reads.disclosures(erasure.position).keys())
