"""A log to copy from in an object store that not everybody may read: ``Source`` by the credentials of the environment.

Who may read the bucket by its public address needs none, and gives that address.
"""

from __future__ import annotations

from ledger.bucket.objects import Objects
from ledger.copies.source import first_of, limited
from ledger.errors import Corrupt, ObjectsUnreachable, Unreachable
from ledger.tilestore import CHECKPOINT
from tallystick.note import MAX_NOTE_BYTES
from tallystick.tiles import Tile


class BucketSource:
    """See ``Source``."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.name = objects.name

    def checkpoint(self) -> bytes:
        """See ``Source``."""
        found = self._read(CHECKPOINT, MAX_NOTE_BYTES)
        if found is None:
            raise Unreachable(f"there is no checkpoint in {self.name}: correct its name, or nothing is published yet")
        return found

    def tile(self, tile: Tile) -> bytes:
        """See ``Source``."""
        return first_of(tile, self._read, self.name)

    def close(self) -> None:
        """See ``Source``."""

    def _read(self, path: str, limit: int) -> bytes | None:
        try:
            found = self._objects.get(path)
        except (ObjectsUnreachable, Corrupt) as error:
            raise Unreachable(f"{self.name}/{path}: {error}") from None
        return limited(found.data, limit, path) if found else None
