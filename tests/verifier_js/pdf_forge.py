"""Certificates as PDF made by hand, with every part open to be wrong: objects, ranges, CMS, stamps. No code of ours.

Written from docs/evidence/credentials.md section 5, as both verifiers must read it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import cms
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.core.timestamp import forge
from tests.core.timestamp.forge import AUTHORITY, Extensions, Holder, holder, tlv, usage

DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
SIGNED = datetime(2026, 1, 15, 12, tzinfo=UTC)
Objects = dict[int, bytes]


def for_documents(*purposes: str, uses: tuple[str, ...] = ("digital_signature",)) -> Extensions:
    """Of a signer: these purposes, or documents alone."""
    found = [x509.ObjectIdentifier(one) for one in purposes] or [DOCUMENTS]
    return ((x509.BasicConstraints(False, None), True), (usage(*uses), True), (x509.ExtendedKeyUsage(found), False))


ROOT = holder("documents root", None, AUTHORITY)
REGISTRAR = holder("documents signer", ROOT, for_documents())
CLOCK_ROOT = holder("clock root", None, AUTHORITY)
CLOCK = holder("clock", CLOCK_ROOT)

SMALL: Objects = {
    1: b"<</Type /Catalog /Pages 2 0 R /AcroForm 5 0 R /Names <</EmbeddedFiles <</Names [(%s) 9 0 R]>>>>>>"
    % b"tallystick-certificate.json",
    2: b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
    3: b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [6 0 R]>>",
    4: b"<</Length 3>>\nstream\nq Q\nendstream",
    5: b"<</Fields [6 0 R] /SigFlags 3>>",
    6: b"<</FT /Sig /T (Registrar) /Type /Annot /Subtype /Widget /F 132 /Rect [0 0 0 0] /P 3 0 R /V 7 0 R>>",
    8: b"<</Producer (forge) /ModDate (D:20260115)>>",
    9: b"<</Type /Filespec /F (tallystick-certificate.json) /UF (tallystick-certificate.json) /EF <</F 10 0 R>>>>",
}
ROOM = 8192


def unchanged(data: Any) -> Any:
    return data


@dataclass(frozen=True)
class Recipe:
    """How a document is made; each part may be wrong. Edits run before anything is signed."""

    payload: bytes = b'{"v":2}'
    signer: Holder = REGISTRAR
    shown: tuple[bytes, ...] | None = None
    """Certificates in the signature: his and no other."""
    objects: Mapping[int, bytes] = field(default_factory=dict)
    """Instead of those of ``SMALL``, or beside them; of number 0: left out."""
    without: tuple[int, ...] = ()
    trailer: bytes = b""
    info: int = 8
    """The object that the trailer names as the notes on the file."""
    subfilter: bytes = b"ETSI.CAdES.detached"
    also: bytes = b""
    """In the dictionary of the signature."""
    ranges: Callable[[int, int, int], tuple[int, ...]] = lambda start, end, last: (0, start, end, last - end)
    digest: str = "sha256"
    edit_attributes: Callable[[list[dict[str, Any]]], list[dict[str, Any]]] = unchanged
    edit_signed: Callable[[bytes], bytes] = unchanged
    """The signed attributes (a SET) before they are signed."""
    edit_signer: Callable[[dict[str, Any]], dict[str, Any]] = unchanged
    edit_parts: Callable[[list[bytes]], list[bytes]] = unchanged
    """Parts of the SignedData: version, digests, content, certificates, signers."""
    edit_contents: Callable[[bytes], bytes] = unchanged
    stamp: forge.Recipe | None = field(default_factory=lambda: forge.Recipe(CLOCK, gen_time=SIGNED))
    """The signature timestamp; its message is put in."""
    stamped: bytes | None = None
    """What the signature timestamp is over, instead of the signature."""


def objects_of(recipe: Recipe) -> Objects:
    body = b"<</Type /EmbeddedFile /Length %d>>\nstream\n%s\nendstream" % (len(recipe.payload), recipe.payload)
    value = b"<</Type /Sig /Filter /Adobe.PPKLite /SubFilter /%s /ByteRange [%s] /Contents <%s>%s>>" % (
        recipe.subfilter,
        b" " * 60,
        b"0" * ROOM,
        recipe.also,
    )
    found = {**SMALL, 10: body, 7: value, **recipe.objects}
    return {number: one for number, one in found.items() if number not in recipe.without}


def revision(before: bytes, objects: Objects, trailer: bytes) -> bytes:
    """``before`` with objects, table and trailer behind it."""
    out, offsets = bytearray(before), {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, offset in offsets.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, offset)
    out += b"trailer\n<<%s>>\nstartxref\n%d\n%%%%EOF\n" % (trailer, table)
    return bytes(out)


def document(recipe: Recipe) -> bytes:
    objects = objects_of(recipe)
    trailer = b"/Root 1 0 R /Info %d 0 R /Size %d%s" % (recipe.info, max(objects) + 1, recipe.trailer)
    unsigned = revision(b"%PDF-2.0\n%\xe2\xe3\xcf\xd3\n", objects, trailer)
    return sealed(unsigned, 0, recipe.ranges, lambda message: recipe.edit_contents(signature(recipe, message)))


def sealed(
    unsigned: bytes, after: int, ranges: Callable[[int, int, int], tuple[int, ...]], make: Callable[[bytes], bytes]
) -> bytes:
    """The first empty signature behind ``after``, with its ranges and its value put in."""
    start = unsigned.index(b"/Contents <", after) + len(b"/Contents ")
    end = start + ROOM + 2
    spans = ranges(start, end, len(unsigned))
    at = unsigned.index(b"/ByteRange [", after) + len(b"/ByteRange [")
    data = unsigned[:at] + b" ".join(b"%d" % one for one in spans).ljust(60) + unsigned[at + 60 :]
    covered = b"".join(data[spans[one] : spans[one] + spans[one + 1]] for one in range(0, len(spans) - 1, 2))
    value = make(covered).hex().encode().ljust(ROOM, b"0")
    return data[: start + 1] + value + data[end - 1 :]


def signature(recipe: Recipe, message: bytes) -> bytes:
    """DER of the CMS signed data."""
    listed = recipe.edit_attributes(attributes(recipe, message))
    signed = cms.CMSAttributes.load(recipe.edit_signed(cms.CMSAttributes(listed).untag().dump()))
    certificate = asn1_x509.Certificate.load(recipe.signer.der)
    raw = sign(recipe.signer, recipe.digest, signed.untag().dump())
    signer: dict[str, Any] = {
        "version": "v1",
        "sid": {"issuer_and_serial_number": {"issuer": certificate.issuer, "serial_number": certificate.serial_number}},
        "digest_algorithm": {"algorithm": recipe.digest},
        "signed_attrs": signed,
        "signature_algorithm": {"algorithm": algorithm(recipe.signer, recipe.digest)},
        "signature": raw,
    }
    if recipe.stamp is not None:
        token = forge.token(replace(recipe.stamp, message=raw if recipe.stamped is None else recipe.stamped))
        # As bytes: asn1crypto reads what is in a value that is put together, and some of it is no DER on purpose.
        kind = cms.CMSAttributeType("signature_time_stamp_token").dump()
        signer["unsigned_attrs"] = [cms.CMSAttribute.load(tlv(0x30, kind + tlv(0x31, token)))]
    shown = (recipe.signer.der,) if recipe.shown is None else recipe.shown
    parts = [
        cms.CMSVersion("v1").dump(),
        cms.DigestAlgorithms([{"algorithm": recipe.digest}]).dump(),
        tlv(0x30, cms.ContentType("data").dump()),
        tlv(0xA0, b"".join(shown)) if shown else b"",
        tlv(0x31, cms.SignerInfo(recipe.edit_signer(signer)).dump()),
    ]
    body = tlv(0x30, b"".join(recipe.edit_parts(parts)))
    return tlv(0x30, cms.ContentType("signed_data").dump() + tlv(0xA0, body))


def attributes(recipe: Recipe, message: bytes) -> list[dict[str, Any]]:
    named = {"cert_hash": hashlib.sha256(recipe.signer.der).digest()}
    return [
        {"type": "content_type", "values": ["data"]},
        {"type": "message_digest", "values": [hashlib.new(recipe.digest, message).digest()]},
        {"type": "signing_certificate_v2", "values": [{"certs": [named]}]},
    ]


def algorithm(signer: Holder, digest: str) -> str:
    return f"{digest}_ecdsa" if isinstance(signer.key, ec.EllipticCurvePrivateKey) else f"{digest}_rsa"


def sign(signer: Holder, digest: str, data: bytes) -> bytes:
    chosen: hashes.HashAlgorithm = getattr(hashes, digest.upper())()
    if isinstance(signer.key, rsa.RSAPrivateKey):
        return signer.key.sign(data, padding.PKCS1v15(), chosen)
    return signer.key.sign(data, ec.ECDSA(chosen))


# --- what comes behind ----------------------------------------------------------------------------------


def updated(data: bytes, objects: Objects, trailer: bytes = b"", info: int = 8) -> bytes:
    """One more revision."""
    (before,) = re.findall(rb"startxref\n(\d+)\n%%EOF\n$", data)
    size = max(*(int(one) for one in re.findall(rb"/Size (\d+)", data)), *(one + 1 for one in objects))
    return revision(data, objects, b"/Root 1 0 R /Info %d 0 R /Size %d /Prev %s%s" % (info, size, before, trailer))


def stamped(
    data: bytes,
    more: Mapping[int, bytes] | None = None,
    stamp: forge.Recipe | None = None,
    ranges: Callable[[int, int, int], tuple[int, ...]] = lambda start, end, last: (0, start, end, last - end),
    message: bytes | None = None,
) -> bytes:
    """One more revision with a document timestamp, as objects 20 and 21."""
    value = b"<</Type /DocTimeStamp /SubFilter /ETSI.RFC3161 /ByteRange [%s] /Contents <%s>>>" % (
        b" " * 60,
        b"0" * ROOM,
    )
    added = {
        3: SMALL[3].replace(b"[6 0 R]", b"[6 0 R 20 0 R]"),
        5: SMALL[5].replace(b"[6 0 R]", b"[6 0 R 20 0 R]"),
        20: SMALL[6].replace(b"(Registrar)", b"(Clock)").replace(b"7 0 R", b"21 0 R"),
        21: value,
        **(more or {}),
    }
    recipe = stamp or forge.Recipe(CLOCK, gen_time=SIGNED + timedelta(minutes=1))

    def token(covered: bytes) -> bytes:
        return forge.token(replace(recipe, message=covered if message is None else message))

    return sealed(updated(data, added), len(data), ranges, token)


def revocations(
    issuer: Holder,
    since: Mapping[int, datetime],
    key: Holder | None = None,
    at: datetime = SIGNED,
    entry: Sequence[tuple[x509.ExtensionType, bool]] = (),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
    digest: hashes.HashAlgorithm = hashes.SHA256(),  # noqa: B008
) -> bytes:
    """A revocation list of ``issuer``, signed by his key or by another."""
    made = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
    made = made.last_update(at).next_update(at + timedelta(days=30))
    for serial, when in since.items():
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
        for extension in entry:
            one = one.add_extension(*extension)
        made = made.add_revoked_certificate(one.build())
    for extension in extensions:
        made = made.add_extension(*extension)
    return made.sign((key or issuer).key, digest).public_bytes(Encoding.DER)


def with_lists(data: bytes, *lists: bytes, head: bytes = b"") -> bytes:
    """One more revision with a security store of these revocation lists, from object 31 on."""
    return with_store(data, {"CRLs": lists}, head)


def with_answers(data: bytes, *answers: bytes) -> bytes:
    """The same with answers about certificates."""
    return with_store(data, {"OCSPs": answers})


def with_store(data: bytes, held: Mapping[str, Sequence[bytes]], head: bytes = b"") -> bytes:
    """One more revision with a security store of these, by kind."""
    catalog = SMALL[1].removesuffix(b">>") + b" /DSS 30 0 R>>"
    streams: Objects = {}
    store = b""
    for kind, items in held.items():
        first = 31 + len(streams)
        for at, one in enumerate(items):
            streams[first + at] = b"<<%s/Length %d>>\nstream\n%s\nendstream" % (head, len(one), one)
        named = b" ".join(b"%d 0 R" % (first + at) for at in range(len(items)))
        store += b" /%s [%s]" % (kind.encode(), named)
    return updated(data, {1: catalog, 30: b"<</Type /DSS%s>>" % store, **streams})
