"""Admission states as of entries that are being written, over those that the store has."""

from __future__ import annotations

from collections.abc import Iterable

from ledger.store import Reads
from tallystick.admission import BATCH, LOG, State
from tallystick.errors import MalformedInput


class Pending:
    """A ``StateReader``. ``changes``: the states that the store comes to have."""

    def __init__(self, below: Reads, names: Iterable[frozenset[str]]) -> None:
        """``names``: what each statement of a batch refers to. It is read at once: most often the rules ask for it."""
        self._below = below
        self.changes: dict[str, State] = {}
        asked = {LOG, BATCH}.union(*names)
        try:
            # Absent states are known as such.
            self._read: dict[str, State | None] = {**dict.fromkeys(asked), **below.get_many(asked)}
        except MalformedInput:
            # A damaged state is the trouble of the statements that need it, and of no others.
            self._read = {}

    def get(self, key: str) -> State | None:
        """The state as of the entries taken so far."""
        try:
            return self._read[key]
        except KeyError:
            found = self._read[key] = self._below.get(key)
            return found

    def put(self, changes: Iterable[tuple[str, State]]) -> None:
        """What an entry changes."""
        for key, state in changes:
            self.changes[key] = self._read[key] = state
