"""``python -m api chain``: a key that pays on another chain, its contract, and how things stand there."""

from __future__ import annotations

import time
from collections.abc import Iterator

from anchors import keystore
from anchors.chains import ChainConfig, read_chains
from anchors.client import EvmClient
from anchors.connect import open_signer
from anchors.errors import AnchorError, ChainUnreachable, TransactionPending, TurnTaken
from anchors.node import HttpNode
from anchors.outbox import Outbox
from anchors.registry import GAS_DEPLOY
from api.keyring import passphrase_of
from api.settings import Settings
from api.worker import open_chain_worker
from tallystick.errors import MalformedInput, TallystickError

WAIT = 600.0
"""Seconds for which a deployment is waited for; the service finishes one that takes longer."""


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
    end = time.monotonic() + WAIT
    with open_chain_worker(settings, chain) as worker:
        while True:
            try:
                target = worker.deploy()
                return "0x" + (target.contract or b"").hex()
            except (TransactionPending, TurnTaken, ChainUnreachable) as error:
                if time.monotonic() > end or type(error) is ChainUnreachable:
                    raise
                time.sleep(min(chain.poll_seconds, WAIT))


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
