"""What a certificate file carries: the JSON of the C2PA assertion ``org.tallystick.certificate``, version 1.

The ``certificate.issue`` entry itself with its inclusion proof, and its plain words
again for a reader; ``check_certificate`` holds the words against the entry.
"""

from __future__ import annotations

from typing import Annotated, Literal

from tallystick.base64s import from_base64
from tallystick.canonical import JsonValue
from tallystick.errors import VerificationFailed
from tallystick.events.certificate import CertificateIssue
from tallystick.events.log import ORIGIN
from tallystick.identifiers import Letter
from tallystick.licence.credential import HASH, NOTE, PROOF
from tallystick.merkle import verify_inclusion
from tallystick.schema import COUNT, base64_bytes, identifier, read, record, text
from tallystick.statement import MAX_ENTRY_BYTES, Statement
from tallystick.tree_head import CheckpointKeys, verify_tree_head
from tallystick.versions import check_version


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


def decode_payload(value: JsonValue) -> CertificatePayload:
    """Read the assertion's JSON value. Raises ``MalformedInput`` naming the field."""
    check_version(value, "certificate", 1)
    return read(CertificatePayload, value, "certificate")


def check_certificate(payload: CertificatePayload, position: int, statement: Statement, keys: CheckpointKeys) -> None:
    """Raise ``VerificationFailed`` unless the file says, and proves, what the log's entry at ``position`` says."""
    if (payload.position, from_base64(payload.entry)) != (position, statement.entry):
        raise VerificationFailed(f"the file shows another certificate.issue entry than the log's at {position}")
    body: CertificateIssue = statement.event.body
    said = (payload.certificate, payload.object, payload.number, payload.log)
    known = (statement.event.subject, body.object, body.number, keys.origin)
    if said != known:
        raise VerificationFailed(f"the file certifies {', '.join(said)}; the log's entry {', '.join(known)}")
    head = verify_tree_head(payload.checkpoint.encode(), keys).checkpoint
    path = [from_base64(node) for node in payload.proof]
    verify_inclusion(statement.leaf, position, head.size, path, head.root)
