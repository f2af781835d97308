"""AnchorRegistry on a chain: its calldata, its slot, its events, its refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

from anchors.client import EvmClient
from anchors.errors import ChainMismatch
from anchors.outbox_rows import Handover
from tallystick.checkpoint import Checkpoint
from tallystick.evm.keccak import keccak256
from tallystick.evm.registry import (
    ANCHORED_TOPIC,
    KNOWN_REGISTRIES,
    ROTATED_TOPIC,
    commitment,
    event_data,
    log_id,
    storage_key,
)
from tallystick.lazy_dataclass import dataclass

GAS_BASE = 90_000
GAS_PER_HASH = 1_500
"""A bound, not an estimate: relay with a fresh slot uses under 80,000 and each proof hash under 1,000 (calldata and
sha256). What is not used is not paid."""
GAS_ROTATE = 120_000
"""Twice what a handover takes."""
GAS_DEPLOY = 3_000_000

PUBLISHED = ("AnchorRegistry.json", "v1/AnchorRegistry.json")
"""Artefacts below ``contracts/``, the newest first. A log goes on with the one that it began with."""

NEVER = bytes(32)
"""What the slot of a log holds that was never anchored."""


@dataclass(frozen=True)
class Artefact:
    """The compiled contract as it is committed in ``contracts/``."""

    abi: list[dict[str, Any]]
    bytecode: bytes
    """Creation code."""
    code_hash: bytes
    """keccak256 of the runtime code, 32 bytes."""

    @classmethod
    def load(cls, path: Path) -> Artefact:
        """Read the committed JSON. Raises ``ChainMismatch`` when its runtime code has another hash than it says."""
        document = json.loads(path.read_text(encoding="utf-8"))
        runtime = bytes.fromhex(document["runtime"].removeprefix("0x"))
        stated = bytes.fromhex(document["code_hash"].removeprefix("0x"))
        if keccak256(runtime) != stated:
            raise ChainMismatch(f"{path}: the runtime code does not have the code hash that the artefact states")
        return cls(document["abi"], bytes.fromhex(document["bytecode"].removeprefix("0x")), stated)


def artefact_for(folder: Path, begun_with: bytes | None) -> Artefact:
    """The registry of a target: the one that it was begun with (by code hash), or the newest for a new one.

    ``folder``: where ``contracts/`` stands. Raises ``ChainMismatch`` for code that is not there.
    """
    published = [Artefact.load(folder / name) for name in PUBLISHED]
    for artefact in published:
        if begun_with in (None, artefact.code_hash):
            return artefact
    raise ChainMismatch(
        f"the target was begun with contract code 0x{(begun_with or b'').hex()}, which this release does not hold: "
        "a newer one may"
    )


@dataclass(frozen=True)
class LogIdentity:
    """A log as the contract knows it."""

    origin: str
    authority: bytes
    """20 bytes."""

    @property
    def origin_hash(self) -> bytes:
        """SHA-256 of the origin text."""
        return hashlib.sha256(self.origin.encode()).digest()

    @property
    def log_id(self) -> bytes:
        """32 bytes."""
        return log_id(self.authority, self.origin_hash)


@dataclass(frozen=True)
class AnchoredEvent:
    """An ``Anchored`` event of one log, and where it stands."""

    checkpoint: Checkpoint
    tx_hash: bytes
    block_hash: bytes
    block_number: int
    authority: bytes = b""
    """By whose word, 20 bytes."""


class Registry:
    """One deployed contract, for one log. ``since``: number of the block before which no event is looked for.

    ``authority``: the one in force (20 bytes), where it is not the one that the log began with there.

    Raises ``ChainMismatch`` for code that no verifier would accept.
    """

    def __init__(
        self,
        client: EvmClient,
        artefact: Artefact,
        contract: bytes,
        log: LogIdentity,
        since: int = 0,
        authority: bytes | None = None,
    ) -> None:
        self._client = client
        self._since = since
        known = KNOWN_REGISTRIES.get(artefact.code_hash.hex())
        if known is None:
            raise ChainMismatch(f"contract code 0x{artefact.code_hash.hex()} is no AnchorRegistry that the core knows")
        self._abi = artefact.abi
        self.contract = contract
        self.log = log
        self.authority = authority or log.authority
        self.storage_key = storage_key(known, log.log_id)
        """Where the log's commitment stands in the contract's storage, 32 bytes."""

    def relay_data(self, old: Checkpoint | None, new: Checkpoint, proof: Sequence[bytes], signature: bytes) -> bytes:
        """Calldata of ``relay``: ``new`` extends ``old`` (None: never anchored) by an RFC 6962 proof."""
        hashes = [*(() if old is None or not is_power_of_two(old.size) else (old.root,)), *proof]
        arguments = [
            self.log.authority,
            self.log.origin_hash,
            0 if old is None else old.size,
            new.size,
            new.root,
            hashes,
            signature,
        ]
        return _calldata(self._abi, "relay", arguments)

    def rotate_data(self, handover: Handover) -> bytes:
        """Calldata of ``rotate``."""
        arguments = [
            self.log.log_id,
            handover.size,
            handover.root,
            handover.successor,
            handover.consent,
            handover.acceptance,
        ]
        return _calldata(self._abi, "rotate", arguments)

    def rotated(self, handover: Handover) -> tuple[int, bytes] | None:
        """Number and hash of the block in which the contract handed the log over, whoever sent that; or None."""
        said = event_data(handover.size, handover.root, handover.successor) + handover.predecessor.rjust(32, b"\x00")
        for log in self._client.logs(self.contract, (ROTATED_TOPIC, self.log.log_id), self._since):
            if bytes(log["data"]) == said:
                return int(log["blockNumber"]), bytes(log["blockHash"])
        return None

    def simulate(self, data: bytes, sender: bytes) -> None:
        """Run the call without sending it. Raises ``AnchorRefused`` with the contract's reason."""
        self._client.call(self.contract, data, sender)

    def slot(self) -> bytes:
        """Commitment that the contract holds for the log, ``NEVER`` before the first anchor."""
        return self._client.storage(self.contract, self.storage_key)

    def events(self) -> list[AnchoredEvent]:
        """Every anchor of the log on this contract since then, oldest first."""
        found = self._client.logs(self.contract, (ANCHORED_TOPIC, self.log.log_id), self._since)
        return [_event(self.log.origin, log) for log in found]

    def find(self, checkpoint: Checkpoint) -> AnchoredEvent | None:
        """The event that anchored exactly this checkpoint, whoever sent it, or None."""
        return next((event for event in self.events() if event.checkpoint == checkpoint), None)

    def newest(self, hint: Checkpoint | None = None) -> Checkpoint | None:
        """The checkpoint that the slot commits to; None: never anchored. ``hint`` saves a search when it is right.

        Raises ``ChainMismatch`` when the slot commits to something that no event tells of.
        """
        held = self.slot()
        if held == NEVER:
            return None
        if hint is not None and held == self.commitment(hint):
            return hint
        for event in reversed(self.events()):
            # A handover after the anchor changed the authority alone.
            if held in (self.commitment(event.checkpoint), self._commitment_by(event.checkpoint, event.authority)):
                return event.checkpoint
        raise ChainMismatch(f"the slot holds 0x{held.hex()}, and no event of the contract explains it")

    def commitment(self, checkpoint: Checkpoint) -> bytes:
        """What the slot holds after this checkpoint was anchored."""
        return self._commitment_by(checkpoint, self.authority)

    def _commitment_by(self, checkpoint: Checkpoint, authority: bytes) -> bytes:
        return commitment(checkpoint.size, checkpoint.root, authority)

    def event_data(self, checkpoint: Checkpoint) -> bytes:
        """Data of the event that anchoring this checkpoint emits."""
        return event_data(checkpoint.size, checkpoint.root, self.authority)


def gas_limit(proof: Sequence[bytes]) -> int:
    """Gas to allow an anchor with this proof."""
    return GAS_BASE + GAS_PER_HASH * len(proof)


def _calldata(abi: list[dict[str, Any]], name: str, arguments: Sequence[Any]) -> bytes:
    """Of the function of this name; web3 would make a contract class for it each time."""
    (function,) = (one for one in abi if one["type"] == "function" and one["name"] == name)
    types = [argument["type"] for argument in function["inputs"]]
    return keccak256(f"{name}({','.join(types)})".encode())[:4] + encode(types, arguments)


def is_power_of_two(size: int) -> bool:
    """Whether a tree of this size is complete: then its root seeds the proof and is sent along."""
    return size > 0 and size & (size - 1) == 0


def _event(origin: str, log: dict[str, Any]) -> AnchoredEvent:
    data = bytes(log["data"])
    return AnchoredEvent(
        checkpoint=Checkpoint(origin, int.from_bytes(data[:32], "big"), data[32:64]),
        tx_hash=bytes(log["transactionHash"]),
        block_hash=bytes(log["blockHash"]),
        block_number=int(log["blockNumber"]),
        authority=data[-20:],
    )
