"""Step 12: each signed file that the log records is here, is that file, and its signer was entitled at that time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tallystick.digests import PairHasher
from tallystick.errors import MalformedInput, VerificationFailed
from tallystick.events.credential import CredentialIssue
from tallystick.identifiers import Identifier, Letter, letter_of
from tallystick.replay import Admitted
from tallystick.verify.examination import Examination
from tallystick.verify.outcome import Finding, Tally, time_text

if TYPE_CHECKING:
    from tallystick.c2pa import C2paVerdict

MAX_FILE_BYTES = 1 << 28
"""c2pa is given the file in memory; larger ones wait for a version that streams them."""


def check_credentials(ex: Examination) -> Finding:
    """Digests as logged, a C2PA verdict under the trusted roots as of admission, the same licence or certificate."""
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
        verdict = _judge(ex, file, one)
        _check_subject(ex, verdict, one.placed.statement.event.subject)
    except (VerificationFailed, MalformedInput) as error:
        tally.contradicts("credential.bad", position=position, file=file, detail=str(error))
        return
    tally.shows(
        "credential.good",
        file=file,
        position=position,
        subject=one.placed.statement.event.subject,
        signer=verdict.signer,
        time=time_text(one.admitted_at),
    )
    for problem in verdict.problems:
        tally.shows("credential.problem", file=file, detail=problem)
    facts.append(
        {
            "file": file,
            "position": position,
            "subject": one.placed.statement.event.subject,
            "signer": verdict.signer,
            "judged_at": time_text(one.admitted_at),
            "digital_source_type": verdict.digital_source_type,
        }
    )


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


def _judge(ex: Examination, file: str, one: Admitted) -> C2paVerdict:
    # Imported here: a bundle without credentials need not wait for c2pa to load.
    from tallystick import c2pa

    roots, others = c2pa.roots_of(ex.trust)
    reading = c2pa.read(ex.bundle.read(file, MAX_FILE_BYTES), one.placed.statement.event.body.media_type)
    return c2pa.judge(reading, roots, datetime.fromtimestamp(one.admitted_at, UTC), others)


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
        if event.type == "certificate.issue" and event.subject == subject:
            keys = ex.keys or ex.trust.logs[ex.case.index.log].history
            check_certificate(payload, placed.position, placed.statement, keys)
    return payload.certificate


def _check_licence(ex: Examination, verdict: C2paVerdict) -> str | None:
    """The licence that the file names; entries that it shows must be those of the bundle."""
    from tallystick.base64s import from_base64
    from tallystick.licence.credential import decode_credential

    if verdict.licence is None:
        return None
    credential = decode_credential(verdict.licence)
    for shown in credential.entries:
        placed = ex.entries.get(shown.index)
        if placed is not None and placed.statement.entry != from_base64(shown.entry):
            raise VerificationFailed(f"the file shows another entry {shown.index} than the bundle")
    return credential.licence
