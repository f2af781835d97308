"""Registration certificates: numbered and logged by the registrar, printed, signed, and the signed file logged."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from api.accounts import Account
from api.services.certificate_cards import CertificateCards
from api.services.certificate_print import Place, Printer, certified_thing, private_values, subject_of
from api.services.certificate_request import CertificateRequest
from api.services.errors import Forbidden, NotFound, ServiceError, Unavailable
from api.services.issuing import IssuedFile, Issuer
from api.services.numbering import Numbering
from api.services.sealing import Seal
from api.services.submission import Recorded
from api.services.voices import require_scope
from credentials.certificate import issue_certificate, render_certificate
from credentials.errors import SigningFailed, TextNotPrintable
from ledger.errors import Conflict
from ledger.store import Reads
from tallystick import canonical
from tallystick.admission import LOG, Refused
from tallystick.admission.state import CertificateState, LogState, ObjectState
from tallystick.base64s import to_base64
from tallystick.certificate import CertificatePayload
from tallystick.errors import MalformedInput
from tallystick.identifiers import Letter, new_identifier, parse_identifier
from tallystick.schema import FieldError, write
from tallystick.statement import parse_statement
from tallystick.tree_head import SignedCheckpoint

T = TypeVar("T")

_TRIES = 1000
"""Times that a number may be taken by another in front of us."""
_SIZE_IN_REHEARSAL = 1 << 40


class CertificateService:
    """Certificates of one registrar."""

    def __init__(
        self, issuer: Issuer, printer: Printer, seal: Seal, numbering: Numbering | None, cards: CertificateCards
    ) -> None:
        """``cards``: makes pictures of them."""
        self.cards = cards
        self._issuer = issuer
        self._printer = printer
        self._seal = seal
        self._numbering = numbering
        self._recording = asyncio.Lock()
        self._printing = asyncio.Lock()

    async def issue(self, account: Account, request: CertificateRequest) -> tuple[Recorded, str, IssuedFile]:
        """Log ``certificate.issue``, then print, sign and log the PDF. With the number that it has.

        The same request again finds the certificate and its PDF, and makes the PDF if
        the first attempt was cut short before. Raises ``Forbidden``, ``NotFound``,
        ``Refused``, ``MalformedInput`` and, for a number that is taken, ``ServiceError``.
        """
        voices = self._issuer.voices
        voices.require_registrar(account)
        require_scope(account, "submit")
        parse_identifier(request.object, Letter.OBJECT)
        request = await asyncio.to_thread(self._prepared, request.checked())
        if request.number:
            recorded = await self._recorded(account, request)
        else:
            async with self._recording:
                request, recorded = await self._numbered(account, request.with_event_id())
        async with self._printing:
            issued = await asyncio.to_thread(self._printed, recorded.subject)
            return recorded, request.number, issued or await self._print(recorded, request)

    async def renew(self, account: Account, certificate: str) -> IssuedFile:
        """One more document timestamp and the newest revocation lists; the renewed file is logged beside the old one.

        To be done before the newest timestamp's certificate expires or its algorithms weaken.
        """
        self._issuer.voices.require_registrar(account)
        require_scope(account, "submit")
        parse_identifier(certificate, Letter.CERTIFICATE)
        async with self._printing:
            out = self._issuer.files.work_path()
            await asyncio.to_thread(_sealed, self._renewed, certificate, out)
            return await self._issuer.record_kept(certificate, "certificate", "application/pdf", out, "pades")

    def file(self, account: Account, certificate: str, purpose: str = "certificate") -> Path:
        """The signed PDF, or the card, which show names: for the registrar and the holder of the object."""
        parse_identifier(certificate, Letter.CERTIFICATE)
        require_scope(account, "read-private")
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(certificate)
            if not isinstance(state, CertificateState):
                raise NotFound(f"{certificate} is not registered", "check the identifier", "certificate")
            certified = reads.get(state.object)
            holder = certified.holder if isinstance(certified, ObjectState) else None
            if account.party != holder and not self._issuer.voices.is_registrar(account):
                raise Forbidden(
                    f"the certificate {certificate} is for {holder} and the registrar",
                    "ask whoever holds the object for it",
                    "certificate",
                )
            return self._issuer.latest(reads, certificate, purpose).path

    # --- before it is logged -------------------------------------------------------

    def _prepared(self, request: CertificateRequest) -> CertificateRequest:
        """With the reason for superseding; printed once, since what cannot be printed must be known before."""
        if request.number and self._numbering and self._numbering.belongs(request.number):
            raise FieldError("number", f"{request.number} is of the registrar's own sequence: leave it out")
        if not request.number and self._numbering is None:
            raise FieldError("number", "missing: no scheme of numbers is set (TALLYSTICK_CERTIFICATE_NUMBERS)")
        with self._issuer.log.store.snapshot() as reads:
            subject, before = subject_of(reads, request.object), _before(reads, request)
            if _rules(reads) >= 3:
                request = _reasoned(request, before)
            if self._numbering and not request.number:
                _try_number(self._numbering, reads, request.category)
        place = self._stand_in()
        tried = dataclasses.replace(request, number=request.number or "0" * 80)
        try:
            render_certificate(self._printer.facts(tried, place, subject, before))
        except TextNotPrintable as error:
            raise MalformedInput(f"the certificate cannot be printed: {error}") from None
        return request

    def _stand_in(self) -> Place:
        """A place like the one that it will have, in a log that has grown large."""
        issuer = self._issuer
        certificate = new_identifier(Letter.CERTIFICATE, bytes(10), issuer.voices.prefix)
        head = issuer.log.published.checkpoint()
        kid = issuer.voices.registrar_key.public.kid
        path = (bytes(32),) * _SIZE_IN_REHEARSAL.bit_length()
        return Place(certificate, head.checkpoint.size - 1, bytes(32), kid, head, path[:24])

    # --- numbers --------------------------------------------------------------------

    async def _numbered(self, account: Account, request: CertificateRequest) -> tuple[CertificateRequest, Recorded]:
        """Record under the lowest free number; a repeated request under the number that it got."""
        voice = self._issuer.voices.of_account(account)
        for _ in range(_TRIES):
            number, known = await asyncio.to_thread(self._number_for, voice.party, request)
            tried = dataclasses.replace(request, number=number)
            try:
                return tried, await self._issuer.submission.record_one(voice, tried.draft())
            except Refused as error:
                if (error.code, error.field) != ("already-used", "body.number"):
                    raise
            except Conflict:
                # Another process recorded the same request in between; but what it recorded is what it is.
                if known:
                    raise
        raise ServiceError("unavailable", "every number was taken by others", "try again", "number")

    def _number_for(self, party: str, request: CertificateRequest) -> tuple[str, bool]:
        """The number, and whether this request has it already."""
        assert self._numbering is not None  # the caller saw to both
        assert request.event_id is not None
        with self._issuer.log.store.snapshot() as reads:
            position = reads.position_of_event(party, request.event_id)
            record = None if position is None else reads.record(position)
            if record is not None and record.type == "certificate.issue":
                return str(parse_statement(record.entry).event.body.number), True
            return self._numbering.lowest_free(reads, request.category), False

    async def _recorded(self, account: Account, request: CertificateRequest) -> Recorded:
        try:
            return await self._issuer.submission.record_one(self._issuer.voices.of_account(account), request.draft())
        except Conflict as error:
            raise self._taken(request, error) from None

    def _taken(self, request: CertificateRequest, error: Conflict) -> ServiceError | Conflict:
        if request.event_id is not None:
            return error
        return ServiceError(
            "conflict",
            f"the number {request.number} was used at position {error.position} with other contents",
            "take a new number; or repeat the first request exactly, to have its file made",
            "number",
        )

    # --- after it is logged -----------------------------------------------------------

    def _printed(self, certificate: str) -> IssuedFile | None:
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(certificate)
            if isinstance(state, CertificateState) and state.status != "issued":
                raise Refused(
                    "wrong-state", "number", f"{certificate} is {state.status}", "issue another under a new number"
                )
            return self._issuer.find_latest(reads, certificate, "certificate")

    async def _print(self, recorded: Recorded, request: CertificateRequest) -> IssuedFile:
        head = await self._issuer.publish_witnessed()
        out = self._issuer.files.work_path()
        form = await asyncio.to_thread(_sealed, self._sign, recorded, request, head, out)
        return await self._issuer.record_kept(recorded.subject, "certificate", "application/pdf", out, form)

    def _sign(self, recorded: Recorded, request: CertificateRequest, head: SignedCheckpoint, out: Path) -> str:
        """Sign; by C2PA in a log whose rules do not know PAdES. The form."""
        with self._issuer.log.store.snapshot() as reads:
            subject, before = subject_of(reads, request.object), _before(reads, request)
            certified = reads.record(recorded.position)
            opened = reads.disclosures(recorded.position)
            rules = _rules(reads)
        assert certified is not None  # it was recorded
        said = parse_statement(certified.entry)
        path = tuple(self._issuer.log.published.prove_inclusion(recorded.position, head.checkpoint.size))
        place = Place(recorded.subject, recorded.position, said.leaf, said.kid, head, path)
        facts = self._printer.facts(request, place, subject, before)
        document = self._printer.document(request, place, said.entry, [opened[name] for name in sorted(opened)])
        if rules >= 3:
            payload = canonical.encode(write(document))
            made = self._seal.sign(
                render_certificate(facts), payload, f"log proof of {request.number}", f"registration {request.number}"
            )
            out.write_bytes(made)
            return "pades"
        earlier = {name: value for name, value in write(document).items() if name != "disclosures"}
        issue_certificate(
            self._issuer.signer,
            facts,
            write(CertificatePayload(**{**earlier, "v": 1, "entry": to_base64(said.entry)})),
            certified_thing(request, subject),
            self._issuer.when(),
            out,
        )
        return "c2pa"

    def _renewed(self, certificate: str, out: Path) -> None:
        with self._issuer.log.store.snapshot() as reads:
            if not isinstance(reads.get(certificate), CertificateState):
                raise NotFound(f"{certificate} is not registered", "check the identifier", "certificate")
            kept = self._issuer.latest(reads, certificate, "certificate")
            record = reads.record(kept.position)
        if record is None or parse_statement(record.entry).event.body.form != "pades":
            raise ServiceError(
                "conflict",
                f"{certificate} was signed by C2PA, without such timestamps",
                "reissue it",
                "certificate",
            )
        out.write_bytes(self._seal.renew(kept.path.read_bytes()))


def _sealed(work: Callable[..., T], *values: Any) -> T:
    """The certificate is logged, and its file can be made later: whoever asks again has it made."""
    try:
        return work(*values)
    except SigningFailed as error:
        raise Unavailable(str(error), "repeat the request when that is mended") from error


def _rules(reads: Reads) -> int:
    log = reads.get(LOG)
    return log.version if isinstance(log, LogState) else 1


def _before(reads: Reads, request: CertificateRequest) -> dict[str, Any]:
    return private_values(reads, request.supersedes) if request.supersedes else {}


def _try_number(numbering: Numbering, reads: Reads, category: str) -> None:
    try:
        numbering.lowest_free(reads, category)
    except MalformedInput as error:
        raise FieldError("category", str(error)) from None


def _reasoned(request: CertificateRequest, before: dict[str, Any]) -> CertificateRequest:
    """The reason follows from what differs, and must be that where one is given."""
    if request.supersedes is None:
        if request.reason is not None:
            raise FieldError("reason", "a reason is for superseding: name the earlier certificate in supersedes")
        return request
    corrected = request.differing(before)
    reason: Any = "correction" if corrected else "reissue"
    if request.reason not in (None, reason):
        told = f"differs in {', '.join(corrected)}: a correction" if corrected else "differs in nothing: a reissue"
        raise FieldError("reason", f"the new certificate {told}")
    return dataclasses.replace(request, reason=reason, corrected=corrected)
