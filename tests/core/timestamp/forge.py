"""Authorities and tokens made by asn1crypto and cryptography, with every part open to be wrong. No code of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
END = datetime(2035, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
MESSAGE = b"log.example/films\n1024\nqMzZZ1UcgWJ5SgCqzEwLwQpRxBhYVbr4ZKfYVqVTVqQ=\n"
POLICY = "1.3.6.1.4.1.99999.7.1"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = tuple[tuple[x509.ExtensionType, bool], ...]

TIME_STAMPING: Extensions = (
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True),
)


def usage(*names: str) -> x509.KeyUsage:
    """A key usage with these and no others."""
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in names for name in every.split()})


AUTHORITY: Extensions = (
    (x509.BasicConstraints(ca=True, path_length=None), True),
    (usage("key_cert_sign", "crl_sign"), True),
)


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


_keys: dict[str, Key] = {}


def key(name: str, kind: str = "p256") -> Key:
    """One key for each name, so that tests are quick."""
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "k1": ec.SECP256K1()}
    if name not in _keys:
        rsa_bits = {"rsa2048": 2048, "rsa1024": 1024}
        if kind in rsa_bits:
            _keys[name] = rsa.generate_private_key(65537, rsa_bits[kind])
        else:
            _keys[name] = ec.generate_private_key(curves[kind])
    return _keys[name]


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def holder(
    name: str,
    issuer: Holder | None,
    extensions: Extensions = TIME_STAMPING,
    *,
    kind: str = "p256",
    begin: datetime = BEGIN,
    end: datetime = END,
    serial: int | None = None,
    digest: hashes.HashAlgorithm | None = None,
) -> Holder:
    """A certificate below ``issuer``, or below itself."""
    own = key(name, kind)
    above = named(name) if issuer is None else issuer.certificate.subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(above)
        .public_key(own.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    for extension, critical in (*extensions, (x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False)):
        builder = builder.add_extension(extension, critical)
    return Holder(builder.sign(own if issuer is None else issuer.key, digest or hashes.SHA256()), own)


@dataclass
class Recipe:
    """How a token is made; each field may be wrong."""

    signer: Holder
    message: bytes = MESSAGE
    hashed: bytes | None = None
    """Instead of the hash of ``message``."""
    imprint: str = "sha256"
    digest: str = "sha256"
    gen_time: datetime | bytes = NOW
    policy: str = POLICY
    serial: int = 7
    accuracy: Mapping[str, int] | None = None
    ordering: bool = False
    nonce: int | None = 12345
    tsa: x509.Name | None = None
    certificates: tuple[bytes, ...] | None = None
    ess: tuple[int, ...] = (2,)
    ess_of: bytes | None = None
    ess_hash: str = "sha256"
    issuer_serial: bool = True
    by_key_id: bool = False
    content_type: str = "tst_info"
    signing_key: Key | None = None
    algorithm: str | None = None
    version: str = "v3"
    extensions: tuple[tuple[str, bool, bytes], ...] = ()
    unsigned: bytes | None = None
    edit_info: Callable[[bytes], bytes] = field(default=lambda data: data)
    """Changes the TSTInfo before it is signed."""
    edit_signed: Callable[[bytes], bytes] = field(default=lambda data: data)
    """Changes the signed attributes (a SET) before they are signed."""
    edit_sealed: Callable[[bytes], bytes] = field(default=lambda data: data)
    """Changes the TSTInfo after it was signed."""


def token(recipe: Recipe) -> bytes:
    """DER of a ``TimeStampToken``."""
    info = recipe.edit_info(_info(recipe))
    attributes = cms.CMSAttributes.load(recipe.edit_signed(_attributes(recipe, info).untag().dump()))
    signature = _sign(recipe, attributes.untag().dump())
    signer: dict[str, Any] = {
        "version": "v3" if recipe.by_key_id else "v1",
        "sid": _sid(recipe),
        "digest_algorithm": {"algorithm": recipe.digest},
        "signed_attrs": attributes,
        "signature_algorithm": {"algorithm": recipe.algorithm or _algorithm(recipe)},
        "signature": signature,
    }
    if recipe.unsigned is not None:
        signer["unsigned_attrs"] = [{"type": "1.2.3.4", "values": [core.OctetString(recipe.unsigned)]}]
    shown = (recipe.signer.der,) if recipe.certificates is None else recipe.certificates
    parts = (
        cms.CMSVersion(recipe.version).dump(),
        cms.DigestAlgorithms([{"algorithm": recipe.digest}]).dump(),
        tlv(0x30, cms.ContentType(recipe.content_type).dump() + tlv(0xA0, tlv(0x04, recipe.edit_sealed(info)))),
        tlv(0xA0, b"".join(shown)) if shown else b"",
        tlv(0x31, cms.SignerInfo(signer).dump()),
    )
    return tlv(0x30, cms.ContentType("signed_data").dump() + tlv(0xA0, tlv(0x30, b"".join(parts))))


def tlv(tag: int, body: bytes) -> bytes:
    """A value as DER."""
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def _info(recipe: Recipe) -> bytes:
    fields: dict[str, Any] = {
        "version": "v1",
        "policy": recipe.policy,
        "message_imprint": {
            "hash_algorithm": {"algorithm": recipe.imprint},
            "hashed_message": recipe.hashed or hashlib.new(recipe.imprint, recipe.message).digest(),
        },
        "serial_number": recipe.serial,
        "gen_time": recipe.gen_time if isinstance(recipe.gen_time, datetime) else NOW,
        "ordering": recipe.ordering,
    }
    if recipe.accuracy is not None:
        fields["accuracy"] = dict(recipe.accuracy)
    if recipe.nonce is not None:
        fields["nonce"] = recipe.nonce
    if recipe.tsa is not None:
        name = asn1_x509.Name.load(recipe.tsa.public_bytes())
        fields["tsa"] = asn1_x509.GeneralName(name="directory_name", value=name)
    if recipe.extensions:
        fields["extensions"] = [
            {"extn_id": kind, "critical": critical, "extn_value": value} for kind, critical, value in recipe.extensions
        ]
    found = tsp.TSTInfo(fields).dump()
    if isinstance(recipe.gen_time, bytes):
        found = replaced(found, core.GeneralizedTime(NOW).dump(), tlv(0x18, recipe.gen_time))
    return bytes(found)


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """``data``, a SEQUENCE or SET, with one part inside it changed and its length made right."""
    assert data.count(old) == 1
    return tlv(data[0], _contents(data).replace(old, new))


def _contents(data: bytes) -> bytes:
    first = data[1]
    return data[2:] if first < 0x80 else data[2 + (first & 0x7F) :]


def _attributes(recipe: Recipe, info: bytes) -> cms.CMSAttributes:
    found: list[dict[str, Any]] = [
        {"type": "content_type", "values": [recipe.content_type]},
        {"type": "message_digest", "values": [hashlib.new(recipe.digest, info).digest()]},
    ]
    of = recipe.ess_of or recipe.signer.der
    certificate = asn1_x509.Certificate.load(of)
    issuer_serial = {
        "issuer": [asn1_x509.GeneralName(name="directory_name", value=certificate.issuer)],
        "serial_number": certificate.serial_number,
    }
    more = {"issuer_serial": issuer_serial} if recipe.issuer_serial else {}
    if 1 in recipe.ess:
        one = {"cert_hash": hashlib.sha1(of).digest(), **more}
        found.append({"type": "signing_certificate", "values": [{"certs": [one]}]})
    if 2 in recipe.ess:
        two: dict[str, Any] = {"cert_hash": hashlib.new(recipe.ess_hash, of).digest(), **more}
        if recipe.ess_hash != "sha256":
            two["hash_algorithm"] = {"algorithm": recipe.ess_hash}
        found.append({"type": "signing_certificate_v2", "values": [{"certs": [two]}]})
    return cms.CMSAttributes(found)


def _sid(recipe: Recipe) -> cms.SignerIdentifier:
    certificate = asn1_x509.Certificate.load(recipe.signer.der)
    if recipe.by_key_id:
        return cms.SignerIdentifier(name="subject_key_identifier", value=certificate.key_identifier)
    both = {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
    return cms.SignerIdentifier(name="issuer_and_serial_number", value=cms.IssuerAndSerialNumber(both))


def _algorithm(recipe: Recipe) -> str:
    own = recipe.signing_key or recipe.signer.key
    return f"{recipe.digest}_{'rsa' if isinstance(own, rsa.RSAPrivateKey) else 'ecdsa'}"


def _sign(recipe: Recipe, data: bytes) -> bytes:
    used = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}
    own = recipe.signing_key or recipe.signer.key
    if isinstance(own, rsa.RSAPrivateKey):
        return own.sign(data, padding.PKCS1v15(), used[recipe.digest])
    return own.sign(data, ec.ECDSA(used[recipe.digest]))


def later(**span: float) -> datetime:
    return NOW + timedelta(**span)
