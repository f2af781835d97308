"""A certificate of registration alone, without a bundle: what it proves offline under a trust file, and as of when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tallystick.admission.signer import check_signature
from tallystick.base64s import from_base64
from tallystick.canonical import JsonValue
from tallystick.certificate import (
    ATTACHMENT,
    CertificateDocument,
    CertificatePayload,
    decode_document,
    decode_payload,
    disclosed,
    prove_certificate,
)
from tallystick.checkpoint import Checkpoint
from tallystick.errors import VerificationFailed
from tallystick.lazy_dataclass import dataclass
from tallystick.pdf.pades import PadesVerdict
from tallystick.statement import Statement, parse_statement
from tallystick.tree_head import signing_time, verify_tree_head
from tallystick.trust import LogTrust, Trust

if TYPE_CHECKING:
    from tallystick.c2pa.receipt_shown import ReceiptShown
    from tallystick.c2pa.stamps import ProvenTime


@dataclass(frozen=True)
class RecordFact:
    """What the log's entry says, as of which checkpoint.

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


@dataclass(frozen=True)
class CertificateFact(RecordFact):
    """What holds of a PDF besides: who signed it, and the values disclosed."""

    values: dict[str, JsonValue]
    document: PadesVerdict


@dataclass(frozen=True)
class CardSignature:
    """Who signed a card, and for which instant that was judged; what its reader should know besides."""

    signer: str
    judged_at: datetime
    dated_by: ProvenTime | None
    problems: tuple[str, ...]


@dataclass(frozen=True)
class CardFact(RecordFact):
    """What holds of the picture besides: it opens no private values. ``receipt``: of the log, if it brings one.

    recorded: the certificate's own log was proved to record this very file under it, in an entry that the registrar
    signed. Without that anybody under the trusted roots may have drawn the picture: the certificate's entry, which
    anyone can copy, says nothing of it.
    """

    card: CardSignature
    receipt: ReceiptShown | None
    recorded: bool


def check_certificate_file(data: bytes, trust: Trust, at: int) -> CertificateFact:
    """Check a PDF as of ``at`` (Unix seconds): its signature, the entry that it shows, and that the log holds it.

    Raises ``MalformedInput``, ``VerificationFailed`` (``DocumentRefused`` with a code for the signature).
    """
    # Certificates are read when there is a document to judge.
    from tallystick.pdf.pades import judge_document

    when = datetime.fromtimestamp(at, UTC)
    document = judge_document(data, trust.pdf_roots, trust.time_authorities, when, ATTACHMENT)
    payload = decode_document(document.attachment)
    found = _proved(payload, trust, at)
    return CertificateFact(
        **_record(payload, *found),
        values=disclosed(payload, found[0]),
        document=document,
    )


def check_certificate_card(data: bytes, trust: Trust, at: int) -> CardFact:
    """Check a card (PNG) as of ``at`` (Unix seconds): its Content Credential, and all that a PDF is asked for.

    Raises ``MalformedInput``, ``VerificationFailed`` (``CredentialRefused`` with a code for the credential).
    """
    # c2pa is loaded when there is a picture to judge.
    from tallystick import c2pa
    from tallystick.c2pa.receipt_shown import shown_receipt

    roots, others = c2pa.roots_of(trust)
    reading = c2pa.read(data, "image/png")
    when = datetime.fromtimestamp(at, UTC)
    verdict = c2pa.judge(reading, roots, when, others)
    if verdict.certificate is None:
        raise VerificationFailed("the picture has a Content Credential, and no certificate stands in it")
    payload = decode_payload(verdict.certificate)
    record, proven = _record(payload, *_proved(payload, trust, at)), verdict.manifests[-1].proven
    receipt = shown_receipt(reading, data, verdict, trust)
    signature = CardSignature(verdict.signer, when if proven is None else proven.time, proven, verdict.problems)
    return CardFact(
        **record,
        card=signature,
        receipt=receipt,
        # A file that names a licence too is judged, and recorded, as that licence's: its licensor can do so alone.
        recorded=verdict.licence is None and _recorded(receipt, verdict.receipt, trust.logs[payload.log]),
    )


def _record(
    payload: CertificatePayload | CertificateDocument, statement: Statement, checkpoint: Checkpoint, signed_at: int
) -> dict[str, Any]:
    """The fields of ``RecordFact``."""
    body = statement.event.body
    return {
        "certificate": payload.certificate,
        "number": payload.number,
        "object": payload.object,
        "log": payload.log,
        "position": payload.position,
        "checkpoint": checkpoint,
        "signed_at": signed_at,
        "supersedes": body.supersedes,
        "reason": body.reason,
    }


def _recorded(receipt: ReceiptShown | None, value: Any, log: LogTrust) -> bool:
    """Whether the certificate's own log holds the receipt's entry, and the registrar of its time signed that.

    value: the receipt itself, which was judged.
    """
    from tallystick.c2pa.log_receipt import decode_receipt

    if receipt is None or (receipt.outcome, receipt.log) != ("proved", log.history.origin):
        return False
    held = decode_receipt(value)
    try:
        _by_registrar(parse_statement(from_base64(held.entry)), log, held.index)
    except VerificationFailed:
        return False
    return True


def _by_registrar(statement: Statement, log: LogTrust, position: int) -> None:
    """Raise ``VerificationFailed`` unless the key signed it that the registrar had at ``position``."""
    check_signature(statement, log.history.key_of("registrar", position) or log.registrar)


def _proved(
    payload: CertificatePayload | CertificateDocument, trust: Trust, at: int
) -> tuple[Statement, Checkpoint, int]:
    """The entry, by the registrar of its time; the checkpoint under which the log has it; and when that was signed."""
    log = trust.logs.get(payload.log)
    if log is None:
        raise VerificationFailed(f"the certificate is of log {payload.log!r}, which the trust file does not name")
    statement = parse_statement(from_base64(payload.entry))
    _by_registrar(statement, log, payload.position)
    checkpoint = prove_certificate(payload, statement, log.history)
    note = verify_tree_head(payload.checkpoint.encode(), log.history).note
    signed_at = signing_time(note, log.history)
    if signed_at > at:
        raise VerificationFailed(f"the checkpoint was signed at {signed_at}, after the time of this check, {at}")
    log.require_quorum(note, at)
    return statement, checkpoint, signed_at
