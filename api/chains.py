"""``python -m api chain``: a key that pays on another chain, its contract, accusations, and how things stand there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from anchors import keystore
from anchors.chains import ChainConfig, read_chains
from anchors.client import EvmClient
from anchors.connect import connect, open_signer
from anchors.court import PUBLISHED, Charge
from anchors.errors import AnchorError, ChainUnreachable, TransactionPending, TurnTaken
from anchors.node import HttpNode
from anchors.outbox import Outbox
from anchors.prosecution import OUTBOX as COURTS
from anchors.prosecution import Prosecution
from anchors.registry import GAS_DEPLOY, Artefact
from api.keyring import passphrase_of
from api.settings import Settings
from api.worker import CONTRACTS, open_chain_worker
from ledger.log import system_clock
from tallystick.errors import MalformedInput, TallystickError, VerificationFailed
from tallystick.fork import ForkEvidence, origin_of
from tallystick.key_history import KeyHistory
from tallystick.lazy_dataclass import dataclass
from tallystick.trust import parse_trust
from tallystick.verify.accusation import decode, evidence_of

T = TypeVar("T")

WAIT = 600.0
"""Seconds for which a transaction is waited for; a deployment that takes longer the service finishes."""


def chosen(settings: Settings, name: str | None = None) -> tuple[ChainConfig, ...]:
    """The chains of the file, or the one of this name. Raises ``MalformedInput``, ``BadChains``."""
    if settings.chains is None:
        raise MalformedInput("no other chain is configured: set TALLYSTICK_CHAINS to a file that names some")
    chains = read_chains(settings.chains)
    found = tuple(chain for chain in chains if name in (None, chain.name))
    if not found:
        raise MalformedInput(f"{settings.chains} names no chain {name!r}; it names {_listed(chains)}")
    return found


def make_key(settings: Settings, name: str) -> str:
    """A new keystore where the file says; its address, to be given money. A key is never overwritten."""
    (chain,) = chosen(settings, name)
    if chain.keystore is None:
        raise MalformedInput(f"chain {name!r} has a signer of its own: its key is made there")
    key = keystore.create(chain.keystore, passphrase_of(settings.keys, settings.passphrase, create=False))
    return "0x" + key.address.hex()


def deploy(settings: Settings, name: str) -> str:
    """The address of the chain's contract, deployed unless there is one. Killed anywhere, it goes on when repeated."""
    (chain,) = chosen(settings, name)
    with open_chain_worker(settings, chain) as worker:
        target = _await(chain, worker.deploy)
        return "0x" + (target.contract or b"").hex()


@dataclass(frozen=True)
class Accusation:
    """What `convict` is given. ``out``: where the proof goes, a new file."""

    evidence: Path
    trust: Path
    out: Path


def convict(settings: Settings, name: str, given: Accusation) -> Iterator[str]:
    """Bring fork evidence to the chain's court, and write the conviction proof; lines that say how it goes.

    Evidence that does not hold, or that the court refuses, costs nothing. Killed anywhere, it goes on when repeated.
    """
    (chain,) = chosen(settings, name)
    if given.out.exists():
        raise MalformedInput(f"{given.out} is there already: give the name of a new file, or move it away")
    evidence, keys = _accused(given)
    charge = Charge.of(evidence, keys)
    yield f"the evidence holds: {charge.fork.origin} forked; authority 0x{charge.authority.hex()} signed both"
    with _prosecution(settings, chain) as prosecution:
        yield f"it costs at most {prosecution.cost(charge)} wei now"
        proof = _await(chain, lambda: prosecution.advance(charge, keys))
        with given.out.open("xb") as file:
            file.write(proof)
        yield f"convicted on {name}; it took {prosecution.spent(charge)} wei; the proof is in {given.out}"


def _accused(given: Accusation) -> tuple[ForkEvidence, KeyHistory]:
    """The evidence, and the keys of the log that it is about. Raises ``MalformedInput``, ``VerificationFailed``."""
    try:
        data, trusted = given.evidence.read_bytes(), given.trust.read_bytes()
    except OSError as error:
        raise MalformedInput(f"{error.filename}: {error.strerror}") from None
    evidence, trust = evidence_of(decode(data)), parse_trust(trusted)
    origin = origin_of(evidence)
    if origin not in trust.logs:
        raise VerificationFailed(f"the evidence is about log {origin}; the trust file names {', '.join(trust.logs)}")
    return evidence, trust.logs[origin].history


@contextmanager
def _prosecution(settings: Settings, chain: ChainConfig) -> Iterator[Prosecution]:
    settings.anchors.mkdir(parents=True, exist_ok=True, mode=0o700)
    connection = connect(chain, passphrase_of(settings.keys, settings.passphrase, create=False), settings.anchors)
    artefact = Artefact.load(CONTRACTS / PUBLISHED)
    with closing(Outbox(settings.anchors / COURTS)) as outbox:
        yield Prosecution(chain.name, connection, outbox, artefact, system_clock, chain.court)


def _await(chain: ChainConfig, step: Callable[[], T | None]) -> T:
    """What ``step`` gives in the end. Raises ``TransactionPending`` when it gives nothing within ``WAIT`` seconds."""
    end = time.monotonic() + WAIT
    while True:
        try:
            found = step()
        except (TransactionPending, TurnTaken, ChainUnreachable) as error:
            if time.monotonic() > end or type(error) is ChainUnreachable:
                raise
            found, waits = None, str(error)
        else:
            waits = "it is on its way"
        if found is not None:
            return found
        if time.monotonic() > end:
            raise TransactionPending(f"{waits}, and not final after {WAIT:.0f} s: repeat the command, it goes on")
        time.sleep(chain.poll_seconds)


def show(settings: Settings) -> Iterator[str]:
    """How each chain stands: its node, its account, its target."""
    outbox = Outbox(settings.outbox)
    try:
        targets = {target.spec.name: target for target in outbox.targets()}
    finally:
        outbox.close()
    for chain in chosen(settings):
        yield f"{chain.name}: chain {chain.chain_id}, final by {chain.finality}"
        yield from (f"  {line}" for line in _asked(settings, chain))
        target = targets.get(chain.name)
        contract = target.contract if target else None
        yield f"  contract: {'none' if contract is None else '0x' + contract.hex()}"
        yield f"  state: {target.state if target else 'never reached'}"
        if target is not None and target.trouble:
            yield f"  {'STOPPED' if target.stopped else 'trouble'}: {target.trouble}"


def _asked(settings: Settings, chain: ChainConfig) -> Iterator[str]:
    try:
        client = EvmClient(HttpNode(chain.url, chain.timeout_seconds))
        signer = open_signer(chain, passphrase_of(settings.keys, settings.passphrase, create=False))
        yield f"node: chain {client.chain_id()}, block {client.head_number()}"
        wei, fee = client.balance(signer.address), 2 * client.head().base_fee + client.tip()
        yield f"account: 0x{signer.address.hex()} has {wei} wei; a contract costs at most {GAS_DEPLOY * fee} now"
    except (AnchorError, TallystickError) as error:
        yield f"node: {error}"


def _listed(chains: tuple[ChainConfig, ...]) -> str:
    return ", ".join(chain.name for chain in chains) or "none"
