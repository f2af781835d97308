"""Registration certificates: logged by the registrar, printed, signed, and the signed file logged."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.accounts import Account
from api.services.anchoring import AnchorDesk
from api.services.drafts import Draft
from api.services.errors import NotFound
from api.services.issuing import IssuedFile, Issuer
from api.services.licences import latest_file
from api.services.submission import Recorded
from credentials.certificate import Anchor, Bilingual, CertificateFacts, Holder, issue_certificate
from credentials.sign import Ingredient
from ledger.store import Search
from tallystick.admission.state import ObjectState
from tallystick.base64s import to_base64
from tallystick.content import FileContent, FolderContent
from tallystick.events.objects import ObjectRegistration
from tallystick.identifiers import Letter, parse_identifier
from tallystick.schema import record, write
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


@record
class CertificatePayload:
    """The assertion ``org.tallystick.certificate``, version 1: which entry certifies what, and its place in the log."""

    v: int
    certificate: str
    object: str
    number: str
    log: str
    position: int
    entry: str
    checkpoint: str
    proof: tuple[str, ...]


@dataclass(frozen=True)
class CertificateRequest:
    """What the registrar certifies. ``title``, ``authors``, ``holders`` and ``references`` are private values."""

    object: str
    number: str
    title: str
    kind: str = ""
    authority: str = ""
    authors: Sequence[str] = ()
    holders: Sequence[Mapping[str, str]] = ()
    created: str = ""
    published: str = ""
    references: Mapping[str, str] | None = None
    supersedes: str | None = None
    event_id: str | None = None

    def private(self) -> dict[str, Any]:
        """What is committed, not written, in the leaf."""
        values: dict[str, Any] = {
            "title": self.title,
            "authors": list(self.authors),
            "holders": [dict(holder) for holder in self.holders],
            "references": dict(self.references or {}),
        }
        return {name: value for name, value in values.items() if value}


class CertificateService:
    """Certificates of one registrar."""

    def __init__(self, issuer: Issuer, anchors: AnchorDesk) -> None:
        self._issuer = issuer
        self._anchors = anchors

    async def issue(self, account: Account, request: CertificateRequest) -> tuple[Recorded, IssuedFile]:
        """Log ``certificate.issue``, then print, sign and log the PDF."""
        voices = self._issuer.voices
        voices.require_registrar(account)
        parse_identifier(request.object, Letter.OBJECT)
        body: dict[str, Any] = {"object": request.object, "number": request.number}
        if request.supersedes is not None:
            body["supersedes"] = request.supersedes
        draft = Draft(type="certificate.issue", body=body, event_id=request.event_id, private=request.private())
        recorded = await self._issuer.submission.record_one(voices.of_account(account), draft)
        head = await self._issuer.publish()
        out = self._issuer.work_path(".pdf")
        await asyncio.to_thread(self._print, recorded, request, head, out)
        return recorded, await self._issuer.record(recorded.subject, "certificate", "application/pdf", out, keep=True)

    def file(self, certificate: str) -> Path:
        """The signed PDF. Raises ``NotFound``."""
        parse_identifier(certificate, Letter.CERTIFICATE)
        return latest_file(self._issuer, certificate, "certificate")

    def _print(self, recorded: Recorded, request: CertificateRequest, head: SignedCheckpoint, out: Path) -> None:
        with self._issuer.log.store.snapshot() as reads:
            # The first to name an object is its own registration: nothing may name it before.
            named = reads.search(Search(subject=request.object, type="object.register", limit=1))
            state = reads.get(request.object)
            certified = reads.record(recorded.position)
            opened = [hit.subject for hit in reads.search(Search(subject=request.object, type="dispute.open"))]
        if not named or certified is None or not isinstance(state, ObjectState):
            raise NotFound(f"{request.object} is not registered", "register the object first", "object")
        entry, certificate = parse_statement(named[0].entry), parse_statement(certified.entry)
        facts = self._facts(recorded, request, head, entry, named[0].admitted_at, certificate, tuple(opened))
        body: ObjectRegistration = entry.event.body
        content = body.digest_record
        sha256 = content.sha256 if isinstance(content, FileContent) else content.root
        issue_certificate(
            self._issuer.signer,
            facts,
            write(self._payload(recorded, request, head, certificate)),
            Ingredient(request.title, body.media_type or "application/octet-stream", request.object, sha256),
            self._issuer.when(),
            out,
        )

    def _payload(
        self, recorded: Recorded, request: CertificateRequest, head: SignedCheckpoint, certificate: Statement
    ) -> CertificatePayload:
        path = self._issuer.log.published.prove_inclusion(recorded.position, head.checkpoint.size)
        return CertificatePayload(
            v=1,
            certificate=recorded.subject,
            object=request.object,
            number=request.number,
            log=self._issuer.voices.origin,
            position=recorded.position,
            entry=to_base64(certificate.entry),
            checkpoint=head.note.encode(),
            proof=tuple(map(to_base64, path)),
        )

    def _facts(
        self,
        recorded: Recorded,
        request: CertificateRequest,
        head: SignedCheckpoint,
        entry: Statement,
        admitted_at: int,
        certificate: Statement,
        disputes: tuple[str, ...],
    ) -> CertificateFacts:
        body: ObjectRegistration = entry.event.body
        content = body.digest_record
        sha256, sm3 = _digests(content)
        root = head.checkpoint.root.hex()
        return CertificateFacts(
            number=request.number,
            title=request.title,
            kind=request.kind or body.kind,
            asset=request.object,
            authority=request.authority or self._issuer.voices.registrar,
            registered=format_time(admitted_at),
            sha256=sha256,
            sm3=sm3,
            files=content.count if isinstance(content, FolderContent) else 1,
            size=content.size,
            log=self._issuer.voices.origin,
            leaf=recorded.position,
            tree_size=head.checkpoint.size,
            root=root,
            checkpoint=f"{head.checkpoint.size} {root}",
            key=certificate.kid.hex(),
            qr=f"{recorded.subject} {certificate.leaf.hex()} {head.checkpoint.size} {root}",
            link=f"{self._issuer.voices.origin}/{recorded.subject}",
            authors=tuple(request.authors),
            holders=tuple(Holder(h.get("name", ""), h.get("party", ""), h.get("share", "")) for h in request.holders),
            created=request.created,
            published=request.published,
            references=tuple((request.references or {}).items()),
            ai_part=_ai_part(body),
            examined=(_EXAMINED,),
            declared=(_DECLARED,),
            disputes=disputes,
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
