"""Step 12: each signed file that the log records is here, is that file, and its signer was entitled at that time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tallystick.digests import PairHasher
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.credential import CredentialIssue
from tallystick.identifiers import Identifier, Letter, letter_of
from tallystick.key_history import KeyHistory
from tallystick.lazy_dataclass import dataclass
from tallystick.replay import Admitted
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text
from tallystick.verify.revocation import revocation_fact, tell

if TYPE_CHECKING:
    from tallystick.c2pa import C2paVerdict
    from tallystick.revocation import Revocation

MAX_FILE_BYTES = 1 << 28
"""c2pa is given the file in memory; larger ones wait for a version that streams them."""


def check_credentials(ex: Examination) -> Finding:
    """Digests as logged, a verdict (C2PA, PAdES) under the trusted roots, the same licence or certificate."""
    tally = Tally()
    facts: list[dict[str, Any]] = []
    recorded = positions(ex)
    issued = [ex.replay.admitted.get(position) for position in recorded]
    if not issued:
        tally.lacks("credential.none")
    for one in issued:
        if one is not None:
            _check_credential(ex, tally, one, facts)
    for position in sorted(set(ex.case.credentials) - set(recorded)):
        tally.contradicts("credential.unlogged", position=position, file=ex.case.credentials[position])
    ex.facts["credentials"] = facts
    return tally.finding()


def positions(ex: Examination) -> list[int]:
    """Where the bundle's entries record a signed file."""
    return [placed.position for placed in ex.case.entries if placed.statement.event.type == "credential.issue"]


def _check_credential(ex: Examination, tally: Tally, one: Admitted, facts: list[dict[str, Any]]) -> None:
    position = one.placed.position
    file = ex.case.credentials.get(position)
    if file is None or file not in ex.names:
        tally.lacks("credential.missing", position=position)
        return
    try:
        _check_digests(ex, file, one.placed.statement.event.body)
        judged = (_judge_document if one.placed.statement.event.body.form == "pades" else _judge_c2pa)(ex, file, one)
    except (VerificationFailed, MalformedInput) as error:
        tally.contradicts("credential.bad", position=position, file=file, detail=str(error))
        return
    tally.shows(
        "credential.good",
        file=file,
        position=position,
        subject=one.placed.statement.event.subject,
        signer=judged.signer,
        time=time_text(judged.at),
    )
    for problem in judged.problems:
        tally.shows("credential.problem", file=file, detail=problem)
    for said in judged.revocation:
        tell(ex, tally, file, said)
    said_of_revocation = {"revocation": list(map(revocation_fact, judged.revocation))} if judged.revocation else {}
    facts.append(
        said_of_revocation
        | {
            "file": file,
            "position": position,
            "subject": one.placed.statement.event.subject,
            "signer": judged.signer,
            "judged_at": time_text(judged.at),
            "digital_source_type": judged.digital_source_type,
        }
    )


@dataclass(frozen=True)
class _Judged:
    """What a file says of itself; ``at``: the instant for which its signer was judged."""

    signer: str
    at: int
    problems: tuple[str, ...]
    revocation: tuple[Revocation, ...]
    digital_source_type: str | None = None


def _check_digests(ex: Examination, file: str, body: CredentialIssue) -> None:
    hasher, size = PairHasher(), 0
    for block in ex.bundle.stream(file):
        hasher.update(block)
        size += len(block)
    found = hasher.pair()
    if (found, size) != (body.file, body.size):
        raise VerificationFailed(
            f"the file has {size} bytes and SHA-256 {found.sha256}, the log recorded {body.size} and {body.file.sha256}"
        )


def _judge_c2pa(ex: Examination, file: str, one: Admitted) -> _Judged:
    verdict = _c2pa_verdict(ex, file, one)
    _check_subject(ex, verdict, one.placed.statement.event.subject)
    signed = verdict.manifests[-1]
    at = one.admitted_at if signed.proven is None else int(signed.proven.time.timestamp())
    return _Judged(verdict.signer, at, verdict.problems, signed.revocation, verdict.digital_source_type)


def _judge_document(ex: Examination, file: str, one: Admitted) -> _Judged:
    """A PDF by PAdES, whose signer was entitled when the log recorded it at the latest."""
    from tallystick.certificate import ATTACHMENT, check_certificate, decode_document, disclosed
    from tallystick.pdf.pades import judge_document

    at, logged = (datetime.fromtimestamp(instant, UTC) for instant in (ex.at, one.admitted_at))
    data = ex.bundle.read(file, MAX_FILE_BYTES)
    verdict = judge_document(data, ex.trust.pdf_roots, ex.trust.time_authorities, at, ATTACHMENT, logged, ex.words)
    payload, subject = decode_document(verdict.attachment), one.placed.statement.event.subject
    if payload.certificate != subject:
        raise VerificationFailed(f"the file is about {payload.certificate}, the log says {subject}")
    for placed in ex.case.entries:
        event = placed.statement.event
        if event.type == "certificate.issue" and event.subject == subject:
            if (keys := _keys(ex)) is not None:
                check_certificate(payload, placed.position, placed.statement, keys)
            disclosed(payload, placed.statement)
    return _Judged(verdict.signer, int(verdict.judged_at.timestamp()), verdict.problems, verdict.revocation)


def _keys(ex: Examination) -> KeyHistory | None:
    """Those of the log; none where the reader does not trust it: step 5 has refused, and nothing here is proved."""
    trusted = ex.trust.logs.get(ex.case.index.log)
    return ex.keys or (None if trusted is None else trusted.history)


def _c2pa_verdict(ex: Examination, file: str, one: Admitted) -> C2paVerdict:
    # Imported here: a bundle without credentials need not wait for c2pa to load.
    from tallystick import c2pa

    roots, others = c2pa.roots_of(ex.trust)
    reading = c2pa.read(ex.bundle.read(file, MAX_FILE_BYTES), one.placed.statement.event.body.media_type)
    return c2pa.judge(reading, roots, datetime.fromtimestamp(one.admitted_at, UTC), others, ex.words)


def _check_subject(ex: Examination, verdict: C2paVerdict, subject: str) -> None:
    """The file is about the licence or certificate under which it is logged."""
    certified = letter_of(Identifier(subject)) is Letter.CERTIFICATE
    found = _check_certificate(ex, verdict, subject) if certified else _check_licence(ex, verdict)
    if found != subject:
        raise VerificationFailed(f"the file is about {found or 'nothing that it names'}, the log says {subject}")


def _check_certificate(ex: Examination, verdict: C2paVerdict, subject: str) -> str | None:
    """The certificate that the file names; what it says is what the log's entry says."""
    from tallystick.certificate import check_certificate, decode_payload

    if verdict.certificate is None:
        return None
    payload = decode_payload(verdict.certificate)
    for placed in ex.case.entries:
        event = placed.statement.event
        keys = _keys(ex) if event.type == "certificate.issue" and event.subject == subject else None
        if keys is not None:
            check_certificate(payload, placed.position, placed.statement, keys)
    return payload.certificate


def _check_licence(ex: Examination, verdict: C2paVerdict) -> str | None:
    """The licence that the file names; all that its credential shows is what the log and the bundle say."""
    from tallystick.base64s import from_base64
    from tallystick.licence.credential import decode_credential
    from tallystick.licence.grant import hold_credential

    if verdict.licence is None:
        return None
    credential = decode_credential(verdict.licence)
    for shown in credential.entries:
        placed = ex.entries.get(shown.index)
        if placed is not None and placed.statement.entry != from_base64(shown.entry):
            raise VerificationFailed(f"the file shows another entry {shown.index} than the bundle")
    keys = _keys(ex)
    if keys is not None:
        hold_credential(credential, ex.history.about(credential.licence), keys)
    return credential.licence
