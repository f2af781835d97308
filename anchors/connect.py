"""From a chain's configuration to a connection: who signs, who answers, whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from anchors import keystore
from anchors.chains import ChainConfig
from anchors.client import EvmClient
from anchors.errors import TurnTaken
from anchors.node import HttpNode
from anchors.sender import Patience
from anchors.signers.base import CheckedSigner, TransactionSigner
from anchors.signers.remote import JsonRpcSigner, RestSigner
from anchors.worker import Connection


def open_signer(config: ChainConfig, passphrase: bytes) -> TransactionSigner:
    """Who signs and pays. Raises ``KeystoreError``."""
    if config.keystore is not None:
        return keystore.load(config.keystore, passphrase)
    assert config.signer is not None
    assert config.address is not None
    if config.signer_api == "eth1-sign":
        return CheckedSigner(RestSigner(config.signer, config.address, config.signer_key, config.timeout_seconds))
    return CheckedSigner(JsonRpcSigner(config.signer, config.address, config.timeout_seconds))


def connect(config: ChainConfig, passphrase: bytes, folder: Path) -> Connection:
    """The chain as a worker uses it. ``folder``: where its lock stands. No node is asked yet."""
    return Connection(
        chain_id=config.chain_id,
        client=EvmClient(HttpNode(config.url, config.timeout_seconds)),
        signer=open_signer(config, passphrase),
        vouched_by="chain",
        finality=config.finality,
        contract=config.contract,
        genesis=config.genesis,
        limits=config.limits,
        patience=Patience(stuck=config.stuck_seconds),
        turn=lock_turn(folder / f"{config.name}.lock"),
    )


def lock_turn(path: Path) -> Callable[[], AbstractContextManager[None]]:
    """Turns of several processes at one chain, by a lock that dies with whoever holds it."""

    @contextmanager
    def turn() -> Iterator[None]:
        with path.open("a") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                raise TurnTaken(f"another process is at work with {path.stem}: this one waits") from None
            yield

    return turn
