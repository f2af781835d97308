"""Gets the contract onto a chain once, however often it is tried."""

from __future__ import annotations

from dataclasses import dataclass

from anchors.client import EvmClient
from anchors.errors import ChainMismatch, TransactionPending
from anchors.outbox import Outbox
from anchors.outbox_rows import Target
from anchors.ports import Clock
from anchors.registry import GAS_DEPLOY, Artefact
from anchors.sender import Sender
from anchors.wire import bytes_of
from tallystick.evm.keccak import keccak256


@dataclass(frozen=True)
class Deployment:
    """Deploys through the outbox, so that a crash never leaves two contracts."""

    outbox: Outbox
    client: EvmClient
    sender: Sender
    artefact: Artefact
    clock: Clock

    def ensure(self, target: Target) -> Target:
        """The target with a contract on the chain, announced.

        Raises ``TransactionPending`` while the deployment is not mined, ``ChainMismatch`` when the chain or the
        code is not the one that the target was made with.
        """
        self._check_chain(target)
        if target.contract is None:
            target = self.outbox.announce(target.id, self._deploy(target), self.clock())
        self._check_code(target)
        self._check_last_anchor(target)
        return target

    def _deploy(self, target: Target) -> bytes:
        receipt = self.sender.succeeded(target.id, None)
        if receipt is None:
            self.sender.push(
                target.id, None, lambda: self.sender.account.sign(None, self.artefact.bytecode, GAS_DEPLOY)
            )
            receipt = self.sender.succeeded(target.id, None)
        if receipt is None:
            raise TransactionPending(f"the contract of target {target.spec.name!r} is being deployed")
        return bytes_of(receipt["contractAddress"])

    def _check_chain(self, target: Target) -> None:
        found = self.client.chain_id(), self.client.genesis_hash()
        expected = target.spec.chain_id, target.spec.genesis_hash
        if found != expected:
            raise ChainMismatch(
                f"target {target.spec.name!r} is on chain {expected[0]} with genesis 0x{expected[1].hex()}; the chain "
                f"that answers is {found[0]} with genesis 0x{found[1].hex()}: it was reset, or it is another chain"
            )

    def _check_last_anchor(self, target: Target) -> None:
        last = self.outbox.last_final(target.id)
        if last is not None and self.client.block(last.block_hash or b"") is None:
            raise ChainMismatch(
                f"the chain has no block 0x{(last.block_hash or b'').hex()}, which holds the final anchor of size "
                f"{last.size}: it was reset or restored from an older copy; bring the newer one back"
            )

    def _check_code(self, target: Target) -> None:
        contract = target.contract or b""
        found = keccak256(self.client.code(contract))
        if found != target.spec.code_hash:
            raise ChainMismatch(
                f"the contract 0x{contract.hex()} of target {target.spec.name!r} has code hash 0x{found.hex()}, "
                f"expected 0x{target.spec.code_hash.hex()}: the chain was reset, or it is another contract"
            )
