"""What readers find at ``checkpoint``: the note that was signed last, with the cosignatures that it has gathered.

The compare-and-swap store keeps what the log signed; cosignatures are no part of it. So the
published note is always that note and, after it, lines of witnesses: one that comes
late is added, and nothing is ever taken back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from ledger.tiles import Tiles
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import prove_consistency
from tallystick.note import Note, Signature, parse_note
from tallystick.tiles import TileReader
from tallystick.tree_head import SignedCheckpoint

Late: TypeAlias = Callable[[SignedCheckpoint, Sequence[Signature]], None]
"""Takes cosignatures of a checkpoint that came after ``gather`` had returned."""


Doubt: TypeAlias = Callable[[Note], None]
"""Takes the checkpoint, unverified, that a witness shows which says that it holds another history."""


@dataclass(frozen=True)
class Offer:
    """A checkpoint that wants cosignatures; it may bear some already. ``prove``: consistency of its first leaves.

    ``newest``: whether nothing was signed after it, here or by a publisher elsewhere.
    """

    signed: SignedCheckpoint
    prove: Callable[[int], Sequence[bytes]]
    late: Late
    doubt: Doubt = lambda note: None
    newest: Callable[[], bool] = lambda: True


class Cosigners(Protocol):
    """Whoever asks witnesses. Cosignatures that it gives are verified."""

    def gather(self, offer: Offer) -> Sequence[Signature]:
        """What came in the time that a publication may take, which is bounded; no fault of a witness is raised."""
        ...

    def remembered(self, origin: str) -> Sequence[Note]:
        """Checkpoints of the log that witnesses say they cosigned last, unverified; of those who answer in time.

        One note for each text, with the lines of all who show it.
        """
        ...

    def vouch(self, note: Note) -> bool:
        """Whether as many witnesses as the policy demands have cosigned the note, one at least."""
        ...


class NoCosigners:
    """A log without witnesses."""

    def gather(self, offer: Offer) -> Sequence[Signature]:
        """Nothing."""
        return ()

    def remembered(self, origin: str) -> Sequence[Note]:
        """Nothing."""
        return ()

    def vouch(self, note: Note) -> bool:
        """No."""
        return False


class Face:
    """Shows signed checkpoints. ``current`` tells the note that the checkpoint store holds now."""

    def __init__(self, tiles: Tiles, cosigners: Cosigners, current: Callable[[], str], doubt: Doubt) -> None:
        self._tiles = tiles
        self._cosigners = cosigners
        self._current = current
        self._doubt = doubt
        self._lock = threading.Lock()

    def restore(self, signed: SignedCheckpoint) -> None:
        """What was signed but not shown before a crash is shown, without waiting for anybody."""
        with self._lock:
            self._put(signed, ())

    def show(self, signed: SignedCheckpoint) -> SignedCheckpoint:
        """Gather cosignatures for as long as that may take, show the checkpoint, and say what is shown."""
        size = signed.checkpoint.size

        def prove(old: int) -> Sequence[bytes]:
            return prove_consistency(TileReader(size, self._tiles.get), old, size)

        offer = Offer(self._with_shown(signed), prove, self.add, self._doubt, lambda: self._is_newest(signed))
        lines = self._cosigners.gather(offer)
        with self._lock:
            return self._put(signed, lines)

    def add(self, signed: SignedCheckpoint, lines: Sequence[Signature]) -> None:
        """Show late cosignatures too, unless another checkpoint was signed since, here or by a publisher elsewhere."""
        with self._lock:
            if self._is_newest(signed):
                self._put(signed, lines)

    def _is_newest(self, signed: SignedCheckpoint) -> bool:
        return self._current().startswith(signed.note.text + "\n")

    def _put(self, signed: SignedCheckpoint, lines: Sequence[Signature]) -> SignedCheckpoint:
        merged = _merge(self._with_shown(signed).note, lines)
        encoded = merged.encode()
        if self._tiles.checkpoint() != encoded.encode():
            self._tiles.put_checkpoint(encoded)
        return replace(signed, note=merged)

    def _with_shown(self, signed: SignedCheckpoint) -> SignedCheckpoint:
        """``signed`` with the lines under which it is shown already."""
        shown = self._tiles.checkpoint()
        if shown is None or not shown.startswith(signed.note.encode().encode()):
            return signed
        try:
            return replace(signed, note=parse_note(shown))
        except MalformedInput:
            # Somebody wrote into the public folder: what was signed is shown again.
            return signed


def _merge(note: Note, lines: Sequence[Signature]) -> Note:
    """One line for each key; a line that was just verified takes the place of one that stood there."""
    merged = {(line.name, line.key_id): line for line in (*note.signatures, *lines)}
    return Note(note.text, tuple(merged.values()))
