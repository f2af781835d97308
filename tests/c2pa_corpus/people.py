"""Who signs in the corpus: authorities and certificates whose every byte follows from a name. TEST ONLY keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from fixtures.keys import private_key, seed
from tallystick.c2pa.chain import CLAIM_SIGNING

Extension = tuple[x509.ExtensionType, bool]
BEGIN, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2125, 1, 1, tzinfo=UTC)
FLAGS = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Person:
    """A certificate with its path (leaf first, root last) and its key."""

    chain: tuple[x509.Certificate, ...]
    key: Any

    @property
    def certificate(self) -> x509.Certificate:
        return self.chain[0]

    @property
    def shown(self) -> tuple[bytes, ...]:
        """What a signature carries: DER of all but the root."""
        return tuple(map(der, self.chain[:-1] or self.chain))


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def usage(*names: str) -> Extension:
    return x509.KeyUsage(**{flag: flag in names for flag in FLAGS}), True


def purposes(*oids: x509.ObjectIdentifier, critical: bool = False) -> Extension:
    return x509.ExtendedKeyUsage(list(oids)), critical


def constraints(ca: bool, length: int | None = None) -> Extension:
    return x509.BasicConstraints(ca, length), True


AUTHORITY = (constraints(True), usage("key_cert_sign", "crl_sign"))
CLAIMS = (constraints(False), usage("digital_signature"), purposes(CLAIM_SIGNING))
CLOCK = (constraints(False), usage("digital_signature"), purposes(Purpose.TIME_STAMPING, critical=True))


def person(
    name: str,
    issuer: Person | None,
    extensions: tuple[Extension, ...] = CLAIMS,
    *,
    key: Any = None,
    begin: datetime = BEGIN,
    end: datetime = END,
    digest: hashes.HashAlgorithm | None = None,
    identifiers: bool = True,
    subject: str | None = None,
) -> Person:
    """A certificate below `issuer`, or below itself. The key is Ed25519 unless another is given."""
    own = key or private_key(f"c2pa corpus {name}")
    above = own if issuer is None else issuer.key
    names = x509.Name(
        [
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Corpus"),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, subject or name),
        ]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(names)
        .issuer_name(names if issuer is None else issuer.certificate.subject)
        .public_key(own.public_key())
        .serial_number(int.from_bytes(seed(f"c2pa corpus serial {name}")[:16]) | 1)
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if identifiers:
        extensions = (
            *extensions,
            (x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), False),
        )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    if isinstance(above, ed25519.Ed25519PrivateKey):
        made = builder.sign(above, None)
    elif isinstance(above, ec.EllipticCurvePrivateKey):
        made = builder.sign(above, digest or hashes.SHA256(), ecdsa_deterministic=True)
    else:
        made = builder.sign(above, digest or hashes.SHA256())
    return Person((made,) if issuer is None else (made, *issuer.chain), own)


ROOT = person("root", None, AUTHORITY)
ISSUING = person("issuing", ROOT, (constraints(True, 0), usage("key_cert_sign", "crl_sign")))
SIGNER = person("signer", ISSUING)
CLOCK_ROOT = person("clock root", None, AUTHORITY, key=private_key("c2pa corpus clock root", "es256"))
TSA = person("clock", CLOCK_ROOT, CLOCK, key=private_key("c2pa corpus clock", "es256"))
IDENTITY_ROOT = person("identity root", None, AUTHORITY)
ACTOR = person(
    "actor", IDENTITY_ROOT, (constraints(False), usage("digital_signature"), purposes(Purpose.EMAIL_PROTECTION))
)

_P = int(
    "FDF67F68AC8A84E45546C87C945ACCFF329DDC991D35ABEEB4ADCA3391C2753C"
    "F83B1C59A93A1A119DC13186870DA73B4FD4C7D2DB6FE0E5A5D78B561F94A18F",
    16,
)
_Q = int(
    "F77B5C3FC375431FD4726A98CBDF0D3F89988D3B58F99827DAFA3AF6C0046098"
    "5A3AFED6F241BC3EE3F38B3BC485D545C71BA55B303A0625D9DBFA142C8B611F",
    16,
)


def weak_key() -> rsa.RSAPrivateKey:
    """RSA of 1,024 bits."""
    e, phi = 65537, (_P - 1) * (_Q - 1)
    d = pow(e, -1, phi)
    public = rsa.RSAPublicNumbers(e, _P * _Q)
    return rsa.RSAPrivateNumbers(_P, _Q, d, d % (_P - 1), d % (_Q - 1), pow(_Q, -1, _P), public).private_key()
