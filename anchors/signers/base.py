"""What a signer is. Whatever it returns is checked here before anybody uses it."""

from __future__ import annotations

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from anchors.errors import SignerFailed
from anchors.hashing import keccak256
from anchors.signers.transaction import UnsignedTransaction, check_signed, with_parity
from tallystick.lazy_dataclass import dataclass


class TransactionSigner(Protocol):
    """Signs transactions for one address; where the key is, is its own matter."""

    @property
    def address(self) -> bytes:
        """20 bytes."""
        ...

    def sign_transaction(self, unsigned: UnsignedTransaction) -> bytes:
        """Raw bytes of the signed transaction. Raises ``ChainUnreachable`` to be asked again, ``SignerFailed``."""
        ...


class DigestDevice(Protocol):
    """A KMS or an HSM (PKCS #11): it holds a secp256k1 key and signs 32 bytes."""

    def sign_digest(self, digest: bytes) -> bytes:
        """ECDSA signature over these 32 bytes, in DER as such devices give it; s may be high."""
        ...


@dataclass(frozen=True)
class DeviceSigner:
    """Any ``DigestDevice`` as a ``TransactionSigner``: v is found here, and s brought to its lower half."""

    address: bytes
    device: DigestDevice

    def sign_transaction(self, unsigned: UnsignedTransaction) -> bytes:
        """See ``TransactionSigner``."""
        digest = keccak256(unsigned.payload())
        try:
            r, s = decode_dss_signature(self.device.sign_digest(digest))
        except ValueError:
            raise SignerFailed("the device returned something that is no ECDSA signature in DER") from None
        if not 0 < r < 1 << 256 or not 0 < s < 1 << 256:
            raise SignerFailed("the device returned a signature of another curve")
        return unsigned.signed(with_parity(r, s, digest, self.address))


@dataclass(frozen=True)
class CheckedSigner:
    """A signer whose answers are not believed: same fields, right key, or nothing."""

    signer: TransactionSigner

    @property
    def address(self) -> bytes:
        """20 bytes."""
        return self.signer.address

    def sign_transaction(self, unsigned: UnsignedTransaction) -> bytes:
        """See ``TransactionSigner``."""
        raw = self.signer.sign_transaction(unsigned)
        check_signed(raw, unsigned, self.address)
        return raw
