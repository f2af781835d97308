"""The worker process: owns the embedded chain, and anchors what the log publishes there and on other chains.

Each chain has a thread, an outbox connection and a state of its own: none waits for another. The worker reads the
public files of the log and writes to the outbox; it holds none of the log's private keys, and the only keys it has pay
for transactions and seal blocks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache, partial
from pathlib import Path

from anchors.chains import ChainConfig, read_chains
from anchors.connect import connect
from anchors.embedded.genesis import ChainIdentity
from anchors.folder import open_embedded
from anchors.outbox import Outbox
from anchors.ports import Clock, PublishedCheckpoint
from anchors.registry import LogIdentity, artefact_for
from anchors.scheduler import Policy
from anchors.timestamps.outbox import Stamps
from anchors.timestamps.service import Service
from anchors.worker import AnchorWorker, ChainWorker, WorkerConfig
from api.founding import GENESIS, published_tiles, read_log_keys
from api.keyring import passphrase_of
from api.settings import Settings
from ledger.errors import NoLog
from ledger.log import system_clock
from ledger.reader import PublishedLog
from tallystick.errors import TallystickError
from tallystick.events.log import AnchorTarget
from tallystick.lazy_dataclass import dataclass
from tallystick.merkle import prove_consistency
from tallystick.tree_head import CheckpointKeys, authority_signature, verify_tree_head

TARGET = "embedded"
"""The operator's name for the chain in the data folder."""
PAUSE = 0.25
"""Seconds between two looks for something to anchor on the embedded chain."""
AGAIN = 30.0
"""Seconds before a chain that could not begin is tried again."""
PATIENCE = 10.0
"""Seconds for which the chains may finish their steps when the worker ends."""
CONTRACTS = Path(__file__).parents[1] / "contracts"

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


@dataclass(frozen=True)
class Runner:
    """One kind of anchor at work: ``run`` goes on until the event is set, whatever hinders it."""

    name: str
    run: Callable[[threading.Event], None]


@contextmanager
def open_worker(settings: Settings, clock: Clock = system_clock) -> Iterator[AnchorWorker]:
    """The embedded chain's worker, in a data folder that a service has begun.

    Raises ``MalformedInput`` when none has, and what ``open_embedded`` does.
    """
    keys = read_log_keys(settings)
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
            config, source = _config(settings, TARGET, outbox), _source(settings)
            yield AnchorWorker(config, embedded.chain, embedded.gas_key, outbox, source, NamedByService(), clock)
    finally:
        embedded.chain.close()


@contextmanager
def open_chain_worker(settings: Settings, chain: ChainConfig, clock: Clock = system_clock) -> Iterator[ChainWorker]:
    """The worker of another chain. Raises ``KeystoreError``, ``MalformedInput``; no node is asked yet."""
    settings.anchors.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = connect(chain, passphrase_of(settings.keys, settings.passphrase, create=False), settings.anchors)
    with closing(Outbox(settings.outbox)) as outbox:
        config = _config(settings, chain.name, outbox)
        yield ChainWorker(config, connection, outbox, _source(settings), NamedByService(), clock)


def run_worker(settings: Settings, stop: threading.Event) -> None:
    """Anchor until ``stop`` is set. Raises what ``open_worker`` and ``read_chains`` do."""
    with open_worker(settings) as worker:
        runners = [Runner(TARGET, lambda stop: worker.run(stop, PAUSE)), *_other_runners(settings)]
        _log.info("anchoring %s on: %s", settings.origin, ", ".join(one.name for one in runners))
        threads = [threading.Thread(target=_keep_running, args=(one, stop), daemon=True) for one in runners]
        for thread in threads:
            thread.start()
        stop.wait()
        end = time.monotonic() + PATIENCE
        for thread in threads:
            # A node that hangs may hold its own thread; its outbox survives that.
            thread.join(max(0.0, end - time.monotonic()))


def _other_runners(settings: Settings) -> list[Runner]:
    chains = read_chains(settings.chains) if settings.chains else ()
    return [
        *(Runner(chain.name, partial(_run_chain, settings, chain)) for chain in chains),
        *_authority_runners(settings),
    ]


def _authority_runners(settings: Settings) -> list[Runner]:
    """Of each timestamp authority; what was on its way to one that is no longer named is given up."""
    found: tuple[Service, ...] = ()
    if settings.timestamps:
        # A worker without authorities does not wait for what they need.
        from anchors.timestamps.config import read_authorities

        found = read_authorities(settings.timestamps)
    with closing(Stamps(settings.outbox)) as stamps:
        stamps.drop_others([one.name for one in found], system_clock())
    return [Runner(f"timestamps of {one.name}", partial(_run_authority, settings, one)) for one in found]


def _run_authority(settings: Settings, service: Service, stop: threading.Event) -> None:
    from anchors.timestamps.client import TimestampClient
    from anchors.timestamps.runner import StampRunner

    policy = Policy(settings.anchor_entries, settings.anchor_seconds)
    with closing(Stamps(settings.outbox)) as stamps:
        client = TimestampClient(service, system_clock)
        StampRunner(client, policy, stamps, _source(settings), system_clock).run(stop)


def _run_chain(settings: Settings, chain: ChainConfig, stop: threading.Event) -> None:
    with open_chain_worker(settings, chain) as worker:
        worker.run(stop, chain.poll_seconds)


def _keep_running(runner: Runner, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            runner.run(stop)
        except TallystickError as error:
            _log.error("anchoring on %s cannot begin: %s", runner.name, error)
        except Exception:
            _log.exception("anchoring on %s failed by a fault of ours; it begins again", runner.name)
        stop.wait(AGAIN)


def _config(settings: Settings, name: str, outbox: Outbox) -> WorkerConfig:
    """A target goes on with the contract and the authority that it was begun with, which are in its log id."""
    begun = next((target.spec for target in outbox.targets() if target.spec.name == name), None)
    authority = read_log_keys(settings).current.authority_address if begun is None else begun.authority
    # The chain in the data folder costs nobody anything.
    budget = None if name == TARGET else settings.anchor_budget
    policy = Policy(settings.anchor_entries, settings.anchor_seconds, budget)
    artefact = artefact_for(CONTRACTS, None if begun is None else begun.code_hash)
    return WorkerConfig(name, LogIdentity(settings.origin, authority), policy, artefact)


def _source(settings: Settings) -> PublishedFiles:
    keys = read_log_keys(settings)
    return PublishedFiles(PublishedLog(published_tiles(settings), keys), keys)
