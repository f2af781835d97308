"""A store that lets everything through and raises ``Violation`` when its user or its backend breaks the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ledger.store import BatchLine, Line, Reads, Store, Transaction, leaves_digest
from tallystick.admission import State
from tallystick.merkle import leaf_hash


class Violation(AssertionError):
    """What the contract forbids happened."""


class PolicedTransaction:
    """Reads pass; ``append`` and ``index`` are compared with what the contract says of them."""

    def __init__(self, inner: Transaction) -> None:
        self._inner = inner
        self.appended: list[bytes] = []
        self.first = inner.size()
        self.indexed = False
        self.over = False

    def __getattr__(self, name: str) -> Any:
        self._check_over()
        return getattr(self._inner, name)

    def _check_over(self) -> None:
        if self.over:
            raise Violation("a transaction was used after its end")

    def append(
        self,
        entries: Sequence[bytes],
        statement_ids: Sequence[bytes] = (),
        meanwhile: Callable[[], object] | None = None,
    ) -> int:
        self._check_over()
        if self.indexed:
            raise Violation("entries were appended after the batch was closed")
        first = self._inner.append(entries, statement_ids, meanwhile)
        if first != self.first + len(self.appended):
            raise Violation(f"appended at {first}, the log ends at {self.first + len(self.appended)}")
        self.appended += entries
        return first

    def index(self, lines: Sequence[Line], batch: BatchLine, states: Mapping[str, State]) -> None:
        self._check_over()
        last = self._inner.last_batch()
        expected = list(range(self.first, self.first + len(self.appended)))
        if lines and [line.position for line in lines] != expected:
            raise Violation("the index lines are not one for each appended entry, in order")
        if (batch.first, batch.position) != (self.first, expected[-1]):
            raise Violation(f"the batch closes {batch.first} to {batch.position}, appended were {expected}")
        if batch.digest != leaves_digest(leaf_hash(entry) for entry in self.appended):
            raise Violation("the batch has the digest of other leaves")
        if last and batch.admitted_at < last.admitted_at:
            raise Violation(f"time fell from {last.admitted_at} to {batch.admitted_at}")
        if self.indexed:
            raise Violation("a transaction closes one batch")
        self.indexed = True
        self._inner.index(lines, batch, states)


class PolicedStore:
    """Wraps any backend."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._seen: list[bytes] = []
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[Reads]:
        with self._inner.snapshot() as reads:
            yield reads

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._inner.transaction() as inner:
            if inner.entries(0, inner.size()) != self._seen:
                raise Violation("an entry that was committed is lost or changed")
            transaction = PolicedTransaction(inner)
            try:
                yield transaction
            finally:
                transaction.over = True
            if transaction.appended and not transaction.indexed:
                raise Violation("entries were committed without their index")
        self._seen += transaction.appended

    def close(self) -> None:
        if self._closed:
            raise Violation("a store is closed once")
        self._closed = True
        self._inner.close()
