"""Gets the contract onto a chain once, however often it is tried."""

from __future__ import annotations

from dataclasses import replace

from anchors.errors import TransactionPending
from anchors.outbox import Outbox
from anchors.outbox_rows import Target
from anchors.ports import Clock
from anchors.registry import GAS_DEPLOY, Artefact
from anchors.sender import Sender
from anchors.standing import Standing
from anchors.wire import bytes_of
from tallystick.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Deployment:
    """Deploys through the outbox, so that a crash never leaves two contracts."""

    outbox: Outbox
    standing: Standing
    sender: Sender
    artefact: Artefact
    clock: Clock

    def ensure(self, target: Target) -> Target:
        """The target with a contract on the chain, announced.

        Raises ``TransactionPending`` while the deployment is not mined, ``ChainMismatch`` when what was deployed does
        not have the code that the target was made with.
        """
        if target.contract is None:
            self.standing.check_chain(target)
            deployed = self._deploy(target)
            self.standing.check_code(replace(target, contract=deployed))
            target = self.outbox.announce(target.id, deployed, self.clock())
        return target

    def begun(self, target: Target) -> bool:
        """Whether a transaction was ever signed for it."""
        return bool(self.outbox.attempts(target.id, None))

    def adopt(self, target: Target, contract: bytes) -> Target:
        """A contract that stands already, announced as the target's. Raises ``ChainMismatch`` for unknown code."""
        self.standing.check_chain(target)
        self.standing.check_code(replace(target, contract=contract))
        return self.outbox.announce(target.id, contract, self.clock())

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
