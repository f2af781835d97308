"""The certificate as a picture (C2PA), beside its PDF: made when it is asked for, of what is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from api.accounts import Account
from api.services.certificate_print import Place, Printer, Subject, certified_thing, private_values, subject_of
from api.services.certificate_request import CertificateRequest
from api.services.claim_stamps import ClaimStamp
from api.services.errors import NotFound
from api.services.gathering import records_of
from api.services.issuing import IssuedFile, Issuer
from api.services.voices import require_scope
from credentials.certificate_card import issue_certificate_card
from credentials.errors import SigningFailed, TextNotPrintable
from ledger.store import Reads
from tallystick.admission import Refused
from tallystick.admission.state import CertificateState
from tallystick.base64s import to_base64
from tallystick.certificate import CertificatePayload
from tallystick.errors import MalformedInput
from tallystick.events.certificate import CertificateIssue
from tallystick.identifiers import Letter, parse_identifier
from tallystick.lazy_dataclass import dataclass
from tallystick.schema import FieldError, write
from tallystick.statement import Statement, parse_statement
from tallystick.tree_head import SignedCheckpoint

PURPOSE, MEDIA_TYPE = "card", "image/png"


@dataclass(frozen=True)
class _Certified:
    """A certificate in force, as it was asked for. ``before``: private values of the one that it supersedes."""

    request: CertificateRequest
    position: int
    said: Statement
    subject: Subject
    before: Mapping[str, Any]


class CertificateCards:
    """Cards of certificates in force."""

    def __init__(self, issuer: Issuer, printer: Printer) -> None:
        self._issuer = issuer
        self._printer = printer

    async def issue(self, account: Account, certificate: str) -> IssuedFile:
        """The card, kept and logged; the registrar alone. Repeated, it makes another.

        Raises ``NotFound``, also where what it would show was erased, ``Refused`` for one that is not in force,
        ``Unavailable`` below the quorum of witnesses.
        """
        self._issuer.voices.require_registrar(account)
        require_scope(account, "submit")
        parse_identifier(certificate, Letter.CERTIFICATE)
        head, stamp = await self._issuer.publish_witnessed(), self._issuer.stamps.begin()
        out = self._issuer.files.work_path()
        try:
            await asyncio.to_thread(self._make, certificate, head, stamp, out)
        except (SigningFailed, TextNotPrintable, MalformedInput) as error:
            raise FieldError("certificate", str(error)) from None
        await stamp.passed()
        issued = await self._issuer.record_kept(certificate, PURPOSE, MEDIA_TYPE, out)
        return replace(issued, dated=stamp.dated)

    def _make(self, certificate: str, head: SignedCheckpoint, stamp: ClaimStamp, out: Path) -> None:
        with self._issuer.log.store.snapshot() as reads:
            found = _certified(reads, certificate)
        said, request, size = found.said, found.request, head.checkpoint.size
        path = tuple(self._issuer.log.published.prove_inclusion(found.position, size))
        place = Place(certificate, found.position, said.leaf, said.kid, head, path)
        payload = CertificatePayload(
            v=1,
            certificate=certificate,
            object=request.object,
            number=request.number,
            log=self._issuer.voices.origin,
            position=found.position,
            entry=to_base64(said.entry),
            checkpoint=head.note.encode(),
            proof=tuple(map(to_base64, path)),
        )
        issue_certificate_card(
            self._issuer.signer,
            self._printer.facts(request, place, found.subject, found.before),
            write(payload),
            certified_thing(request, found.subject),
            self._issuer.when(),
            out,
            stamp,
        )


def _certified(reads: Reads, certificate: str) -> _Certified:
    state = reads.get(certificate)
    if not isinstance(state, CertificateState):
        raise NotFound(f"{certificate} is not registered", "check the identifier", "certificate")
    if state.status != "issued":
        raise Refused(
            "wrong-state", "certificate", f"{certificate} is {state.status}", "have a card made of its successor"
        )
    issues = records_of(reads, subject=certificate, type="certificate.issue")
    record = next(one for one in issues if one.subject == certificate)
    said, kept = parse_statement(record.entry), private_values(reads, certificate)
    if set(said.event.commitments) != set(kept):
        raise NotFound(f"what {certificate} shows was erased in part", "issue another certificate", "certificate")
    body: CertificateIssue = said.event.body
    request = CertificateRequest(
        object=body.object,
        number=body.number,
        supersedes=body.supersedes,
        reason=body.reason,
        corrected=body.corrected or (),
        **kept,
    )
    before = private_values(reads, body.supersedes) if body.supersedes else {}
    return _Certified(request, record.position, said, subject_of(reads, body.object), before)
