"""Answers about certificates (OCSP) as their issuers give them, and as others would like to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from tests.c2pa_corpus.people import Person

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def answer(
    about: Person,
    issuer: Person,
    revoked: datetime | None = None,
    *,
    by: Person | None = None,
    unknown: bool = False,
    digest: hashes.HashAlgorithm | None = None,
    at: datetime = NOW,
) -> bytes:
    """DER of what ``issuer``, or ``by`` in its place, says of ``about``: good for a week."""
    status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
    signer = by or issuer
    builder = ocsp.OCSPResponseBuilder().add_response(
        about.certificate,
        issuer.certificate,
        digest or hashes.SHA1(),
        ocsp.OCSPCertStatus.UNKNOWN if unknown else status,
        at,
        at + timedelta(days=7),
        revoked,
        None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
    builder = builder.certificates([signer.certificate]) if by else builder
    algorithm = None if isinstance(signer.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer.key, algorithm).public_bytes(Encoding.DER)
