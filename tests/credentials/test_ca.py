"""Our own authority: the profile it issues, and keys that only open with their passphrase."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from credentials.ca import Identity
from credentials.errors import KeyUnreadable
from tallystick.c2pa import SignerRoots
from tallystick.c2pa.doctor import diagnose
from tallystick.errors import MalformedInput
from tests.core.c2pa.kit import AT, make_world, world


def test_the_doctor_finds_nothing_wrong() -> None:
    assert diagnose(world().signer.signing_chain_pem, world().roots, AT) == ()


def test_the_profile_of_a_signer() -> None:
    leaf = world().signer.certificate
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value == x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [oid.dotted_string for oid in purposes] == ["1.3.6.1.4.1.62558.2.1"]
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)


def test_a_signature_carries_no_root() -> None:
    pem = world().signer.signing_chain_pem
    assert pem.count(b"BEGIN CERTIFICATE") == 2
    assert world().signer.root_pem not in pem


def test_keys_are_encrypted_at_rest(tmp_path: Path) -> None:
    signer = world().signer
    signer.save(tmp_path, "signer", b"correct horse")
    secret = tmp_path / "signer.key.pem"
    assert secret.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert secret.stat().st_mode & 0o777 == 0o600
    again = Identity.load(tmp_path, "signer", b"correct horse")
    assert again.chain == signer.chain
    assert again.key.private_numbers() == signer.key.private_numbers()


@pytest.mark.parametrize("passphrase", [b"wrong", b""])
def test_a_wrong_passphrase_is_named(tmp_path: Path, passphrase: bytes) -> None:
    world().signer.save(tmp_path, "signer", b"correct horse")
    with pytest.raises(KeyUnreadable, match="wrong passphrase"):
        Identity.load(tmp_path, "signer", passphrase)


def test_an_unencrypted_key_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(KeyUnreadable, match="empty"):
        world().signer.save(tmp_path, "signer", b"")
    assert list(tmp_path.iterdir()) == []


def test_an_unencrypted_key_is_not_read(tmp_path: Path) -> None:
    world().signer.save(tmp_path, "signer", b"p")
    plain = world().signer.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "signer.key.pem").write_bytes(plain)
    with pytest.raises(KeyUnreadable):
        Identity.load(tmp_path, "signer", b"p")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    world().signer.save(tmp_path, "signer", b"p")
    before = (tmp_path / "signer.key.pem").read_bytes()
    with pytest.raises(FileExistsError):
        make_world().signer.save(tmp_path, "signer", b"p")
    assert (tmp_path / "signer.key.pem").read_bytes() == before


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    world().signer.save(tmp_path, "a", b"p")
    make_world().signer.save(tmp_path, "b", b"p")
    (tmp_path / "a.pem").write_bytes((tmp_path / "b.pem").read_bytes())
    with pytest.raises(KeyUnreadable, match="does not belong"):
        Identity.load(tmp_path, "a", b"p")


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "PrivateKey" not in repr(world().signer)


def test_roots_must_be_certificates() -> None:
    with pytest.raises(MalformedInput, match="signer roots"):
        SignerRoots.from_pem(b"nothing")
