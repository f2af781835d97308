"""What a store is. Entries are the truth; index, states and batches can be computed from them again.

Contract, the same for every backend (tests/conformance):
positions are consecutive from 0 and never change; a transaction is durable when
its block ends without an exception, and leaves no trace when it ends with one; a
transaction sees what it wrote; a snapshot sees one committed state; only
disclosures are ever deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import NamedTuple, Protocol

from tallystick.admission import State
from tallystick.lazy_dataclass import dataclass

MAX_SEARCH = 1000
_PIECE = 63
"""Hashes of 32 bytes, fewer than 2,048 bytes."""


class Line(NamedTuple):
    """The index line of one entry. ``party``: whom it counts for; ``references``: all identifiers it names."""

    position: int
    party: str
    event_id: str
    type: str
    subject: str
    references: frozenset[str]
    disclosures: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch: the position of its closing entry, its first position, its time (Unix seconds).

    ``digest`` is ``leaves_digest`` of its entries, worked out before they were stored: a
    bit that flips in the store between append and publication is seen by it.
    """

    position: int
    first: int
    admitted_at: int
    digest: bytes


def leaves_digest(leaves: Iterable[bytes]) -> bytes:
    """SHA-256 over leaf hashes, one after the other."""
    digest, every = hashlib.sha256(), list(leaves)
    # In pieces for which hashlib keeps the interpreter's lock: to get it back takes longer than to hash them.
    for at in range(0, len(every), _PIECE):
        digest.update(b"".join(every[at : at + _PIECE]))
    return digest.digest()


def check_ids(entries: Sequence[bytes], statement_ids: Sequence[bytes]) -> None:
    """Raises ``ValueError`` unless these are ids that ``Transaction.append`` takes with ``entries``."""
    if statement_ids and (len(statement_ids) != len(entries) or set(map(len, statement_ids)) != {32}):
        raise ValueError("statement ids have 32 bytes, one for each entry or none at all")


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as it stands. ``batch``: position of the batch entry that closes over it.

    ``statement_id`` is empty where the entry was appended without.
    """

    position: int
    entry: bytes
    statement_id: bytes
    party: str
    event_id: str
    type: str
    subject: str
    admitted_at: int
    batch: int


@dataclass(frozen=True, slots=True)
class Search:
    """Which records: all conditions hold. Admission times are Unix seconds, ``since`` inclusive, ``until`` not.

    ``after`` is the cursor: the last position of the page before, -1 at first.
    """

    subject: str | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None
    after: int = -1
    limit: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_SEARCH:
            raise ValueError(f"a page has 1 to {MAX_SEARCH} records, got {self.limit}")


class Reads(Protocol):
    """Reads of one state of the store. Also a ``tallystick.admission.StateReader``."""

    def size(self) -> int:
        """Number of entries."""
        ...

    def entries(self, first: int, end: int) -> list[bytes]:
        """The entries of positions ``first`` to ``end`` - 1, as far as they exist.

        Where the store is damaged they are wrong, not fewer: who reads holds them against their hashes.
        """
        ...

    def holds(self, first: int, end: int, data: bytes) -> bool:
        """Whether the same entries are, byte for byte, those of the entry bundle ``data``."""
        ...

    def record(self, position: int) -> Record | None:
        """The indexed entry at ``position``."""
        ...

    def search(self, search: Search) -> list[Record]:
        """Records in the order of their positions."""
        ...

    def next_about(self, subject: str, after: int) -> int | None:
        """Where the first record stands that ``search`` finds by this subject behind ``after``, by the index alone."""
        ...

    def last_batch(self) -> BatchLine | None:
        """The latest batch."""
        ...

    def batch_of(self, position: int) -> BatchLine | None:
        """The batch that closes over ``position``."""
        ...

    def batches(self, first: int) -> Iterator[BatchLine]:
        """The batches that close over ``first`` and later positions, in order."""
        ...

    def positions_of(self, statement_ids: Sequence[bytes]) -> dict[bytes, int]:
        """Where these statements stand; unknown ones are absent."""
        ...

    def position_of_event(self, party: str, event_id: str) -> int | None:
        """Where the event stands that ``party`` said under this id."""
        ...

    def positions_of_events(self, events: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """As ``position_of_event`` for many (party, event id) at once; unknown ones are absent."""
        ...

    def get(self, key: str) -> State | None:
        """The admission state under ``key``."""
        ...

    def get_many(self, keys: Collection[str]) -> dict[str, State]:
        """The admission states under ``keys``; absent where there is none."""
        ...

    def states(self) -> Iterator[tuple[str, State]]:
        """Every admission state, ordered by key."""
        ...

    def disclosures(self, position: int) -> dict[str, str]:
        """Disclosure texts of an entry by name, without those erased."""
        ...


class Transaction(Reads, Protocol):
    """The one write transaction."""

    def append(
        self,
        entries: Sequence[bytes],
        statement_ids: Sequence[bytes] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> int:
        """Put entries at the end; their first position.

        Statement ids have 32 bytes, one for each entry, or there are none at all. Raises
        ``ValueError`` when one stands already. ``meanwhile`` may be called, once: by a store that
        is about to wait for them, when it is not known yet whether they will stand.
        """
        ...

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        """Index what was appended, close the batch, and set states. Opaque entries have no lines."""
        ...

    def disclose(self, position: int, texts: Mapping[str, str]) -> None:
        """Keep disclosures of an entry that stands, by name; what is kept under a name stays."""
        ...

    def erase(self, position: int, names: Sequence[str]) -> list[str]:
        """Delete disclosures for good; the names that were there, in order.

        Once the transaction is committed and no older snapshot is open, no file of the store holds them.
        """
        ...


class Store(Protocol):
    """A backend. ``close`` once; nothing works after it."""

    def snapshot(self) -> AbstractContextManager[Reads]:
        """One committed state; from any thread."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Committed and durable at the end of the block, rolled back by an exception; one at a time."""
        ...

    def close(self) -> None:
        """Free what the store holds."""
        ...
