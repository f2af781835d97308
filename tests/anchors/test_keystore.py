"""Keystores: encrypted, owner-only, never overwritten, and nothing secret in a message."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from anchors.keystore import ChainKey, KeystoreError, create, load
from tallystick.evm.secp256k1 import verify_signer

SECRET = bytes(range(1, 33))


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("correct horse\n", encoding="utf-8")
    return path


def test_a_key_comes_back_with_its_password(tmp_path: Path, password: Path) -> None:
    made = create(tmp_path / "key.json", password, SECRET)
    assert load(tmp_path / "key.json", password) == made == ChainKey.from_secret(SECRET)


def test_a_new_key_is_random(tmp_path: Path, password: Path) -> None:
    assert create(tmp_path / "a", password).address != create(tmp_path / "b", password).address


def test_the_file_is_the_owners_alone_and_holds_no_secret(tmp_path: Path, password: Path) -> None:
    create(tmp_path / "key.json", password, SECRET)
    text = (tmp_path / "key.json").read_text(encoding="ascii")
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600
    assert SECRET.hex() not in text.lower()
    assert json.loads(text)["crypto"]["kdfparams"]["n"] == 1 << 14


def test_a_key_is_never_overwritten(tmp_path: Path, password: Path) -> None:
    made = create(tmp_path / "key.json", password)
    with pytest.raises(KeystoreError, match="never overwritten"):
        create(tmp_path / "key.json", password)
    assert load(tmp_path / "key.json", password) == made


@pytest.mark.parametrize("damage", ["wrong password", "flipped ciphertext", "not json", "empty object"])
def test_a_damaged_keystore_or_a_wrong_password_is_refused(tmp_path: Path, password: Path, damage: str) -> None:
    path = tmp_path / "key.json"
    create(path, password, SECRET)
    document = json.loads(path.read_text(encoding="ascii"))
    if damage == "wrong password":
        password.write_text("wrong\n", encoding="utf-8")
    elif damage == "flipped ciphertext":
        first, rest = document["crypto"]["ciphertext"][0], document["crypto"]["ciphertext"][1:]
        document["crypto"]["ciphertext"] = f"{int(first, 16) ^ 1:x}{rest}"
        path.write_text(json.dumps(document), encoding="ascii")
    else:
        path.write_text("{}" if damage == "empty object" else "no", encoding="ascii")
    with pytest.raises(KeystoreError, match="does not open"):
        load(path, password)


def test_missing_files_are_named(tmp_path: Path, password: Path) -> None:
    with pytest.raises(KeystoreError, match="no keystore at"):
        load(tmp_path / "absent", password)
    with pytest.raises(KeystoreError, match="no password file"):
        create(tmp_path / "key.json", tmp_path / "absent")
    password.write_text("\nsecond line", encoding="utf-8")
    with pytest.raises(KeystoreError, match="is empty"):
        create(tmp_path / "key.json", password)
    assert not (tmp_path / "key.json").exists()


def test_a_key_does_not_show_its_secret() -> None:
    key = ChainKey.from_secret(SECRET)
    assert SECRET.hex() not in f"{key!r} {key}".lower()


def test_a_signed_digest_is_what_the_core_verifies() -> None:
    key = ChainKey.from_secret(SECRET)
    for number in range(20):
        digest = number.to_bytes(32, "big")
        verify_signer(key.address, digest, key.sign_digest(digest))
