"""The worker process: owns the embedded chain and anchors what the log publishes.

It reads the public files of the log and writes to the outbox; it holds none of the
log's private keys, and the only keys it makes pay for transactions and seal blocks.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from anchors import keystore
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.genesis import ChainIdentity, Genesis
from anchors.keystore import ChainKey
from anchors.outbox import Outbox
from anchors.ports import Clock, PublishedCheckpoint
from anchors.registry import Artefact, LogIdentity
from anchors.scheduler import Policy
from anchors.worker import AnchorWorker, WorkerConfig
from api.folders import make_whole
from api.founding import GENESIS, VKEYS
from api.settings import OUTBOX, Settings
from ledger.errors import NoLog
from ledger.folder import Folder
from ledger.log import system_clock
from ledger.reader import PublishedLog
from ledger.tilestore import TileStore
from tallystick.errors import MalformedInput
from tallystick.events.log import AnchorTarget
from tallystick.merkle import prove_consistency
from tallystick.tree_head import LogKeys, authority_signature, parse_log_keys, verify_tree_head

TARGET = "embedded"
"""The operator's name for the chain in the data folder."""
PAUSE = 0.25
"""Seconds between two looks for something to anchor."""
ARTEFACT = Path(__file__).parents[1] / "contracts" / "AnchorRegistry.json"

_log = logging.getLogger(__name__)


class PublishedFiles:
    """``anchors.ports.CheckpointSource`` over the public folder of a log that another process writes."""

    def __init__(self, published: PublishedLog, keys: LogKeys) -> None:
        self._published = published
        self._keys = keys
        self._checked = lru_cache(maxsize=1)(self._check)

    def latest(self) -> PublishedCheckpoint | None:
        """See ``CheckpointSource``."""
        try:
            return self._checked(self._published.note())
        except NoLog:
            return None

    def consistency(self, old_size: int, new_size: int) -> list[bytes]:
        """See ``CheckpointSource``."""
        latest = self.latest()
        if latest is None or latest.checkpoint.size < new_size:
            raise ValueError(f"no checkpoint of {new_size} leaves is published")
        # A subtree of an earlier tree is one of the latest, whose tiles all stand.
        return prove_consistency(self._published.nodes(latest.checkpoint.size), old_size, new_size)

    def _check(self, note: bytes) -> PublishedCheckpoint:
        signed = verify_tree_head(note, self._keys)
        return PublishedCheckpoint(signed.checkpoint, note, authority_signature(signed.note, self._keys))


class NamedByService:
    """``anchors.ports.TargetNames``: the service names what is announced and marks it in the outbox by itself."""

    def position(self, target: AnchorTarget) -> int | None:
        """Not known here: the next run finds the target marked."""
        return None


@contextmanager
def open_worker(settings: Settings, clock: Clock = system_clock) -> Iterator[AnchorWorker]:
    """The worker of a data folder that a service has begun.

    Raises ``MalformedInput`` when none has, ``ChainLocked`` when another worker runs, ``ChainMismatch``.
    """
    keys = read_log_keys(settings)
    identity = LogIdentity(settings.origin, keys.authority_address)
    config = WorkerConfig(
        TARGET, identity, Policy(settings.anchor_entries, settings.anchor_seconds), Artefact.load(ARTEFACT)
    )
    source = PublishedFiles(PublishedLog(TileStore(Folder(settings.log).public), keys), keys)
    gas, sealer = _chain_keys(settings.anchors)
    chain = _chain(settings, keys, gas, sealer, clock)
    try:
        outbox = Outbox(settings.anchors / OUTBOX)
        try:
            yield AnchorWorker(config, chain, gas, outbox, source, NamedByService(), clock)
        finally:
            outbox.close()
    finally:
        chain.close()


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """Anchor until ``stop`` is set."""
    with open_worker(settings) as worker:
        _log.info("anchoring %s", settings.origin)
        worker.run(stop, PAUSE)


def read_log_keys(settings: Settings) -> LogKeys:
    """The log's public keys. Raises ``MalformedInput`` when no service was ever started on the folder."""
    try:
        text = (settings.keys / VKEYS).read_text()
    except FileNotFoundError:
        raise MalformedInput(f"there is no log in {settings.data}: start the service first") from None
    return parse_log_keys(text.splitlines())


def _chain_keys(folder: Path) -> tuple[ChainKey, ChainKey]:
    """Gas account and sealer, made at the first start."""
    folder.mkdir(exist_ok=True, mode=0o700)
    keys = folder / "keys"
    make_whole(keys, _make_chain_keys)
    gas, sealer = (keystore.load(keys / f"{name}.json", keys / "password") for name in ("gas", "sealer"))
    return gas, sealer


def _make_chain_keys(folder: Path) -> None:
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(32) + "\n")
    for name in ("gas", "sealer"):
        keystore.create(folder / f"{name}.json", password)


def _chain(settings: Settings, keys: LogKeys, gas: ChainKey, sealer: ChainKey, clock: Clock) -> EmbeddedChain:
    path = settings.anchors / "chain.db"
    identity = ChainIdentity(settings.origin, keys.ed25519.raw)
    if EmbeddedChain.exists(path):
        return EmbeddedChain.open(path, identity, sealer, clock)
    checkpoint = (settings.keys / GENESIS).read_bytes()
    return EmbeddedChain.create(path, identity, Genesis(checkpoint, clock(), (gas.address,)), sealer, clock)
