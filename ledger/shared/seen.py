"""What a process of a shared log was shown: no later checkpoint may contradict it.

Where the checkpoint store is taken back together with the database, and no witness remembers, whoever read what was
published is all that knows of it.
"""

from __future__ import annotations

import logging

from ledger.errors import Corrupt, Forked
from ledger.tiles import Tiles
from tallystick.merkle import root_at
from tallystick.tiles import TileReader
from tallystick.tree_head import SignedCheckpoint

_log = logging.getLogger(__name__)


class Seen:
    """``newest``: the largest checkpoint that all that was shown before agrees with; ``forked``: what is shown now does
    not extend it.
    """

    def __init__(self) -> None:
        self.newest: SignedCheckpoint | None = None
        self.forked: Forked | None = None

    def show(self, signed: SignedCheckpoint, tiles: Tiles) -> None:
        """This one is published, with its tiles. Raises ``Corrupt`` where these are not of its tree."""
        known = self.newest
        if known and signed.checkpoint.size < known.checkpoint.size:
            return  # it says nothing of what is larger; who is elected asks the checkpoint store
        forked = self._contradicts(known, signed, tiles) if known else None
        if forked is None:
            self.newest = signed
        elif self.forked is None:
            _log.critical("HALTED: %s\n--- shown before, and now\n%s\n%s---", forked, *forked.notes)
        self.forked = forked

    def _contradicts(self, known: SignedCheckpoint, signed: SignedCheckpoint, tiles: Tiles) -> Forked | None:
        old, new = known.checkpoint, signed.checkpoint
        reader = TileReader(new.size, tiles.get)
        if root_at(reader, new.size) != new.root:
            raise Corrupt(f"the published tiles do not give the root that was signed for size {new.size}; run `fsck`")
        if root_at(reader, old.size) == old.root:
            return None
        return Forked(
            f"this process was shown a checkpoint of {old.size} leaves, which the one of {new.size} leaves that is "
            "shown now does not extend: the log was put back to an old copy and went on from it, or somebody else "
            "signs with its keys. Nothing is recorded here until the newest one is back; if there is none, start "
            "again, and tell the readers: whoever has both checkpoints can prove a fork",
            (known.note.encode(), signed.note.encode()),
        )
