"""Packs the offline proof of an anchor while the chain still answers, and checks it as any verifier would.

The builder asks the chain for the block, every transaction and receipt in it, and
the contract's state at it; it rebuilds hash and roots, packs, and runs the core's
own verification over the packed bytes. Whatever does not fit raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

from trie.hexary import HexaryTrie

from anchors.client import EvmClient, Head
from anchors.errors import NodeRefused
from anchors.outbox_rows import Anchor, Target
from anchors.ports import BlockSeals
from anchors.registry import Registry
from anchors.wire import PackingFailed, bytes_of, header_rlp, receipt_bytes, transaction_bytes
from tallystick.evm import anchor as verifier
from tallystick.evm import proof as formats
from tallystick.evm import rlp
from tallystick.evm.registry import ANCHORED_TOPIC, event_data
from tallystick.evm.transaction import decode_receipt
from tallystick.lazy_dataclass import dataclass

FindEvent: TypeAlias = Callable[[Sequence[Mapping[str, Any]]], int]
"""Position in a receipt's logs, as a node shows them, of the one that counts."""


class StateRefused(PackingFailed):
    """The node does not show the contract's state at that block, or not any more."""


@dataclass(frozen=True)
class Packer:
    """Makes proofs from one chain. ``seals``: the chain's own, where it is an embedded one."""

    client: EvmClient
    seals: BlockSeals | None

    def pack(self, target: Target, registry: Registry, anchor: Anchor) -> bytes:
        """Canonical bytes of the ``AnchorProof`` of a mined anchor.

        Raises ``PackingFailed`` when the chain's answers do not fit together, and
        ``VerificationFailed`` or ``MalformedInput`` when the core refuses the result.
        """
        named = target.announcement
        block = self._block(anchor)
        header = header_rlp(block)
        inclusion = inclusion_of(self.client, block, anchor.tx_hash or b"", lambda logs: _event(logs, registry, anchor))
        authority = decode_receipt(inclusion.receipt).logs[inclusion.log_index].data[76:]
        state = state_of(self.client, registry.contract, registry.storage_key, int(block["number"]))
        first = registry.log.authority
        checkpoint = formats.AnchoredCheckpoint(
            origin_hash=registry.log.origin_hash.hex(),
            size=anchor.size,
            root=anchor.root.hex(),
            authority=authority.hex(),
            first_authority=None if first == authority else first.hex(),
        )
        sealed = formats.Block(header, self._finality(bytes(block["hash"])))
        packed = formats.encode(formats.pack(named, checkpoint, sealed, inclusion, state))
        verifier.verify(formats.decode(packed), named)
        return packed

    def finish(self, draft: bytes, kind: Literal["finalized", "depth", "immediate"], head: Head) -> bytes:
        """The proof of a block that is final by now: a seal says so already, else what was seen is recorded."""
        if self.seals is not None:
            return draft
        if kind == "immediate":
            return formats.with_finality(draft, formats.Finality(kind))
        return formats.with_finality(draft, formats.Finality(kind, head=head.number, head_hash=head.hash.hex()))

    def _finality(self, block_hash: bytes) -> formats.Finality:
        """A block that was just mined, where nobody here seals it, is final to nobody yet."""
        return formats.Finality("mined") if self.seals is None else formats.operator_seal(self.seals.seal(block_hash))

    def _block(self, anchor: Anchor) -> dict[str, Any]:
        if anchor.block_hash is None:
            raise PackingFailed(f"anchor {anchor.id} is in no block")
        return block_of(self.client, anchor.block_hash)


def block_of(client: EvmClient, block_hash: bytes) -> dict[str, Any]:
    """The block with its transactions. Raises ``PackingFailed`` where the chain does not know it."""
    block = client.block(block_hash)
    if block is None:
        raise PackingFailed(f"the chain does not know block 0x{block_hash.hex()}")
    return block


def inclusion_of(client: EvmClient, block: Mapping[str, Any], tx_hash: bytes, event: FindEvent) -> formats.Inclusion:
    """A transaction and its receipt in the block; ``event`` says which of its logs counts, or raises."""
    transactions = [transaction_bytes(item) for item in block["transactions"]]
    hashes = [bytes(item["hash"]) for item in block["transactions"]]
    shown = client.receipts(dict(block))
    receipts = [receipt_bytes(item) for item in shown]
    if tx_hash not in hashes:
        raise PackingFailed(f"block {block['number']} does not hold transaction 0x{tx_hash.hex()}")
    index = hashes.index(tx_hash)
    return formats.Inclusion(
        index=index,
        transaction=transactions[index],
        transaction_proof=trie_proof(transactions, index, bytes(block["transactionsRoot"])),
        receipt=receipts[index],
        receipt_proof=trie_proof(receipts, index, bytes(block["receiptsRoot"])),
        log_index=event(shown[index]["logs"]),
    )


def state_of(client: EvmClient, contract: bytes, slot: bytes, number: int) -> formats.State:
    """The contract's account and one slot (32 bytes) after block ``number``. Raises ``StateRefused``."""
    try:
        shown = client.proof(contract, slot, number)
    except NodeRefused as error:
        raise StateRefused(
            f"the node does not prove the contract's state at block {number} ({error}). Full nodes keep the states "
            "of their newest blocks only (128 is common), and some have no eth_getProof at all: use a node that "
            "proves that far back (an archive node), or anchor anew, for a proof is packed once its block is mined"
        ) from error
    return formats.State(
        account_proof=[bytes(node) for node in shown["accountProof"]],
        storage_proof=[bytes(node) for node in shown["storageProof"][0]["proof"]],
    )


def trie_proof(values: Sequence[bytes], index: int, root: bytes) -> list[bytes]:
    """Nodes on the path to ``values[index]`` in the trie of ``values`` under rlp(position), root node first.

    Raises ``PackingFailed`` when the trie does not have this root.
    """
    trie = HexaryTrie({})
    for position, value in enumerate(values):
        trie[rlp.encode_int(position)] = value
    if bytes(trie.root_hash) != root:
        raise PackingFailed(f"the trie of {len(values)} values has root 0x{trie.root_hash.hex()}, not 0x{root.hex()}")
    path = trie.get_proof(cast(Any, rlp.encode_int(index)))
    encoded = [rlp.encode(_plain(node)) for node in path]
    # A node shorter than a hash stands inside its parent.
    return [node for at, node in enumerate(encoded) if at == 0 or len(node) >= 32]


def _plain(node: Any) -> Any:
    return bytes(node) if isinstance(node, bytes) else [_plain(item) for item in node]


def _event(logs: Sequence[Mapping[str, Any]], registry: Registry, anchor: Anchor) -> int:
    """Position in the receipt of the event that anchored this checkpoint, whatever authority it names: that the
    contract lets no other speak for the log is for the core to check, by the log's id and the slot.
    """
    topics = [ANCHORED_TOPIC, registry.log.log_id]
    expected = event_data(anchor.size, anchor.root, bytes(20))[:64]
    for at, log in enumerate(logs):
        data = bytes(log["data"])
        found = (bytes_of(log["address"]), [bytes(topic) for topic in log["topics"]], data[:64], len(data))
        if found == (registry.contract, topics, expected, 96):
            return at
    raise PackingFailed(f"the transaction of anchor {anchor.id} does not anchor size {anchor.size}")
