"""Registration certificates: logged by the registrar, printed, signed, and the signed file logged."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from api.accounts import Account
from api.services.anchoring import AnchorDesk
from api.services.certificate_request import CertificateRequest
from api.services.errors import Forbidden, NotFound, ServiceError
from api.services.issuing import IssuedFile, Issuer
from api.services.licences import content_sha256, registered_object
from api.services.submission import Recorded
from api.services.voices import require_scope
from credentials.certificate import issue_certificate, render_certificate
from credentials.certificate_facts import Anchor, Bilingual, CertificateFacts, Holder
from credentials.errors import TextNotPrintable
from credentials.sign import Ingredient
from ledger.errors import Conflict
from ledger.store import Reads, Search
from tallystick.admission import Refused
from tallystick.admission.state import CertificateState, DisputeState, ObjectState
from tallystick.base64s import to_base64
from tallystick.certificate import CertificatePayload
from tallystick.content import FileContent, FolderContent
from tallystick.errors import MalformedInput
from tallystick.events.objects import ObjectRegistration
from tallystick.identifiers import Letter, new_identifier, parse_identifier
from tallystick.schema import write
from tallystick.statement import Statement, parse_statement
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint

_DECLARED = Bilingual(
    "权利归属与创作事实依申请人陈述", "ownership and the facts of creation, as the applicant states them"
)
_EXAMINED = Bilingual(
    "内容摘要、签名与授权链已由日志规则核验",
    "content digests, signature and authorisation chain, by the rules of the log",
)


@dataclass(frozen=True)
class _Place:
    """Where a certificate stands in the log, or, while it is rehearsed, might stand. ``kid``: its signer's key."""

    certificate: str
    position: int
    leaf: bytes
    kid: bytes
    head: SignedCheckpoint


@dataclass(frozen=True)
class _Subject:
    """The object as it was registered, and the disputes about it."""

    registration: ObjectRegistration
    registered: str
    disputes: tuple[str, ...]


class CertificateService:
    """Certificates of one registrar."""

    def __init__(self, issuer: Issuer, anchors: AnchorDesk) -> None:
        self._issuer = issuer
        self._anchors = anchors
        self._printing = asyncio.Lock()

    async def issue(self, account: Account, request: CertificateRequest) -> tuple[Recorded, IssuedFile]:
        """Log ``certificate.issue``, then print, sign and log the PDF.

        The same request again finds the certificate and its PDF, and makes the PDF if
        the first attempt was cut short before. Raises ``Forbidden``, ``NotFound``,
        ``Refused``, ``MalformedInput`` and, for a number that is taken, ``ServiceError``.
        """
        voices = self._issuer.voices
        voices.require_registrar(account)
        require_scope(account, "submit")
        parse_identifier(request.object, Letter.OBJECT)
        request = request.checked()
        # What cannot be printed must be known before it is logged.
        await asyncio.to_thread(self._rehearse, request)
        try:
            recorded = await self._issuer.submission.record_one(voices.of_account(account), request.draft())
        except Conflict as error:
            raise self._taken(request, error) from None
        async with self._printing:
            issued = await asyncio.to_thread(self._printed, recorded.subject)
            return recorded, issued or await self._print(recorded, request)

    def file(self, account: Account, certificate: str) -> Path:
        """The signed PDF, which shows names: for the registrar and the holder of the object."""
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
            return self._issuer.latest(reads, certificate, "certificate").path

    def _taken(self, request: CertificateRequest, error: Conflict) -> ServiceError | Conflict:
        if request.event_id is not None:
            return error
        return ServiceError(
            "conflict",
            f"the number {request.number} was used at position {error.position} with other contents",
            "take a new number; or repeat the first request exactly, to have its file made",
            "number",
        )

    def _printed(self, certificate: str) -> IssuedFile | None:
        with self._issuer.log.store.snapshot() as reads:
            state = reads.get(certificate)
            if isinstance(state, CertificateState) and state.status != "issued":
                raise Refused(
                    "wrong-state", "number", f"{certificate} is {state.status}", "issue another under a new number"
                )
            return self._issuer.find_latest(reads, certificate, "certificate")

    async def _print(self, recorded: Recorded, request: CertificateRequest) -> IssuedFile:
        head = await self._issuer.publish()
        out = self._issuer.files.work_path()
        await asyncio.to_thread(self._sign, recorded, request, head, out)
        return await self._issuer.record_kept(recorded.subject, "certificate", "application/pdf", out)

    def _rehearse(self, request: CertificateRequest) -> None:
        """Print without a place in the log. Raises what would hinder printing later."""
        issuer = self._issuer
        with issuer.log.store.snapshot() as reads:
            subject = _subject(reads, request.object)
        stand_in = new_identifier(Letter.CERTIFICATE, bytes(10), issuer.voices.prefix)
        head = issuer.log.published.checkpoint()
        kid = issuer.voices.registrar_key.public.kid
        place = _Place(stand_in, head.checkpoint.size, bytes(32), kid, head)
        try:
            render_certificate(self._facts(request, place, subject))
        except TextNotPrintable as error:
            raise MalformedInput(f"the certificate cannot be printed: {error}") from None

    def _sign(self, recorded: Recorded, request: CertificateRequest, head: SignedCheckpoint, out: Path) -> None:
        with self._issuer.log.store.snapshot() as reads:
            subject = _subject(reads, request.object)
            certified = reads.record(recorded.position)
        assert certified is not None  # it was recorded
        certificate = parse_statement(certified.entry)
        place = _Place(recorded.subject, recorded.position, certificate.leaf, certificate.kid, head)
        registered = subject.registration
        issue_certificate(
            self._issuer.signer,
            self._facts(request, place, subject),
            write(self._payload(request, place, certificate)),
            Ingredient(
                request.title,
                registered.media_type or "application/octet-stream",
                request.object,
                content_sha256(registered.digest_record),
            ),
            self._issuer.when(),
            out,
        )

    def _payload(self, request: CertificateRequest, place: _Place, certificate: Statement) -> CertificatePayload:
        path = self._issuer.log.published.prove_inclusion(place.position, place.head.checkpoint.size)
        return CertificatePayload(
            v=1,
            certificate=place.certificate,
            object=request.object,
            number=request.number,
            log=self._issuer.voices.origin,
            position=place.position,
            entry=to_base64(certificate.entry),
            checkpoint=place.head.note.encode(),
            proof=tuple(map(to_base64, path)),
        )

    def _facts(self, request: CertificateRequest, place: _Place, subject: _Subject) -> CertificateFacts:
        registered, tree = subject.registration, place.head.checkpoint
        content = registered.digest_record
        sha256, sm3 = _digests(content)
        root = tree.root.hex()
        return CertificateFacts(
            number=request.number,
            certificate=place.certificate,
            title=request.title,
            kind=request.kind or registered.kind,
            asset=request.object,
            authority=request.authority or self._issuer.voices.registrar,
            registered=subject.registered,
            issued=format_time(int(self._issuer.when().timestamp())),
            sha256=sha256,
            sm3=sm3,
            files=content.count if isinstance(content, FolderContent) else 1,
            size=content.size,
            log=self._issuer.voices.origin,
            leaf=place.position,
            tree_size=tree.size,
            root=root,
            checkpoint=f"{tree.size} {root}",
            key=place.kid.hex(),
            qr=f"{place.certificate} {place.leaf.hex()} {tree.size} {root}",
            link=f"{self._issuer.voices.origin}/{place.certificate}",
            authors=tuple(request.authors),
            holders=tuple(Holder(one["name"], one["party"], one["share"]) for one in request.holders),
            created=request.created,
            published=request.published,
            references=request.printed_references(),
            human_authorship=request.authorship(),
            ai_part=_ai_part(registered),
            examined=(_EXAMINED,),
            declared=(_DECLARED,),
            disputes=subject.disputes,
            supersedes=request.supersedes or "",
            anchors=self._anchored(),
        )

    def _anchored(self) -> tuple[Anchor, ...]:
        """The latest final anchor of each target, with its trust line."""
        latest = {view.target.id: view for view in self._anchors.anchors() if view.anchor.state == "final"}
        return tuple(
            Anchor(
                f"chain {view.target.spec.chain_id} ({view.target.spec.vouched_by})",
                f"size {view.anchor.size}, root {view.anchor.root.hex()}",
                view.trust_line,
            )
            for view in latest.values()
        )


def _subject(reads: Reads, object_id: str) -> _Subject:
    """Raises ``NotFound``."""
    found = registered_object(reads, object_id)
    return _Subject(found.body, format_time(found.admitted_at), tuple(_disputes(reads, object_id)))


def _disputes(reads: Reads, object_id: str) -> Iterator[str]:
    """Every dispute about the object, with how it stands."""
    after = -1
    while page := reads.search(Search(subject=object_id, type="dispute.open", after=after)):
        for opened in page:
            state = reads.get(opened.subject)
            yield f"{opened.subject} ({state.status if isinstance(state, DisputeState) else 'open'})"
        after = page[-1].position


def _digests(content: FileContent | FolderContent) -> tuple[str, str]:
    if isinstance(content, FileContent):
        return content.sha256, content.sm3
    return f"{content.root} (RFC 6962, 文件清单 file list)", "见文件清单 in the file list"


def _ai_part(body: ObjectRegistration) -> Bilingual | None:
    if body.generation is None:
        return None
    made = body.generation
    return Bilingual(
        f"由已备案模型{made.capability}（版本{made.version}）在作业{made.job}中生成",
        f"generated by the filed capability {made.capability} (version {made.version}) in job {made.job}",
    )
