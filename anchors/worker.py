"""The anchor worker: one target, one step downhill at each run.

contract deployed → target announced → named in the log → checkpoint chosen → anchored → proof packed

The wiring (``python -m api worker``) gives the ports and calls ``run``; the demo
and the tests call ``run_once``.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from web3 import Web3

from anchors.account import GasAccount
from anchors.anchorer import Anchorer
from anchors.client import EvmClient
from anchors.deployment import Deployment
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.provider import EmbeddedProvider
from anchors.errors import AnchorRefused, ChainMismatch, TransactionPending
from anchors.keystore import ChainKey
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Target, TargetSpec
from anchors.packer import Packer
from anchors.ports import CheckpointSource, Clock, TargetNames
from anchors.registry import AnchoredEvent, Artefact, LogIdentity, Registry, gas_limit
from anchors.scheduler import LastAnchor, Policy, Wait, Wanted, decide
from anchors.sender import Sender
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError

log = logging.getLogger(__name__)

Progress = Literal["deploying", "waiting for its name", "idle", "in flight", "final", "dropped"]


@dataclass(frozen=True)
class Outcome:
    """What one run did."""

    progress: Progress
    target: Target
    anchor: Anchor | None = None
    """The anchor that this run worked on."""
    next_at: int | None = None
    """Unix seconds at which age makes the next anchor due, when that is known."""


@dataclass(frozen=True)
class WorkerConfig:
    """What one worker serves."""

    name: str
    """The operator's name for the target; a changed chain or contract needs a new one."""
    log: LogIdentity
    policy: Policy
    artefact: Artefact


class AnchorWorker:
    """Anchors one log on one embedded chain. One worker at a time: it owns the chain and moves the outbox."""

    def __init__(
        self,
        config: WorkerConfig,
        chain: EmbeddedChain,
        gas_key: ChainKey,
        outbox: Outbox,
        source: CheckpointSource,
        names: TargetNames,
        clock: Clock,
    ) -> None:
        self._config = config
        self._outbox = outbox
        self._source = source
        self._names = names
        self._clock = clock
        self._client = EvmClient(Web3(EmbeddedProvider(chain)))
        account = GasAccount(self._client, gas_key, chain.chain_id)
        self._sender = Sender(outbox, self._client, account, clock)
        self._packer = Packer(self._client, chain)
        self._deployment = Deployment(outbox, self._client, self._sender, config.artefact, clock)
        # The chain is this process's own: what was right at the start stays right.
        self._checked = False
        self._spec = TargetSpec(
            name=config.name,
            chain_id=chain.chain_id,
            genesis_hash=chain.genesis_hash,
            origin=config.log.origin,
            authority=config.log.authority,
            log_id=config.log.log_id,
            sealer=chain.sealer.address,
            vouched_by="operator",
            code_hash=config.artefact.code_hash,
        )

    def ensure_target(self) -> Target:
        """Contract deployed, target announced; ``announcement`` of the result is what the log is to name.

        Raises as ``Deployment.ensure``.
        """
        target = self._outbox.put_target(self._spec, self._clock())
        if not self._checked:
            target = self._deployment.ensure(target)
            self._checked = True
        return target

    def run_once(self) -> Outcome:
        """Do what can be done now. Raises ``AnchorError`` when something hinders it; the next run goes on."""
        try:
            target = self.ensure_target()
        except TransactionPending:
            return Outcome("deploying", self._outbox.put_target(self._spec, self._clock()))
        if target.state == "announced":
            position = self._names.position(target.announcement)
            if position is None:
                return Outcome("waiting for its name", target)
            target = self._outbox.mark_named(target.id, position, self._clock())
        chosen = self._outbox.open_anchor(target.id) or self._choose(target)
        if isinstance(chosen, Wait):
            return Outcome("idle", target, next_at=chosen.until)
        return self._work(target, chosen)

    def run(self, stop: threading.Event, pause: float = 1.0) -> None:
        """``run_once`` every ``pause`` seconds until ``stop`` is set. What hinders a run is logged and tried again."""
        while not stop.is_set():
            try:
                self.run_once()
            except (TallystickError, sqlite3.Error, OSError) as error:
                log.warning("anchoring did not get on: %s", error)
            stop.wait(pause)

    def try_anchor(
        self, old: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes], signature: bytes
    ) -> AnchoredEvent:
        """Send one ``relay`` as given, past outbox and preflight, to see what the contract says to it.

        ``old`` None: as if never anchored. ``proof``: RFC 6962 hashes. Returns where the
        contract anchored it. Raises ``AnchorRefused`` with the contract's reason when the
        mined transaction failed: it cost its gas, and the slot is what it was.
        """
        target = self.ensure_target()
        if self._outbox.open_anchor(target.id) is not None:
            raise TransactionPending("an anchor is on its way: let it finish first")
        registry = self._registry(target)
        data = registry.relay_data(old, new, proof, signature)
        reason = None
        try:
            registry.simulate(data, self._sender.account.address)
        except AnchorRefused as error:
            reason = error.reason
        signed = self._sender.account.sign(registry.contract, data, gas_limit(proof))
        self._client.broadcast(signed.raw)
        receipt = self._client.receipt(signed.tx_hash)
        if receipt is None:
            raise TransactionPending(f"transaction 0x{signed.tx_hash.hex()} is not mined yet")
        if receipt["status"] != 1:
            raise AnchorRefused(reason or "the transaction failed without a reason", signed.tx_hash)
        block_hash, number = bytes(receipt["blockHash"]), int(receipt["blockNumber"])
        return AnchoredEvent(new, signed.tx_hash, block_hash, number)

    # --- steps ------------------------------------------------------------------------

    def _work(self, target: Target, anchor: Anchor) -> Outcome:
        before = anchor.state
        try:
            anchor = self._anchorer(target).advance(target, anchor)
        except TallystickError as error:
            self._outbox.note_error(anchor.id, str(error))
            raise
        if anchor.state == "dropped":
            if before != "dropped":
                log.error("anchor of size %d dropped: %s", anchor.size, anchor.error)
            return Outcome("dropped", target, anchor)
        return Outcome("final" if anchor.state == "final" else "in flight", target, anchor)

    def _choose(self, target: Target) -> Anchor | Wait:
        """The anchor that is due now, prepared; or how long to wait."""
        published = self._source.latest()
        if published is None:
            return Wait(None)
        self._check_origin(published.checkpoint)
        last = self._outbox.last_final(target.id)
        decision = decide(
            self._config.policy,
            None if last is None else LastAnchor(last.size, last.prepared_at),
            published.checkpoint.size,
            [Wanted(request.size, request.reason) for request in self._outbox.pending(target.id)],
            self._clock(),
        )
        if isinstance(decision, Wait):
            return decision
        return self._outbox.prepare(target.id, published, decision.reason, self._clock())

    def _check_origin(self, checkpoint: Checkpoint) -> None:
        if checkpoint.origin != self._config.log.origin:
            raise ChainMismatch(
                f"the checkpoint is of log {checkpoint.origin!r}, this worker anchors {self._config.log.origin!r}"
            )

    def _registry(self, target: Target) -> Registry:
        return Registry(self._client, self._config.artefact, target.contract or b"", self._config.log)

    def _anchorer(self, target: Target) -> Anchorer:
        return Anchorer(
            outbox=self._outbox,
            client=self._client,
            sender=self._sender,
            registry=self._registry(target),
            packer=self._packer,
            source=self._source,
            clock=self._clock,
        )
