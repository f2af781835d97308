"""The folder of a local authority: made once, its keys encrypted.

root.pem    certificate that a trust file lists     root.key.pem    its key; needed for another signer alone
signer.pem  certificate that signs tokens           signer.key.pem  its key
last        time of the last token, microseconds    passphrase      of the keys, where none is given
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from anchors.timestamps.authority import Identity, LocalAuthority
from tallystick.errors import MalformedInput
from tallystick.keyfile import read_key, write_key
from tallystick.keys import LocalSigner
from tallystick.timestamp import LOCAL_POLICY

ROOT_DAYS = 30 * 365
SIGNER_DAYS = 10 * 365


def create_folder(folder: Path, name: str, passphrase: str | None, now: datetime) -> None:
    """Make an authority called ``name``. Raises ``MalformedInput`` where something is already.

    A kill leaves a folder without ``signer.pem``, which comes last: it is none, and is removed by hand.
    """
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise MalformedInput(f"{folder} exists already: a key is never overwritten; choose another folder") from None
    secret = _secret(folder, passphrase, create=True)
    root_key, signer_key = LocalSigner.generate("es256"), LocalSigner.generate("es256")
    write_key(folder / "root.key.pem", root_key, secret)
    write_key(folder / "signer.key.pem", signer_key, secret)
    root_name = _named(f"{name} root (operator only)")
    root = _builder(root_name, root_name, root_key, now, ROOT_DAYS)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    root = root.add_extension(_usage(signs_certificates=True), critical=True)
    top = root.sign(_private(root_key), hashes.SHA256())
    leaf = _builder(_named(f"{name} (operator only)"), root_name, signer_key, now, SIGNER_DAYS)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(signs_certificates=False), critical=True)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(_private(root_key).public_key())
    signer = leaf.add_extension(above, critical=False).sign(_private(root_key), hashes.SHA256())
    for path, certificate in (("root.pem", top), ("signer.pem", signer)):
        _write(folder / path, certificate.public_bytes(Encoding.PEM))


def system_micros() -> int:
    """Microseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1000


@contextmanager
def open_authority(
    folder: Path, passphrase: str | None, clock: Callable[[], int] = system_micros
) -> Iterator[LocalAuthority]:
    """The authority of a folder, in one process at a time. Raises ``MalformedInput``."""
    try:
        certificate = x509.load_pem_x509_certificate((folder / "signer.pem").read_bytes())
    except FileNotFoundError:
        raise MalformedInput(f"{folder} is not the folder of an authority: make one with `begin`") from None
    key = _private(read_key(folder / "signer.key.pem", _secret(folder, passphrase, create=False)))
    if certificate.public_key() != key.public_key():
        raise MalformedInput(f"{folder}: signer.key.pem is not the key of signer.pem")
    descriptor = os.open(folder / "last", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield LocalAuthority(Identity(certificate, key), clock, secrets.randbits, _Kept(descriptor))
    except BlockingIOError:
        raise MalformedInput(f"{folder}: another process serves this authority") from None
    finally:
        os.close(descriptor)


class _Kept:
    """``LastTime`` in a file: twenty digits, written over in one piece."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = int(os.pread(descriptor, 20, 0) or b"0")

    def read(self) -> int:
        """See ``LastTime``."""
        return self._last

    def write(self, micros: int) -> None:
        """See ``LastTime``."""
        os.pwrite(self._descriptor, b"%020d" % micros, 0)
        os.fsync(self._descriptor)
        self._last = micros


def _secret(folder: Path, given: str | None, *, create: bool) -> bytes:
    if given is not None:
        return given.encode()
    path = folder / "passphrase"
    if create:
        _write(path, secrets.token_urlsafe(32).encode())
    try:
        return path.read_bytes().strip()
    except FileNotFoundError:
        raise MalformedInput(f"no passphrase: set AUTHORITY_PASSPHRASE, or restore {path}") from None


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _private(signer: LocalSigner) -> ec.EllipticCurvePrivateKey:
    if not isinstance(signer.private, ec.EllipticCurvePrivateKey):
        raise MalformedInput("the key of an authority is one of P-256")
    return signer.private


def _builder(
    subject: x509.Name, issuer: x509.Name, key: LocalSigner, now: datetime, days: int
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC).replace(microsecond=0)
    public = _private(key).public_key()
    mark = x509.PolicyInformation(x509.ObjectIdentifier(LOCAL_POLICY), None)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.CertificatePolicies([mark]), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
