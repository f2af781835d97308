"""The anchors' folder of one log: keys, embedded chain, outbox. Made at the first start, continued at every other.

gas.json      keystore of the account that pays
sealer.json   keystore of the key that seals blocks
chain.db      the embedded chain; one process owns it
anchors.db    the outbox; any process may open it
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anchors import keystore
from anchors.embedded.chain import EmbeddedChain
from anchors.embedded.genesis import ChainIdentity, Genesis
from anchors.keystore import ChainKey
from anchors.ports import Clock
from tallystick.lazy_dataclass import dataclass

OUTBOX = "anchors.db"
"""Name of the outbox in the folder, for processes that open it without the chain."""


@dataclass(frozen=True)
class EmbeddedAnchors:
    """The chain, and the key that pays on it."""

    chain: EmbeddedChain
    gas_key: ChainKey


def open_embedded(
    folder: Path,
    identity: ChainIdentity,
    passphrase: bytes,
    genesis_checkpoint: bytes,
    clock: Clock,
    wait: Callable[[float], None] | None = None,
) -> EmbeddedAnchors:
    """Continue the embedded chain in ``folder``, or begin it there.

    ``genesis_checkpoint``: exact bytes of the log's first checkpoint; read only
    when the chain begins. A start that was killed half-way is simply done again.
    ``wait``: see ``EmbeddedChain``. Raises ``ChainLocked`` when another process has the chain, ``ChainMismatch`` when
    it is another log's, ``KeystoreError`` when a key does not open.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "chain.db"
    begun = EmbeddedChain.exists(path)
    gas_key = _key(folder / "gas.json", passphrase, begun)
    sealer = _key(folder / "sealer.json", passphrase, begun)
    if begun:
        return EmbeddedAnchors(EmbeddedChain.open(path, identity, sealer, clock, wait), gas_key)
    genesis = Genesis(checkpoint=genesis_checkpoint, time=clock(), funded=(gas_key.address,))
    return EmbeddedAnchors(EmbeddedChain.create(path, identity, genesis, sealer, clock, wait), gas_key)


def _key(path: Path, passphrase: bytes, begun: bool) -> ChainKey:
    """The key at ``path``. Only a chain that was never begun may get a new one."""
    if begun or path.exists():
        return keystore.load(path, passphrase)
    return keystore.create(path, passphrase)
