"""Publication: integrate, recompute, prove, sign, compare-and-swap, gather cosignatures, show.

Where anchors are to be aligned a checkpoint is signed exactly at the newest multiple first: once the log is beyond it,
that size is never signed again.

Every step may be the last before a crash. Nothing is remembered from one publication to the
next that is not read again from the checkpoint store and the tiles: what a crash left
undone, the next one does.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable

from ledger.aligned import aligned_below, cut_tiles
from ledger.batch import Clock
from ledger.checkpoint_store import CheckpointStore, Held
from ledger.errors import Corrupt, Fenced, Forked, HistoryLost, LedgerError, LogHalted, WrongLog
from ledger.face import Cosigners, Face, NoCosigners
from ledger.frontier import Frontier
from ledger.integrate import check_last_bundle, integrate, recompute
from ledger.store import Reads, Store
from ledger.tiles import Tiles
from ledger.upkeep.opening import keys_of
from tallystick.admission import LOG
from tallystick.checkpoint import Checkpoint, parse_body
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.merkle import EMPTY_ROOT, ProofFailed, prove_consistency, root_at, verify_consistency
from tallystick.note import Ed25519Verifier, Note, verify_note
from tallystick.tiles import TileReader
from tallystick.tree_head import CheckpointKeys, LogSigners, SignedCheckpoint, sign_checkpoint, verify_tree_head

_log = logging.getLogger(__name__)


class Publisher:
    """Signs the checkpoints of one log. Making one fences every publisher of that log made before it.

    ``halted``: what a witness showed, since when nothing more is signed; the operator must decide.
    """

    def __init__(
        self,
        store: Store,
        tiles: Tiles,
        checkpoints: CheckpointStore,
        signers: LogSigners,
        clock: Clock,
        cosigners: Cosigners | None = None,
        epoch: int | None = None,
        align: int | None = None,
        shown: SignedCheckpoint | None = None,
    ) -> None:
        """``epoch`` is given by an election, where there is one; else the next one is taken. ``align``: the multiple
        of ``ledger.aligned.ALIGNMENT`` at which checkpoints are signed besides; ``None``: at none. ``shown``: the
        newest checkpoint that whoever publishes knows to be published.

        Raises ``Fenced`` when the epoch is over, ``HistoryLost`` when the store lacks what was signed, ``Forked`` when
        it contradicts what a witness holds or what was shown, ``Corrupt`` when it or the tiles changed; ``ValueError``
        for another ``align``.
        """
        self._store = store
        self._tiles = tiles
        self._checkpoints = checkpoints
        self._signers = signers
        self._clock = clock
        aligned_below(0, align)  # raises where the alignment is none
        self._align = align
        self._cosigners = cosigners or NoCosigners()
        self._face = Face(tiles, self._cosigners, lambda: checkpoints.latest(signers.origin).note, self._doubt)
        self.halted: LogHalted | None = None
        self._lock = threading.Lock()
        self._keys: CheckpointKeys = signers.keys
        self._edge = Frontier(0, [])
        self._verified: tuple[str, CheckpointKeys, SignedCheckpoint] | None = None
        self._check_history(shown)
        self._epoch = checkpoints.take_over(signers.origin, epoch)

    def publish(self, check: Callable[[Reads], None] = lambda reads: None) -> SignedCheckpoint:
        """A published checkpoint of everything committed when this began; the last one if that is all.

        ``check`` looks at the store as it is published, and raises where it is not to be.
        Raises ``Fenced``, ``Forked``, ``HistoryLost``, ``WrongLog``, ``Corrupt`` or ``LogHalted``, and then nothing was
        signed.
        """
        with self._lock:
            if self.halted:
                raise LogHalted(str(self.halted))
            held = self._checkpoints.latest(self._signers.origin)
            if held.epoch != self._epoch:
                # Where others keep the tiles, they would not tell that its entries may be another's.
                raise Fenced(
                    f"another publisher of {self._signers.origin} has taken over, in epoch {held.epoch}; nothing was "
                    "signed here: stop one of the two"
                )
            signed = self._read(held)
            last = self._head(signed)
            edge = self._edge_of(last)
            # Not before its tiles are seen to be here: it may be another's, who took over from elsewhere.
            if signed:
                self._face.restore(signed)
                self._keep_aligned(signed)
            with self._store.snapshot() as reads:
                check(reads)
                size = reads.size()
                # Of these entries: a key may have been replaced since the last look, and is not to sign what is above.
                self._look_up_keys(reads)
                self._check_size(size, held)
                old = signed if size == last.size else None
                grown = edge if old else integrate(reads, self._tiles, edge, size)
            if old:
                return self._face.show(old)
            heads = self._heads(last, size)
            if heads[-1].root != grown.root():
                raise Corrupt(f"the tiles as written give another root than the entries, at size {size}; run `fsck`")
            for before, head in itertools.pairwise([last, *heads]):
                new = self._sign(held, before, head)
                held = Held(self._epoch, head.size, new.note.encode())
            self._edge = grown
            return self._face.show(new)

    def _look_up_keys(self, reads: Reads) -> None:
        """Which keys sign which size, as the entries say."""
        self._keys = keys_of(reads.get(LOG)) or self._signers.keys

    def _heads(self, last: Checkpoint, size: int) -> list[Checkpoint]:
        """What is to be signed, the smaller first: the newest aligned size on the way, if there is one, and ``size``.

        Raises ``Corrupt`` where tiles as written differ from the bundles.
        """
        cut = aligned_below(size, self._align)
        sizes = [size]
        if last.size < cut < size and self._keys.at(cut) == self._signers.keys:
            self._tiles.put(cut_tiles(self._tiles, cut, size))
            sizes = [cut, size]
        known = [last.size, *sizes]
        return [
            Checkpoint(self._signers.origin, new, recompute(self._tiles, old, new))
            for old, new in itertools.pairwise(known)
        ]

    def _sign(self, held: Held, last: Checkpoint, new: Checkpoint) -> SignedCheckpoint:
        self._check_extends(last, new, held.note)
        if self._keys.at(new.size) != self._signers.keys:
            raise WrongLog(
                f"a key that signs checkpoints was replaced: size {new.size} is not for the keys given here to sign; "
                "start again with the keys in force"
            )
        note = sign_checkpoint(new, self._signers, self._clock())
        signed = verify_tree_head(note.encode(), self._signers.keys)
        self._checkpoints.swap(self._signers.origin, self._epoch, held, new.size, note)
        self._verified = note, self._keys, signed
        self._keep_aligned(signed)
        return signed

    def _keep_aligned(self, signed: SignedCheckpoint) -> None:
        """An aligned checkpoint stays to be found when a larger one is shown."""
        size = signed.checkpoint.size
        if size and aligned_below(size, self._align) == size:
            note = signed.note.encode()
            if self._tiles.aligned() != note.encode():
                self._tiles.put_aligned(note)

    def _check_extends(self, last: Checkpoint, new: Checkpoint, note: str) -> None:
        proof = prove_consistency(TileReader(new.size, self._tiles.get), last.size, new.size)
        try:
            verify_consistency(last.size, last.root, new.size, new.root, proof)
        except ProofFailed as error:
            raise Forked(
                f"the log as stored does not extend the checkpoint signed last: {error}; nothing was signed",
                (note, new.body()),
            ) from None

    def _head(self, signed: SignedCheckpoint | None) -> Checkpoint:
        return signed.checkpoint if signed else Checkpoint(self._signers.origin, 0, EMPTY_ROOT)

    def _read(self, held: Held) -> SignedCheckpoint | None:
        """The checkpoint signed last, by the keys that the entries name: looked up after it, they name all of its."""
        with self._store.snapshot() as reads:
            self._look_up_keys(reads)
        if not held.note:
            return None
        signed = self._verify(held.note)
        if signed.checkpoint.size != held.size:
            raise Corrupt(f"the checkpoint store says size {held.size} of a checkpoint of {signed.checkpoint.size}")
        return signed

    def _verify(self, note: str) -> SignedCheckpoint:
        """Three signatures of the same bytes by the same keys need not be verified again and again."""
        if not self._verified or self._verified[:2] != (note, self._keys):
            try:
                self._verified = note, self._keys, verify_tree_head(note.encode(), self._keys)
            except VerificationFailed as error:
                raise Corrupt(f"the checkpoint store holds a checkpoint that this log did not sign: {error}") from None
        return self._verified[2]

    def _edge_of(self, last: Checkpoint) -> Frontier:
        if self._edge.size != last.size:
            self._edge = Frontier.load(last.size, self._tiles.get)
        if self._edge.root() != last.root:
            self._edge = Frontier(0, [])
            raise Corrupt(f"the tiles do not give the root that was signed for size {last.size}; run `fsck`")
        return self._edge

    def _check_size(self, size: int, held: Held) -> None:
        if size < held.size:
            raise HistoryLost(
                f"the database has {size} entries, a checkpoint of {held.size} was signed: it is an old copy. "
                "To go on from it would be a second history: bring it forward with `python -m ledger restore`"
            )

    def _check_history(self, shown: SignedCheckpoint | None) -> None:
        """The store begins with what was signed, as far as a few tiles can tell; `fsck` looks at all of it."""
        # Witnesses first: whoever is to be deposed goes on until then, and what it has cosigned it has stored before.
        remembered = list(self._cosigners.remembered(self._signers.origin))
        held = self._checkpoints.latest(self._signers.origin)
        last = self._head(self._read(held))
        with self._store.snapshot() as reads:
            self._check_size(reads.size(), held)
            # Grows by nothing, but reads the entries of the last bundle and holds them against what was signed.
            integrate(reads, self._tiles, self._edge_of(last), last.size)
            check_last_bundle(reads, self._tiles, last.size)
        for note in remembered:
            self._check_remembered(note, last, held.note)
        if shown:
            self._check_begins("this process was shown", shown.checkpoint, shown.note, last, held.note)

    def _check_remembered(self, note: Note, last: Checkpoint, held: str) -> None:
        """A witness remembers nothing of this log that the log has forgotten. What we did not sign is no evidence."""
        seen = self._evidence(note)
        if seen is None or seen.origin != last.origin:
            return
        self._check_begins("a witness cosigned", seen, note, last, held)

    def _check_begins(self, who: str, seen: Checkpoint, note: Note, last: Checkpoint, held: str) -> None:
        """What this log signed last begins with what it signed once, as ``who`` remembers."""
        if seen.size > last.size:
            raise HistoryLost(
                f"{who} a checkpoint of {seen.size} leaves that this log signed, the checkpoint store "
                f"remembers {last.size}: both it and the database are old copies, or somebody else signs with these "
                "keys. To go on would be a second history; bring back the newest of both"
            )
        if root_at(TileReader(last.size, self._tiles.get), seen.size) != seen.root:
            raise Forked(
                f"{who} another tree of {seen.size} leaves that this log signed; nothing was signed now",
                (held, note.encode()),
            )

    def _evidence(self, note: Note) -> Checkpoint | None:
        """The checkpoint, if this log signed it: by a key that it knows, or else as its quorum of witnesses vouches.

        An old copy of the log does not know the keys that were replaced since; witnesses did when they cosigned.
        """
        try:
            seen = parse_body(note.text)
            verify_note(note, [Ed25519Verifier(self._signers.origin, self._keys.at(seen.size).ed25519)])
        except MalformedInput:
            return None
        except VerificationFailed:
            return seen if self._cosigners.vouch(note) else None
        return seen

    def _doubt(self, note: Note) -> None:
        """A witness says that it holds another history. Anybody can say so; what this log signed is another thing."""
        try:
            with self._lock:
                held = self._checkpoints.latest(self._signers.origin)
                self._check_remembered(note, self._head(self._read(held)), held.note)
        except (HistoryLost, Forked) as error:
            self.halted = LogHalted(f"{error}. Nothing is recorded nor signed any more until the operator has decided")
            _log.critical("HALTED: %s\n--- shown by the witness\n%s---", self.halted, note.encode())
        except LedgerError:
            _log.exception("what a witness shows could not be held against this log")
