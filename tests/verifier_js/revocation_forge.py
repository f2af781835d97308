"""Answers about certificates (OCSP, RFC 6960) and revocation lists made by hand, with every part open to be wrong.

No code of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from tests.core.timestamp.forge import tlv
from tests.verifier_js.pdf_forge import REGISTRAR, ROOT, SIGNED

NULL = b"\5\0"
BASIC = core.ObjectIdentifier("1.3.6.1.5.5.7.48.1.1").dump()
HASHES = {
    "md5": "1.2.840.113549.2.5", "sha1": "1.3.14.3.2.26", "sha224": "2.16.840.1.101.3.4.2.4",
    "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3",
    "sha3_256": "2.16.840.1.101.3.4.2.8", "sha512_256": "2.16.840.1.101.3.4.2.6",
}  # fmt: skip
SIGNATURES = {
    "ecdsa": {"sha1": "1.2.840.10045.4.1", "sha224": "1.2.840.10045.4.3.1", "sha256": "1.2.840.10045.4.3.2",
              "sha384": "1.2.840.10045.4.3.3", "sha512": "1.2.840.10045.4.3.4"},
    "rsa": {"sha1": "1.2.840.113549.1.1.5", "sha224": "1.2.840.113549.1.1.14", "sha256": "1.2.840.113549.1.1.11",
            "sha384": "1.2.840.113549.1.1.12", "sha512": "1.2.840.113549.1.1.13"},
}  # fmt: skip
ED25519 = "1.3.101.112"


def unchanged(data: Any) -> Any:
    return data


def oid(dotted: str) -> bytes:
    return core.ObjectIdentifier(dotted).dump()


def hash_named(name: str) -> bytes:
    return tlv(0x30, oid(HASHES[name]) + NULL)


def when(at: datetime | bytes) -> bytes:
    return at if isinstance(at, bytes) else tlv(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())


def extension(dotted: str, value: bytes = NULL, critical: bytes = b"") -> bytes:
    """Of ``critical``, the bytes: none where it is left out."""
    return tlv(0x30, oid(dotted) + critical + tlv(4, value))


CRITICAL, NOT_CRITICAL = b"\1\1\xff", b"\1\1\0"
NONCE = "1.3.6.1.5.5.7.48.1.2"


def key_bits(holder: Any) -> bytes:
    """Of the public key, as answers hash it."""
    found = asn1_x509.Certificate.load(holder.der)
    return bytes(found.public_key["public_key"].contents[1:])


@dataclass(frozen=True)
class Single:
    """What is said of one certificate."""

    about: Any = REGISTRAR
    issuer: Any = ROOT
    digest: str = "sha1"
    serial: int | bytes | None = None
    """Instead of his."""
    edit_id: Callable[[list[bytes]], list[bytes]] = unchanged
    """Hash, digest of the name, digest of the key, serial number."""
    revoked: datetime | bytes | None = None
    reason: bytes = b""
    """Behind the time: a value of tag a0."""
    status: bytes | None = None
    since: datetime | bytes = SIGNED
    until: datetime | bytes | None = SIGNED + timedelta(days=7)
    extensions: tuple[bytes, ...] | None = None
    edit: Callable[[list[bytes]], list[bytes]] = unchanged
    """Identity, status, times, extensions."""

    def der(self) -> bytes:
        name = self.issuer.certificate.subject.public_bytes()
        of = self.digest if self.digest in hashlib.algorithms_available else "sha512_256"
        digests = [tlv(4, hashlib.new(of, each).digest()) for each in (name, key_bits(self.issuer))]
        number = self.about.certificate.serial_number if self.serial is None else self.serial
        serial = number if isinstance(number, bytes) else core.Integer(number).dump()
        status = tlv(0x80, b"") if self.revoked is None else tlv(0xA1, when(self.revoked) + self.reason)
        parts = [
            tlv(0x30, b"".join(self.edit_id([hash_named(self.digest), *digests, serial]))),
            status if self.status is None else self.status,
            when(self.since),
            b"" if self.until is None else tlv(0xA0, when(self.until)),
            b"" if self.extensions is None else tlv(0xA1, tlv(0x30, b"".join(self.extensions))),
        ]
        return tlv(0x30, b"".join(self.edit(parts)))


@dataclass(frozen=True)
class Answer:
    """How an answer is made; each part may be wrong."""

    singles: tuple[Any, ...] = (Single(),)
    by: Any = ROOT
    key: Any = None
    """Signed with it, instead of that of ``by``."""
    shown: tuple[bytes, ...] = ()
    digest: str = "sha256"
    algorithm: bytes | None = None
    pss: bool = False
    version: bytes = b""
    named: bytes | None = None
    """Who answers: by his name, or another value."""
    produced: datetime | bytes = SIGNED
    extensions: tuple[bytes, ...] | None = None
    edit_data: Callable[[list[bytes]], list[bytes]] = unchanged
    """Version, who answers, time, what is said, extensions."""
    edit_signature: Callable[[bytes], bytes] = unchanged
    edit_basic: Callable[[list[bytes]], list[bytes]] = unchanged
    """What is signed, algorithm, signature, certificates."""
    status: bytes = b"\x0a\1\0"
    kind: bytes = BASIC
    edit: Callable[[list[bytes]], list[bytes]] = unchanged
    """Status, and what it says."""

    def der(self) -> bytes:
        singles = [each if isinstance(each, bytes) else each.der() for each in self.singles]
        data = [
            self.version,
            tlv(0xA1, self.by.certificate.subject.public_bytes()) if self.named is None else self.named,
            when(self.produced),
            tlv(0x30, b"".join(singles)),
            b"" if self.extensions is None else tlv(0xA1, tlv(0x30, b"".join(self.extensions))),
        ]
        signed = tlv(0x30, b"".join(self.edit_data(data)))
        parts = [
            signed,
            self.algorithm or self.algorithm_of(),
            tlv(3, b"\0" + self.edit_signature(self.sign(signed))),
            tlv(0xA0, tlv(0x30, b"".join(self.shown))) if self.shown else b"",
        ]
        basic = tlv(0x30, b"".join(self.edit_basic(parts)))
        return tlv(0x30, b"".join(self.edit([self.status, tlv(0xA0, tlv(0x30, self.kind + tlv(4, basic)))])))

    def algorithm_of(self) -> bytes:
        own = self.key or self.by.key
        if isinstance(own, ed25519.Ed25519PrivateKey):
            return tlv(0x30, oid(ED25519))
        if isinstance(own, rsa.RSAPrivateKey):
            return tlv(0x30, oid(SIGNATURES["rsa"][self.digest]) + NULL)
        return tlv(0x30, oid(SIGNATURES["ecdsa"][self.digest]))

    def sign(self, data: bytes) -> bytes:
        own = self.key or self.by.key
        if isinstance(own, ed25519.Ed25519PrivateKey):
            return own.sign(data)
        chosen: hashes.HashAlgorithm = getattr(hashes, self.digest.upper())()
        if isinstance(own, rsa.RSAPrivateKey):
            padded = padding.PSS(padding.MGF1(chosen), chosen.digest_size) if self.pss else padding.PKCS1v15()
            return own.sign(data, padded, chosen)
        assert isinstance(own, ec.EllipticCurvePrivateKey)
        return own.sign(data, ec.ECDSA(chosen))


def by_key(holder: Any) -> bytes:
    """Who answers, by the digest of his key."""
    return tlv(0xA2, tlv(4, hashlib.sha1(key_bits(holder)).digest()))


RESPONDING = x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.3.6.1.5.5.7.3.9")])


# --- lists -----------------------------------------------------------------------------------------------

UTC_TIME = 0x17


def entry(serial: int, since: datetime | bytes, *extensions: bytes, more: bytes = b"") -> bytes:
    """Of a list; extensions stand there only where there are some."""
    said = tlv(0x30, b"".join(extensions)) if extensions else b""
    return tlv(0x30, core.Integer(serial).dump() + short(since) + said + more)


def short(at: datetime | bytes) -> bytes:
    return at if isinstance(at, bytes) else tlv(UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())


@dataclass(frozen=True)
class Listed:
    """How a list is made; each part may be wrong. Signed by ECDSA over SHA-256."""

    entries: tuple[bytes, ...]
    extensions: tuple[bytes, ...] | None = None
    version: bytes = b"\2\1\1"
    algorithm: bytes = tlv(0x30, oid(SIGNATURES["ecdsa"]["sha256"]))
    inner: bytes | None = None
    """The algorithm that is signed, where it is another."""
    issuer: bytes = ROOT.certificate.subject.public_bytes()
    since: datetime | bytes = SIGNED
    until: datetime | bytes | None = SIGNED + timedelta(days=30)
    key: Any = None
    edit: Callable[[list[bytes]], list[bytes]] = unchanged
    """Version, algorithm, issuer, times, entries, extensions."""
    edit_list: Callable[[list[bytes]], list[bytes]] = unchanged
    """What is signed, algorithm, signature."""

    def der(self) -> bytes:
        parts = [
            self.version,
            self.inner or self.algorithm,
            self.issuer,
            short(self.since),
            b"" if self.until is None else short(self.until),
            tlv(0x30, b"".join(self.entries)) if self.entries else b"",
            b"" if self.extensions is None else tlv(0xA0, tlv(0x30, b"".join(self.extensions))),
        ]
        signed = tlv(0x30, b"".join(self.edit(parts)))
        signature = tlv(3, b"\0" + (self.key or ROOT.key).sign(signed, ec.ECDSA(hashes.SHA256())))
        return tlv(0x30, b"".join(self.edit_list([signed, self.algorithm, signature])))
