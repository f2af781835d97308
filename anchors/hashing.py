"""Keccak-256 in C, for what is signed, sent, packed and compared here. A verifier reckons with the core's own."""

from __future__ import annotations

from eth_hash.auto import keccak


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of ``data``: 32 bytes."""
    return bytes(keccak(data))
