"""What a certificate file carries: the assertion ``org.tallystick.certificate`` (1), or the attachment of a PDF (2).

The ``certificate.issue`` entry itself with its inclusion proof, and its plain words
again for a reader; ``check_certificate`` holds the words against the entry.
"""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick import canonical
from tallystick.base64s import from_base64
from tallystick.canonical import JsonValue
from tallystick.checkpoint import Checkpoint
from tallystick.commitments import MAX_DISCLOSURE_BYTES, open_commitments, parse_disclosure
from tallystick.errors import VerificationFailed
from tallystick.events.certificate import CertificateIssue
from tallystick.events.log import ORIGIN
from tallystick.identifiers import Letter
from tallystick.licence.credential import HASH, NOTE, PROOF
from tallystick.merkle import verify_inclusion
from tallystick.schema import COUNT, base64_bytes, identifier, items, read, record, text
from tallystick.statement import MAX_ENTRY_BYTES, Statement
from tallystick.tree_head import CheckpointKeys, verify_tree_head
from tallystick.versions import check_version

ATTACHMENT = "tallystick-certificate.json"
"""Name of the attachment."""
MAX_ATTACHMENT = 1 << 22


@record
class CertificatePayload:
    """``position``: leaf index of the entry; ``checkpoint``: the signed note under which ``proof`` places it."""

    v: Literal[1]
    certificate: Annotated[str, identifier(Letter.CERTIFICATE)]
    object: Annotated[str, identifier(Letter.OBJECT)]
    number: Annotated[str, text(80)]
    log: Annotated[str, ORIGIN]
    position: Annotated[int, COUNT]
    entry: Annotated[str, base64_bytes(MAX_ENTRY_BYTES)]
    checkpoint: Annotated[str, NOTE]
    proof: Annotated[tuple[Annotated[str, HASH], ...], PROOF]


@record
class CertificateDocument:
    """The attachment of a PDF, version 2: as ``CertificatePayload``, with disclosures of the entry's private values."""

    v: Literal[2]
    certificate: Annotated[str, identifier(Letter.CERTIFICATE)]
    object: Annotated[str, identifier(Letter.OBJECT)]
    number: Annotated[str, text(80)]
    log: Annotated[str, ORIGIN]
    position: Annotated[int, COUNT]
    entry: Annotated[str, base64_bytes(MAX_ENTRY_BYTES)]
    checkpoint: Annotated[str, NOTE]
    proof: Annotated[tuple[Annotated[str, HASH], ...], PROOF]
    disclosures: Annotated[tuple[Annotated[str, text(MAX_DISCLOSURE_BYTES)], ...], items(32)]


def decode_payload(value: JsonValue) -> CertificatePayload:
    """Read the assertion's JSON value. Raises ``MalformedInput`` naming the field."""
    check_version(value, "certificate", 1)
    return read(CertificatePayload, value, "certificate")


def decode_document(data: bytes) -> CertificateDocument:
    """Read the attachment of a PDF. Raises ``MalformedInput``; for a later version ``UnknownVersion``."""
    value = canonical.decode(data, MAX_ATTACHMENT)
    check_version(value, "certificate", 2)
    return read(CertificateDocument, value, "certificate")


def check_certificate(
    payload: CertificatePayload | CertificateDocument, position: int, statement: Statement, keys: CheckpointKeys
) -> None:
    """Raise ``VerificationFailed`` unless the file says, and proves, what the log's entry at ``position`` says."""
    if (payload.position, from_base64(payload.entry)) != (position, statement.entry):
        raise VerificationFailed(f"the file shows another certificate.issue entry than the log's at {position}")
    prove_certificate(payload, statement, keys)


def prove_certificate(
    payload: CertificatePayload | CertificateDocument, statement: Statement, keys: CheckpointKeys
) -> Checkpoint:
    """What the file says is what its own entry says, which stands in the log at the checkpoint that is given back.

    Raises ``VerificationFailed``. Who signed the entry, and whether the log admitted it rightly, is not judged here.
    """
    event = statement.event
    if event.type != "certificate.issue":
        raise VerificationFailed(f"the file shows an entry of type {event.type}")
    body: CertificateIssue = event.body
    said = (payload.certificate, payload.object, payload.number, payload.log)
    known = (event.subject, body.object, body.number, keys.origin)
    if said != known:
        raise VerificationFailed(f"the file certifies {', '.join(said)}; the log's entry {', '.join(known)}")
    head = verify_tree_head(payload.checkpoint.encode(), keys).checkpoint
    path = [from_base64(node) for node in payload.proof]
    verify_inclusion(statement.leaf, payload.position, head.size, path, head.root)
    return head


def disclosed(payload: CertificateDocument, statement: Statement) -> dict[str, JsonValue]:
    """The private values that the PDF discloses, each held against the entry's commitment. Raises."""
    return open_commitments(statement.event.commitments, [parse_disclosure(one) for one in payload.disclosures])
