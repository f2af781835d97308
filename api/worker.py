"""The worker process: owns the embedded chain and anchors what the log publishes.

It reads the public files of the log and writes to the outbox; it holds none of the
log's private keys, and the only keys it makes pay for transactions and seal blocks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path

from anchors.embedded.genesis import ChainIdentity
from anchors.folder import open_embedded
from anchors.outbox import Outbox
from anchors.ports import Clock, PublishedCheckpoint
from anchors.registry import Artefact, LogIdentity
from anchors.scheduler import Policy
from anchors.worker import AnchorWorker, WorkerConfig
from api.founding import GENESIS, published_tiles, read_log_keys
from api.keyring import passphrase_of
from api.settings import Settings
from ledger.errors import NoLog
from ledger.log import system_clock
from ledger.reader import PublishedLog
from tallystick.events.log import AnchorTarget
from tallystick.merkle import prove_consistency
from tallystick.tree_head import CheckpointKeys, authority_signature, verify_tree_head

TARGET = "embedded"
"""The operator's name for the chain in the data folder."""
PAUSE = 0.25
"""Seconds between two looks for something to anchor."""
ARTEFACT = Path(__file__).parents[1] / "contracts" / "AnchorRegistry.json"

_log = logging.getLogger(__name__)


class PublishedFiles:
    """``anchors.ports.CheckpointSource`` over the public folder of a log that another process writes."""

    def __init__(self, published: PublishedLog, keys: CheckpointKeys) -> None:
        self._published = published
        self._keys = keys
        self._checked = lru_cache(maxsize=2)(self._check)

    def latest(self) -> PublishedCheckpoint | None:
        """See ``CheckpointSource``."""
        try:
            return self._checked(self._published.note())
        except NoLog:
            return None

    def aligned(self) -> PublishedCheckpoint | None:
        """See ``CheckpointSource``."""
        note = self._published.aligned()
        return None if note is None else self._checked(note)

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

    Raises ``MalformedInput`` when none has, and what ``open_embedded`` does.
    """
    keys = read_log_keys(settings)
    identity = LogIdentity(settings.origin, keys.current.authority_address)
    config = WorkerConfig(
        TARGET, identity, Policy(settings.anchor_entries, settings.anchor_seconds), Artefact.load(ARTEFACT)
    )
    source = PublishedFiles(PublishedLog(published_tiles(settings), keys), keys)
    embedded = open_embedded(
        settings.anchors,
        ChainIdentity(settings.origin, keys.first.ed25519.raw),
        passphrase_of(settings.keys, settings.passphrase, create=False),
        (settings.keys / GENESIS).read_bytes(),
        clock,
        time.sleep,
    )
    try:
        with closing(Outbox(settings.outbox)) as outbox:
            yield AnchorWorker(config, embedded.chain, embedded.gas_key, outbox, source, NamedByService(), clock)
    finally:
        embedded.chain.close()


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """Anchor until ``stop`` is set."""
    with open_worker(settings) as worker:
        _log.info("anchoring %s", settings.origin)
        worker.run(stop, PAUSE)
