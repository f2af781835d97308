"""Where a log is that several processes share."""

from __future__ import annotations

from ledger.bucket.place import BucketPlace
from ledger.shared.election import LEASE
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Place:
    """Where a shared log is. ``checkpoints``: the database of the checkpoint store, if it is another one.
    ``bucket``: the object store of its published tiles, if they are not in the database; the same in every process.

    ``holder``: the name of this process, as others see it. ``lease``: seconds, the same in every process.
    """

    database: str
    holder: str
    checkpoints: str | None = None
    lease: float = LEASE
    bucket: BucketPlace | None = None

    @property
    def signed(self) -> str:
        """The database of the checkpoint store."""
        return self.checkpoints or self.database
