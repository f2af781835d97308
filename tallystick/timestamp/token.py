"""The form of a timestamp token: RFC 3161 §2.4.2 inside CMS (RFC 5652 §5), as DER. Nothing is verified here."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass
from tallystick.timestamp import der
from tallystick.timestamp.cms import (
    MAX_CERTIFICATES,
    SIGNED_DATA,
    SIGNER_FIELDS,
    SignerInfo,
    digest_algorithm,
    expect,
    parse_signer,
)
from tallystick.timestamp.der import Element, Fields

MAX_TOKEN_BYTES = 1 << 16

TST_INFO = "1.2.840.113549.1.9.16.1.4"

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
class Token(SignerInfo):
    """A token that has its form: the one signer of a TSTInfo.

    content: bytes of the TSTInfo. certificates: as DER, in the order of the token.
    """

    info: Info
    content: bytes
    certificates: tuple[bytes, ...]


def parse_token(data: bytes) -> Token:
    """Read a ``TimeStampToken``. Raises ``MalformedInput``."""
    if len(data) > MAX_TOKEN_BYTES:
        raise MalformedInput(f"the timestamp token has {len(data)} bytes, at most {MAX_TOKEN_BYTES} are read")
    outer = Fields(der.single(data, der.SEQUENCE, "timestamp token").content, "timestamp token")
    expect(outer, SIGNED_DATA, "its content type", "CMS signed data")
    wrapped = outer.take(der.context(0), "the signed data")
    outer.end()
    fields = Fields(der.single(wrapped.content, der.SEQUENCE, "signed data").content, "signed data")
    if der.integer(fields.take(der.INTEGER, "version").content, "its version") != 3:
        raise MalformedInput("signed data of a timestamp token is of version 3")
    digests = [
        digest_algorithm(one, "digest algorithms")
        for one in der.members(fields.take(der.SET, "digest algorithms").content, "digest algorithms", 8)
    ]
    content = _content(fields.take(der.SEQUENCE, "the content"))
    held = fields.maybe(der.context(0))
    certificates = [] if held is None else der.members(held.content, "certificates", MAX_CERTIFICATES)
    found = tuple(one.whole for one in certificates)
    fields.maybe(der.context(1))  # revocation lists: the trust file's publisher strikes a root instead
    signer = der.single(fields.take(der.SET, "signers").content, der.SEQUENCE, "exactly one signer")
    fields.end()
    one = parse_signer(Fields(signer.content, "signer"))
    if digests != [one.digest]:
        raise MalformedInput("the digest algorithms of the signed data are not the signer's alone")
    # What is unsigned says nothing that anybody answers for.
    return Token(
        **{name: getattr(one, name) for name in SIGNER_FIELDS}, info=_info(content), content=content, certificates=found
    )


def _content(element: Element) -> bytes:
    fields = Fields(element.content, "the content")
    expect(fields, TST_INFO, "the type of the content", "a TSTInfo: this is no timestamp")
    wrapped = fields.take(der.context(0), "the TSTInfo")
    fields.end()
    return der.single(wrapped.content, der.OCTET_STRING, "the TSTInfo").content


def _info(content: bytes) -> Info:
    fields = Fields(der.single(content, der.SEQUENCE, "TSTInfo").content, "TSTInfo")
    if der.integer(fields.take(der.INTEGER, "version").content, "the version of the TSTInfo") != 1:
        raise MalformedInput("the TSTInfo is of a version that is not known")
    policy = der.oid(fields.take(der.OID, "policy").content, "the policy")
    imprint = Fields(fields.take(der.SEQUENCE, "message imprint").content, "message imprint")
    algorithm = digest_algorithm(imprint.take(der.SEQUENCE, "hash algorithm"), "the hash of the message imprint")
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
    """Raise ``MalformedInput`` for none, and for a critical one: it may say that the token means something else."""
    if not content:
        raise MalformedInput("the TSTInfo has extensions, and none among them (RFC 5280 §4.1)")
    for one in der.members(content, "extensions of the TSTInfo", _MANY):
        fields = Fields(one.content, "an extension of the TSTInfo")
        kind = der.oid(fields.take(der.OID, "its type").content, "the type of an extension")
        if fields.maybe(der.BOOLEAN) is not None:
            raise MalformedInput(f"the TSTInfo has the critical extension {kind}, which is not known here")
        fields.take(der.OCTET_STRING, "its value")
        fields.end()
