"""The EIP-712 messages by which a log's authority vouches for a checkpoint and hands over to a successor.

The domain holds name and version only, no chain and no contract: one signature
anchors a checkpoint anywhere and convicts its signer anywhere.
"""

from __future__ import annotations

from tallystick.errors import MalformedInput
from tallystick.evm.keccak import keccak256
from tallystick.evm.secp256k1 import verify_signer

# These are written out so that a verifier does not reckon them anew each time it starts; a test does.
DOMAIN_SEPARATOR = bytes.fromhex("6b70827b7abd38da98de00db0cd565ea4b10296f77be77021f6a6cbe1e4d1999")
"""Of ``EIP712Domain(string name,string version)`` with the name ``tallystick`` and the version ``1``."""
CHECKPOINT_TYPE_HASH = bytes.fromhex("1694b75f4dde754f3e6ee0aadbfdc0e38cb19f0fa756be2e17e8e53ac069e354")
"""Keccak-256 of ``Checkpoint(bytes32 origin,uint64 size,bytes32 root)``."""
ROTATION_TYPE_HASH = bytes.fromhex("63055a72619dfb5c062b05b071f1e1036fbbd527b7a1e1c2f51cfb5f49f13532")
"""Keccak-256 of ``Rotation(bytes32 log,uint64 size,bytes32 root,address successor)``."""


def checkpoint_digest(origin_hash: bytes, size: int, root: bytes) -> bytes:
    """What the authority signs: 32 bytes. ``origin_hash`` is SHA-256 of the origin text, ``size`` a u64."""
    return keccak256(signed_words(checkpoint_words(origin_hash, size, root)))


def checkpoint_words(origin_hash: bytes, size: int, root: bytes) -> bytes:
    """The message itself, arguments as those of ``checkpoint_digest``."""
    if len(origin_hash) != 32 or len(root) != 32 or not 0 <= size < 1 << 64:
        raise MalformedInput("a checkpoint message has a 32-byte origin, a u64 size and a 32-byte root")
    return CHECKPOINT_TYPE_HASH + origin_hash + size.to_bytes(32, "big") + root


def rotation_digest(log_id: bytes, size: int, root: bytes, successor: bytes) -> bytes:
    """What an authority and its ``successor`` (20-byte address) sign to hand over a slot that holds (size, root).

    ``log_id``: the log's name on that contract, 32 bytes.
    """
    if len(log_id) != 32 or len(root) != 32 or len(successor) != 20 or not 0 <= size < 1 << 64:
        raise MalformedInput("a rotation message has a 32-byte log id, a u64 size, a 32-byte root and an address")
    words = ROTATION_TYPE_HASH + log_id + size.to_bytes(32, "big") + root + successor.rjust(32, b"\x00")
    return keccak256(signed_words(words))


def signed_words(message: bytes) -> bytes:
    """What the digest of a ``message`` is the hash of."""
    return b"\x19\x01" + DOMAIN_SEPARATOR + keccak256(message)


def verify_checkpoint(authority: bytes, origin_hash: bytes, size: int, root: bytes, signature: bytes) -> None:
    """Raise ``VerificationFailed`` unless ``authority`` (20-byte address) made ``signature`` (65 bytes r ‖ s ‖ v)."""
    verify_signer(authority, checkpoint_digest(origin_hash, size, root), signature)
