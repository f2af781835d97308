"""One signer of CMS signed data (RFC 5652 §5.3) as timestamps and PAdES have it, as DER. Nothing is verified here."""

from __future__ import annotations

from dataclasses import fields as fields_of

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import der
from tallystick.timestamp.der import Element, Fields

MAX_CERTIFICATES = 32
SHA256 = "2.16.840.1.101.3.4.2.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

_MANY = 64
_AROUND = 8
"""Values around that of a signed attribute: from the whole (ContentInfo) to the SET in the attribute."""


@dataclass(frozen=True, slots=True)
class CertificateId:
    """Which certificate signed (ESSCertID, RFC 5035): a hash of it, and perhaps the DER of its issuer and serial.

    hash: object identifier, or None in the older attribute, which knows SHA-1 alone.
    """

    hash: str | None
    hashed: bytes
    issuer: bytes | None
    serial: bytes | None


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """A signer that has its form. Algorithms are object identifiers.

    signed: the DER SET that the signature covers. issuer, serial: of the certificate that signed, as DER, or key_id:
    its subject key identifier. attributes: content of signed attributes by type. unsigned: content of the others.
    """

    signed: bytes
    attributes: dict[str, Element]
    signer_ids: tuple[CertificateId, ...]
    issuer: bytes | None
    serial: bytes | None
    key_id: bytes | None
    digest: str
    algorithm: str
    algorithm_has_null: bool
    signature: bytes
    unsigned: bytes | None


SIGNER_FIELDS = tuple(one.name for one in fields_of(SignerInfo))


def parse_signer(fields: Fields) -> SignerInfo:
    """The fields of a SignerInfo. Raises ``MalformedInput``."""
    version = der.integer(fields.take(der.INTEGER, "version").content, "the signer's version")
    issuer = serial = key_id = None
    if version == 1:
        named = Fields(fields.take(der.SEQUENCE, "issuer and serial number").content, "issuer and serial number")
        issuer, serial = named.take(der.SEQUENCE, "issuer").whole, named.take(der.INTEGER, "serial number").whole
        named.end()
    elif version == 3:
        key_id = fields.take(der.context(0, constructed=False), "subject key identifier").content
    else:
        raise MalformedInput(f"a signer of version {version} is not known")
    digest = digest_algorithm(fields.take(der.SEQUENCE, "digest algorithm"), "the signer's digest algorithm")
    signed = fields.take(der.context(0), "signed attributes")
    algorithm, has_null = _algorithm(fields.take(der.SEQUENCE, "signature algorithm"), "the signature algorithm")
    signature = fields.take(der.OCTET_STRING, "signature").content
    unsigned = fields.maybe(der.context(1))
    fields.end()
    attributes = _attributes(signed.content)
    return SignerInfo(
        # RFC 5652 §5.4: the signature covers the attributes as a SET, not as [0].
        signed=bytes([der.SET]) + signed.whole[1:],
        attributes=attributes,
        signer_ids=_signer_ids(attributes),
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest=digest,
        algorithm=algorithm,
        algorithm_has_null=has_null,
        signature=signature,
        unsigned=None if unsigned is None else unsigned.content,
    )


def expect(fields: Fields, wanted: str, name: str, what: str) -> None:
    if der.oid(fields.take(der.OID, name).content, name) != wanted:
        raise MalformedInput(f"{name} is not {what}")


def digest_algorithm(element: Element, what: str) -> str:
    """The object identifier; parameters are absent or NULL (RFC 5754 §2)."""
    if element.tag != der.SEQUENCE:
        raise MalformedInput(f"{what} is not an algorithm")
    found, _ = _algorithm(element, what)
    return found


def _algorithm(element: Element, what: str) -> tuple[str, bool]:
    """(object identifier, whether parameters are there and NULL). Raises ``MalformedInput`` for other parameters."""
    fields = Fields(element.content, what)
    found = der.oid(fields.take(der.OID, "the algorithm").content, what)
    null = fields.maybe(der.NULL)
    fields.end()
    if null is not None and null.content:
        raise MalformedInput(f"{what}: a NULL is empty")
    return found, null is not None


def _attributes(content: bytes) -> dict[str, Element]:
    """The one value of each signed attribute by type; sorted as DER sorts a SET OF, each type once."""
    found: dict[str, Element] = {}
    before = b""
    for one in der.members(content, "signed attributes", _MANY):
        if one.tag != der.SEQUENCE or one.whole <= before:
            raise MalformedInput("the signed attributes are not in their one order (DER)")
        before = one.whole
        fields = Fields(one.content, "a signed attribute")
        kind = der.oid(fields.take(der.OID, "its type").content, "the type of a signed attribute")
        values = list(der.members(fields.take(der.SET, "its values").content, f"signed attribute {kind}", _MANY))
        fields.end()
        if kind in found or len(values) != 1:
            raise MalformedInput(f"the signed attribute {kind} has more than one value, or none")
        der.require_form(values[0], _AROUND, f"the signed attribute {kind}")
        found[kind] = values[0]
    return found


def _signer_ids(attributes: dict[str, Element]) -> tuple[CertificateId, ...]:
    """The first certificate that each of the two attributes names: the signer's (RFC 5035 §3 and §4)."""
    found = []
    for kind, default in ((SIGNING_CERTIFICATE, None), (SIGNING_CERTIFICATE_V2, SHA256)):
        if kind in attributes:
            if attributes[kind].tag != der.SEQUENCE:
                raise MalformedInput("the signing certificate is not named as RFC 5035 says")
            fields = Fields(attributes[kind].content, "signing certificate")
            ids = fields.take(der.SEQUENCE, "certificates")
            fields.maybe(der.SEQUENCE)  # policies
            fields.end()
            first = Fields(ids.content, "signing certificate").take(der.SEQUENCE, "the first one")
            found.append(_signer_id(Fields(first.content, "signing certificate"), default))
    if not found:
        raise MalformedInput("no signed attribute names the signing certificate (RFC 5035), so it is no timestamp")
    return tuple(found)


def _signer_id(fields: Fields, default: str | None) -> CertificateId:
    """``default``: the hash of version 2 where none is named; version 1 has no field for it."""
    named = fields.maybe(der.SEQUENCE) if default else None
    algorithm = digest_algorithm(named, "the hash of the signing certificate") if named else default
    hashed = fields.take(der.OCTET_STRING, "its hash").content
    issuer = serial = None
    more = fields.maybe(der.SEQUENCE)
    fields.end()
    if more is not None:
        inside = Fields(more.content, "issuer and serial number")
        names, serial = inside.take(der.SEQUENCE, "issuer"), inside.take(der.INTEGER, "serial number").whole
        inside.end()
        issuer = der.single(names.content, der.context(4), "the issuer's one name").content
    return CertificateId(algorithm, hashed, issuer, serial)
