"""What an issuer says of the certificates that it gave out: revocation lists (RFC 5280 §5), answers (OCSP, RFC 6960).

Only what a file or a bundle brings is read, and nothing is fetched. A list or an answer that cannot be read, that
another signed, or that is about another certificate says nothing: whoever sent the file chose which to enclose, so
that one that speaks against a signer counts for more than one that speaks for him.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    ExtensionOID,
    SignatureAlgorithmOID,
)

from tallystick.certificate_keys import is_for_pss, key_of
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.revocation_forms import entry_says, is_same_name, speaks_of_all, understood_words

if TYPE_CHECKING:
    from cryptography.x509.ocsp import OCSPResponse, OCSPSingleResponse

MAX_ENCLOSED = 64
"""Lists or answers of one file that are looked at: each costs a signature for each certificate of the path."""
_MAX_RESPONDERS = 4
_MAX_SINGLE = 64
_MAX_RSA_BITS = 16384
_UNREADABLE = (
    MalformedInput,
    ValueError,
    TypeError,
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_RSA = {
    SignatureAlgorithmOID.RSA_WITH_SHA256,
    SignatureAlgorithmOID.RSA_WITH_SHA384,
    SignatureAlgorithmOID.RSA_WITH_SHA512,
}
_ECDSA = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA256,
    SignatureAlgorithmOID.ECDSA_WITH_SHA384,
    SignatureAlgorithmOID.ECDSA_WITH_SHA512,
}
_ALGORITHMS = frozenset({*_RSA, *_ECDSA, SignatureAlgorithmOID.ED25519})
_KNOWN_EXTENSIONS = frozenset({
    ExtensionOID.BASIC_CONSTRAINTS,
    ExtensionOID.KEY_USAGE,
    ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.CERTIFICATE_POLICIES,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
})  # fmt: skip
_PASSED = frozenset({
    x509.ReasonFlags.unspecified,
    x509.ReasonFlags.affiliation_changed,
    x509.ReasonFlags.superseded,
    x509.ReasonFlags.cessation_of_operation,
})  # fmt: skip
"""Reasons after which what an authority for timestamps had stamped before stays good (RFC 3161 §4)."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What was said of one certificate. of, by: names (RFC 4514) of its subject and of who signed. Times are UTC.

    since: as of when it was said; until: when there is to be a newer word. revoked: from when it is, ``None`` if not.
    reason: why, where that is told (the name of RFC 5280 §5.3.1). sha256: of the list or answer, hex.
    """

    of: str
    form: Literal["list", "answer"]
    by: str
    since: datetime
    until: datetime | None
    revoked: datetime | None
    reason: str | None = None
    sha256: str = ""

    def reaches(self, at: datetime) -> bool:
        """Whether this tells how it stood at ``at``: an older word that was to be renewed before then does not."""
        return self.revoked is not None or self.since >= at or (self.until is not None and self.until >= at)

    def undoes_token(self, made: datetime) -> bool:
        """Whether a timestamp that was made by ``made`` falls: RFC 3161 §4 keeps it only where no key was at fault."""
        if self.revoked is None:
            return False
        return self.revoked <= made or self.reason not in {one.value for one in _PASSED}


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What a file brings about a path. said: in the order of the path. silent: of whom nothing is said that
    reaches the instant asked about, leaf first; each with the addresses that his certificate names for asking.
    """

    said: tuple[Revocation, ...]
    silent: tuple[tuple[str, tuple[str, ...]], ...]

    def revoked(self, at: datetime) -> Revocation | None:
        """Who was revoked at ``at`` or before."""
        return next((one for one in self.said if one.revoked is not None and one.revoked <= at), None)


class Words:
    """Lists and answers (DER). heard: what they were found to say of those about whom was asked, refused or not."""

    def __init__(self, lists: Iterable[bytes] = (), answers: Iterable[bytes] = ()) -> None:
        self.lists, self.answers = tuple(lists), tuple(answers)
        self.heard: dict[Revocation, None] = {}
        self._known: dict[tuple[x509.Certificate, x509.Certificate], tuple[Revocation, ...]] = {}

    @cached_property
    def _by_issuer(self) -> Mapping[x509.Name, list[_List]]:
        found: dict[x509.Name, list[_List]] = {}
        for data in self.lists:
            with suppress(*_UNREADABLE):
                one = x509.load_der_x509_crl(data)
                found.setdefault(one.issuer, []).append((one, _sha256(data)))
        return found

    def about(self, certificate: x509.Certificate, issuer: x509.Certificate) -> tuple[Revocation, ...]:
        """What counts of what they say of ``certificate``: lists first. Reckoned once for each."""
        asked = certificate, issuer
        if (found := self._known.get(asked)) is None:
            lists = self._by_issuer.get(issuer.subject, ())
            found = (*_listed(certificate, issuer, lists), *_answered(certificate, issuer, self.answers))
            self._known[asked] = found
            self.heard |= dict.fromkeys(found)
        return found


_List = tuple[x509.CertificateRevocationList, str]


def enclosed(
    path: Sequence[x509.Certificate],
    at: datetime,
    lists: Iterable[bytes] = (),
    answers: Iterable[bytes] = (),
    beside: Words | None = None,
) -> Enclosed:
    """What these (DER) say of each certificate of ``path`` (leaf first, root last) but the root, judged at ``at``.

    ``beside``: what stands beside the file, and counts alike.
    """
    words = [Words(lists, answers), *([] if beside is None else [beside])]
    said: list[Revocation] = []
    silent: list[tuple[str, tuple[str, ...]]] = []
    for certificate, issuer in pairwise(path):
        found = [one for held in words for one in held.about(certificate, issuer)]
        said += found
        if not any(one.reaches(at) for one in found):
            silent.append((_name(certificate), places_of(certificate)))
    return Enclosed(tuple(said), tuple(silent))


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _listed(certificate: x509.Certificate, issuer: x509.Certificate, lists: Iterable[_List]) -> Iterator[Revocation]:
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey) or is_for_pss(
        issuer
    ):
        return
    for one, sha256 in lists:
        with suppress(*_UNREADABLE):
            # The signature first: what strangers put into a list may take long to read.
            if _names(one, issuer) and one.is_signature_valid(key) and _speaks_of_all(one):
                entry = one.get_revoked_certificate_by_serial_number(certificate.serial_number)
                revoked, reason = None, None
                if entry is not None:
                    counts, reason = entry_says(one.tbs_certlist_bytes, entry.serial_number)
                    if not counts:
                        continue
                    revoked = entry.revocation_date_utc
                since, until = one.last_update_utc, one.next_update_utc
                of, by = _name(certificate), _name(issuer)
                yield Revocation(of, "list", by, since, until, revoked, reason, sha256)


def _names(one: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    return is_same_name(one.issuer.public_bytes(), issuer.subject.public_bytes())


def _speaks_of_all(one: x509.CertificateRevocationList) -> bool:
    """Neither a change to another list nor of some certificates or reasons alone."""
    return one.signature_algorithm_oid in _ALGORITHMS and speaks_of_all(one.tbs_certlist_bytes)


def _answered(
    certificate: x509.Certificate, issuer: x509.Certificate, answers: Iterable[bytes]
) -> Iterator[Revocation]:
    from cryptography.x509 import ocsp  # few files bring an answer

    for data in answers:
        with suppress(*_UNREADABLE):
            response = ocsp.load_der_ocsp_response(data)
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                continue
            about = _about(response, certificate, issuer)
            signers = _signers(response, issuer) if about else []
            counts = understood_words(response.tbs_response_bytes, _MAX_SINGLE) if signers else []
            for one in (word for place, word in about if counts and counts[place]):
                since, until = one.this_update_utc, one.next_update_utc
                if (signer := next((by for by in signers if by == issuer or _is_valid(by, since)), None)) is not None:
                    of, by, revoked = _name(certificate), _name(signer), one.revocation_time_utc
                    yield Revocation(of, "answer", by, since, until, revoked, _reason(one), _sha256(data))


def _reason(one: OCSPSingleResponse) -> str | None:
    """None of a number that means none."""
    with suppress(ValueError):
        return None if one.revocation_reason is None else one.revocation_reason.value
    return None


def _about(
    response: OCSPResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> list[tuple[int, OCSPSingleResponse]]:
    """What an answer says of a certificate, and in which place, as far as it is looked at: anybody can make it long."""
    from cryptography.x509 import ocsp

    found = []
    for place, one in enumerate(islice(response.responses, _MAX_SINGLE)):
        with suppress(*_UNREADABLE):
            if one.serial_number != certificate.serial_number:
                continue
            if one.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN and _is_about(one, certificate, issuer):
                found.append((place, one))
    return found


def _is_about(one: OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    from cryptography.x509 import ocsp

    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, one.hash_algorithm).build()
    return (one.serial_number, one.issuer_name_hash, one.issuer_key_hash) == (
        asked.serial_number,
        asked.issuer_name_hash,
        asked.issuer_key_hash,
    )


def _signers(response: OCSPResponse, issuer: x509.Certificate) -> list[x509.Certificate]:
    """Who signed: the issuer, or whom it made its responder (RFC 6960 §4.2.2.2). Each is tried once for all it says."""
    found = []
    for one in (issuer, *response.certificates[:_MAX_RESPONDERS]):
        with suppress(*_UNREADABLE, x509.ExtensionNotFound):
            if one == issuer or _is_delegate(one, issuer):
                _verify(one, response)
                found.append(one)
    return found


def _is_delegate(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Raises one of ``_UNREADABLE``, or ``x509.ExtensionNotFound``."""
    if is_for_pss(issuer):
        return False
    one.verify_directly_issued_by(issuer)
    purposes = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    usages = [each.value for each in one.extensions if isinstance(each.value, x509.KeyUsage)]
    unknown = any(
        each.oid == ExtensionOID.NAME_CONSTRAINTS or (each.critical and each.oid not in _KNOWN_EXTENSIONS)
        for each in one.extensions
    )
    signs = all(each.digital_signature or each.content_commitment for each in usages)
    is_good = signs and not unknown and one.signature_algorithm_oid in _ALGORITHMS
    return is_good and ExtendedKeyUsageOID.OCSP_SIGNING in purposes


def _is_valid(one: x509.Certificate, at: datetime) -> bool:
    return one.not_valid_before_utc <= at <= one.not_valid_after_utc


def _verify(signer: x509.Certificate, response: OCSPResponse) -> None:
    """Raises one of ``_UNREADABLE``."""
    key, named = signer.public_key(), response.signature_algorithm_oid
    kind = key_of(signer, _MAX_RSA_BITS)
    algorithm = response.signature_hash_algorithm
    signature, signed = response.signature, response.tbs_response_bytes
    if isinstance(key, ed25519.Ed25519PublicKey) and named == SignatureAlgorithmOID.ED25519:
        key.verify(signature, signed)
    elif isinstance(key, ec.EllipticCurvePublicKey) and kind and named in _ECDSA and algorithm:
        key.verify(signature, signed, ec.ECDSA(algorithm))
    elif isinstance(key, rsa.RSAPublicKey) and kind and kind.kind == "rsa" and named in _RSA and algorithm:
        key.verify(signature, signed, padding.PKCS1v15(), algorithm)
    else:
        raise UnsupportedAlgorithm("an answer is signed by RSA, ECDSA or Ed25519, under the algorithm that it names")


def places_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Where a certificate says that its issuer tells whether it was revoked: answers, then lists."""
    found: list[str] = []
    with suppress(*_UNREADABLE, x509.ExtensionNotFound):
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        asked = (one.access_location for one in access if one.access_method == AuthorityInformationAccessOID.OCSP)
        found += (one.value for one in asked if isinstance(one, x509.UniformResourceIdentifier))
    with suppress(*_UNREADABLE, x509.ExtensionNotFound):
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        names = (name for point in points for name in point.full_name or ())
        found += (name.value for name in names if isinstance(name, x509.UniformResourceIdentifier))
    return tuple(found)


def unanswered(name: str, places: Sequence[str], at: datetime) -> str:
    """What only a fact from outside can show: an issuer tells of revocation, and nothing that is here does."""
    where = ", ".join(places[:4])
    return (
        f"whether the certificate of {name} had been revoked by {at.isoformat()} needs an external fact: "
        f"its issuer tells of revocation at {where}, and nothing that is enclosed reaches that instant"
    )
