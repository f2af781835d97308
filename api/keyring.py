"""The log's private keys: one file per role, encrypted at rest, made once."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from api.authority import QuickAuthority
from tallystick.errors import MalformedInput
from tallystick.keyfile import read_key, write_key
from tallystick.keys import Algorithm, LocalSigner
from tallystick.lazy_dataclass import dataclass
from tallystick.tree_head import LogSigners

# es256 where outside software (HSMs, other COSE libraries) most often verifies.
ROLES: dict[str, Algorithm] = {
    "log": "ed25519",
    "log-pq": "ml-dsa-44",
    "authority": "es256k",
    "registrar": "es256",
    "service": "es256",
    "exporter": "ed25519",
    "status": "es256",
}


@dataclass(frozen=True)
class Keyring:
    """One signer per role; all distinct."""

    signers: dict[str, LocalSigner]

    def log_signers(self, origin: str) -> LogSigners:
        """The three that sign checkpoints."""
        return LogSigners(
            origin, self.signers["log"], self.signers["log-pq"], QuickAuthority(self.signers["authority"])
        )


def create_keyring(folder: Path, passphrase: bytes) -> Keyring:
    """Make all keys. Raises ``FileExistsError`` where one exists: a key is never overwritten."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    signers = {role: LocalSigner.generate(alg) for role, alg in ROLES.items()}
    for role, signer in signers.items():
        write_key(folder / f"{role}.pem", signer, passphrase)
    return Keyring(signers)


def open_keyring(folder: Path, passphrase: bytes) -> Keyring:
    """Load all keys. Raises ``MalformedInput`` that names the file at fault."""
    return Keyring({role: read_key(folder / f"{role}.pem", passphrase) for role in ROLES})


def passphrase_of(folder: Path, given: str | None, *, create: bool) -> bytes:
    """The passphrase: as given, else from the file ``passphrase`` (mode 0600), which is made if ``create``.

    Keys beside their passphrase are safe from a stray copy of one of them, not from
    whoever reads the folder: in production give the passphrase by the environment.
    """
    if given is not None:
        return given.encode()
    path = folder / "passphrase"
    if create and not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        raise MalformedInput(f"no passphrase: set TALLYSTICK_PASSPHRASE, or restore {path}") from None
