"""The few operations on an object store that a log rests on: a test can fail each of them.

An object is whole or not there, and who asks after it was put gets it: whoever does not keep to that cannot hold a log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from tallystick.lazy_dataclass import dataclass
from tallystick.note import MAX_NOTE_BYTES
from tallystick.statement import MAX_ENTRY_BYTES
from tallystick.tiles import WIDTH

LARGEST = max(MAX_NOTE_BYTES, WIDTH * (2 + MAX_ENTRY_BYTES))
"""Bytes of the largest object of a log: a full bundle of the largest entries."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object. ``tag``: the store's name for these bytes; ``epoch``: of who put it, 0 where that is not told."""

    data: bytes
    tag: str
    epoch: int


class Objects(Protocol):
    """Objects under one prefix; from any thread.

    Any call raises ``ObjectsUnreachable`` when the store does not answer or refuses; what was to be written may then be
    written or not, now or a little later.
    """

    name: str

    def get(self, key: str) -> Found | None:
        """An object, if it is there. Raises ``Corrupt`` when it is larger than any of a log."""
        ...

    def create(self, key: str, data: bytes) -> bool:
        """Put what never changes, unless there is an object of that name; whether there was none."""
        ...

    def replace(self, key: str, data: bytes, epoch: int, tag: str | None) -> bool:
        """Put a note in the place of the one that has ``tag`` (``None``: of none); whether that was still there."""
        ...

    def names(self) -> Iterator[str]:
        """The name of every object."""
        ...
