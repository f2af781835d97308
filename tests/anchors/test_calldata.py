"""Calldata of the contract's functions: web3's own encoder is the oracle."""

from __future__ import annotations

from typing import Any, cast

import pytest
from web3 import Web3

from anchors.client import EvmClient
from anchors.outbox_rows import Handover
from anchors.registry import Registry
from tallystick.checkpoint import Checkpoint
from tests.anchors.support import ARTEFACT, ORIGIN, SOMEBODY, MemoryLog

LOG = MemoryLog().identity
REGISTRY = Registry(cast(EvmClient, None), ARTEFACT, bytes(20), LOG)
NEW = Checkpoint(ORIGIN, 20, b"\x02" * 32)
PROOF = [bytes([number]) * 32 for number in range(5)]
SIGNATURE = b"\x04" * 65


def web3_says(name: str, *arguments: Any) -> bytes:
    return bytes.fromhex(Web3().eth.contract(abi=ARTEFACT.abi).encode_abi(name, arguments)[2:])


EIGHT, SEVEN = (Checkpoint(ORIGIN, size, b"\x01" * 32) for size in (8, 7))


@pytest.mark.parametrize(
    ("old", "hashes"),
    [(None, PROOF), (EIGHT, [EIGHT.root, *PROOF]), (SEVEN, PROOF)],
    ids=["first", "power of two", "any"],
)
def test_relay(old: Checkpoint | None, hashes: list[bytes]) -> None:
    authority, size = Web3.to_checksum_address(LOG.authority), 0 if old is None else old.size
    expected = web3_says("relay", authority, LOG.origin_hash, size, NEW.size, NEW.root, hashes, SIGNATURE)
    assert REGISTRY.relay_data(old, NEW, PROOF, SIGNATURE) == expected


def test_rotate() -> None:
    handover = Handover(
        id=1, target_id=1, size=9, root=b"\x05" * 32, note=b"", signature=SIGNATURE, predecessor=LOG.authority,
        successor=SOMEBODY.address, consent=b"\x06" * 65, acceptance=b"\x07" * 65, prepared_at=1, done_at=None,
    )  # fmt: skip
    successor = Web3.to_checksum_address(SOMEBODY.address)
    expected = web3_says("rotate", LOG.log_id, 9, handover.root, successor, handover.consent, handover.acceptance)
    assert REGISTRY.rotate_data(handover) == expected
