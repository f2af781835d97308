"""Authorities for the contract tests: keys, their addresses, and what they sign."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from tallystick.evm import eip712, secp256k1


@dataclass(frozen=True)
class AuthorityKey:
    """A secp256k1 key that signs for logs."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, secret: int) -> AuthorityKey:
        return cls(ec.derive_private_key(secret, ec.SECP256K1()))

    @property
    def address(self) -> bytes:
        numbers = self.private.public_key().public_numbers()
        return secp256k1.address_of(b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big"))

    def checkpoint(self, origin: bytes, size: int, root: bytes) -> bytes:
        """65 bytes over a checkpoint of the log with this origin hash."""
        return secp256k1.sign_digest(self.private, eip712.checkpoint_digest(origin, size, root))

    def rotation(self, log_id: bytes, size: int, root: bytes, successor: bytes) -> bytes:
        """65 bytes over a rotation, as the one who hands over or as the one who accepts."""
        return secp256k1.sign_digest(self.private, eip712.rotation_digest(log_id, size, root, successor))


def twin(signature: bytes) -> bytes:
    """The malleable twin: the other s with the other v, valid for plain ecrecover."""
    s = secp256k1.N - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])
