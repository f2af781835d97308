"""Was this certificate an authority's for timestamps at that time? (RFC 3161 §2.3, RFC 5280 §6.1)

A path leads from the certificate that signed over those of the token and of the trust file to a root of the trust
file. Every certificate on it, the root too, must be valid at the token's own time, which a token needs for as long as
it is evidence: certificates expire, what they signed in time stays signed. Revocation is not looked at: whoever
publishes the trust file strikes the root.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from tallystick.certificate_keys import empty_list, key_of, may_have_issued
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import der
from tallystick.timestamp.der import Fields
from tallystick.timestamp.facts import UnknownAuthority

E = TypeVar("E", bound=x509.ExtensionType)

MAX_PATH = 8
_MAX_LINKS = 64
"""Signatures of certificates that are checked for one token: a token may bring many that name one another."""

_KNOWN_CRITICAL = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
_MAX_RSA_BITS = 8192
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType, x509.DuplicateExtension)


@dataclass(frozen=True, slots=True)
class Names:
    """What a certificate says of itself and its issuer, as the bytes that stand in it (DER)."""

    serial: bytes
    issuer: bytes
    subject: bytes


def names_of(certificate: bytes) -> Names:
    """The names in a certificate (DER). Raises ``MalformedInput``."""
    outer = Fields(der.single(certificate, der.SEQUENCE, "certificate").content, "certificate")
    return _names_in(outer.take(der.SEQUENCE, "what is signed").content)


def names_of_loaded(certificate: x509.Certificate) -> Names:
    """As ``names_of``."""
    return _names_in(der.single(certificate.tbs_certificate_bytes, der.SEQUENCE, "what is signed").content)


def _names_in(signed: bytes) -> Names:
    fields = Fields(signed, "certificate")
    fields.maybe(der.context(0))
    serial = fields.take(der.INTEGER, "serial number")
    if der.integer(serial.content, "the serial number") <= 0:
        raise MalformedInput("the serial number of a certificate is positive (RFC 5280 §4.1.2.2)")
    fields.take(der.SEQUENCE, "signature algorithm")
    issuer = fields.take(der.SEQUENCE, "issuer").whole
    fields.take(der.SEQUENCE, "validity")
    return Names(serial.whole, issuer, fields.take(der.SEQUENCE, "subject").whole)


@dataclass(frozen=True, slots=True)
class Root:
    """A trusted root; ``index``: of the authority that it belongs to."""

    index: int
    certificate: x509.Certificate


Path = tuple[x509.Certificate, ...]
Faults = Callable[[Sequence[x509.Certificate], datetime], Iterator[str]]


class PathSearch:
    """Paths from one signer to trusted roots. ``others``: certificates (DER) that may stand between.

    What cannot be read stands on no path and spoils nothing; what nobody asks for is not even read.
    """

    def __init__(self, roots: Sequence[Root], others: Iterable[bytes], faults: Faults | None = None) -> None:
        """``faults``: what is wrong with a path, for other purposes than timestamps."""
        self._roots = roots
        self._faults = faults or path_faults
        self._others: dict[bytes, list[bytes]] = {}
        self._links = 0
        for one in dict.fromkeys(others):
            with suppress(MalformedInput):
                self._others.setdefault(names_of(one).subject, []).append(one)

    def find(self, leaf: x509.Certificate, at: datetime) -> tuple[Path, Root]:
        """The first path on which nothing is wrong at ``at``: leaf first, root last.

        Raises ``UnknownAuthority`` when none leads to a root, ``VerificationFailed`` with what is wrong on the first.
        """
        wrong: str | None = None
        for path, root in self._paths((leaf,)):
            fault = next(self._faults(path, at), None)
            if fault is None:
                return path, root
            wrong = wrong or fault
        if wrong is not None:
            raise VerificationFailed(wrong)
        raise UnknownAuthority(f"no root of the trust file stands above {name_of(leaf)}, issued by {_issuer(leaf)}")

    def _paths(self, path: Path) -> Iterator[tuple[Path, Root]]:
        last = path[-1]
        for root in self._roots:
            # A signer is never its own root: its issuer must answer for it.
            if len(path) > 1 and root.certificate == last:
                yield path, root
            elif root.certificate != last and self._issued(last, root.certificate):
                yield (*path, root.certificate), root
        if len(path) < MAX_PATH - 1:
            for other in self._above(last):
                if other not in path and self._issued(last, other):
                    yield from self._paths((*path, other))

    def _above(self, certificate: x509.Certificate) -> Iterator[x509.Certificate]:
        for one in self._others.get(names_of_loaded(certificate).issuer, ()):
            with suppress(VerificationFailed):
                yield load(one)

    def _issued(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
        # What does not fit leads nowhere, and is not counted.
        fits = _sound_key(issuer) and may_have_issued(certificate, issuer, _MAX_RSA_BITS)
        if not fits or self._links >= _MAX_LINKS:
            return False
        self._links += 1
        try:
            certificate.verify_directly_issued_by(issuer)
        except (*_UNREADABLE, InvalidSignature):
            return False
        return True


def name_of(certificate: x509.Certificate) -> str:
    """The subject for people (RFC 4514)."""
    return certificate.subject.rfc4514_string()


def _issuer(certificate: x509.Certificate) -> str:
    return certificate.issuer.rfc4514_string()


def load(certificate: bytes) -> x509.Certificate:
    """A certificate of which every part can be read. Raises ``VerificationFailed``."""
    try:
        found = x509.load_der_x509_certificate(certificate)
        _ = found.extensions, found.subject, found.issuer, found.public_key()
    except (*_UNREADABLE, x509.InvalidVersion) as error:
        raise VerificationFailed(f"a certificate does not parse: {error}") from None
    if empty := empty_list(found):
        raise VerificationFailed(f"a certificate has the extension {empty}, and nothing in it")
    return found


def path_faults(path: Sequence[x509.Certificate], at: datetime) -> Iterator[str]:
    """What is wrong with a path (leaf first, root last) at ``at``, as sentences."""
    yield from _leaf_faults(path[0])
    for number, certificate in enumerate(path):
        yield from common_faults(certificate)
        if number:
            yield from _authority_faults(certificate, number - 1)
        yield from time_faults(certificate, at)


def _leaf_faults(leaf: x509.Certificate) -> Iterator[str]:
    who = name_of(leaf)
    basic = extension_of(leaf, x509.BasicConstraints)
    if basic is not None and basic.ca:
        yield f"{who} is a certificate authority and may not sign timestamps itself"
    usage = extension_of(leaf, x509.KeyUsage)
    if usage is not None and not signs_only(usage):
        yield f"{who} may do other things with its key than sign (key usage)"
    try:
        purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        yield f"{who} has no extended key usage, so it is not for timestamps"
        return
    if list(purposes.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        yield f"{who} is not for timestamps alone (extended key usage)"
    if not purposes.critical:
        yield f"{who} does not say critically that it is for timestamps (extended key usage)"


def signs_only(usage: x509.KeyUsage) -> bool:
    """Whether the key may sign, and nothing else."""
    others = usage.key_encipherment, usage.data_encipherment, usage.key_agreement, usage.key_cert_sign, usage.crl_sign
    return (usage.digital_signature or usage.content_commitment) and not any(others)


def common_faults(certificate: x509.Certificate) -> Iterator[str]:
    """Extensions and key. How it was signed was asked when the path was sought; of a root nobody asks."""
    who = name_of(certificate)
    for extension in certificate.extensions:
        constraint = extension.oid == ExtensionOID.NAME_CONSTRAINTS
        if constraint or (extension.critical and extension.oid not in _KNOWN_CRITICAL):
            yield f"{who} has the extension {extension.oid.dotted_string}, which is not known here"
    if not _sound_key(certificate):
        yield f"{who} has a key that is not taken: expected RSA of 2,048 to 8,192 bits, P-256, P-384 or P-521"


def _sound_key(certificate: x509.Certificate) -> bool:
    key = key_of(certificate, _MAX_RSA_BITS)
    return key is not None and key.kind != "ed25519"


def _authority_faults(authority: x509.Certificate, below: int) -> Iterator[str]:
    yield from authority_faults(authority, below)
    purposes = extension_of(authority, x509.ExtendedKeyUsage)
    fitting = {ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    if purposes is not None and not fitting & set(purposes):
        yield f"{name_of(authority)} is an authority for other things than timestamps (extended key usage)"


def authority_faults(authority: x509.Certificate, below: int) -> Iterator[str]:
    """Whatever it is for. ``below``: the authorities between this one and the leaf (pathLenConstraint)."""
    who = name_of(authority)
    basic = extension_of(authority, x509.BasicConstraints)
    if basic is None or not basic.ca:
        yield f"{who} is not a certificate authority"
    elif basic.path_length is not None and basic.path_length < below:
        yield f"{who} allows {basic.path_length} authorities below it, not {below}"
    usage = extension_of(authority, x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        yield f"{who} may not sign certificates (key usage)"


def time_faults(certificate: x509.Certificate, at: datetime) -> Iterator[str]:
    """Outside its validity at ``at``."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begin <= at <= end:
        span = f"{begin:%Y-%m-%dT%H:%M:%SZ} to {end:%Y-%m-%dT%H:%M:%SZ}"
        yield f"{name_of(certificate)} is valid from {span}, not at the token's time {at:%Y-%m-%dT%H:%M:%SZ}"


def extension_of(certificate: x509.Certificate, kind: type[E]) -> E | None:
    """An extension, if the certificate has it."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
