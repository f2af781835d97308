"""Was this certificate entitled to sign a claim at that time? (C2PA specification, section 14.5; RFC 5280)

The path is the one that the signature carries, in its order, to one of the caller's signer roots: no other path is
searched for. The time is the caller's. Roots for timestamps (TSA) or identities (CAWG) never come here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import ExtensionOID

from tallystick.c2pa.refusal import CredentialRefused
from tallystick.certificate_keys import empty_list, key_of, scheme_of, signs
from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
"""c2pa-kp-claimSigning."""
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
SIGNING_PURPOSES = frozenset({CLAIM_SIGNING, Purpose.EMAIL_PROTECTION, DOCUMENT_SIGNING})
_OTHER_TRADES = frozenset({Purpose.ANY_EXTENDED_KEY_USAGE, Purpose.TIME_STAMPING, Purpose.OCSP_SIGNING})
_C2PA_ARC = "1.3.6.1.4.1.62558."
_KNOWN_EXTENSIONS = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
_SIGNATURE_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
MAX_RSA_BITS = 16384
"""A larger modulus makes one check take seconds."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a leaf must be for one kind of signature.

    purposes: extended key usages of which it has at least one; wanted: the same in words. alone: it has no others;
    critical: it says so critically. key_identifier: it names its issuer's key.
    """

    purposes: frozenset[x509.ObjectIdentifier]
    wanted: str
    alone: bool = False
    critical: bool = False
    key_identifier: bool = True


CLAIM = Profile(SIGNING_PURPOSES, "c2pa-kp-claimSigning, emailProtection or documentSigning")


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a certificate may not sign, with the certificate it concerns."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class SignerRoots:
    """The certificates under which claims may be signed: the `c2pa signer roots` of a trust file, nothing else."""

    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def from_pem(cls, pem: bytes) -> SignerRoots:
        """Read one or more PEM certificates. Raises MalformedInput."""
        try:
            return cls(tuple(x509.load_pem_x509_certificates(pem)))
        except (ValueError, x509.InvalidVersion) as error:
            raise MalformedInput(f"the signer roots are not PEM certificates: {error}") from None


def name_of(name: x509.Name) -> str:
    """A distinguished name for people (RFC 4514)."""
    return name.rfc4514_string()


def require_signer(chain: Sequence[x509.Certificate], roots: SignerRoots, at: datetime) -> x509.Certificate:
    """Raise CredentialRefused with the first fault of `chain` (leaf first) at `at`, or return the root it ends in."""
    require_utc(at)
    for fault in faults(chain, roots, at):
        raise CredentialRefused(fault.code, fault.detail)
    return _anchor(chain, roots)[0]


def require_utc(at: datetime) -> None:
    """Refuse a time without a zone: it would mean another instant on another machine."""
    if at.tzinfo is None:
        raise MalformedInput(f"the time {at.isoformat()} has no time zone; give UTC")


def faults(
    chain: Sequence[x509.Certificate], roots: SignerRoots | None, at: datetime, profile: Profile = CLAIM
) -> Iterator[Fault]:
    """Every fault of `chain` as a signer's at `at`, the leaf's own first, then the path, then time.

    roots: None where it is not asked in which root the path ends.
    """
    try:
        for certificate in chain:
            yield from _form_faults(certificate)
        yield from _leaf_faults(chain[0], profile)
        for number, certificate in enumerate(chain):
            yield from _common_faults(certificate)
            if number:
                yield from _authority_faults(certificate, number - 1, "intermediate", profile)
        yield from _path_faults(chain, roots, profile)
        for certificate in (*chain, *(_anchor(chain, roots) if roots else ())):
            yield from _time_faults(certificate, at)
    except (
        MalformedInput,
        ValueError,
        TypeError,
        x509.UnsupportedGeneralNameType,
        x509.DuplicateExtension,
        UnsupportedAlgorithm,
    ) as error:
        yield Fault("signer.malformed", f"a certificate of the chain does not parse: {error}")


def _extension(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> x509.ExtensionType | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _form_faults(certificate: x509.Certificate) -> Iterator[Fault]:
    if empty := empty_list(certificate):
        yield Fault("signer.malformed", f"{name_of(certificate.subject)} has the extension {empty}, and nothing in it")


def _leaf_faults(leaf: x509.Certificate, profile: Profile) -> Iterator[Fault]:
    who = name_of(leaf.subject)
    if leaf.issuer == leaf.subject:
        yield Fault("signer.self_signed", f"{who} names itself as its issuer; a signer needs a certificate authority")
    basic = _extension(leaf, x509.BasicConstraints)
    if isinstance(basic, x509.BasicConstraints) and basic.ca:
        yield Fault("signer.is_ca", f"{who} is a certificate authority (CA:TRUE) and may not sign claims itself")
    usage = _extension(leaf, x509.KeyUsage)
    if not isinstance(usage, x509.KeyUsage) or not usage.digital_signature:
        yield Fault("signer.key_usage", f"{who} lacks the key usage digitalSignature")
    elif usage.key_cert_sign or usage.crl_sign:
        yield Fault("signer.key_usage", f"{who} may sign certificates or revocation lists, which no signer needs")
    yield from _purpose_faults(leaf, profile)
    if profile.key_identifier and _extension(leaf, x509.AuthorityKeyIdentifier) is None:
        yield Fault("signer.key_identifier", f"{who} lacks an authority key identifier")


def _purpose_faults(leaf: x509.Certificate, profile: Profile) -> Iterator[Fault]:
    who = name_of(leaf.subject)
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    named = set(purposes) if isinstance(purposes, x509.ExtendedKeyUsage) else set()
    foreign = {oid for oid in named - profile.purposes if profile.alone or _is_other_trade(oid)}
    if not named & profile.purposes:
        yield Fault("signer.purpose", f"{who} lacks an extended key usage for signing: {profile.wanted}")
    elif foreign:
        dotted = ", ".join(sorted(oid.dotted_string for oid in foreign))
        yield Fault("signer.purpose", f"{who} has extended key usages that such a signer may not have: {dotted}")
    if profile.critical and named & profile.purposes and not foreign:
        extension = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        if not extension.critical:
            yield Fault("signer.purpose", f"{who} does not say critically what it is for (extended key usage)")


def _is_other_trade(purpose: x509.ObjectIdentifier) -> bool:
    """Timestamps, revocation answers, "anything", and any other C2PA purpose: one key must not do two such things."""
    return purpose in _OTHER_TRADES or purpose.dotted_string.startswith(_C2PA_ARC)


def _common_faults(certificate: x509.Certificate) -> Iterator[Fault]:
    who = name_of(certificate.subject)
    for extension in certificate.extensions:
        # Name constraints must be heeded, critical or not, and no authority of signers has them.
        if extension.oid == ExtensionOID.NAME_CONSTRAINTS:
            yield Fault("signer.extension", f"{who} has name constraints, which are not known here")
        elif extension.critical and extension.oid not in _KNOWN_EXTENSIONS:
            yield Fault("signer.extension", f"{who} has the critical extension {extension.oid.dotted_string}")
    if key_of(certificate, MAX_RSA_BITS) is None:
        yield Fault("signer.key", f"{who} has a key that C2PA does not allow (P-256/384/521, Ed25519, RSA from 2048)")
    try:
        used = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        used = None
    if used is not None and not isinstance(used, _SIGNATURE_HASHES):
        yield Fault("signer.algorithm", f"{who} was signed with {used.name}; SHA-256, SHA-384 or SHA-512 is needed")
    elif scheme_of(certificate) is None:
        how = "in another way than ECDSA, Ed25519, RSA, or RSA-PSS of one hash and a salt as long as it"
        yield Fault("signer.algorithm", f"{who} was signed {how}")


def _authority_faults(authority: x509.Certificate, below: int, kind: str, profile: Profile) -> Iterator[Fault]:
    """`below` counts the intermediates between this authority and the leaf (pathLenConstraint, RFC 5280)."""
    who = f"the {kind} {name_of(authority.subject)}"
    basic = _extension(authority, x509.BasicConstraints)
    if not isinstance(basic, x509.BasicConstraints) or not basic.ca:
        yield Fault("signer.not_an_authority", f"{who} is not a certificate authority (CA:TRUE)")
    elif basic.path_length is not None and basic.path_length < below:
        yield Fault("signer.path_length", f"{who} allows {basic.path_length} authorities below it, not {below}")
    usage = _extension(authority, x509.KeyUsage)
    if not isinstance(usage, x509.KeyUsage) or not usage.key_cert_sign:
        yield Fault("signer.not_an_authority", f"{who} lacks the key usage keyCertSign")
    purposes = _extension(authority, x509.ExtendedKeyUsage)
    named = set(purposes) if isinstance(purposes, x509.ExtendedKeyUsage) else set()
    # Issuers of real signers name purposes of their own besides none of these: only what is another trade is refused.
    if not named & profile.purposes and any(_is_other_trade(oid) for oid in named):
        yield Fault("signer.purpose", f"{who} is for other purposes than such signers")


def _path_faults(chain: Sequence[x509.Certificate], roots: SignerRoots | None, profile: Profile) -> Iterator[Fault]:
    for number, certificate in enumerate(chain[:-1]):
        yield from _link_faults(certificate, chain[number + 1])
    for certificate in chain[1:] if profile.key_identifier else ():
        # Whoever issued himself need not say so (RFC 5280 §4.2.1.1).
        if certificate.issuer != certificate.subject and _extension(certificate, x509.AuthorityKeyIdentifier) is None:
            who = name_of(certificate.subject)
            yield Fault("signer.key_identifier", f"{who} lacks an authority key identifier")
    if roots is None:
        return
    anchor = _anchor(chain, roots)
    if not anchor:
        last = name_of(chain[-1].issuer)
        yield Fault("signer.untrusted", f"the chain ends below {last}, which is not one of the trusted signer roots")
    elif anchor[0] != chain[-1]:
        yield from _form_faults(anchor[0])
        yield from _common_faults(anchor[0])
        yield from _authority_faults(anchor[0], len(chain) - 1, "root", profile)


def _link_faults(certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[Fault]:
    who, above = name_of(certificate.subject), name_of(issuer.subject)
    key, scheme = key_of(issuer, MAX_RSA_BITS), scheme_of(certificate)
    try:
        certificate.verify_directly_issued_by(issuer)
        # A key or a way of signing that is not taken at all is a fault by itself.
        fits = key is None or scheme is None or signs(key, scheme)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        fits = False
    if not fits:
        yield Fault("signer.chain_broken", f"{who} was not issued by {above}, which follows it in the chain")
        return
    wanted = _extension(certificate, x509.AuthorityKeyIdentifier)
    given = _extension(issuer, x509.SubjectKeyIdentifier)
    if not isinstance(given, x509.SubjectKeyIdentifier):
        yield Fault("signer.key_identifier", f"{above} lacks a subject key identifier")
    elif isinstance(wanted, x509.AuthorityKeyIdentifier) and wanted.key_identifier != given.digest:
        yield Fault("signer.key_identifier", f"{who} names another key of {above} than the one that follows")


def _anchor(chain: Sequence[x509.Certificate], roots: SignerRoots) -> tuple[x509.Certificate, ...]:
    """The trusted root that ends the chain, or that issued its last certificate; empty if there is none.

    A leaf is never its own root, even where someone lists it: its issuer must answer for it.
    """
    last = chain[-1]
    for root in roots.certificates:
        if (root == last and len(chain) > 1) or not any(_link_faults(last, root)):
            return (root,)
    return ()


def _time_faults(certificate: x509.Certificate, at: datetime) -> Iterator[Fault]:
    who, when = name_of(certificate.subject), at.isoformat()
    if at < certificate.not_valid_before_utc:
        since = certificate.not_valid_before_utc.isoformat()
        yield Fault("signer.not_yet_valid", f"{who} is valid from {since}, after {when}")
    if at > certificate.not_valid_after_utc:
        until = certificate.not_valid_after_utc.isoformat()
        yield Fault("signer.expired", f"{who} was valid until {until}, before {when}")
