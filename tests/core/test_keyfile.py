"""Private keys at rest: encrypted, never overwritten, and unreadable with anything but the passphrase."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tallystick.errors import MalformedInput
from tallystick.keyfile import read_key, write_key
from tallystick.keys import Algorithm
from tests.world import key_from


@pytest.mark.parametrize("alg", ["ed25519", "es256", "ml-dsa-44", "es256k"])
def test_round_trip(tmp_path: Path, alg: Algorithm) -> None:
    path, signer = tmp_path / "key.pem", key_from("one", alg)
    write_key(path, signer, b"passphrase")
    again = read_key(path, b"passphrase")
    assert again.public == signer.public
    signer.public.verify(b"m", again.sign(b"m"))


def test_the_file_is_private_and_encrypted(tmp_path: Path) -> None:
    path, signer = tmp_path / "key.pem", key_from("one")
    write_key(path, signer, b"passphrase")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(b"something precious")
    with pytest.raises(FileExistsError):
        write_key(path, key_from("one"), b"passphrase")
    assert path.read_bytes() == b"something precious"


def pem(signer_or_key: object, encryption: serialization.KeySerializationEncryption) -> bytes:
    return signer_or_key.private_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def test_whatever_is_not_the_key_is_malformed(tmp_path: Path) -> None:
    path, signer = tmp_path / "key.pem", key_from("one")
    with pytest.raises(MalformedInput, match="no key file"):
        read_key(path, b"passphrase")
    write_key(path, signer, b"passphrase")
    good = path.read_bytes()
    with pytest.raises(MalformedInput, match="that this passphrase opens"):
        read_key(path, b"another")
    locked = serialization.BestAvailableEncryption(b"passphrase")
    bad = {
        "nothing": b"",
        "no PEM": b"hello",
        "cut short": good[: len(good) // 2],
        "unencrypted": pem(signer.private, serialization.NoEncryption()),
        "a key of a kind we do not use": pem(rsa.generate_private_key(65537, 1024), locked),
        "an unknown algorithm": b"-----BEGIN PRIVATE KEY-----\nMBQCAQAwBwYFKwYBBAEEBgQEAAAAAA==\n"
        b"-----END PRIVATE KEY-----\n",
    }
    for data in bad.values():
        path.write_bytes(data)
        with pytest.raises(MalformedInput):
            read_key(path, b"passphrase")
