"""Who signs certificates of registration: an authority for documents alone, with revocation lists (RFC 5280).

It stands apart from the authority for Content Credentials: a verifier of those accepts certificates for documents, so a
common root would let the one signer speak for the other. A registrar that has a chain puts it in place of ours, with
the lists of its authority.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from credentials.ca import Identity, new_root
from credentials.errors import KeyUnreadable, SigningFailed
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""id-kp-documentSigning (RFC 9336)."""
SIGNER_DAYS = 3 * 365
LIST_DAYS = 30
_EARLY = timedelta(days=60)
"""Before its end a signer is replaced."""
SIGNER, ROOT = "document-signer", "document-root"
LISTS, REVOKED = "document-lists.pem", "document-revoked"


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """The signer of documents with its path, and what says that nothing on it is revoked (DER lists)."""

    identity: Identity
    lists: tuple[bytes, ...]


def document_signer(folder: Path, passphrase: bytes, organisation: str, now: datetime) -> DocumentSigner:
    """The signer kept in ``folder``; at the first call it is made, with an authority of its own above it.

    Raises KeyUnreadable, MalformedInput.
    """
    if not (folder / f"{SIGNER}.key.pem").exists():
        _make(folder, passphrase, organisation, now)
    signer = _current(folder, passphrase, organisation, now)
    return DocumentSigner(signer, _imported(folder) or _own_lists(folder, passphrase, now))


def _current(folder: Path, passphrase: bytes, organisation: str, now: datetime) -> Identity:
    """The signer, or, where it expires soon and the root is ours, the next; the old one's files stay beside it."""
    signer = Identity.load(folder, SIGNER, passphrase)
    if now + _EARLY < signer.certificate.not_valid_after_utc or not (folder / f"{ROOT}.key.pem").exists():
        return signer
    for suffix in (".key.pem", ".pem"):
        old = folder / f"{SIGNER}{suffix}"
        # The key goes first: without it the pair does not count, and whoever is interrupted makes the next one.
        old.rename(folder / f"{SIGNER}-{signer.certificate.serial_number:x}{suffix}")
    _make(folder, passphrase, organisation, now)
    return Identity.load(folder, SIGNER, passphrase)


def document_root(folder: Path) -> x509.Certificate:
    """The root of the signer kept in ``folder``. Raises FileNotFoundError."""
    return x509.load_pem_x509_certificates((folder / f"{SIGNER}.pem").read_bytes())[-1]


def issue_document_signer(parent: Identity, common_name: str, now: datetime, days: int = SIGNER_DAYS) -> Identity:
    """A leaf for signatures on documents: digitalSignature and contentCommitment, for documents alone (RFC 9336)."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = parent.certificate.subject
    kept = [attribute for attribute in issuer if attribute.oid != NameOID.COMMON_NAME]
    start = now.astimezone(UTC).replace(microsecond=0)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(parent.key.public_key())
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([*kept, x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(above, critical=False)
        .sign(parent.key, hashes.SHA256())
    )
    return Identity((leaf, *parent.chain), key)


def require_standing(signer: DocumentSigner, now: datetime) -> None:
    """Raise SigningFailed unless a list of each issuer on the path is good at ``now`` and names nobody on it."""
    lists = [x509.load_der_x509_crl(one) for one in signer.lists]
    chain = signer.identity.chain
    for certificate, issuer in pairwise(chain):
        who = certificate.subject.rfc4514_string()
        good = [one for one in lists if one.issuer == issuer.subject and _is_good(one, issuer, now)]
        if not good:
            raise SigningFailed(f"no revocation list says how {who} stands now: put a newer one into {LISTS}")
        if any(one.get_revoked_certificate_by_serial_number(certificate.serial_number) for one in good):
            raise SigningFailed(f"the certificate of {who} is revoked: put another signer in its place")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise SigningFailed(f"the certificate of {who} is not valid now: put another signer in its place")


def _is_good(found: x509.CertificateRevocationList, issuer: x509.Certificate, now: datetime) -> bool:
    key = issuer.public_key()
    until = found.next_update_utc
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) or not found.is_signature_valid(key):
        return False
    return found.last_update_utc <= now and until is not None and now <= until


def revocation_list(
    issuer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    revoked: dict[int, datetime] | None = None,
) -> bytes:
    """A list (DER) by an authority, good for ``LIST_DAYS``. ``revoked``: serial numbers, and since when."""
    start = now.astimezone(UTC).replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(start)
        .next_update(start + timedelta(days=LIST_DAYS))
        .add_extension(x509.CRLNumber(int(start.timestamp())), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    for serial, since in (revoked or {}).items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _make(folder: Path, passphrase: bytes, organisation: str, now: datetime) -> None:
    """Root, then issuing authority, then signer: whoever is interrupted goes on where a key is missing."""

    def kept(name: str) -> Identity | None:
        return Identity.load(folder, name, passphrase) if (folder / f"{name}.key.pem").exists() else None

    root = kept(ROOT)
    if root is None:
        root = new_root(organisation, f"{organisation} documents root", now)
        root.save(folder, ROOT, passphrase)
    issue_document_signer(root, f"{organisation} registrar", now).save(folder, SIGNER, passphrase)


def _own_lists(folder: Path, passphrase: bytes, now: datetime) -> tuple[bytes, ...]:
    """Fresh lists of our own authorities."""
    try:
        root = Identity.load(folder, ROOT, passphrase)
    except FileNotFoundError:
        raise KeyUnreadable(
            f"the signer of documents is not of our own authority: put its authorities' revocation lists into {LISTS}"
        ) from None
    return (revocation_list(root.certificate, root.key, now, _revoked(folder / REVOKED)),)


def _imported(folder: Path) -> tuple[bytes, ...]:
    """Lists of another authority, put there by the operator."""
    path = folder / LISTS
    if not path.exists():
        return ()
    mark = b"-----END X509 CRL-----"
    try:
        parts = [part + mark for part in path.read_bytes().split(mark)[:-1]]
        return tuple(x509.load_pem_x509_crl(part).public_bytes(Encoding.DER) for part in parts)
    except ValueError as error:
        raise MalformedInput(f"{path} holds no revocation lists in PEM: {error}") from None


def _revoked(path: Path) -> dict[int, datetime]:
    """Lines of a serial number in hexadecimal and an instant."""
    if not path.exists():
        return {}
    found = {}
    for line in path.read_text(encoding="ascii").splitlines():
        serial, _, since = line.partition(" ")
        try:
            found[int(serial, 16)] = datetime.strptime(since, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise MalformedInput(
                f"{path}: expected a serial number (hex) and an instant, found {line[:80]!r}"
            ) from None
    return found
