"""Was this key entitled to sign licence tokens of this log at that time? (RFC 5280; the ``x5c`` of the token)

The path is the one that the token carries, in its order, to one of the roots that the trust file lists for licence
tokens. The certificate says what its key is for (an extended key usage of its own, and no other) and for which log
(its one URI): so no other key of the log, of a signer of files or of another log's issuer can stand in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from tallystick.errors import MalformedInput
from tallystick.keys import PublicKey
from tallystick.times import UnixSeconds, format_time
from tallystick.token.refusal import TokenRefused

LICENCE_TOKENS = x509.ObjectIdentifier("2.25.206886618511559528298046377264601548971")
"""Extended key usage: signs licence tokens. The UUID (version 5) of ``urn:tallystick:licence-token`` as a number."""
_KNOWN = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.CERTIFICATE_POLICIES,
    }
)
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_UNREADABLE = (
    ValueError,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
    x509.DuplicateExtension,
    UnsupportedAlgorithm,
)


def load_certificates(chain: Sequence[bytes]) -> tuple[x509.Certificate, ...]:
    """Certificates from DER. Raises ``MalformedInput``; DER has one form, so no byte of it is left over."""
    try:
        found = tuple(x509.load_der_x509_certificate(der) for der in chain)
    except _UNREADABLE as error:
        raise MalformedInput(f"x5c holds what is no certificate: {error}") from None
    if any(one.public_bytes(Encoding.DER) != der for one, der in zip(found, chain, strict=True)):
        raise MalformedInput("x5c holds a certificate that is not DER")
    return found


def require_issuer(
    chain: Sequence[bytes], roots: Sequence[bytes], issuer: str, at: UnixSeconds
) -> tuple[PublicKey, x509.Certificate]:
    """The key that may sign licence tokens of ``issuer`` at the instant ``at``, and the root that answers for it.

    ``chain``: DER, leaf first; ``roots``: DER. Raises ``TokenRefused`` (codes ``issuer.…``), ``MalformedInput``.
    """
    certificates, trusted = load_certificates(chain), load_certificates(roots)
    try:
        for code, detail in _faults(certificates, trusted, issuer, datetime.fromtimestamp(at, UTC)):
            raise TokenRefused(f"issuer.{code}", detail)
        return _key(certificates[0]), _root(certificates, trusted)[0]
    except _UNREADABLE as error:
        raise MalformedInput(f"a certificate of x5c does not parse: {error}") from None


_Fault = tuple[str, str]


def _faults(
    chain: tuple[x509.Certificate, ...], roots: tuple[x509.Certificate, ...], issuer: str, at: datetime
) -> Iterator[_Fault]:
    yield from _leaf_faults(chain[0], issuer)
    for below, above in enumerate(chain[1:]):
        yield from _authority_faults(above, below)
    for certificate, above in pairwise(chain):
        if not _issued(certificate, above):
            yield "chain", f"{_name(certificate)} was not issued by {_name(above)}, which follows it"
    anchor = _root(chain, roots)
    if not anchor:
        yield "untrusted", f"{_name(chain[-1])} stands under no root that is trusted for licence tokens"
    elif anchor[0] != chain[-1]:
        yield from _authority_faults(anchor[0], len(chain) - 1)
    for certificate in (*chain, *anchor):
        yield from _common_faults(certificate, at)


def _leaf_faults(leaf: x509.Certificate, issuer: str) -> Iterator[_Fault]:
    who = _name(leaf)
    basic, usage = _extension(leaf, x509.BasicConstraints), _extension(leaf, x509.KeyUsage)
    if basic is None or basic.ca:
        yield "purpose", f"{who} is an authority, and signs no tokens itself"
    if usage is None or not usage.digital_signature or usage.key_cert_sign or usage.crl_sign:
        yield "purpose", f"{who} has not the key usage digitalSignature alone"
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    if purposes is None or list(purposes) != [LICENCE_TOKENS]:
        yield "purpose", f"{who} is not for licence tokens, or not for them alone"
    names = _extension(leaf, x509.SubjectAlternativeName)
    if names is None or [(type(one), one.value) for one in names] != [(x509.UniformResourceIdentifier, issuer)]:
        yield "name", f"{who} is not the certificate of {issuer}"


def _authority_faults(authority: x509.Certificate, below: int) -> Iterator[_Fault]:
    """``below``: authorities between it and the leaf."""
    who = _name(authority)
    basic, usage = _extension(authority, x509.BasicConstraints), _extension(authority, x509.KeyUsage)
    if basic is None or not basic.ca or usage is None or not usage.key_cert_sign:
        yield "chain", f"{who} is no certificate authority"
    elif basic.path_length is not None and basic.path_length < below:
        yield "chain", f"{who} allows {basic.path_length} authorities below it, not {below}"
    purposes = _extension(authority, x509.ExtendedKeyUsage)
    if purposes is not None and LICENCE_TOKENS not in purposes:
        yield "purpose", f"{who} is for other purposes than licence tokens"


def _common_faults(certificate: x509.Certificate, at: datetime) -> Iterator[_Fault]:
    who = _name(certificate)
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _KNOWN:
            yield "chain", f"{who} has the unknown critical extension {extension.oid.dotted_string}"
    _key(certificate)
    for bound, early in ((certificate.not_valid_before_utc, True), (certificate.not_valid_after_utc, False)):
        if at < bound if early else at > bound:
            yield "time", f"{who} is valid {'from' if early else 'until'} {format_time(int(bound.timestamp()))}"


def _root(chain: tuple[x509.Certificate, ...], roots: tuple[x509.Certificate, ...]) -> tuple[x509.Certificate, ...]:
    """The root that ends the chain, or that issued its last certificate. A leaf is never its own root."""
    for root in roots:
        if root != chain[0] and (root == chain[-1] or _issued(chain[-1], root)):
            return (root,)
    return ()


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _key(certificate: x509.Certificate) -> PublicKey:
    """P-256 or Ed25519: nothing else signs here, at any place of the chain."""
    key = certificate.public_key()
    if isinstance(key, ed25519.Ed25519PublicKey):
        return PublicKey("ed25519", key.public_bytes_raw())
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return PublicKey("es256", key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    raise TokenRefused("issuer.key", f"{_name(certificate)} has a key that is neither P-256 nor Ed25519")


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()
