"""A certificate of registration alone, without a bundle: what it proves offline under a trust file, and as of when."""

from __future__ import annotations

from datetime import UTC, datetime

from tallystick.admission.signer import check_signature
from tallystick.base64s import from_base64
from tallystick.canonical import JsonValue
from tallystick.certificate import ATTACHMENT, decode_document, disclosed, prove_certificate
from tallystick.checkpoint import Checkpoint
from tallystick.errors import VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.pdf.pades import PadesVerdict
from tallystick.statement import parse_statement
from tallystick.tree_head import signing_time, verify_tree_head
from tallystick.trust import Trust


@dataclass(frozen=True)
class CertificateFact:
    """What holds: who signed the file, what the log's entry says, the values disclosed, as of which checkpoint.

    signed_at: Unix seconds at which the log, by its own word, signed that checkpoint; of what came later the file knows
    nothing. supersedes, reason: of the entry.
    """

    certificate: str
    number: str
    object: str
    log: str
    position: int
    checkpoint: Checkpoint
    signed_at: int
    supersedes: str | None
    reason: str | None
    values: dict[str, JsonValue]
    document: PadesVerdict


def check_certificate_file(data: bytes, trust: Trust, at: int) -> CertificateFact:
    """Check a PDF as of ``at`` (Unix seconds): its signature, the entry that it shows, and that the log holds it.

    Raises ``MalformedInput``, ``VerificationFailed`` (``DocumentRefused`` with a code for the signature).
    """
    # Certificates are read when there is a document to judge.
    from tallystick.pdf.pades import judge_document

    when = datetime.fromtimestamp(at, UTC)
    document = judge_document(data, trust.pdf_roots, trust.time_authorities, when, ATTACHMENT)
    payload = decode_document(document.attachment)
    log = trust.logs.get(payload.log)
    if log is None:
        raise VerificationFailed(f"the certificate is of log {payload.log!r}, which the trust file does not name")
    statement = parse_statement(from_base64(payload.entry))
    check_signature(statement, log.history.key_of("registrar", payload.position) or log.registrar)
    checkpoint = prove_certificate(payload, statement, log.history)
    signed_at = signing_time(verify_tree_head(payload.checkpoint.encode(), log.history).note, log.history)
    if signed_at > at:
        raise VerificationFailed(f"the checkpoint was signed at {signed_at}, after the time of this check, {at}")
    body = statement.event.body
    return CertificateFact(
        certificate=payload.certificate,
        number=payload.number,
        object=payload.object,
        log=payload.log,
        position=payload.position,
        checkpoint=checkpoint,
        signed_at=signed_at,
        supersedes=body.supersedes,
        reason=body.reason,
        values=disclosed(payload, statement),
        document=document,
    )
