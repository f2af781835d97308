"""The verdict on a document of a registrar: PAdES (ETSI EN 319 142-1), offline, by a strict reader of our own.

Judged is what our service writes and nothing wider: one signature over the whole first revision but its own bytes;
after it security stores and document timestamps alone. A file that others would accept may be refused here; what is
accepted here shows what was signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tallystick.brought import Brought
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.pdf.chain import document_faults
from tallystick.pdf.changes import Document, extend, signed_document
from tallystick.pdf.refusal import DocumentRefused
from tallystick.pdf.revisions import Object, Revision, parse_revisions
from tallystick.pdf.values import Name, Number, Ref, dictionaries
from tallystick.revocation import MAX_ENCLOSED, Revocation, Words, enclosed, unanswered
from tallystick.timestamp import Authority, RevokedAuthority, TimestampFact, UnknownAuthority, der, verify_token
from tallystick.timestamp.chain import PathSearch, Root, load, name_of
from tallystick.timestamp.cms import (
    CONTENT_TYPE,
    MAX_CERTIFICATES,
    MESSAGE_DIGEST,
    SIGNED_DATA,
    SIGNING_CERTIFICATE_V2,
    SignerInfo,
    digest_algorithm,
    expect,
    parse_signer,
)
from tallystick.timestamp.der import Fields
from tallystick.timestamp.verification import check_attributes, check_signature, find_signer

_DATA = "1.2.840.113549.1.7.1"
_SIGNED = {CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE_V2}
_SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
_HEX = re.compile(rb"<[0-9A-Fa-f]+>")
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """A timestamp in the document. ``fact``: None where the reader's trust file does not know its authority."""

    over: str
    """``signature`` or ``document``."""
    fact: TimestampFact | None
    revoked: str | None = None
    """Why it counts no more although its authority is known."""


@dataclass(frozen=True, slots=True)
class PadesVerdict:
    """What holds: who signed, the path (SHA-256 of each certificate), by what time, and under which timestamps.

    judged_at: the instant at which the signer's certificate was judged: that of the signature timestamp where the
    reader knows its authority, else the instant of the examination. attachment: the machine-readable part.
    """

    signer: str
    chain: tuple[str, ...]
    judged_at: datetime
    stamps: tuple[Stamp, ...]
    attachment: bytes
    revocation: tuple[Revocation, ...]
    """What issuers on the path of its signer said of revocation, as far as the security store holds it."""
    problems: tuple[str, ...]


def judge_document(
    data: bytes,
    roots: Sequence[bytes],
    authorities: Sequence[Authority],
    at: datetime,
    attachment: str,
    existed: datetime | None = None,
    beside: Words | None = None,
) -> PadesVerdict:
    """Judge a document as of ``at`` under root certificates for documents (DER) and timestamp authorities.

    ``attachment``: name of the file that must be in it. ``existed``: an instant by which, as others show, the document
    was there. ``beside``: what stands beside the document of revocation; it alone is asked of those who stamped. The
    signer is judged at the earliest instant that is known. Raises ``MalformedInput`` for a file that is not read here,
    ``DocumentRefused`` with a code for one in which something does not hold.
    """
    first, *later = parse_revisions(data)
    document = signed_document(first)
    if len(document.fields) != 1:
        raise DocumentRefused("pdf.signature", f"the document has {len(document.fields)} signatures, not one")
    contents, signed = _covered(data, first, document, document.fields[0], Name(b"ETSI.CAdES.detached"))
    one, certificates = _parse_cms(contents)
    path_of = _signer(one, certificates, signed)
    stamps: list[Stamp] = []
    times: list[TimestampFact] = []
    token = _signature_token(one)
    if token is not None:
        stamps.append(_stamped("signature", token, one.signature, authorities, at, beside))
        times += [one.fact for one in stamps if one.fact is not None]
    held = _attachment(document, attachment)
    for revision in later:
        before = len(document.fields)
        document = extend(document, revision)
        if len(document.fields) > before:
            contents, whole = _covered(data, revision, document, document.fields[-1], Name(b"ETSI.RFC3161"))
            stamps.append(_stamped("document", _padded(contents), b"".join(whole), authorities, at, beside))
    known = [datetime.fromtimestamp(one.not_after, UTC) for one in times] + ([existed] if existed else [])
    when = min(known, default=at)
    return _verdict(path_of, certificates, roots, when, document, stamps, held, beside)


def _verdict(
    leaf: x509.Certificate,
    certificates: Sequence[bytes],
    roots: Sequence[bytes],
    when: datetime,
    document: Document,
    stamps: Sequence[Stamp],
    held: bytes,
    beside: Words | None,
) -> PadesVerdict:
    search = PathSearch([Root(0, load(one)) for one in roots], certificates, document_faults)
    try:
        path, _ = search.find(leaf, when)
    except VerificationFailed as error:
        raise DocumentRefused("pdf.signer", str(error)) from None
    said = enclosed(path, when, _streams(document, b"CRLs"), _streams(document, b"OCSPs"), beside)
    if (revoked := said.revoked(when)) is not None and revoked.revoked is not None:
        detail = f"the certificate of {revoked.of} was revoked at {revoked.revoked.isoformat()}, says {revoked.by}"
        raise DocumentRefused("pdf.revoked", detail)
    silent = f"nothing that is enclosed says whether its signer's certificate was revoked by {when.isoformat()}"
    problems = [silent] if said.silent else []
    problems += [problem for one in stamps for problem in _problems(one)]
    chain = tuple(one.fingerprint(hashes.SHA256()).hex() for one in path)
    return PadesVerdict(name_of(leaf), chain, when, tuple(stamps), held, said.said, tuple(problems))


def _problems(stamp: Stamp) -> Iterator[str]:
    if stamp.revoked is not None:
        yield f"its timestamp over the {stamp.over} counts no more: {stamp.revoked}"
    elif stamp.fact is None:
        yield f"its timestamp over the {stamp.over} is by an authority that the trust file does not name"
    else:
        made = datetime.fromtimestamp(stamp.fact.gen_time // _MICROS, UTC)
        yield from (unanswered(name, places, made) for name, places in stamp.fact.unanswered)


def _covered(
    data: bytes, revision: Revision, document: Document, number: int, form: Name
) -> tuple[bytes, tuple[bytes, bytes]]:
    """Contents of a signature, and the two parts of the file that it covers: its revision and all before but itself."""
    field = document.dictionary(Ref(number), "a field")
    value = field.get(b"V")
    if field.get(b"FT") != Name(b"Sig") or not isinstance(value, Ref) or value.number not in revision.objects:
        raise DocumentRefused("pdf.signature", "a signature does not stand in the revision that it signs")
    holder: Object = revision.objects[value.number]
    found = document.dictionary(value, "a signature")
    span, contents = found.get(b"ByteRange"), found.get(b"Contents")
    if found.get(b"SubFilter") != form or not isinstance(contents, bytes) or not isinstance(span, tuple):
        raise DocumentRefused("pdf.signature", f"a signature is not of the form {form.text.decode('ascii')}")
    numbers = [int(one.text) for one in span if isinstance(one, Number) and one.text.isdigit()]
    if len(numbers) != 4 or span != tuple(Number(b"%d" % one) for one in numbers):
        raise DocumentRefused("pdf.range", "a signature does not say which bytes it covers")
    zero, end, start, length = numbers
    hole = data[end:start]
    if zero != 0 or start + length != revision.end or not holder.start < end < start < holder.end:
        raise DocumentRefused("pdf.range", "a signature does not cover its revision from the first byte to the last")
    if not _HEX.fullmatch(hole) or data[end - 10 : end] != b"/Contents " or _unhex(hole) != contents:
        raise DocumentRefused("pdf.range", "what a signature leaves out is not its own value alone")
    return contents, (data[:end], data[start : start + length])


def _unhex(hole: bytes) -> bytes:
    return bytes.fromhex(hole[1:-1].decode("ascii")) if len(hole) % 2 == 0 else b""


def _padded(contents: bytes) -> bytes:
    """The one DER value in the place that was held free for it; the rest is zeros."""
    first = Fields(contents, "a signature").next().whole
    if contents[len(first) :].strip(b"\0"):
        raise MalformedInput("after a signature in the PDF stands something else than zeros")
    return first


def _parse_cms(contents: bytes) -> tuple[SignerInfo, tuple[bytes, ...]]:
    """The one signer of detached CMS data, and the certificates that it brings."""
    what = "the signature of the PDF"
    outer = Fields(der.single(_padded(contents), der.SEQUENCE, what).content, what)
    expect(outer, SIGNED_DATA, "its content type", "CMS signed data")
    wrapped = outer.take(der.context(0), "the signed data")
    outer.end()
    fields = Fields(der.single(wrapped.content, der.SEQUENCE, what).content, what)
    if der.integer(fields.take(der.INTEGER, "version").content, "its version") != 1:
        raise MalformedInput("signed data of a PDF signature is of version 1")
    digests = [
        digest_algorithm(one, "digest algorithms")
        for one in der.members(fields.take(der.SET, "digest algorithms").content, "digest algorithms", 8)
    ]
    content = Fields(fields.take(der.SEQUENCE, "the content").content, what)
    expect(content, _DATA, "the type of the content", "plain data")
    content.end()
    held = fields.maybe(der.context(0))
    certificates = [] if held is None else der.members(held.content, "certificates", MAX_CERTIFICATES)
    found = tuple(one.whole for one in certificates)
    signer = der.single(fields.take(der.SET, "signers").content, der.SEQUENCE, "exactly one signer")
    fields.end()
    one = parse_signer(Fields(signer.content, "signer"))
    if digests != [one.digest]:
        raise MalformedInput("the digest algorithms of the signed data are not the signer's alone")
    if one.issuer is None or set(one.attributes) != _SIGNED:
        raise DocumentRefused("pdf.signature", "the signature names its signer, or signs attributes, in another way")
    return one, found


def _signer(one: SignerInfo, certificates: Sequence[bytes], signed: tuple[bytes, bytes]) -> x509.Certificate:
    """The certificate by which the signature holds over exactly these bytes."""
    try:
        found = find_signer(one, certificates)
        check_attributes(one, _DATA, *signed)
        check_signature(one, found)
    except VerificationFailed as error:
        raise DocumentRefused("pdf.signature", str(error)) from None
    return found


def _signature_token(one: SignerInfo) -> bytes | None:
    """The signature timestamp among the unsigned attributes; nothing else is taken there."""
    if one.unsigned is None:
        return None
    tokens = []
    for attribute in der.members(one.unsigned, "unsigned attributes", 8):
        fields = Fields(attribute.content, "an unsigned attribute")
        expect(fields, _SIGNATURE_TIMESTAMP, "the type of an unsigned attribute", "a signature timestamp")
        tokens.append(der.single(fields.take(der.SET, "its values").content, der.SEQUENCE, "one timestamp").whole)
        fields.end()
    if len(tokens) != 1:  # a set without members is none (RFC 5652 5.3)
        raise MalformedInput("the unsigned attributes of the PDF's signature are not one timestamp")
    return tokens[0]


def _stamped(
    over: str, token: bytes, message: bytes, authorities: Sequence[Authority], at: datetime, beside: Words | None
) -> Stamp:
    """What a timestamp says, no fact if the reader does not know its authority. Raises ``DocumentRefused``."""
    try:
        fact = verify_token(token, message, authorities, beside)
    except RevokedAuthority as error:
        return Stamp(over, None, str(error))
    except UnknownAuthority:
        return Stamp(over, None)
    except VerificationFailed as error:
        raise DocumentRefused("pdf.timestamp", str(error)) from None
    if fact.not_before > at.timestamp():
        raise DocumentRefused("time.future", "a timestamp of the document lies after the time of this examination")
    return Stamp(over, fact)


def _attachment(document: Document, wanted: str) -> bytes:
    """The file of that name that is attached to the document, the only one."""
    names = document.dictionary(document.catalog.get(b"Names"), "the names")
    files = document.dictionary(names.get(b"EmbeddedFiles"), "the attachments")
    listed = document.follow(files.get(b"Names"))
    bare = set(names) == {b"EmbeddedFiles"} and set(files) <= {b"Names", b"Limits"}
    if not bare or not isinstance(listed, tuple) or len(listed) != 2:
        raise DocumentRefused("pdf.attachment", "the document does not have exactly one attachment")
    if listed[0] != wanted.encode():
        raise DocumentRefused("pdf.attachment", f"the document's attachment is not {wanted}")
    places = document.dictionary(document.dictionary(listed[1], "an attachment").get(b"EF"), "its places")
    place = places.get(b"F")
    every = (one for held in document.objects.values() for one in dictionaries(held.value))
    if any(one != place for one in places.values()) or sum(b"EF" in one for one in every) != 1:
        raise DocumentRefused("pdf.attachment", "the document embeds a file in several ways")
    held = document.objects.get(place.number) if isinstance(place, Ref) else None
    if held is None or held.stream is None or not isinstance(held.value, dict) or b"Filter" in held.value:
        raise DocumentRefused("pdf.attachment", "the attachment is not there as it is")
    return held.stream


def brought_by_document(data: bytes) -> Brought:
    """What the signatures and timestamps of a document bring, unjudged; of one that cannot be read, nothing."""
    certificates: list[bytes] = []
    tokens: list[bytes] = []
    try:
        first, *later = parse_revisions(data)
        document = signed_document(first)
        for revision in later:
            document = extend(document, revision)
        for field in document.fields:
            found = document.dictionary(document.dictionary(Ref(field), "a field").get(b"V"), "a signature")
            contents = found.get(b"Contents")
            if isinstance(contents, bytes) and found.get(b"SubFilter") == Name(b"ETSI.RFC3161"):
                tokens.append(_padded(contents))
            elif isinstance(contents, bytes):
                one, shown = _parse_cms(contents)
                certificates += shown
                tokens += [token for token in (_signature_token(one),) if token is not None]
        lists, answers = _streams(document, b"CRLs"), _streams(document, b"OCSPs")
    except (MalformedInput, VerificationFailed):
        return Brought()
    return Brought(tuple(certificates), tuple(tokens), tuple(lists), tuple(answers))


def _streams(document: Document, kind: bytes) -> list[bytes]:
    """What the security store holds of a kind."""
    held = b"DSS" in document.catalog
    listed = document.dictionary(document.catalog[b"DSS"], "the security store").get(kind, ()) if held else ()
    if not isinstance(listed, tuple):
        raise MalformedInput(f"the {kind.decode('ascii')} of the security store are no list")
    numbers = dict.fromkeys(one.number for one in listed if isinstance(one, Ref))
    found = (document.objects.get(number) for number in numbers)
    streams = [one.stream for one in found if one is not None and one.stream is not None]
    if len(streams) > MAX_ENCLOSED:
        raise MalformedInput(f"the security store holds more than {MAX_ENCLOSED} of {kind.decode('ascii')}")
    return streams
