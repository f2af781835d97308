"""secp256k1 keys of the gas account and of the block sealer: encrypted JSON keystores (Web3 Secret Storage v3).

The log's own keys are never here: an anchor carries the log authority's EIP-712
signature, and the key in this file only pays for it.

Key derivation is scrypt with N = 2^14 instead of the customary 2^18: opening a
keystore costs about 50 ms and 16 MiB instead of 1 s and 256 MiB. The passphrase is
meant to be a long random one that the operator protects; with a guessable one neither
cost would help.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from eth_account import Account
from eth_account.signers.local import LocalAccount

from anchors.errors import AnchorError
from anchors.hashing import keccak256
from anchors.signers.transaction import UnsignedTransaction
from tallystick.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from coincurve import PrivateKey

SCRYPT_N = 1 << 14
"""Cost of the key derivation (N of RFC 7914; r = 8, p = 1 are the keystore format's own)."""


class KeystoreError(AnchorError):
    """The keystore cannot be used; the message says which one and what to do."""


@dataclass(frozen=True)
class ChainKey:
    """An unlocked key. Its ``repr`` shows the address alone."""

    address: bytes
    """20 bytes."""
    _account: LocalAccount
    _private: PrivateKey = field(compare=False)
    """The same for libsecp256k1, which says what its signature recovers to."""

    @classmethod
    def from_secret(cls, secret: bytes) -> ChainKey:
        """The key with this 32-byte secret."""
        from coincurve import PrivateKey  # where a key is unlocked, and not whenever the service starts

        account = Account.from_key(secret)
        return cls(address=bytes.fromhex(account.address[2:]), _account=account, _private=PrivateKey(secret))

    def sign_transaction(self, unsigned: UnsignedTransaction) -> bytes:
        """Raw bytes of the signed transaction, ready for ``eth_sendRawTransaction``."""
        return unsigned.signed(self.sign_digest(keccak256(unsigned.payload())))

    def sign_digest(self, digest: bytes) -> bytes:
        """65 bytes r ‖ s ‖ v (low s, v 27 or 28) over a 32-byte digest, deterministic (RFC 6979).

        A faulty one does not leave: it is recovered before.
        """
        from coincurve import PublicKey

        signature = self._private.sign_recoverable(digest, hasher=None)
        if PublicKey.from_signature_and_message(signature, digest, hasher=None) != self._private.public_key:
            raise RuntimeError("a signature that was just made does not verify")
        return signature[:64] + bytes([27 + signature[64]])

    def __repr__(self) -> str:
        return f"ChainKey({self._account.address})"


def create(path: Path, passphrase: bytes, secret: bytes | None = None) -> ChainKey:
    """Make a key, or take ``secret`` (32 bytes), and keep it encrypted in a new file that only its owner can read.

    Raises ``KeystoreError`` when the file exists: a key is never overwritten. A kill
    leaves the whole file or none.
    """
    if not passphrase:
        raise KeystoreError(f"{path}: a key is not kept under an empty passphrase")
    key = ChainKey.from_secret(secret or secrets.token_bytes(32))
    document = Account.encrypt(key._account.key, cast(Any, passphrase), kdf="scrypt", iterations=SCRYPT_N)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}.draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        json.dump(document, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, never replaces what is there.
        os.link(draft, path)
    except FileExistsError as error:
        raise KeystoreError(f"{path} exists already and a key is never overwritten: choose another path") from error
    finally:
        draft.unlink()
    return key


def load(path: Path, passphrase: bytes) -> ChainKey:
    """Open a keystore. Raises ``KeystoreError`` for a missing or damaged file, or a wrong passphrase."""
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        return ChainKey.from_secret(bytes(Account.decrypt(document, cast(Any, passphrase))))
    except FileNotFoundError as error:
        raise KeystoreError(f"there is no keystore at {path}: create one, or correct the path") from error
    except (ValueError, KeyError, TypeError) as error:
        raise KeystoreError(f"{path} does not open with this passphrase: {error}") from error
