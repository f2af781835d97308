"""Recovery for py-evm: the same key as eth_keys' own, for any signature that it takes; a bad one is bad to both."""

from __future__ import annotations

import random

import pytest
from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature

from anchors.embedded.curve import Backend
from tallystick.evm.secp256k1 import N

NATIVE, OURS = NativeECCBackend(), Backend()
DICE = random.Random(20_261_121)


def outcome(backend: NativeECCBackend, digest: bytes, vrs: tuple[int, int, int]) -> bytes | None:
    try:
        return backend.ecdsa_recover(digest, Signature(vrs=vrs)).to_bytes()
    except BadSignature:
        return None


def test_it_recovers_what_eth_keys_recovers() -> None:
    for _ in range(20):
        key, digest = PrivateKey(DICE.randbytes(32), backend=NATIVE), DICE.randbytes(32)
        v, r, s = key.sign_msg_hash(digest).vrs
        for vrs in ((v, r, s), (1 - v, r, s), (1 - v, r, N - s), (v, r, N - s)):
            assert outcome(OURS, digest, vrs) == outcome(NATIVE, digest, vrs) is not None
        # The second time is from memory.
        assert outcome(OURS, digest, (v, r, s)) == key.public_key.to_bytes()
        other = bytes([digest[0] ^ 1]) + digest[1:]
        assert outcome(OURS, other, (v, r, s)) == outcome(NATIVE, other, (v, r, s)) != key.public_key.to_bytes()


@pytest.mark.parametrize("r", [5, 1, N - 1])
def test_what_is_no_point_is_a_bad_signature_to_both(r: int) -> None:
    digest = b"\x11" * 32
    assert outcome(OURS, digest, (0, r, 7)) == outcome(NATIVE, digest, (0, r, 7))
