"""The anchor worker: one target, one step downhill at each run.

contract deployed → target announced → named in the log → checkpoint chosen → anchored → proof packed → final

The wiring (``python -m api worker``) gives the ports and calls ``run``; the demo
and the tests call ``run_once``. Several targets have a worker each, which know
nothing of one another.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import field
from typing import Literal

from anchors.account import FeeLimits, GasAccount
from anchors.anchorer import Anchorer
from anchors.choosing import Chooser
from anchors.client import EvmClient
from anchors.deployment import Deployment
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.provider import EmbeddedProvider
from anchors.errors import AnchorRefused, ChainMismatch, NoContract, TransactionPending
from anchors.finality import IMMEDIATE, FinalityRule
from anchors.handover import HandoverStep
from anchors.hashing import keccak256
from anchors.keystore import ChainKey
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Target, TargetSpec, VouchedBy
from anchors.packer import Packer
from anchors.ports import BlockSeals, CheckpointSource, Clock, TargetNames
from anchors.registry import AnchoredEvent, Artefact, LogIdentity, Registry, gas_limit
from anchors.scheduler import Policy, Wait
from anchors.sender import ONE_NODE, Patience, Sender
from anchors.signers.base import TransactionSigner
from anchors.standing import Standing, check_genesis
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError
from tallystick.evm.keccak import reckoned_by
from tallystick.lazy_dataclass import dataclass

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two runs, however often the last ones failed."""
REST = 1.0
"""Seconds after an anchor: blocks are a second apart at least, and more of them would lead a chain's clock ahead."""

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


@dataclass(frozen=True)
class Connection:
    """One chain, as a worker uses it."""

    chain_id: int
    client: EvmClient
    signer: TransactionSigner
    vouched_by: VouchedBy
    finality: FinalityRule = IMMEDIATE
    contract: bytes | None = None
    """Of other chains: a contract that stands already. Else one is deployed by command."""
    genesis: bytes | None = None
    """Hash of block 0 that the chain must have; None: what it has at first contact."""
    seals: BlockSeals | None = None
    sealer: bytes | None = None
    limits: FeeLimits = field(default_factory=FeeLimits)
    patience: Patience = ONE_NODE
    ours: bool = False
    """The chain is this process's own: it costs nothing, and what was right at the start stays right."""
    turn: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held for each run, so that two processes of one folder never work on one chain at once."""


class ChainWorker:
    """Anchors one log on one chain."""

    def __init__(
        self,
        config: WorkerConfig,
        connection: Connection,
        outbox: Outbox,
        source: CheckpointSource,
        names: TargetNames,
        clock: Clock,
    ) -> None:
        self._config = config
        self._connection = connection
        self._outbox = outbox
        self._source = source
        self._names = names
        self._clock = clock
        self._client = connection.client
        account = GasAccount(self._client, connection.signer, connection.chain_id, connection.limits)
        self._sender = Sender(outbox, self._client, account, clock, connection.patience)
        self._packer = Packer(self._client, connection.seals)
        self._standing = Standing(outbox, self._client)
        self._deployment = Deployment(outbox, self._standing, self._sender, config.artefact, clock)
        self._checked = False
        self._known: TargetSpec | None = None

    def target(self) -> Target:
        """The target as the outbox has it, made at the first time. Raises ``ChainUnreachable``, ``ChainMismatch``."""
        if self._known is None:
            self._known = self._spec()
        return self._outbox.put_target(self._known, self._clock())

    def ensure_target(self) -> Target:
        """Contract deployed, target announced; ``announcement`` of the result is what the log is to name.

        Raises ``ChainMismatch`` for a chain that is not the target's, ``TransactionPending``, ``NoContract``.
        """
        target = self.target()
        if self._checked and self._connection.ours:
            return target
        self._standing.check(target)
        if target.contract is None:
            target = self._with_contract(target)
        self._checked = True
        return target

    def deploy(self) -> Target:
        """``ensure_target``, and where there is no contract yet a new one: this costs money on other chains."""
        with self._connection.turn():
            target = self.target()
            self._standing.check(target)
            return self._deployment.ensure(target)

    def run_once(self) -> Outcome:
        """Do what can be done now. Raises ``AnchorError`` when something hinders it; the next run goes on."""
        with self._connection.turn(), reckoned_by(keccak256):
            try:
                done = self._run_once()
            except TallystickError as error:
                self._note(str(error), stopped=isinstance(error, ChainMismatch))
                raise
            self._note(None)
            return done

    def run(self, stop: threading.Event, pause: float = 1.0) -> None:
        """``run_once`` every ``pause`` seconds until ``stop`` is set, after an anchor not before ``REST`` is over.

        What hinders a run is logged and tried again.
        """
        failures = 0
        while not stop.is_set():
            rest = pause
            try:
                if self.run_once().progress == "final":
                    rest = max(pause, REST)
                failures = 0
            except (TallystickError, sqlite3.Error, OSError) as error:
                failures += 1
                log.warning("anchoring on %s did not get on: %s", self._config.name, error)
            stop.wait(min(rest * 2 ** min(failures, 16), max(rest, LONGEST_PAUSE)))

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

    def _spec(self) -> TargetSpec:
        """What the target is made with. What an outbox knows already is not asked from a node that may be another."""
        connection, config = self._connection, self._config
        known = next((one.spec for one in self._outbox.targets() if one.spec.name == config.name), None)
        if known is None:
            self._check_chain_id()
        genesis = self._client.genesis_hash() if known is None else known.genesis_hash
        check_genesis(config.name, genesis, connection.genesis)
        return TargetSpec(
            name=config.name,
            chain_id=connection.chain_id,
            genesis_hash=genesis,
            origin=config.log.origin,
            authority=config.log.authority,
            log_id=config.log.log_id,
            sealer=connection.sealer,
            vouched_by=connection.vouched_by,
            code_hash=config.artefact.code_hash,
        )

    def _check_chain_id(self) -> None:
        found = self._client.chain_id()
        if found != self._connection.chain_id:
            raise ChainMismatch(
                f"target {self._config.name!r} is configured for chain {self._connection.chain_id}, the node is on "
                f"chain {found}: correct the chain id or the address"
            )

    def _with_contract(self, target: Target) -> Target:
        if self._connection.contract is not None:
            return self._deployment.adopt(target, self._connection.contract)
        if self._connection.ours or self._deployment.begun(target):
            return self._deployment.ensure(target)
        raise NoContract(
            f"target {target.spec.name!r} has no contract: run `python -m api chain deploy {target.spec.name}`, "
            "or configure the address of one"
        )

    def _note(self, trouble: str | None, *, stopped: bool = False) -> None:
        held = next((one for one in self._outbox.targets() if one.spec.name == self._config.name), None)
        if held is not None:
            self._outbox.note_trouble(held.id, trouble, self._clock(), stopped=stopped)

    def _run_once(self) -> Outcome:
        try:
            target = self.ensure_target()
        except TransactionPending:
            return Outcome("deploying", self.target())
        if target.state == "announced":
            position = self._names.position(target.announcement)
            if position is None:
                return Outcome("waiting for its name", target)
            target = self._outbox.mark_named(target.id, position, self._clock())
        chosen = self._outbox.open_anchor(target.id) or self._hand_over(target) or self._choose(target)
        if isinstance(chosen, Wait):
            return Outcome("idle", target, next_at=chosen.until)
        if isinstance(chosen, Outcome):
            return chosen
        return self._work(target, chosen)

    def _hand_over(self, target: Target) -> Anchor | Outcome | None:
        """The log's new authority is brought to the contract before anything else is anchored."""
        due = next((one for one in self._outbox.handovers(target.id) if one.done_at is None), None)
        if due is None:
            return None
        registry, finality = self._registry(target), self._connection.finality
        step = HandoverStep(self._outbox, self._client, self._sender, registry, finality, self._clock)
        anchor = step.advance(target, due)
        return Outcome("in flight", target) if anchor is None else anchor

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

        def estimate(old_size: int, new_size: int) -> int:
            proof = self._source.consistency(old_size, new_size) if old_size else []
            return self._sender.account.estimate(gas_limit(proof))

        config = self._config
        chooser = Chooser(config.policy, self._outbox, self._source, self._clock, config.log.origin)
        return chooser.choose(target, estimate)

    def _registry(self, target: Target, since: int = 0) -> Registry:
        done = [one.successor for one in self._outbox.handovers(target.id) if one.done_at is not None]
        in_force = done[-1] if done else None
        return Registry(self._client, self._config.artefact, target.contract or b"", self._config.log, since, in_force)

    def _anchorer(self, target: Target) -> Anchorer:
        last = self._outbox.last_final(target.id)
        return Anchorer(
            outbox=self._outbox,
            client=self._client,
            sender=self._sender,
            # What the slot holds was put there by our last final anchor, or after it.
            registry=self._registry(target, 0 if last is None else last.block_number or 0),
            packer=self._packer,
            source=self._source,
            clock=self._clock,
            finality=self._connection.finality,
            trial=not self._connection.ours,
        )


class AnchorWorker(ChainWorker):
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
        connection = Connection(
            chain_id=chain.chain_id,
            client=EvmClient(EmbeddedProvider(chain)),
            signer=gas_key,
            vouched_by="operator",
            seals=chain,
            sealer=chain.sealer.address,
            ours=True,
        )
        super().__init__(config, connection, outbox, source, names, clock)
