"""The form of a timestamp token: RFC 3161 §2.4.2 inside CMS (RFC 5652 §5), as DER. Nothing is verified here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from tallystick.errors import MalformedInput
from tallystick.timestamp import der
from tallystick.timestamp.der import Element, Fields

MAX_TOKEN_BYTES = 1 << 16
MAX_CERTIFICATES = 32

SHA256 = "2.16.840.1.101.3.4.2.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"

_MANY = 64
_GEN_TIME = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.([0-9]{0,5}[1-9]))?Z")


@dataclass(frozen=True, slots=True)
class Info:
    """What the authority signed (TSTInfo). gen_time, accuracy: microseconds. tsa: the GeneralName, as DER."""

    policy: str
    hash: str
    hashed: bytes
    serial: int
    gen_time: int
    accuracy: int | None
    ordering: bool
    nonce: int | None
    tsa: bytes | None


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
class Token:
    """A token that has its form. Algorithms are object identifiers.

    content: bytes of the TSTInfo. signed: the DER SET that the signature covers. issuer, serial: of the certificate
    that signed, as DER, or key_id: its subject key identifier. attributes: content of signed attributes by type.
    certificates: as DER, in the order of the token.
    """

    info: Info
    content: bytes
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
    certificates: tuple[bytes, ...]


def parse_token(data: bytes) -> Token:
    """Read a ``TimeStampToken``. Raises ``MalformedInput``."""
    if len(data) > MAX_TOKEN_BYTES:
        raise MalformedInput(f"the timestamp token has {len(data)} bytes, at most {MAX_TOKEN_BYTES} are read")
    outer = Fields(der.single(data, der.SEQUENCE, "timestamp token").content, "timestamp token")
    _expect(outer, SIGNED_DATA, "its content type", "CMS signed data")
    wrapped = outer.take(der.context(0), "the signed data")
    outer.end()
    fields = Fields(der.single(wrapped.content, der.SEQUENCE, "signed data").content, "signed data")
    if der.integer(fields.take(der.INTEGER, "version").content, "its version") != 3:
        raise MalformedInput("signed data of a timestamp token is of version 3")
    digests = [
        _digest_algorithm(one, "digest algorithms")
        for one in der.members(fields.take(der.SET, "digest algorithms").content, "digest algorithms", 8)
    ]
    content = _content(fields.take(der.SEQUENCE, "the content"))
    held = fields.maybe(der.context(0))
    certificates = [] if held is None else der.members(held.content, "certificates", MAX_CERTIFICATES)
    found = tuple(one.whole for one in certificates)
    fields.maybe(der.context(1))  # revocation lists: the trust file's publisher strikes a root instead
    signer = der.single(fields.take(der.SET, "signers").content, der.SEQUENCE, "exactly one signer")
    fields.end()
    token = _signer(Fields(signer.content, "signer"), content, found)
    if token.digest not in digests:
        raise MalformedInput("the signer's digest algorithm is not among those of the signed data")
    return token


def _expect(fields: Fields, wanted: str, name: str, what: str) -> None:
    if der.oid(fields.take(der.OID, name).content, name) != wanted:
        raise MalformedInput(f"{name} is not {what}")


def _digest_algorithm(element: Element, what: str) -> str:
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


def _content(element: Element) -> bytes:
    fields = Fields(element.content, "the content")
    _expect(fields, TST_INFO, "the type of the content", "a TSTInfo: this is no timestamp")
    wrapped = fields.take(der.context(0), "the TSTInfo")
    fields.end()
    return der.single(wrapped.content, der.OCTET_STRING, "the TSTInfo").content


def _signer(fields: Fields, content: bytes, certificates: tuple[bytes, ...]) -> Token:
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
    digest = _digest_algorithm(fields.take(der.SEQUENCE, "digest algorithm"), "the signer's digest algorithm")
    signed = fields.take(der.context(0), "signed attributes")
    algorithm, has_null = _algorithm(fields.take(der.SEQUENCE, "signature algorithm"), "the signature algorithm")
    signature = fields.take(der.OCTET_STRING, "signature").content
    fields.maybe(der.context(1))  # unsigned attributes say nothing that anybody answers for
    fields.end()
    attributes = _attributes(signed.content)
    return Token(
        info=_info(content),
        content=content,
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
        certificates=certificates,
    )


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
        found[kind] = values[0]
    return found


def _signer_ids(attributes: dict[str, Element]) -> tuple[CertificateId, ...]:
    """The first certificate that each of the two attributes names: the signer's (RFC 5035 §3 and §4)."""
    found = []
    for kind, default in ((SIGNING_CERTIFICATE, None), (SIGNING_CERTIFICATE_V2, SHA256)):
        if kind in attributes:
            if attributes[kind].tag != der.SEQUENCE:
                raise MalformedInput("the signing certificate is not named as RFC 5035 says")
            ids = Fields(attributes[kind].content, "signing certificate").take(der.SEQUENCE, "certificates")
            first = Fields(ids.content, "signing certificate").take(der.SEQUENCE, "the first one")
            found.append(_signer_id(Fields(first.content, "signing certificate"), default))
    if not found:
        raise MalformedInput("no signed attribute names the signing certificate (RFC 5035), so it is no timestamp")
    return tuple(found)


def _signer_id(fields: Fields, default: str | None) -> CertificateId:
    """``default``: the hash of version 2 where none is named; version 1 has no field for it."""
    named = fields.maybe(der.SEQUENCE) if default else None
    algorithm = _digest_algorithm(named, "the hash of the signing certificate") if named else default
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


def _info(content: bytes) -> Info:
    fields = Fields(der.single(content, der.SEQUENCE, "TSTInfo").content, "TSTInfo")
    if der.integer(fields.take(der.INTEGER, "version").content, "the version of the TSTInfo") != 1:
        raise MalformedInput("the TSTInfo is of a version that is not known")
    policy = der.oid(fields.take(der.OID, "policy").content, "the policy")
    imprint = Fields(fields.take(der.SEQUENCE, "message imprint").content, "message imprint")
    algorithm = _digest_algorithm(imprint.take(der.SEQUENCE, "hash algorithm"), "the hash of the message imprint")
    hashed = imprint.take(der.OCTET_STRING, "hashed message").content
    imprint.end()
    serial = der.integer(fields.take(der.INTEGER, "serial number").content, "the serial number")
    gen_time = _gen_time(fields.take(der.GENERALIZED_TIME, "genTime").content)
    accuracy = fields.maybe(der.SEQUENCE)
    ordering = fields.maybe(der.BOOLEAN)
    nonce = fields.maybe(der.INTEGER)
    tsa = fields.maybe(der.context(0))
    extensions = fields.maybe(der.context(1))
    fields.end()
    if extensions is not None:
        _check_extensions(extensions.content)
    return Info(
        policy=policy,
        hash=algorithm,
        hashed=hashed,
        serial=serial,
        gen_time=gen_time,
        accuracy=None if accuracy is None else _accuracy(accuracy.content),
        ordering=ordering is not None and der.truth(ordering.content, "ordering"),
        nonce=None if nonce is None else der.integer(nonce.content, "the nonce", 65),
        tsa=None if tsa is None else tsa.content,
    )


def _gen_time(content: bytes) -> int:
    """Microseconds since 1970. A second of 60 has no place on that line and is refused."""
    parts = _GEN_TIME.fullmatch(content)
    if parts is None:
        raise MalformedInput("genTime is not of the form YYYYMMDDhhmmss[.s…]Z with at most six digits, the last not 0")
    try:
        moment = datetime(*(int(part) for part in parts.groups()[:6]), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError as error:
        raise MalformedInput(f"genTime {content[:24].decode('ascii')} is no time: {error}") from None
    return int(moment.timestamp()) * 1_000_000 + int((parts[7] or b"").ljust(6, b"0"))


def _accuracy(content: bytes) -> int:
    """Microseconds."""
    fields = Fields(content, "accuracy")
    seconds, millis, micros = (fields.maybe(tag) for tag in (der.INTEGER, 0x80, 0x81))
    fields.end()
    total = 0
    for part, scale, most in ((seconds, 1_000_000, 1 << 31), (millis, 1000, 999), (micros, 1, 999)):
        if part is not None:
            value = der.integer(part.content, "a part of the accuracy", 5)
            # A zero second is seen from authorities that are exact to the millisecond.
            if not (0 if part is seconds else 1) <= value <= most:
                raise MalformedInput(f"a part of the accuracy is {value}, expected at most {most}")
            total += value * scale
    return total


def _check_extensions(content: bytes) -> None:
    """Raise ``MalformedInput`` for a critical one: it may say that the token means something else."""
    for one in der.members(content, "extensions of the TSTInfo", _MANY):
        fields = Fields(one.content, "an extension of the TSTInfo")
        kind = der.oid(fields.take(der.OID, "its type").content, "the type of an extension")
        if fields.maybe(der.BOOLEAN) is not None:
            raise MalformedInput(f"the TSTInfo has the critical extension {kind}, which is not known here")
        fields.take(der.OCTET_STRING, "its value")
        fields.end()
