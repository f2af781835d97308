"""Private keys at rest: PKCS #8 PEM, encrypted with a passphrase that the caller brings."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from tallystick.errors import MalformedInput
from tallystick.keys import LocalSigner


def write_key(path: Path, signer: LocalSigner, passphrase: bytes) -> None:
    """Create ``path`` (mode 0600, never overwritten: ``FileExistsError``) with the encrypted key, synced to disk."""
    pem = signer.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(descriptor)


def read_key(path: Path, passphrase: bytes) -> LocalSigner:
    """Load a key. Raises ``MalformedInput``: the file is missing, no key, or the passphrase is wrong."""
    try:
        pem = path.read_bytes()
    except FileNotFoundError:
        raise MalformedInput(f"no key file {path}: bring it back from its copy, or correct the path") from None
    try:
        return LocalSigner(serialization.load_pem_private_key(pem, passphrase))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise MalformedInput(f"{path} is not a private key that this passphrase opens") from None
