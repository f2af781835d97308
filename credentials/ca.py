"""A certificate authority for those who have none: root, issuing authority, and signers with the C2PA claim profile.

The profile is that of the C2PA specification, section 14.5. Keys are P-256 (COSE ES256). On disk a key is PEM, always
encrypted. The time comes from the caller.
"""

from __future__ import annotations

import os
from dataclasses import field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from credentials.errors import KeyUnreadable
from credentials.signer import ClaimSigner
from tallystick.c2pa.chain import CLAIM_SIGNING
from tallystick.lazy_dataclass import dataclass

ROOT_DAYS = 20 * 365
ISSUING_DAYS = 10 * 365
SIGNER_DAYS = 2 * 365


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its path and its private key. `chain` is leaf first and ends with the root."""

    chain: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate of `key`."""
        return self.chain[0]

    @property
    def root_pem(self) -> bytes:
        """PEM of the root: what a trust file lists as a signer root."""
        return self.chain[-1].public_bytes(serialization.Encoding.PEM)

    @property
    def signing_chain_pem(self) -> bytes:
        """PEM of what a signature carries: everything but the root, which a verifier must have by itself."""
        return b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in self.chain[:-1])

    def claim_signer(self) -> ClaimSigner:
        """A signer whose key is in memory."""
        return ClaimSigner.from_key(self.signing_chain_pem, self.key)

    def save(self, folder: Path, name: str, passphrase: bytes) -> None:
        """Write ``<name>.pem`` (the chain) and ``<name>.key.pem`` (encrypted, mode 0600). Never overwrites a key.

        The key comes last and makes the pair count: whoever is interrupted before starts again.
        """
        if not passphrase:
            raise KeyUnreadable("a private key is only written encrypted; the passphrase is empty")
        secret = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase),
        )
        folder.mkdir(parents=True, exist_ok=True)
        if _key_path(folder, name).exists():
            raise FileExistsError(f"the key {name}.key.pem is there already, and a key is never overwritten")
        (folder / f"{name}.pem").write_bytes(self.signing_chain_pem + self.root_pem)
        handle = os.open(_key_path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secret)
            stream.flush()
            os.fsync(handle)

    @classmethod
    def load(cls, folder: Path, name: str, passphrase: bytes) -> Identity:
        """Read what `save` wrote. Raises KeyUnreadable, FileNotFoundError."""
        chain = tuple(x509.load_pem_x509_certificates((folder / f"{name}.pem").read_bytes()))
        secret = _key_path(folder, name).read_bytes()
        try:
            key = serialization.load_pem_private_key(secret, passphrase)
        except (ValueError, TypeError):
            raise KeyUnreadable(f"the key {name}.key.pem does not open: wrong passphrase, or damaged") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != chain[0].public_key():
            raise KeyUnreadable(f"the key {name}.key.pem does not belong to the certificate {name}.pem")
        return cls(chain, key)


def new_root(organisation: str, common_name: str, now: datetime, days: int = ROOT_DAYS) -> Identity:
    """A self-signed root that may have one issuing authority below it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(organisation, common_name)
    builder = _builder(subject, subject, key, now, days)
    builder = _as_authority(builder, path_length=1)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
    return Identity((builder.sign(key, hashes.SHA256()),), key)


def issue_authority(parent: Identity, common_name: str, now: datetime, days: int = ISSUING_DAYS) -> Identity:
    """An issuing authority below a root; it issues signers and no further authorities."""
    return _issue(parent, common_name, now, days, authority=True)


def issue_signer(parent: Identity, common_name: str, now: datetime, days: int = SIGNER_DAYS) -> Identity:
    """A claim signer: digitalSignature, c2pa-kp-claimSigning, key identifiers; nothing else."""
    return _issue(parent, common_name, now, days, authority=False)


def _issue(parent: Identity, common_name: str, now: datetime, days: int, *, authority: bool) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = parent.certificate.subject
    kept = [attribute for attribute in issuer if attribute.oid != NameOID.COMMON_NAME]
    subject = x509.Name([*kept, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = _builder(subject, issuer, key, now, days)
    builder = _as_authority(builder, path_length=0) if authority else _as_signer(builder)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key())
    certificate = builder.add_extension(above, False).sign(parent.key, hashes.SHA256())
    return Identity((certificate, *parent.chain), key)


def _key_path(folder: Path, name: str) -> Path:
    return folder / f"{name}.key.pem"


def _name(organisation: str, common_name: str) -> x509.Name:
    """An organisation is not optional: c2pa-python shows it as the issuer of the signature."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, path_length: int) -> x509.CertificateBuilder:
    return builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True).add_extension(
        _usage(key_cert_sign=True, crl_sign=True), critical=True
    )


def _as_signer(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([CLAIM_SIGNING]), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
