"""ForkCourt on a chain: its calldata, its slots, its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from web3 import Web3

from anchors.client import EvmClient
from anchors.errors import AnchorError, ChainMismatch
from anchors.registry import Artefact
from anchors.wire import PackingFailed, bytes_of
from tallystick.base64s import from_base64
from tallystick.evm import conviction
from tallystick.evm.convicted import accused_authority
from tallystick.evm.conviction import KNOWN_COURTS
from tallystick.fork import ForkEvidence, ForkFact, verify_fork
from tallystick.lazy_dataclass import dataclass
from tallystick.note import parse_note
from tallystick.tree_head import CheckpointKeys, authority_signature, origin_hash

PUBLISHED = "ForkCourt.json"
"""The artefact below ``contracts/``."""
GAS_BASE = 120_000
GAS_PER_HASH = 2_500
"""A bound: a conviction by two roots uses under 65,000, and each hash of a proof under 1,200. What is not used is not
paid."""
NOT_CONVICTED = bytes(32)


class OtherConviction(AnchorError):
    """The authority stands convicted already, by other evidence: the message says by which."""


@dataclass(frozen=True)
class Charge:
    """Fork evidence that holds, as a court takes it. ``signatures``: of the authority, over both checkpoints."""

    evidence: ForkEvidence
    fork: ForkFact
    authority: bytes
    signatures: tuple[bytes, bytes]

    @classmethod
    def of(cls, evidence: ForkEvidence, keys: CheckpointKeys) -> Charge:
        """Raises ``VerificationFailed`` for evidence that a court would not convict by, ``MalformedInput``."""
        fork = verify_fork(evidence, keys)
        authority = accused_authority(fork, keys)
        first, second = (
            authority_signature(parse_note(from_base64(note)), keys) for note in (evidence.first, evidence.second)
        )
        return cls(evidence, fork, authority, (first, second))

    @property
    def defendant(self) -> bytes:
        """32 bytes."""
        return conviction.defendant(self.authority, self._origin)

    @property
    def commitment(self) -> bytes:
        """What the defendant's slot holds once this convicted it, 32 bytes."""
        return conviction.commitment(*self._heads)

    @property
    def event(self) -> tuple[list[bytes], bytes]:
        """Topics and data of ``Convicted``."""
        return list(conviction.event_topics(self.authority, self._origin)), conviction.event_data(
            self._origin, *self._heads
        )

    @property
    def gas(self) -> int:
        """What to allow the transaction."""
        leaves = self.evidence.leaves
        hashes = len(self.evidence.history or ())
        if leaves is not None:
            hashes += len(leaves.first.proof) + len(leaves.second.proof)
        return GAS_BASE + GAS_PER_HASH * hashes

    def call(self) -> tuple[str, list[Any]]:
        """Function and arguments."""
        first, second = (
            (head.size, head.root, signature)
            for head, signature in zip((self.fork.first, self.fork.second), self.signatures, strict=True)
        )
        if self.evidence.history is not None:
            return "convict_history", [self._origin, first, second, _hashes(self.evidence.history)]
        leaves = self.evidence.leaves
        if leaves is not None:
            sides = [
                part
                for signed, one in ((first, leaves.first), (second, leaves.second))
                for part in (signed, bytes.fromhex(one.leaf), _hashes(one.proof))
            ]
            return "convict_leaves", [self._origin, leaves.index, *sides]
        return "convict_roots", [self._origin, first, second]

    @property
    def _origin(self) -> bytes:
        return origin_hash(self.fork.origin)

    @property
    def _heads(self) -> tuple[conviction.SizeAndRoot, conviction.SizeAndRoot]:
        first, second = self.fork.first, self.fork.second
        return (first.size, first.root), (second.size, second.root)


class Court:
    """One deployed contract. Raises ``ChainMismatch`` for code that no verifier would accept."""

    def __init__(self, client: EvmClient, artefact: Artefact, contract: bytes) -> None:
        self._client = client
        known = KNOWN_COURTS.get(artefact.code_hash.hex())
        if known is None:
            raise ChainMismatch(f"contract code 0x{artefact.code_hash.hex()} is no ForkCourt that the core knows")
        self._known = known
        self._abi = Web3().eth.contract(abi=artefact.abi)
        self.contract = contract

    def data(self, charge: Charge) -> bytes:
        """Calldata of the accusation."""
        return bytes.fromhex(self._abi.encode_abi(*charge.call())[2:])

    def key(self, charge: Charge) -> bytes:
        """Storage position of the defendant's slot, 32 bytes."""
        return conviction.storage_key(self._known, charge.defendant)

    def held(self, charge: Charge) -> bytes:
        """What the defendant's slot holds, ``NOT_CONVICTED`` or a commitment."""
        return self._client.storage(self.contract, self.key(charge))

    def convicted(self, charge: Charge, ours: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The event that convicted by this very evidence, as the node shows it; None: there is none yet.

        ``ours``: logs of a transaction of our own, which spare a search. Raises ``OtherConviction`` where other
        evidence came first.
        """
        if self.held(charge) == NOT_CONVICTED:
            return None
        topics, data = charge.event
        found = [ours[at] for at in self._places(charge, ours)]
        # (The court emits it once for each defendant.)
        for log in found or self._client.logs(self.contract, topics):
            if bytes(log["data"]) != data:
                raise OtherConviction(_other(log, charge))
            return log
        raise ChainMismatch(f"the court holds a conviction of 0x{charge.defendant.hex()} that no event tells of")

    def position(self, charge: Charge, logs: Sequence[Mapping[str, Any]]) -> int:
        """Place of the event among a receipt's logs. Raises ``PackingFailed``."""
        for at in self._places(charge, logs):
            return at
        raise PackingFailed("the transaction does not convict by this evidence")

    def _places(self, charge: Charge, logs: Sequence[Mapping[str, Any]]) -> Iterator[int]:
        topics, data = charge.event
        for at, log in enumerate(logs):
            found = (bytes_of(log["address"]), [bytes(topic) for topic in log["topics"]], bytes(log["data"]))
            if found == (self.contract, topics, data):
                yield at


def _hashes(texts: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def _other(log: Mapping[str, Any], charge: Charge) -> str:
    words = [bytes(log["data"])[at : at + 32] for at in range(32, 160, 32)]
    sizes = int.from_bytes(words[0], "big"), int.from_bytes(words[2], "big")
    return (
        f"authority 0x{charge.authority.hex()} stands convicted there already, by other evidence: sizes {sizes[0]} and "
        f"{sizes[1]}, roots {words[1].hex()} and {words[3].hex()}, transaction 0x{bytes(log['transactionHash']).hex()} "
        "(its calldata holds both signatures); nothing was sent. The evidence given holds by itself"
    )
