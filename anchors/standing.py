"""Is this still the chain that the target was made on? Looked at when anchoring starts, and before each step elsewhere.

A node that was reset has the same chain id, and often the same contract address. What tells it apart: the genesis
block, the contract's code, the block of the last final anchor.
"""

from __future__ import annotations

from anchors.client import EvmClient
from anchors.errors import ChainMismatch
from anchors.outbox import Outbox
from anchors.outbox_rows import Target
from tallystick.evm.keccak import keccak256
from tallystick.lazy_dataclass import dataclass

_TODO = "bring the right node back, or correct its address; a chain that began anew is a new target under a new name"


def check_genesis(name: str, found: bytes, pinned: bytes | None) -> None:
    """Raise ``ChainMismatch`` where the configuration names another block 0 than the chain has (32 bytes each)."""
    if pinned not in (None, found):
        raise ChainMismatch(
            f"chain {name!r} is configured with genesis 0x{(pinned or b'').hex()}, the node's is 0x{found.hex()}: "
            "it is another chain with the same id, or a fork of it; correct the address, or `genesis`"
        )


@dataclass(frozen=True)
class Standing:
    """Checks of one target. Each raises ``ChainMismatch``: what was found, what was expected, what to do."""

    outbox: Outbox
    client: EvmClient

    def check(self, target: Target) -> None:
        """All that is known of the target by now."""
        self.check_chain(target)
        if target.contract is not None:
            self.check_code(target)
        self.check_last_anchor(target)

    def check_chain(self, target: Target) -> None:
        """Chain id and genesis."""
        found = self.client.chain_id(), self.client.genesis_hash()
        expected = target.spec.chain_id, target.spec.genesis_hash
        if found != expected:
            raise ChainMismatch(
                f"target {target.spec.name!r} is on chain {expected[0]} with genesis 0x{expected[1].hex()}; the chain "
                f"that answers is {found[0]} with genesis 0x{found[1].hex()}: it was reset, or it is another chain; "
                + _TODO
            )

    def check_code(self, target: Target) -> None:
        """The contract's code."""
        contract = target.contract or b""
        code = self.client.code(contract)
        if not code:
            raise ChainMismatch(
                f"the contract 0x{contract.hex()} of target {target.spec.name!r} is not on the chain that answers: "
                "it was reset, or it is not synchronised; " + _TODO
            )
        found = keccak256(code)
        if found != target.spec.code_hash:
            raise ChainMismatch(
                f"the contract 0x{contract.hex()} of target {target.spec.name!r} has code hash 0x{found.hex()}, "
                f"expected 0x{target.spec.code_hash.hex()}: the chain was reset, or it is another contract; " + _TODO
            )

    def check_last_anchor(self, target: Target) -> None:
        """The block of the last final anchor, in the chain as it is now."""
        last = self.outbox.last_final(target.id)
        if last is None or last.block_number is None:
            return
        expected, found = last.block_hash or b"", self.client.block_hash(last.block_number)
        if found != expected:
            shown = "no block with that number" if found is None else f"block 0x{found.hex()} there"
            raise ChainMismatch(
                f"target {target.spec.name!r}: the chain has no block 0x{expected.hex()}, number {last.block_number}, "
                f"which holds the final anchor of size {last.size}; it has {shown}: it was reset or restored from an "
                "older copy; bring the newer one back, or the right node. If the chain itself took a final block back, "
                "its finality rule is too weak: its anchors prove nothing until it is understood"
            )
