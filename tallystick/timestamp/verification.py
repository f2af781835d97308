"""Verification of a timestamp token, offline: over what, by whom, when, and whether the reader trusts that authority.

What the token's signature does not cover is either held to what it does cover (algorithms, the signer's name, the
certificates of the path) or has no meaning here: other certificates, revocation lists, unsigned attributes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tallystick.certificate_keys import is_for_pss
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.timestamp import der
from tallystick.timestamp.chain import Names, PathSearch, Root, load, name_of, names_of, names_of_loaded
from tallystick.timestamp.cms import CONTENT_TYPE, MESSAGE_DIGEST, SHA256, CertificateId, SignerInfo
from tallystick.timestamp.der import Fields
from tallystick.timestamp.facts import LOCAL_POLICY, Authority, RevokedAuthority, TimestampFact
from tallystick.timestamp.token import TST_INFO, Token, parse_token

if TYPE_CHECKING:
    from tallystick.revocation import Words

HASHES = {
    SHA256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
"""Hashes that are taken, by object identifier. SHA-1 and older ones are not."""

_RSA = "1.2.840.113549.1.1.1"
_RSA_WITH = {
    "sha256": "1.2.840.113549.1.1.11",
    "sha384": "1.2.840.113549.1.1.12",
    "sha512": "1.2.840.113549.1.1.13",
}
_ECDSA_WITH = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"}
_OBJECTS: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799
"""The last second that has a name (year 9999): an accuracy may reach beyond it."""


def verify(token: bytes, message: bytes, authorities: Sequence[Authority], words: Words | None = None) -> TimestampFact:
    """See ``tallystick.timestamp.verify_token``."""
    parsed = parse_token(token)
    name = _check_imprint(parsed, message)
    others = (*parsed.certificates, *(one for authority in authorities for one in authority.certificates))
    signer = find_signer(parsed, others)
    check_attributes(parsed, TST_INFO, parsed.content)
    check_signature(parsed, signer)
    _check_tsa_name(parsed, signer)
    roots = list(_roots(authorities))
    at = _EPOCH + timedelta(microseconds=parsed.info.gen_time)
    path, root = PathSearch(roots, others).find(signer, at)
    fact = _fact(parsed, name, path, authorities[root.index])
    return fact if words is None else _unrevoked(fact, path, words)


def _unrevoked(fact: TimestampFact, path: Sequence[x509.Certificate], words: Words) -> TimestampFact:
    """With what is said of those on its path. Raises ``RevokedAuthority``."""
    from tallystick.revocation import enclosed

    made = datetime.fromtimestamp(min(fact.not_after, _LAST), UTC)
    said = enclosed(path, made, beside=words)
    known = replace(fact, revocation=said.said, unanswered=tuple(one for one in said.silent if one[1]))
    for one in said.said:
        if one.revoked is not None and one.undoes_token(made):
            why = one.reason or "no reason told"
            detail = f"the certificate of {one.of} was revoked at {one.revoked.isoformat()} ({why}), says {one.by}"
            raise RevokedAuthority(detail, known)
    return known


def _roots(authorities: Sequence[Authority]) -> Iterator[Root]:
    """A root that cannot be read stands above nobody; it is no fault of the token's."""
    for index, authority in enumerate(authorities):
        with suppress(VerificationFailed):
            yield Root(index, load(authority.root))


def _fact(token: Token, name: str, path: Sequence[x509.Certificate], authority: Authority) -> TimestampFact:
    info = token.info
    own = info.policy == LOCAL_POLICY or any(_is_local(one) for one in path)
    return TimestampFact(
        gen_time=info.gen_time,
        accuracy=info.accuracy,
        policy=info.policy,
        serial=info.serial,
        ordering=info.ordering,
        nonce=info.nonce,
        hash=name,
        authority=authority.name,
        signer=name_of(path[0]),
        signer_sha256=path[0].fingerprint(hashes.SHA256()).hex(),
        root_sha256=path[-1].fingerprint(hashes.SHA256()).hex(),
        independent=authority.independent and not own,
        operator_only=own,
    )


def is_local_root(certificate: bytes) -> bool:
    """Whether a root (DER) says of itself that an operator made it. Raises ``VerificationFailed``."""
    return _is_local(load(certificate))


def _is_local(certificate: x509.Certificate) -> bool:
    try:
        policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    except x509.ExtensionNotFound:
        return False
    return any(one.policy_identifier.dotted_string == LOCAL_POLICY for one in policies)


def _check_imprint(token: Token, message: bytes) -> str:
    """Name of the hash. Raises ``VerificationFailed`` when the token is over something else, or by a weak hash."""
    name = HASHES.get(token.info.hash)
    if name is None or token.digest not in HASHES:
        weak = token.info.hash if name is None else token.digest
        raise VerificationFailed(f"the token uses the hash {weak}; expected SHA-256, SHA-384 or SHA-512")
    if hashlib.new(name, message).digest() != token.info.hashed:
        raise VerificationFailed("the token is over other bytes than these (message imprint)")
    return name


def find_signer(token: SignerInfo, certificates: Sequence[bytes]) -> x509.Certificate:
    named = [one for one in certificates if _is_named(token, one)]
    if not named:
        raise VerificationFailed("neither the token nor the trust file has the certificate of its signer")
    for certificate in named:
        if all(_is_identified(one, certificate) for one in token.signer_ids):
            return load(certificate)
    raise VerificationFailed("the certificate of the signer is not the one that the signed attributes name (RFC 5035)")


def _is_named(token: SignerInfo, certificate: bytes) -> bool:
    """By issuer and serial number, or by subject key identifier, as the token names its signer."""
    names = _names(certificate)
    if names is None:
        return False
    if token.key_id is None:
        return (names.issuer, names.serial) == (token.issuer, token.serial)
    try:
        identifier = load(certificate).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except (VerificationFailed, x509.ExtensionNotFound):
        return False
    return identifier.digest == token.key_id


def _names(certificate: bytes) -> Names | None:
    try:
        return names_of(certificate)
    except MalformedInput:
        return None


def _is_identified(named: CertificateId, certificate: bytes) -> bool:
    # SHA-1 here names a certificate that is checked by itself; to forge it takes a second preimage, not a collision.
    algorithm = "sha1" if named.hash is None else HASHES.get(named.hash)
    if algorithm is None or hashlib.new(algorithm, certificate, usedforsecurity=False).digest() != named.hashed:
        return False
    names = _names(certificate)
    return named.issuer is None or (names is not None and (named.issuer, named.serial) == (names.issuer, names.serial))


def check_attributes(signer: SignerInfo, content_type: str, *parts: bytes) -> None:
    """The signed attributes speak of exactly this content, of this type (RFC 5652 §11.1 and §11.2)."""
    kind, digest = signer.attributes.get(CONTENT_TYPE), signer.attributes.get(MESSAGE_DIGEST)
    if kind is None or kind.tag != der.OID or der.oid(kind.content, "the signed content type") != content_type:
        raise VerificationFailed("the signed attributes are not about content of this type")
    if signer.digest not in HASHES:
        raise VerificationFailed(f"the hash {signer.digest} is not taken; expected SHA-256, SHA-384 or SHA-512")
    wanted = hashlib.new(HASHES[signer.digest])
    for part in parts:
        wanted.update(part)
    if digest is None or digest.tag != der.OCTET_STRING or digest.content != wanted.digest():
        raise VerificationFailed("the content is not the one that was signed (message digest)")


def check_signature(token: SignerInfo, signer: x509.Certificate) -> None:
    name, key = HASHES[token.digest], signer.public_key()
    used = _OBJECTS[name]
    try:
        if isinstance(key, rsa.RSAPublicKey) and not is_for_pss(signer) and token.algorithm in (_RSA, _RSA_WITH[name]):
            key.verify(token.signature, token.signed, padding.PKCS1v15(), used)
        elif isinstance(key, ec.EllipticCurvePublicKey) and token.algorithm == _ECDSA_WITH[name]:
            if token.algorithm_has_null:
                raise MalformedInput("the signature algorithm has no parameters (RFC 5758 §3.2)")
            key.verify(token.signature, token.signed, ec.ECDSA(used))
        else:
            raise VerificationFailed(
                f"the signature algorithm {token.algorithm} does not fit the signer's key and the digest {name}"
            )
    except (InvalidSignature, ValueError):
        raise VerificationFailed(f"the signature is not by {name_of(signer)}") from None


def _check_tsa_name(token: Token, signer: x509.Certificate) -> None:
    """The name of the authority in the TSTInfo, if it is there, is one of the signer's (RFC 3161 §2.4.2)."""
    if token.info.tsa is None:
        return
    found = der.single(token.info.tsa, token.info.tsa[0] if token.info.tsa else 0, "the authority's name")
    names = names_of_loaded(signer)
    if found.tag == der.context(4) and found.content == names.subject:
        return
    try:
        others = signer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.public_bytes()
    except x509.ExtensionNotFound:
        others = b"\x30\x00"
    fields = Fields(der.single(others, der.SEQUENCE, "alternative names").content, "alternative names")
    while fields.more:
        if fields.next().whole == found.whole:
            return
    raise VerificationFailed(f"the token says that another authority signed it than {name_of(signer)}")
