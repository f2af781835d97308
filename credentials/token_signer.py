"""The key that signs licence tokens, and the certificate that says so: for one log, for tokens and for nothing else.

It stands under a root of its own, which signs these certificates alone: whoever gets hold of a token key can sign no
file, and whoever signs files can issue no token. Keys are P-256 (ES256, which every wallet knows), on disk encrypted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from credentials.ca import Identity
from tallystick.keys import LocalSigner
from tallystick.lazy_dataclass import dataclass
from tallystick.token.issuer import LICENCE_TOKENS

ROOT_DAYS = 20 * 365
SIGNER_DAYS = 2 * 365
RENEW_DAYS = 366
"""A signer that ends sooner is replaced at a start: no token outlives the certificate of its key."""


@dataclass(frozen=True)
class TokenIssuer:
    """``chain``: DER, leaf first, without the root; ``ends``: Unix seconds from which the leaf is no longer valid."""

    chain: tuple[bytes, ...]
    root: bytes
    signer: LocalSigner
    ends: int

    @classmethod
    def from_identity(cls, identity: Identity) -> TokenIssuer:
        """Of a certificate under its root, with the key."""
        *chain, root = (one.public_bytes(Encoding.DER) for one in identity.chain)
        ends = int(identity.certificate.not_valid_after_utc.timestamp())
        return cls(tuple(chain), root, LocalSigner(identity.key), ends)


def kept_issuer(folder: Path, passphrase: bytes, organisation: str, issuer: str, now: datetime) -> TokenIssuer:
    """The issuer kept in ``folder``; made at the first call, and its signer again when it nears its end.

    ``issuer``: URI of the log (``iss`` of its tokens). Raises ``KeyUnreadable`` on a wrong passphrase.
    """
    if not (folder / "root.key.pem").exists():
        token_root(organisation, now).save(folder, "root", passphrase)
    numbers = [int(path.name.split(".")[0].split("-")[1]) for path in folder.glob("signer-*.key.pem")]
    latest = max(numbers, default=0)
    if latest:
        found = TokenIssuer.from_identity(Identity.load(folder, f"signer-{latest}", passphrase))
        if found.ends > (now + timedelta(days=RENEW_DAYS)).timestamp():
            return found
    root = Identity.load(folder, "root", passphrase)
    made = token_signer(root, issuer, now)
    made.save(folder, f"signer-{latest + 1}", passphrase)
    return TokenIssuer.from_identity(made)


def token_root(organisation: str, now: datetime, key: ec.EllipticCurvePrivateKey | None = None) -> Identity:
    """A self-signed root for issuers of licence tokens."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = _name(organisation, f"{organisation} licence tokens root")
    builder = _builder(name, name, key, key, now, ROOT_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(authority=True), critical=True)
    return Identity((builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True),), key)


def token_signer(
    root: Identity, issuer: str, now: datetime, days: int = SIGNER_DAYS, key: ec.EllipticCurvePrivateKey | None = None
) -> Identity:
    """A signer of licence tokens under ``root``, whose one name is the URI ``issuer``."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    above = root.certificate.subject
    organisation = str(above.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)
    ends = min(days, (root.certificate.not_valid_after_utc - now.astimezone(UTC)).days)
    builder = _builder(_name(organisation, f"{organisation} licence tokens"), above, key, root.key, now, ends)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([LICENCE_TOKENS]), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(issuer)]), critical=False)
    )
    return Identity((builder.sign(root.key, hashes.SHA256(), ecdsa_deterministic=True), *root.chain), key)


def _name(organisation: str, common_name: str) -> x509.Name:
    # RFC 5280 allows 64 characters of each; an origin may be longer.
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name[-64:]),
        ]
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    above: ec.EllipticCurvePrivateKey,
    now: datetime,
    days: int,
) -> x509.CertificateBuilder:
    start = now.astimezone(UTC).replace(microsecond=0)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        # Of the key, so that the same key at the same time has the same certificate; never more than 20 bytes.
        .serial_number(int.from_bytes(identifier.digest[:16]) | 1 << 127)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
