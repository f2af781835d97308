"""Moves one anchor through its states: prepared, sent, mined, final; or dropped, when the contract refuses it.

Every step looks at the chain first and acts second, so that repeating a step after
a crash finds what the crashed run did and goes on from there. The proof is packed
as soon as the anchor is mined, for a node may forget the state of a block long
before the chain calls it final; nothing counts that the core has not verified.
"""

from __future__ import annotations

from collections.abc import Sequence

from anchors.client import EvmClient
from anchors.errors import AnchorRefused, BadAnswer, SlotMoved
from anchors.finality import IMMEDIATE, FinalityRule
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Mined, NewAttempt, Target
from anchors.packer import Packer
from anchors.ports import CheckpointSource, Clock
from anchors.registry import Registry, gas_limit
from anchors.sender import GaveUp, Sender
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import ProofFailed, verify_consistency

UNPROVABLE_AFTER = 86_400
"""Seconds after which an anchor is dropped that is mined and whose proof cannot be packed: the node forgot the block's
state, or never tells the truth. The next checkpoint gets an anchor of its own."""


@dataclass(frozen=True)
class Anchorer:
    """Works for one target."""

    outbox: Outbox
    client: EvmClient
    sender: Sender
    registry: Registry
    packer: Packer
    source: CheckpointSource
    clock: Clock
    finality: FinalityRule = IMMEDIATE
    trial: bool = True
    """Whether a transaction is tried before it is sent: a failed one costs money, but for an embedded chain."""

    def advance(self, target: Target, anchor: Anchor) -> Anchor:
        """Go as far as the chain lets us; returns the anchor as it then stands.

        Raises ``ChainUnreachable`` when the chain does not answer, ``PackingFailed`` or the core's errors when the
        proof does not hold; the anchor keeps its state and the next run goes on.
        """
        seen_now = anchor.state != "mined"
        if seen_now:
            anchor = self._to_mined(target, anchor)
        if anchor.state != "mined":
            return anchor
        if not (seen_now and self.finality == IMMEDIATE) and self._moved(anchor):
            # The block was reorganised away. The stored transaction is sent again.
            return self.outbox.mark_sent(anchor.id, self.clock())
        return self._to_final(target, anchor)

    def _to_mined(self, target: Target, anchor: Anchor) -> Anchor:
        found = self._found_on_chain(target, anchor)
        if found is None:
            try:
                # Looked at again when it comes to signing: the slot may have moved since.
                self.sender.push(target.id, anchor.id, lambda: self._sign(target, anchor))
            except (AnchorRefused, GaveUp) as error:
                return self.outbox.mark_dropped(anchor.id, str(error), self.clock())
            anchor = self.outbox.mark_sent(anchor.id, self.clock())
            found = self._found_on_chain(target, anchor)
        if found is None:
            return anchor
        return self.outbox.mark_mined(anchor.id, found, self.clock())

    def _found_on_chain(self, target: Target, anchor: Anchor) -> Mined | None:
        """Where the anchor stands: by our own transaction, or by an event that another one caused (adopted)."""
        receipt = self.sender.succeeded(target.id, anchor.id)
        if receipt is not None:
            return self._mined(bytes(receipt["transactionHash"]), bytes(receipt["blockHash"]))
        newest = self.registry.newest(self._hint(target))
        if newest is None or newest.size < anchor.size:
            return None
        event = self.registry.find(self._checkpoint(anchor))
        if event is None:
            return None
        # Ours may have been mined since its receipt was asked for: what it cost is kept.
        self.sender.succeeded(target.id, anchor.id)
        return self._mined(event.tx_hash, event.block_hash)

    def _mined(self, tx_hash: bytes, block_hash: bytes) -> Mined | None:
        block = self.client.block(block_hash)
        if block is None:
            return None
        if tx_hash not in [one["hash"] for one in block["transactions"]]:
            raise BadAnswer(
                f"the node says that transaction 0x{tx_hash.hex()} is in block 0x{block_hash.hex()}, and shows that "
                "block without it"
            )
        return Mined(tx_hash, block_hash, int(block["number"]), int(block["timestamp"]))

    def _hint(self, target: Target) -> Checkpoint | None:
        """Our last final anchor: most often it is what the slot holds."""
        last = self.outbox.last_final(target.id)
        return None if last is None else self._checkpoint(last)

    def _checkpoint(self, anchor: Anchor) -> Checkpoint:
        return Checkpoint(self.registry.log.origin, anchor.size, anchor.root)

    def _sign(self, target: Target, anchor: Anchor) -> NewAttempt:
        """The transaction that moves the contract from what it holds to this anchor. Raises ``AnchorRefused``."""
        newest = self.registry.newest(self._hint(target))
        old_size = 0 if newest is None else newest.size
        if old_size >= anchor.size:
            if self.registry.find(self._checkpoint(anchor)) is not None:
                raise SlotMoved("somebody else anchored this checkpoint at this moment: looking again")
            raise AnchorRefused(f"the contract holds size {old_size} already, this anchor has size {anchor.size}")
        proof = [] if newest is None else self.source.consistency(old_size, anchor.size)
        data = self.registry.relay_data(newest, self._checkpoint(anchor), proof, anchor.signature)
        if self.trial or self.outbox.attempts(target.id, anchor.id) or not _extends(newest, anchor, proof):
            self._try(target, newest, data)
        return self.sender.account.sign(self.registry.contract, data, gas_limit(proof))

    def _try(self, target: Target, newest: Checkpoint | None, data: bytes) -> None:
        """A refusal costs nothing here; the sent transaction is refused only if the slot moves in between."""
        try:
            self.registry.simulate(data, self.sender.account.address)
        except AnchorRefused:
            if self.registry.newest(self._hint(target)) != newest:
                raise SlotMoved("somebody else anchored this log at this moment: looking again") from None
            raise

    def _to_final(self, target: Target, anchor: Anchor) -> Anchor:
        assert anchor.block_hash is not None
        assert anchor.block_number is not None
        head = self.finality.final_head(self.client, anchor.block_number, anchor.block_hash)
        draft = anchor.draft
        if draft is None:
            draft = self._packed(target, anchor)
            if draft is None:
                return self.outbox.anchor(anchor.id)
        if head is None:
            return anchor if anchor.draft is not None else self.outbox.keep_draft(anchor.id, draft)
        proof = self.packer.finish(draft, self.finality.kind, head)
        return self.outbox.mark_final(anchor.id, proof, self.clock())

    def _moved(self, anchor: Anchor) -> bool:
        receipt = None if anchor.tx_hash is None else self.client.receipt(anchor.tx_hash)
        if receipt is None or receipt["blockHash"] != anchor.block_hash:
            return True
        return self.finality != IMMEDIATE and self.client.block_hash(anchor.block_number or 0) != anchor.block_hash

    def _packed(self, target: Target, anchor: Anchor) -> bytes | None:
        """The proof, verified; None when the anchor was dropped because it never will be."""
        try:
            return self.packer.pack(target, self.registry, anchor)
        except TallystickError as error:
            mined_at = self.clock() if anchor.mined_at is None else anchor.mined_at
            if self.clock() - mined_at < UNPROVABLE_AFTER:
                raise
            why = f"it is in block 0x{(anchor.block_hash or b'').hex()}, and its proof cannot be packed: {error}"
            self.outbox.mark_dropped(anchor.id, why, self.clock())
            return None


def _extends(held: Checkpoint | None, anchor: Anchor, proof: Sequence[bytes]) -> bool:
    """Whether the contract will find that the anchor extends what it holds, by the core's own reckoning."""
    if held is None:
        return True
    try:
        verify_consistency(held.size, held.root, anchor.size, anchor.root, proof)
    except ProofFailed:
        return False
    return True
