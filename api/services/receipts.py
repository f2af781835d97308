"""Receipts: what the log signs for those who hold a statement, over checkpoints that are published and no others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from api.services.errors import NotFound, ServiceError, Unavailable
from api.services.proofs import ProofService
from ledger.errors import Corrupt
from ledger.reader import PublishedLog
from tallystick import cose
from tallystick.base64s import to_base64url
from tallystick.checkpoint import Checkpoint
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.key_history import KeyHistory
from tallystick.keys import PublicKey, Signer
from tallystick.merkle import prove_consistency, prove_inclusion, root_at
from tallystick.receipt import key_members, key_set, sign_consistency, sign_inclusion
from tallystick.schema import FieldError
from tallystick.transparent import attach

_LOOK_EVERY = 0.02
"""Seconds between two looks at the published checkpoint, for all who wait."""


class ReceiptService:
    """Signs receipts with the log's key. ``recorded``: how many entries are durable, published yet or not.

    ``history``: the log's keys by size; a tree is for the key in force at its size to sign.
    """

    def __init__(
        self,
        published: PublishedLog,
        proofs: ProofService,
        recorded: Callable[[], int],
        signer: Signer,
        history: KeyHistory,
    ) -> None:
        self._published = published
        self._proofs = proofs
        self._recorded = recorded
        self._signer = signer
        self._history = history
        self._looking: asyncio.Task[int] | None = None

    # --- receipts ---------------------------------------------------------------

    def inclusion(self, position: int) -> bytes:
        """The receipt of an entry in the latest published tree. Raises ``NotFound`` where it does not stand in it."""
        return self._inclusion(position)[1]

    def transparent(self, position: int) -> bytes:
        """The entry with its receipt: a Transparent Statement. Raises ``NotFound``."""
        entry, receipt = self._inclusion(position)
        return attach(entry, [receipt])

    def consistency(self, old_size: int) -> bytes:
        """The receipt that the latest published tree extends its first ``old_size`` leaves.

        Raises ``NotFound`` beyond the tree, ``FieldError`` where there is nothing to extend.
        """
        head = self._head()
        if old_size > head.size:
            raise NotFound(
                f"the published tree has {head.size} leaves, not {old_size}", "wait for a checkpoint", "from"
            )
        if not 0 < old_size < head.size:
            raise FieldError("from", f"expected a size from 1 to {head.size - 1}, found {old_size}")
        nodes = self._published.nodes(head.size)
        old = Checkpoint(head.origin, old_size, root_at(nodes, old_size))
        return sign_consistency(self._signer, old, head, prove_consistency(nodes, old_size, head.size))

    def _inclusion(self, position: int) -> tuple[bytes, bytes]:
        head = self._head()
        if position >= head.size:
            raise self._missing(position)
        (entry,) = self._published.entries([position], head.size)
        path = prove_inclusion(self._published.nodes(head.size), position, head.size)
        try:
            # Signing checks that these bytes and this path lead to the root: a flipped bit on the disk is never signed.
            return entry, sign_inclusion(self._signer, head, entry, position, path)
        except (MalformedInput, VerificationFailed) as error:
            raise Corrupt(f"entry {position} as published does not lead to the signed root; run `fsck`") from error

    def _head(self) -> Checkpoint:
        """The published tree, if the key that this process has is the one to sign it."""
        head = self._proofs.checkpoint().checkpoint
        if self._history.at(head.size).ed25519 != self._signer.public:
            raise Unavailable(
                f"the tree of {head.size} leaves was published before the log's key was replaced",
                "ask again once the next checkpoint is published",
            )
        return head

    def _missing(self, position: int) -> NotFound:
        if position < self._recorded():
            return NotFound(
                f"position {position} is recorded, but not published yet", "ask again in a second", "position"
            )
        return NotFound(f"no entry stands at position {position}", "check the position and the log", "position")

    # --- waiting for publication ---------------------------------------------------

    def is_recorded(self, position: int) -> bool:
        """Whether an entry stands there durably."""
        return position < self._recorded()

    async def wait(self, position: int, seconds: float) -> bool:
        """Whether the entry at ``position`` is in the published tree, at the latest after ``seconds``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        if position < await asyncio.to_thread(self._size):
            return True
        if not await asyncio.to_thread(self.is_recorded, position):
            return False
        while loop.time() < deadline:
            if position < await asyncio.shield(self._next_look()):
                return True
        return False

    def _next_look(self) -> asyncio.Task[int]:
        """One look serves all who wait."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return self._looking

    async def _look(self) -> int:
        await asyncio.sleep(_LOOK_EVERY)
        return await asyncio.to_thread(self._size)

    def _size(self) -> int:
        return self._proofs.checkpoint().checkpoint.size

    # --- keys -----------------------------------------------------------------------

    def key_set(self) -> bytes:
        """COSE Key Set of every key that ever signed a receipt here, the one in force first."""
        return key_set(self._keys())

    def key(self, kid: str) -> bytes:
        """One COSE_Key by the base64url of its kid, without padding (RFC 7515 §2). Raises ``ServiceError``."""
        for key in self._keys():
            if to_base64url(key.kid) == kid:
                return cose.dump(key_members(key))
        raise ServiceError("no-such-key", "no key of this kid signed receipts here", "see /.well-known/scitt-keys")

    def _keys(self) -> tuple[PublicKey, ...]:
        sizes = [one.position for one in reversed(self._history.replaced)]
        keys = [self._history.current.ed25519, *(self._history.at(size).ed25519 for size in sizes)]
        return tuple(dict.fromkeys(keys))
