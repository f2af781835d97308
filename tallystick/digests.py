"""Digest pairs: every value that must stay provable for decades carries SHA-256 and SM3 (GB/T 32905)."""

from __future__ import annotations

import hashlib
from typing import Annotated

from cryptography.hazmat.primitives import hashes

from tallystick.schema import HEX32, record


@record
class DigestPair:
    """SHA-256 and SM3 of the same bytes, each 64 lowercase hex digits."""

    sha256: Annotated[str, HEX32]
    sm3: Annotated[str, HEX32]


class PairHasher:
    """Feeds the same bytes to both hashes."""

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3())

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self._sha256.update(data)
        self._sm3.update(data)

    def pair(self) -> DigestPair:
        """The two digests; call once."""
        return DigestPair(self._sha256.hexdigest(), self._sm3.finalize().hex())


def digest_pair(data: bytes) -> DigestPair:
    """Both digests of ``data``."""
    hasher = PairHasher()
    hasher.update(data)
    return hasher.pair()
