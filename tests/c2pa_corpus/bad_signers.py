"""Signers who were not entitled: other purposes, other roots, broken paths, other times, weak keys."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from fixtures.keys import private_key
from tallystick.c2pa.chain import CLAIM_SIGNING
from tests.c2pa_corpus.case import Case, bad
from tests.c2pa_corpus.people import (
    ACTOR,
    AUTHORITY,
    CLAIMS,
    CLOCK_ROOT,
    IDENTITY_ROOT,
    ISSUING,
    ROOT,
    SIGNER,
    TSA,
    Extension,
    Person,
    constraints,
    der,
    person,
    purposes,
    usage,
    weak_key,
)

UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
NARROW = x509.NameConstraints([x509.DNSName("example.com")], None)
OTHER = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.2")
SIGNS = usage("digital_signature")
JUNE_15 = datetime(2025, 6, 15, tzinfo=UTC)
AUGUST = datetime(2025, 8, 1, tzinfo=UTC)


def cases() -> Iterator[Case]:
    yield from _mixed_purposes()
    yield from _leaves()
    yield from _authorities()
    yield from _paths()
    yield from _times()


def leaf(name: str, *extensions: Extension, issuer: Person = ISSUING) -> Person:
    return person(name, issuer, extensions)


def _mixed_purposes() -> Iterator[Case]:
    """One chain listed for each purpose signs a claim."""
    yield bad("the-clock-signs-a-claim", "signer.purpose", signer=TSA)
    yield bad("the-clocks-root-issues-a-claim-signer", "signer.untrusted", signer=person("by clock root", CLOCK_ROOT))
    yield bad("the-clocks-root-signs-a-claim", "signer.self_signed", signer=CLOCK_ROOT)
    yield bad("an-identity-signs-a-claim", "signer.untrusted", signer=ACTOR)
    by_identity = person("by identity root", IDENTITY_ROOT)
    yield bad("the-identity-root-issues-a-claim-signer", "signer.untrusted", signer=by_identity)
    for name, oids in {
        "timestamps": (Purpose.TIME_STAMPING,),
        "claims-and-timestamps": (CLAIM_SIGNING, Purpose.TIME_STAMPING),
        "claims-and-revocation-answers": (CLAIM_SIGNING, Purpose.OCSP_SIGNING),
        "claims-and-anything": (CLAIM_SIGNING, Purpose.ANY_EXTENDED_KEY_USAGE),
        "anything": (Purpose.ANY_EXTENDED_KEY_USAGE,),
        "servers": (Purpose.SERVER_AUTH,),
        "code": (Purpose.CODE_SIGNING,),
        "another-c2pa-purpose": (CLAIM_SIGNING, OTHER),
    }.items():
        one = leaf(f"for {name}", constraints(False), SIGNS, purposes(*oids))
        yield bad(f"signer-for-{name}", "signer.purpose", signer=one)
    yield bad("signer-without-a-purpose", "signer.purpose", signer=leaf("no eku", constraints(False), SIGNS))


def _leaves() -> Iterator[Case]:
    eku = purposes(CLAIM_SIGNING)
    yield bad("signer-without-key-usage", "signer.key_usage", signer=leaf("no ku", constraints(False), eku))
    for name, flags in {
        "for-agreements-alone": ("key_agreement",),
        "for-certificates-too": ("digital_signature", "key_cert_sign"),
        "for-revocation-lists-too": ("digital_signature", "crl_sign"),
    }.items():
        one = leaf(name, constraints(False), usage(*flags), eku)
        yield bad(f"signer-with-a-key-{name}", "signer.key_usage", signer=one)
    yield bad("signer-is-an-authority", "signer.is_ca", signer=leaf("ca leaf", constraints(True), SIGNS, eku))
    yield bad("the-issuing-authority-signs-a-claim", "signer.is_ca", signer=ISSUING)
    yield bad("the-root-signs-a-claim", "signer.self_signed", signer=ROOT)
    yield bad("signer-signed-by-himself", "signer.self_signed", signer=person("self", None))
    astray = x509.AuthorityKeyIdentifier.from_issuer_public_key(ROOT.key.public_key())
    no_identifier = person("no aki", ISSUING, CLAIMS, identifiers=False)
    yield bad("signer-without-an-authority-key-identifier", "signer.key_identifier", signer=no_identifier)
    wrong = person("wrong aki", ISSUING, (*CLAIMS, (astray, False)), identifiers=False)
    yield bad("signer-that-names-another-issuers-key", "signer.key_identifier", signer=wrong)
    critical = leaf("critical", *CLAIMS, (UNKNOWN, True))
    yield bad("signer-with-an-unknown-critical-extension", "signer.extension", signer=critical)
    koblitz = person("koblitz", ISSUING, key=private_key("c2pa corpus koblitz", "es256k"))
    yield bad("signer-on-the-curve-of-bitcoin-told-as-es256", "claimSignature.mismatch", signer=koblitz)
    yield bad("signer-on-the-curve-of-bitcoin-told-as-es256k", "claimSignature.mismatch", signer=koblitz, algorithm=-47)


def _authorities() -> Iterator[Case]:
    for name, code, extensions in (
        ("without-basic-constraints", "signer.not_an_authority", (usage("key_cert_sign"),)),
        ("that-is-none", "signer.not_an_authority", (constraints(False), usage("key_cert_sign"))),
        ("that-may-not-sign-certificates", "signer.not_an_authority", (constraints(True), usage("crl_sign"))),
        ("without-key-usage", "signer.not_an_authority", (constraints(True),)),
        ("for-timestamps", "signer.purpose", (*AUTHORITY, purposes(Purpose.TIME_STAMPING))),
        ("with-name-constraints", "signer.extension", (*AUTHORITY, (NARROW, True))),
        ("with-name-constraints-that-are-not-critical", "signer.extension", (*AUTHORITY, (NARROW, False))),
        ("with-an-unknown-critical-extension", "signer.extension", (*AUTHORITY, (UNKNOWN, True))),
    ):
        authority = person(f"authority {name}", ROOT, extensions)
        yield bad(f"authority-{name}", code, signer=person(f"below {name}", authority))
    yield bad("authority-is-a-signer", "signer.not_an_authority", signer=person("child", SIGNER))
    weak = person("weak", ROOT, AUTHORITY, key=weak_key())
    yield bad("authority-with-a-key-of-1024-bits", "signer.key", signer=person("below weak", weak))
    koblitz = person("koblitz ca", ROOT, AUTHORITY, key=private_key("c2pa corpus koblitz ca", "es256k"))
    yield bad("authority-on-the-curve-of-bitcoin", "signer.key", signer=person("below koblitz", koblitz))
    p256 = person("p256 ca", ROOT, AUTHORITY, key=private_key("c2pa corpus p256 ca", "es256"))
    short = person("below sha224", p256, digest=hashes.SHA224())
    yield bad("certificate-signed-over-sha224", "signer.algorithm", signer=short)
    nameless = person("no ski", ROOT, AUTHORITY, identifiers=False)
    yield bad("authority-without-a-key-identifier", "signer.key_identifier", signer=person("below no ski", nameless))
    deeper = person("deeper", ISSUING, AUTHORITY)
    yield bad("path-longer-than-its-authority-allows", "signer.path_length", signer=person("below deeper", deeper))


def _paths() -> Iterator[Case]:
    stranger = person("stranger root", None, AUTHORITY)
    yield bad("signer-under-a-strangers-root", "signer.untrusted", signer=person("strange", stranger))
    double = person("double root", None, AUTHORITY, subject="root")
    yield bad("signer-under-a-root-of-the-same-name", "signer.untrusted", signer=person("under double", double))
    imitation = person("imitation", double, (constraints(True, 0), usage("key_cert_sign")), subject="issuing")
    forged = person("under imitation", imitation)
    yield bad("issuing-authority-of-the-same-name", "signer.untrusted", signer=forged)
    mixed = (der(forged.certificate), der(ISSUING.certificate))
    yield bad("foreign-signer-before-our-authority", "signer.chain_broken", signer=forged, chain=mixed)
    yield bad("authority-left-out", "signer.untrusted", chain=SIGNER.shown[:1])
    yield bad("authority-twice", "signer.path_length", chain=(*SIGNER.shown, SIGNER.shown[1]))
    upper = person("upper", ROOT, AUTHORITY)
    lower = person("lower", upper, AUTHORITY)
    low = person("below lower", lower)
    swapped = (low.shown[0], low.shown[2], low.shown[1])
    yield bad("authorities-in-the-wrong-order", "signer.chain_broken", signer=low, chain=swapped)
    yield bad("authority-before-the-signer", "claimSignature.mismatch", chain=SIGNER.shown[::-1])
    stray = (*SIGNER.shown, der(stranger.certificate))
    yield bad("stray-certificate-at-the-end", "signer.chain_broken", chain=stray)
    yield bad("chain-of-9-certificates", "malformed", chain=SIGNER.shown[:1] * 9)
    yield bad("chain-of-none", "malformed", chain=())
    yield bad("chain-that-is-no-certificate", "malformed", chain=(b"certificate",))


def _times() -> Iterator[Case]:
    yield bad("signer-expired", "signer.expired", signer=person("brief", ISSUING, end=JUNE_15))
    yield bad("signer-not-yet-valid", "signer.not_yet_valid", signer=person("early", ISSUING, begin=AUGUST))
    brief = person("brief authority", ROOT, AUTHORITY, end=JUNE_15)
    yield bad("authority-expired", "signer.expired", signer=person("below brief", brief))
    early = person("early authority", ROOT, AUTHORITY, begin=AUGUST)
    yield bad("authority-not-yet-valid", "signer.not_yet_valid", signer=person("below early", early))


def es256_signer() -> Person:
    """For good ones, too."""
    key = private_key("c2pa corpus es256 signer", "es256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return person("es256 signer", ISSUING, key=key)
