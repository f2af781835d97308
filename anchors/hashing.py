"""Keccak-256 in C, for what is signed, sent, packed and compared here. A verifier reckons with the core's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache


def keccak256(data: bytes) -> bytes:
    """Keccak-256 of ``data``: 32 bytes."""
    return _library()(data)


@cache
def _library() -> Callable[[bytes], bytes]:
    # The service knows of anchors and signs none: only the worker loads it.
    from eth_hash.auto import keccak

    return keccak
