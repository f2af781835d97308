"""A worker on a real node: what the tests of other chains share."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anchors.account import FeeLimits
from anchors.client import EvmClient
from anchors.connect import lock_turn
from anchors.errors import AnchorError
from anchors.finality import FinalityRule, parse_rule
from anchors.keystore import ChainKey
from anchors.node import HttpNode
from anchors.outbox import Outbox
from anchors.outbox_rows import Anchor, Target
from anchors.registry import Registry
from anchors.scheduler import Policy
from anchors.sender import Patience
from anchors.signers.base import TransactionSigner
from anchors.worker import ChainWorker, Connection, Outcome, WorkerConfig
from tallystick.checkpoint import Checkpoint
from tallystick.errors import TallystickError
from tallystick.evm import proof as formats
from tests.anchors.support import ARTEFACT, START, Clock, MemoryLog, Names
from tests.anvil import KEYS, Anvil

CHAIN_ID = 31_337
"""Anvil's own."""
NAME = "outside"
GWEI = 10**9
STUCK, LOST = 60, 10
"""Seconds, by the test's clock."""
LOG_SIZE = 5


@dataclass
class Outside:
    """One worker on one node, with a folder of its own."""

    folder: Path
    log: MemoryLog
    clock: Clock
    outbox: Outbox
    client: EvmClient
    worker: ChainWorker

    @classmethod
    def start(
        cls,
        folder: Path,
        url: str,
        *,
        log: MemoryLog | None = None,
        now: int = START,
        signer: TransactionSigner | None = None,
        finality: object = "immediate",
        contract: bytes | None = None,
        limits: FeeLimits | None = None,
        seconds: float = 20.0,
        chain_id: int = CHAIN_ID,
        policy: Policy | None = None,
        genesis: bytes | None = None,
    ) -> Outside:
        """Begin in an empty folder, or go on in one that was used before."""
        if log is None:
            log = MemoryLog()
            log.grow(LOG_SIZE)
        folder.mkdir(exist_ok=True)
        clock, outbox, client = Clock(now), Outbox(folder / "anchors.db"), EvmClient(HttpNode(url, seconds))
        connection = Connection(
            chain_id=chain_id,
            client=client,
            signer=signer or ChainKey.from_secret(KEYS[0]),
            vouched_by="chain",
            finality=finality if isinstance(finality, FinalityRule) else parse_rule(finality),
            contract=contract,
            genesis=genesis,
            limits=limits or FeeLimits(),
            patience=Patience(stuck=STUCK, lost=LOST),
            turn=lock_turn(folder / "outside.lock"),
        )
        config = WorkerConfig(NAME, log.identity, policy or Policy(entries=1, seconds=1), ARTEFACT)
        return cls(folder, log, clock, outbox, client, ChainWorker(config, connection, outbox, log, Names(), clock))

    def stop(self) -> None:
        self.outbox.close()

    @property
    def target(self) -> Target:
        (target,) = self.outbox.targets()
        return target

    @property
    def anchor(self) -> Anchor:
        """The newest one."""
        return max(self.outbox.anchors(), key=lambda anchor: anchor.id)

    @property
    def registry(self) -> Registry:
        return self.worker._registry(self.target)

    def anchored(self) -> list[int]:
        """Sizes of the events on the chain."""
        return [event.checkpoint.size for event in self.registry.events()]

    def step(self) -> Outcome | str:
        """One run; what hindered it as text."""
        try:
            return self.worker.run_once()
        except TallystickError as error:
            return str(error)

    def reach(self, state: str) -> Anchor:
        """Runs until the newest anchor is in this state: a node that mines at once answers before it has mined."""
        for _ in range(100):
            self.step()
            if self.anchor.state == state:
                return self.anchor
            time.sleep(0.02)
        raise AssertionError(f"still {self.anchor.state}, not {state}: {self.anchor.error}")

    def until_said(self, text: str) -> None:
        """Runs until one is hindered by this."""
        for _ in range(100):
            said = self.step()
            if isinstance(said, str) and text in said:
                return
            time.sleep(0.02)
        raise AssertionError(f"said {said}, not {text!r}")

    def until_final(self, node: Anvil | None = None, runs: int = 30) -> Anchor:
        """Runs, with a block mined and a second passed in between, until the newest anchor of the log is final."""
        said: list[object] = []
        for _ in range(runs):
            said.append(self.step())
            newest = self.log.checkpoint()
            found = self.outbox.find(self.target.id, newest.size, newest.root) if self.outbox.targets() else None
            if found is not None and found.state == "final":
                return found
            if node is not None:
                node.mine()
            else:
                time.sleep(0.02)
            self.clock.now += 1
        raise AssertionError(f"not final: {said}")


def deployed(outside: Outside, node: Anvil) -> bytes:
    """The contract, on a node that mines at once or not."""
    for _ in range(10):
        try:
            return outside.worker.deploy().contract or b""
        except AnchorError:
            node.mine()
    raise AssertionError("the contract was not deployed")


@contextmanager
def ready(folder: Path, node: Anvil, **options: object) -> Iterator[Outside]:
    """A worker whose contract stands and whose log of five entries is anchored for good."""
    outside = Outside.start(folder, node.url, **options)  # type: ignore[arg-type]
    try:
        deployed(outside, node)
        outside.until_final(node)
        yield outside
    finally:
        outside.stop()


def check(outside: Outside, sizes: list[int]) -> None:
    """Each size stands once on the chain, and the outbox knows it as final, with a proof of its block."""
    assert outside.anchored() == sizes
    finals = outside.outbox.anchors(outside.target.id, "final")
    assert [anchor.size for anchor in finals] == sizes
    for anchor in finals:
        assert anchor.proof is not None
        proof = formats.decode(anchor.proof)
        assert proof.checkpoint.size == anchor.size
        assert proof.target == outside.target.announcement
        assert outside.client.block_hash(anchor.block_number or 0) == anchor.block_hash
    newest = outside.log.checkpoint(sizes[-1])
    assert outside.registry.slot() == outside.registry.commitment(Checkpoint(newest.origin, newest.size, newest.root))


@dataclass
class Kill:
    """Where a child dies: before or after the ``nth`` call of ``owner.name`` (of this RPC method, if one is given)."""

    owner: str
    name: str
    when: str
    nth: int = 1
    method: str | None = None

    def __str__(self) -> str:
        return f"{self.when} {self.method or self.name} {self.nth}"


@dataclass
class Life:
    """What a child process does: so many runs, growing the log before, then it ends or is killed."""

    folder: str
    url: str
    runs: int = 4
    size: int = LOG_SIZE
    now: int = START
    key: int = 0
    finality: str | int = "immediate"
    contract: str | None = None
    deploy: bool = False
    kill: dict[str, object] | None = field(default=None)

    def encode(self) -> str:
        return json.dumps(vars(self))
