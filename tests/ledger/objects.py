"""An object store in memory, of which each PUT can fail: before it is done, when it is done, or to be done later."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

from ledger.bucket.objects import Found
from tests.ledger.faults import Plan


class MemoryObjects:
    """``Objects``. ``between``: called before each PUT, when it was decided upon."""

    name = "s3://memory"

    def __init__(self) -> None:
        self.plan = Plan()
        self.held: dict[str, Found] = {}
        self.between: Callable[[str], None] = lambda key: None

    def get(self, key: str) -> Found | None:
        return self.held.get(key)

    def create(self, key: str, data: bytes) -> bool:
        return self._put(key, data, 0, None)

    def replace(self, key: str, data: bytes, epoch: int, tag: str | None) -> bool:
        return self._put(key, data, epoch, tag)

    def names(self) -> Iterator[str]:
        return iter(sorted(self.held))

    def flip(self, key: str, bit: int = 0) -> None:
        """Flip a bit of an object."""
        data = bytearray(self.held[key].data)
        data[bit // 8] ^= 1 << bit % 8
        self.held[key] = Found(bytes(data), "flipped", self.held[key].epoch)

    def _put(self, key: str, data: bytes, epoch: int, tag: str | None) -> bool:
        self.between(key)

        def do() -> bool:
            there = self.held.get(key)
            if (there.tag if there else None) != tag:
                return False
            # As S3 names the bytes of an object: nothing of the epoch is in it.
            self.held[key] = Found(data, hashlib.md5(data, usedforsecurity=False).hexdigest(), epoch)
            return True

        return bool(self.plan.step("put " + key, do))
