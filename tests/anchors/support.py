"""What the tests of the anchors share: a clock, keys, a log in memory, and a chain with a worker on it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.genesis import ChainIdentity, Genesis
from anchors.keystore import ChainKey
from anchors.outbox import Outbox
from anchors.ports import PublishedCheckpoint
from anchors.registry import Artefact, LogIdentity
from anchors.scheduler import Policy
from anchors.worker import AnchorWorker, WorkerConfig
from tallystick.checkpoint import Checkpoint
from tallystick.events.log import AnchorTarget
from tallystick.evm.eip712 import checkpoint_digest
from tallystick.evm.secp256k1 import address_of, sign_digest
from tallystick.merkle import leaf_hash, prove_consistency, root_of

ARTEFACT = Artefact.load(Path(__file__).parents[2] / "contracts" / "AnchorRegistry.json")
START = 1_800_000_000
GAS_KEY = ChainKey.from_secret(b"\x01" * 32)
SOMEBODY = ChainKey.from_secret(b"\x03" * 32)
"""Another account with money, who has nothing to do with the log."""
SEALER = ChainKey.from_secret(b"\x02" * 32)
AUTHORITY = ec.derive_private_key(0xA17, ec.SECP256K1())
ORIGIN = "log.example/anchors"
LOG_KEY = b"\x05" * 32


@dataclass
class Clock:
    """Stands still until told otherwise."""

    now: int = START

    def __call__(self) -> int:
        return self.now


def authority_address(key: ec.EllipticCurvePrivateKey = AUTHORITY) -> bytes:
    numbers = key.public_key().public_numbers()
    return address_of(b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))


def sign_fields(key: ChainKey, fields: dict[str, Any]) -> bytes:
    """Any kind of transaction, also those that the product never makes."""
    return bytes(key._account.sign_transaction(fields).raw_transaction)


@dataclass
class MemoryLog:
    """A log in memory that publishes a signed checkpoint whenever it is asked for one."""

    origin: str = ORIGIN
    leaves: list[bytes] = field(default_factory=list)
    aligns: bool = False
    """Whether it signed the newest multiple of 1,024 before it went beyond."""

    @property
    def identity(self) -> LogIdentity:
        return LogIdentity(self.origin, authority_address())

    def grow(self, entries: int, label: str = "entry") -> None:
        first = len(self.leaves)
        self.leaves += [leaf_hash(f"{label} {number}".encode()) for number in range(first, first + entries)]

    def nodes(self, coordinates: Sequence[tuple[int, int]]) -> list[bytes]:
        return [root_of(self.leaves[index << level : (index + 1) << level]) for level, index in coordinates]

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        wanted = self.leaves if size is None else self.leaves[:size]
        return Checkpoint(self.origin, len(wanted), root_of(wanted))

    def sign(self, checkpoint: Checkpoint, key: ec.EllipticCurvePrivateKey = AUTHORITY) -> bytes:
        origin_hash = hashlib.sha256(checkpoint.origin.encode()).digest()
        return sign_digest(key, checkpoint_digest(origin_hash, checkpoint.size, checkpoint.root))

    def published(self, size: int | None = None) -> PublishedCheckpoint:
        checkpoint = self.checkpoint(size)
        return PublishedCheckpoint(checkpoint, checkpoint.body().encode(), self.sign(checkpoint))

    # CheckpointSource
    def latest(self) -> PublishedCheckpoint | None:
        return self.published() if self.leaves else None

    def aligned(self) -> PublishedCheckpoint | None:
        cut = len(self.leaves) - len(self.leaves) % 1024
        return self.published(cut) if cut and self.aligns else None

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        return prove_consistency(self, old_size, new_size)


@dataclass
class Names:
    """TargetNames: says ``position`` to every target, and remembers what it was asked."""

    at: int | None = 7
    asked: list[AnchorTarget] = field(default_factory=list)

    def position(self, target: AnchorTarget) -> int | None:
        self.asked.append(target)
        return self.at


def create_chain(folder: Path, clock: Clock, origin: str = ORIGIN) -> EmbeddedChain:
    genesis = Genesis(checkpoint=b"genesis checkpoint", time=clock(), funded=(GAS_KEY.address, SOMEBODY.address))
    return EmbeddedChain.create(folder / "chain.db", ChainIdentity(origin, LOG_KEY), genesis, SEALER, clock)


def open_chain(folder: Path, clock: Clock, origin: str = ORIGIN) -> EmbeddedChain:
    return EmbeddedChain.open(folder / "chain.db", ChainIdentity(origin, LOG_KEY), SEALER, clock)


@dataclass
class Bench:
    """A worker and everything it touches, in one folder."""

    folder: Path
    clock: Clock
    log: MemoryLog
    chain: EmbeddedChain
    outbox: Outbox
    names: Names
    worker: AnchorWorker

    @classmethod
    def start(
        cls,
        folder: Path,
        log: MemoryLog,
        *,
        clock: Clock | None = None,
        names: Names | None = None,
        policy: Policy | None = None,
    ) -> Bench:
        """Begin in an empty folder, or go on in one that was used before."""
        clock, names = clock or Clock(), names or Names()
        begin = open_chain if EmbeddedChain.exists(folder / "chain.db") else create_chain
        chain = begin(folder, clock)
        outbox = Outbox(folder / "anchors.db")
        worker = make_worker(log, chain, outbox, names, clock, policy or Policy())
        return cls(folder, clock, log, chain, outbox, names, worker)

    def stop(self) -> None:
        self.chain.close()
        self.outbox.close()


def make_worker(
    log: MemoryLog,
    chain: EmbeddedChain,
    outbox: Outbox,
    names: Names,
    clock: Clock,
    policy: Policy,
    name: str = "embedded",
) -> AnchorWorker:
    config = WorkerConfig(name=name, log=log.identity, policy=policy, artefact=ARTEFACT)
    return AnchorWorker(config, chain, GAS_KEY, outbox, log, names, clock)
