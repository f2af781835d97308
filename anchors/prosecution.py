"""Brings a charge to the court of a chain, once, however often it is tried, and packs the proof of the conviction.

court deployed → accusation simulated → sent → convicted → final → proof packed and verified

What is signed goes through an outbox of its own before it is sent, so that a crash at any point leaves either nothing,
or stored bytes that the next run sends. A court and an accusation are targets there: the former has no log, the log id
of the latter is the defendant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

from anchors.account import GasAccount
from anchors.client import Head
from anchors.court import Charge, Court
from anchors.deployment import Deployment
from anchors.errors import ChainMismatch
from anchors.outbox import Outbox
from anchors.outbox_rows import NewAttempt, Target, TargetSpec
from anchors.packer import block_of, inclusion_of, state_of
from anchors.ports import Clock
from anchors.registry import GAS_DEPLOY, Artefact
from anchors.sender import Sender
from anchors.standing import Standing, check_genesis
from anchors.wire import header_rlp
from anchors.worker import Connection
from tallystick.evm import convicted
from tallystick.evm import conviction_proof as formats
from tallystick.evm.proof import Block, Finality, operator_seal
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import CheckpointKeys

OUTBOX = "courts.db"
"""Name of the outbox of courts in the anchors' folder."""


@dataclass(frozen=True)
class Prosecution:
    """Accusations on one chain. ``name``: the operator's for it; ``court``: address of a contract that stands already.

    drafts: proofs of blocks that are not final yet, by block hash: some nodes forget a block's state long before it is.
    """

    name: str
    connection: Connection
    outbox: Outbox
    artefact: Artefact
    clock: Clock
    court: bytes | None = None
    drafts: dict[bytes, formats.ConvictionProof] = field(default_factory=dict)

    def cost(self, charge: Charge) -> int:
        """Wei that convicting takes at most now, the court's deployment included where there is none."""
        gas = charge.gas + (0 if self._court_target().contract or self.court else GAS_DEPLOY)
        return self._account.estimate(gas)

    def spent(self, charge: Charge) -> int:
        """Wei that all of it took so far, by the receipts."""
        targets = (self._court_target(), self._accusation(charge))
        return sum(one.wei for target in targets for one in self.outbox.spent(target.id, 0) if one.settled)

    def advance(self, charge: Charge, keys: CheckpointKeys) -> bytes | None:
        """One step: the conviction proof (canonical bytes) once its block is final, None while it is on its way.

        Raises ``TransactionPending``, ``AnchorRefused`` and ``GaveUp`` when the court refuses the charge,
        ``OtherConviction``, ``ChainMismatch``, ``PackingFailed``.
        """
        with self.connection.turn():
            target = self._deployed()
            accusation = self._accusation(charge)
            court = Court(self.connection.client, self.artefact, target.contract or b"")
            receipt = self._sender.succeeded(accusation.id, None)
            log = court.convicted(charge, () if receipt is None else receipt["logs"])
            if log is None:
                self._sender.push(accusation.id, None, lambda: self._sign(court, charge))
                return None
            if receipt is None:
                # Ours may have been mined since its receipt was asked for: what it cost is kept.
                self._sender.succeeded(accusation.id, None)
            return self._proof(court, charge, log, keys)

    # --- steps ------------------------------------------------------------------------

    @property
    def _account(self) -> GasAccount:
        one = self.connection
        return GasAccount(one.client, one.signer, one.chain_id, one.limits)

    @property
    def _sender(self) -> Sender:
        return Sender(self.outbox, self.connection.client, self._account, self.clock, self.connection.patience)

    def _deployed(self) -> Target:
        """The court's target, with a contract whose code is the published one."""
        standing = Standing(self.outbox, self.connection.client)
        deployment = Deployment(self.outbox, standing, self._sender, self.artefact, self.clock)
        target = self._court_target()
        if target.contract is None and self.court is not None:
            return deployment.adopt(target, self.court)
        target = deployment.ensure(target)
        standing.check(target)
        return target

    def _court_target(self) -> Target:
        return self._put(self.name, "", bytes(20), bytes(32))

    def _accusation(self, charge: Charge) -> Target:
        name = f"{self.name}/{charge.commitment.hex()}"
        return self._put(name, charge.fork.origin, charge.authority, charge.defendant)

    def _put(self, name: str, origin: str, authority: bytes, log_id: bytes) -> Target:
        """What an outbox knows already is not asked from a node that may be another."""
        known = next((one.spec for one in self.outbox.targets() if one.spec.name == name), None)
        client, chain_id = self.connection.client, self.connection.chain_id
        if known is None and client.chain_id() != chain_id:
            raise ChainMismatch(f"{self.name} is configured for chain {chain_id}, the node is on {client.chain_id()}")
        genesis = client.genesis_hash() if known is None else known.genesis_hash
        check_genesis(self.name, genesis, self.connection.genesis)
        spec = TargetSpec(
            name=name,
            chain_id=chain_id,
            genesis_hash=genesis,
            origin=origin,
            authority=authority,
            log_id=log_id,
            sealer=self.connection.sealer,
            vouched_by=self.connection.vouched_by,
            code_hash=self.artefact.code_hash,
        )
        return self.outbox.put_target(spec, self.clock())

    def _sign(self, court: Court, charge: Charge) -> NewAttempt:
        data = court.data(charge)
        # What the court would refuse costs nothing.
        self.connection.client.call(court.contract, data, self._account.address)
        return self._account.sign(court.contract, data, charge.gas)

    def _proof(self, court: Court, charge: Charge, log: Mapping[str, Any], keys: CheckpointKeys) -> bytes | None:
        number, block_hash = int(log["blockNumber"]), bytes(log["blockHash"])
        draft = self.drafts.get(block_hash)
        if draft is None:
            draft = self.drafts[block_hash] = self._draft(court, charge, log)
        head = self.connection.finality.final_head(self.connection.client, number, block_hash)
        if head is None:
            return None
        data = formats.encode(replace(draft, finality=self._finality(block_hash, head)))
        convicted.verify(formats.decode(data), keys)
        return data

    def _draft(self, court: Court, charge: Charge, log: Mapping[str, Any]) -> formats.ConvictionProof:
        client, block = self.connection.client, block_of(self.connection.client, bytes(log["blockHash"]))
        spec = self._court_target().spec
        return formats.pack(
            formats.Court(
                chain_id=spec.chain_id,
                genesis=spec.genesis_hash.hex(),
                contract=court.contract.hex(),
                code_hash=self.artefact.code_hash.hex(),
                sealer=None if spec.sealer is None else spec.sealer.hex(),
            ),
            charge.evidence,
            Block(header_rlp(block), Finality("mined")),
            inclusion_of(client, block, bytes(log["transactionHash"]), lambda logs: court.position(charge, logs)),
            state_of(client, court.contract, court.key(charge), int(block["number"])),
        )

    def _finality(self, block_hash: bytes, head: Head) -> Finality:
        seals, kind = self.connection.seals, self.connection.finality.kind
        if seals is not None:
            return operator_seal(seals.seal(block_hash))
        if kind == "immediate":
            return Finality(kind)
        return Finality(kind, head=head.number, head_hash=head.hash.hex())
