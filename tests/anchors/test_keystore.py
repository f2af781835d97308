"""Keystores: encrypted, owner-only, never overwritten, and nothing secret in a message."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest
from eth_account import Account

from anchors.keystore import ChainKey, KeystoreError, create, load
from tallystick.errors import VerificationFailed
from tallystick.evm.secp256k1 import verify_signer

SECRET = bytes(range(1, 33))
PASSPHRASE = b"correct horse"


def test_a_key_comes_back_with_its_passphrase(tmp_path: Path) -> None:
    made = create(tmp_path / "key.json", PASSPHRASE, SECRET)
    assert load(tmp_path / "key.json", PASSPHRASE) == made == ChainKey.from_secret(SECRET)


def test_a_new_key_is_random(tmp_path: Path) -> None:
    assert create(tmp_path / "a", PASSPHRASE).address != create(tmp_path / "b", PASSPHRASE).address


def test_the_file_is_the_owners_alone_and_holds_no_secret(tmp_path: Path) -> None:
    create(tmp_path / "key.json", PASSPHRASE, SECRET)
    text = (tmp_path / "key.json").read_text(encoding="ascii")
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    assert SECRET.hex() not in text.lower()
    assert json.loads(text)["crypto"]["kdfparams"]["n"] == 1 << 14


def test_a_key_is_never_overwritten_and_no_draft_stays(tmp_path: Path) -> None:
    made = create(tmp_path / "key.json", PASSPHRASE)
    with pytest.raises(KeystoreError, match="never overwritten"):
        create(tmp_path / "key.json", PASSPHRASE)
    assert load(tmp_path / "key.json", PASSPHRASE) == made
    assert [path.name for path in tmp_path.iterdir()] == ["key.json"]


@pytest.mark.parametrize("damage", ["wrong passphrase", "flipped ciphertext", "not json", "empty object"])
def test_a_damaged_keystore_or_a_wrong_passphrase_is_refused(tmp_path: Path, damage: str) -> None:
    path, passphrase = tmp_path / "key.json", PASSPHRASE
    create(path, passphrase, SECRET)
    document = json.loads(path.read_text(encoding="ascii"))
    if damage == "wrong passphrase":
        passphrase = b"wrong"
    elif damage == "flipped ciphertext":
        first, rest = document["crypto"]["ciphertext"][0], document["crypto"]["ciphertext"][1:]
        document["crypto"]["ciphertext"] = f"{int(first, 16) ^ 1:x}{rest}"
        path.write_text(json.dumps(document), encoding="ascii")
    else:
        path.write_text("{}" if damage == "empty object" else "no", encoding="ascii")
    with pytest.raises(KeystoreError, match="does not open"):
        load(path, passphrase)


def test_a_missing_file_and_an_empty_passphrase_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeystoreError, match="no keystore at"):
        load(tmp_path / "absent", PASSPHRASE)
    with pytest.raises(KeystoreError, match="empty passphrase"):
        create(tmp_path / "key.json", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_key_does_not_show_its_secret() -> None:
    key = ChainKey.from_secret(SECRET)
    assert SECRET.hex() not in f"{key!r} {key}".lower()


def test_a_signed_digest_is_what_the_core_verifies() -> None:
    key = ChainKey.from_secret(SECRET)
    for number in range(20):
        digest = number.to_bytes(32, "big")
        made = key.sign_digest(digest)
        verify_signer(key.address, digest, made)
        with pytest.raises(VerificationFailed):
            verify_signer(key.address, bytes(31) + b"\xff", made)


def test_it_signs_as_eth_account_does() -> None:
    """Deterministic (RFC 6979), s in the lower half, and the right v."""
    key, other = ChainKey.from_secret(SECRET), Account.from_key(SECRET)
    for number in range(40):
        digest = hashlib.sha256(b"%d" % number).digest()
        assert key.sign_digest(digest) == bytes(other.unsafe_sign_hash(digest).signature)
