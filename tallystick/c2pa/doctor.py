"""What exactly is wrong with these certificates? c2pa-python only says that "the certificate is invalid".

Every fault has a code, and an explanation in both languages (`faults_told`), whether the certificate is for claims,
timestamps, identities or documents.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from tallystick.c2pa.chain import CLAIM, DOCUMENT_SIGNING, Fault, Profile, SignerRoots, faults, name_of, require_utc
from tallystick.c2pa.signature import MAX_CHAIN
from tallystick.errors import MalformedInput
from tallystick.timestamp import der

Purpose = Literal["claim", "tsa", "cawg", "pdf"]
_ADOBE = x509.ObjectIdentifier("1.2.840.113583.1.1.5")
PROFILES: dict[Purpose, Profile] = {
    "claim": CLAIM,
    "cawg": CLAIM,
    "tsa": Profile(frozenset({ExtendedKeyUsageOID.TIME_STAMPING}), "timeStamping", alone=True, critical=True),
    "pdf": Profile(
        frozenset({DOCUMENT_SIGNING, _ADOBE}),
        "documentSigning (RFC 9336) or Adobe's",
        alone=True,
        key_identifier=False,
    ),
}
"""What a signer must be for each purpose; the verifiers of timestamps and documents look at the same."""
MAX_SERIAL = 20
"""Bytes of a serial number (RFC 5280 §4.1.2.2)."""
MAX_PEM = 1 << 20
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\r?\n.*?-----END CERTIFICATE-----", re.DOTALL)


def diagnose(
    certificates: bytes, roots: SignerRoots | None, at: datetime, purpose: Purpose = "claim", key: bytes | None = None
) -> tuple[Fault, ...]:
    """Every fault of a chain (PEM, leaf first; or one DER) as a signer's for `purpose` at `at`; empty if it may sign.

    roots: in which of them it must end; None where that is not asked. key: PEM of the key that should belong to the
    leaf, private (not encrypted) or public. Raises MalformedInput for a key that cannot be read.
    """
    require_utc(at)
    own = None if key is None else _public(key)
    encoded = _blocks(certificates)
    if not encoded:
        return (Fault("signer.malformed", "there is no certificate: neither PEM nor DER"),)
    if len(encoded) > MAX_CHAIN:
        return (Fault("signer.chain_too_long", f"{len(encoded)} certificates, at most {MAX_CHAIN} are read"),)
    formal = tuple(fault for one in encoded for fault in _form_faults(one))
    if formal:
        return formal
    try:
        chain = [_loaded(one) for one in encoded]
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        return (Fault("signer.malformed", f"a certificate does not parse: {error}"),)
    return tuple(_found(chain, roots, at, PROFILES[purpose], own))


def _loaded(certificate: bytes) -> x509.Certificate:
    """A certificate of which every part can be read; the library reads them when they are asked for."""
    found = x509.load_der_x509_certificate(certificate)
    _ = found.extensions, found.subject, found.issuer, found.public_key(), found.signature_hash_algorithm
    _ = found.not_valid_before_utc, found.not_valid_after_utc
    return found


def _found(
    chain: list[x509.Certificate], roots: SignerRoots | None, at: datetime, profile: Profile, own: bytes | None
) -> Iterator[Fault]:
    ordered = _ordered(chain)
    if ordered != chain:
        first = name_of(chain[0].subject)
        right = ", ".join(name_of(one.subject) for one in ordered)
        yield Fault("signer.chain_order", f"{first} comes first; the order is signer to root: {right}")
    if own is not None and own != _spki(ordered[0]):
        yield Fault("signer.key_mismatch", f"the key does not belong to {name_of(ordered[0].subject)}")
    found = list(faults(ordered, roots, at, profile))
    alone = any(fault.code == "signer.self_signed" for fault in found)
    for fault in found:
        # Whoever issued himself stands under no root: that is one fault, not two.
        if not (alone and fault.code == "signer.untrusted"):
            yield _explained(fault, ordered, roots)


def _explained(fault: Fault, chain: Sequence[x509.Certificate], roots: SignerRoots | None) -> Fault:
    """A path that ends nowhere: because a certificate between is missing, or because nobody trusts its root."""
    last = chain[-1]
    if fault.code != "signer.untrusted" or roots is None or last.issuer == last.subject:
        return fault
    if any(root.subject == last.issuer for root in roots.certificates):
        return fault
    missing = f"{name_of(last.issuer)}, which issued {name_of(last.subject)}, is missing, and is no trusted root"
    return Fault("signer.authority_missing", missing)


def _ordered(chain: list[x509.Certificate]) -> list[x509.Certificate]:
    """Leaf first, each followed by its issuer, if that uses them all up; else as they are."""
    issuers = {one.issuer for one in chain if one.issuer != one.subject}
    leaves = [one for one in chain if one.subject not in issuers]
    if len(leaves) != 1:
        return chain
    found, left = [leaves[0]], [one for one in chain if one != leaves[0]]
    while left:
        above = [one for one in left if one.subject == found[-1].issuer]
        if len(above) != 1:
            return chain
        found.append(above[0])
        left.remove(above[0])
    return found


def _blocks(data: bytes) -> list[bytes]:
    """DER of each certificate."""
    if len(data) > MAX_PEM:
        raise MalformedInput(f"the certificates have {len(data)} bytes, at most {MAX_PEM} are read")
    if data[:1] == b"\x30":
        return [data]
    try:
        return [der_of(block) for block in _BLOCK.findall(data)]
    except ValueError:
        return []


def der_of(block: bytes) -> bytes:
    """DER of one PEM block. Raises ValueError."""
    import base64

    lines = block.split(b"\n")[1:-1]
    return base64.b64decode(b"".join(line.strip() for line in lines), validate=True)


def _form_faults(certificate: bytes) -> Iterator[Fault]:
    """What a library refuses to read, or reads without a word (RFC 5280 §4.1)."""
    try:
        outer = der.Fields(der.single(certificate, der.SEQUENCE, "certificate").content, "certificate")
        fields = der.Fields(outer.take(der.SEQUENCE, "what is signed").content, "certificate")
        version = fields.maybe(der.context(0))
        serial = fields.take(der.INTEGER, "serial number").content
        for name in ("signature algorithm", "issuer", "validity", "subject", "public key"):
            fields.take(der.SEQUENCE, name)
        identifiers = [fields.maybe(der.context(number, constructed=False)) for number in (1, 2)]
        extensions = fields.maybe(der.context(3))
        kinds = [] if extensions is None else list(_kinds(extensions.content))
    except MalformedInput as error:
        yield Fault("signer.malformed", f"a certificate does not parse: {error}")
        return
    if version is None or version.content != b"\x02\x01\x02":
        yield Fault(
            "signer.version", "a certificate is not of version 3, so it has no extensions that say what it is for"
        )
    if not serial or len(serial) > MAX_SERIAL or serial[0] & 0x80 or not any(serial):
        yield Fault("signer.serial", f"a serial number is not positive, or longer than {MAX_SERIAL} bytes")
    if any(one is not None for one in identifiers):
        yield Fault("signer.unique_identifier", "a certificate has a unique identifier of its issuer or subject")
    if twice := sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield Fault("signer.extension_twice", f"a certificate has an extension twice: {', '.join(twice)}")


def _kinds(extensions: bytes) -> Iterator[str]:
    listed = der.single(extensions, der.SEQUENCE, "extensions").content
    for one in der.members(listed, "extensions", 256):
        yield der.oid(
            der.Fields(one.content, "an extension").take(der.OID, "its type").content, "the type of an extension"
        )


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _public(pem: bytes) -> bytes:
    """The public key (DER) of a key file."""
    try:
        if b"PUBLIC KEY-----" in pem:
            public = load_pem_public_key(pem)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                public = load_pem_private_key(pem, None).public_key()
    except TypeError:
        raise MalformedInput("the key is encrypted: give its public key (openssl pkey -pubout)") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedInput(f"the key is no PEM key that can be read: {error}") from None
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
