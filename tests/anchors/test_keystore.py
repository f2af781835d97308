"""Keystores: encrypted, owner-only, never overwritten, and nothing secret in a message."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from eth_keys.backends import CoinCurveECCBackend, get_backend
from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature

from anchors.keystore import ChainKey, KeystoreError, create, load
from tallystick.errors import VerificationFailed
from tallystick.evm.secp256k1 import N, sign_digest, verify_signer

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
    """Deterministic (RFC 6979), s in the lower half, and the right v: by its arithmetic in Python, and by the core."""
    key, other = ChainKey.from_secret(SECRET), PrivateKey(SECRET, backend=NativeECCBackend())
    private = ec.derive_private_key(int.from_bytes(SECRET, "big"), ec.SECP256K1())
    for number in range(40):
        digest = hashlib.sha256(b"%d" % number).digest()
        v, r, s = other.sign_msg_hash(digest).vrs
        assert key.sign_digest(digest) == r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + v])
        assert key.sign_digest(digest) == sign_digest(private, digest)


def test_a_faulty_signature_does_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    key, digest = ChainKey.from_secret(SECRET), bytes(32)
    good = key.sign_digest(digest)
    bad = good[:63] + bytes([good[63] ^ 1]) + bytes([good[64] - 27])
    monkeypatch.setattr(coincurve.PrivateKey, "sign_recoverable", lambda self, message, hasher: bad)
    with pytest.raises(RuntimeError, match="does not verify"):
        key.sign_digest(digest)


def test_py_evm_recovers_by_libsecp256k1() -> None:
    """Which it takes where it is; any signature is good or bad to it and to the arithmetic in Python alike."""
    quick, native = get_backend(), NativeECCBackend()
    assert isinstance(quick, CoinCurveECCBackend)
    signature = ChainKey.from_secret(SECRET).sign_digest(bytes(32))
    r, s, v = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64] - 27
    for vrs in ((v, r, s), (1 - v, r, s), (1 - v, r, N - s), (v, r, N - s), (0, 5, 7), (0, 1, 7), (0, N - 1, 7)):
        found = []
        for backend in (quick, native):
            try:
                found.append(backend.ecdsa_recover(bytes(32), Signature(vrs=vrs)).to_bytes())
            except BadSignature:
                found.append(b"bad")
        assert found[0] == found[1]
