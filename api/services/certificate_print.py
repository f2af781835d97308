"""What stands on a certificate: the request, the object as it was registered, and its place in the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.services.anchoring import AnchorDesk
from api.services.certificate_request import CertificateRequest
from api.services.gathering import records_of
from api.services.issuing import Issuer
from api.services.licences import content_sha256, registered_object
from api.services.timestamps import TimestampDesk
from credentials.certificate_facts import Anchor, Bilingual, CertificateFacts, Correction, Holder, TimeMark
from credentials.sign import Ingredient
from ledger.store import Reads, Search
from tallystick.admission.state import DisputeState
from tallystick.base64s import to_base64
from tallystick.certificate import CertificateDocument
from tallystick.certificate_qr import make_qr
from tallystick.commitments import parse_disclosure
from tallystick.content import FileContent, FolderContent
from tallystick.events.objects import ObjectRegistration
from tallystick.keys import Signer
from tallystick.lazy_dataclass import dataclass
from tallystick.report.certificate_words import VALUE_NAMES
from tallystick.report.event_names import in_words
from tallystick.times import format_time
from tallystick.tree_head import SignedCheckpoint

_DECLARED = Bilingual(
    "权利归属与创作事实依申请人陈述", "ownership and the facts of creation, as the applicant states them"
)
_EXAMINED = (
    Bilingual(
        "内容摘要、签名与授权链已由日志规则核验",
        "content digests, signature and authorisation chain, by the rules of the log",
    ),
    Bilingual(
        "所列ISAN、EIDR、DOI、ISCC的校验位和格式",
        "check digits and form of the ISAN, EIDR, DOI and ISCC that are listed",
    ),
)
KINDS = {
    "image": "图像",
    "model-3d": "三维模型",
    "material": "材质",
    "video": "视频",
    "audio": "音频",
    "text": "文本",
    "data": "数据",
    "composite": "组合作品",
}
"""Kinds of registered objects, for people."""
REASONS = {
    "reissue": Bilingual("补发（内容不变）", "reissue; nothing in it differs"),
    "correction": Bilingual("更正", "correction"),
}
FIELDS = {name: Bilingual(one.zh, one.en) for name, one in VALUE_NAMES.items()}
"""The private values of a certificate, for people."""
_STANDING = Bilingual(
    "其是否独立于登记机构，由信任文件认定", "a trust file says whether it is independent of the registrar"
)
_OWN = Bilingual("登记机构自己的时间戳，只是登记机构的陈述", "the registrar's own timestamp: the registrar's word")


@dataclass(frozen=True)
class Place:
    """Where a certificate stands in the log, or, while it is rehearsed, might stand. ``kid``: its signer's key."""

    certificate: str
    position: int
    leaf: bytes
    kid: bytes
    head: SignedCheckpoint
    path: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Subject:
    """The object as it was registered, and the disputes about it."""

    registration: ObjectRegistration
    registered: str
    disputes: tuple[str, ...]


class Printer:
    """Makes facts and payload. ``link``: the address of a certificate's page, before its identifier."""

    def __init__(
        self,
        issuer: Issuer,
        anchors: AnchorDesk,
        stamps: TimestampDesk,
        registrar: Signer,
        link: str,
        signed: Bilingual,
    ) -> None:
        self._issuer = issuer
        self._anchors = anchors
        self._stamps = stamps
        self._registrar = registrar
        self._link = link
        self._signed = signed

    def document(
        self, request: CertificateRequest, place: Place, entry: bytes, opened: list[str]
    ) -> CertificateDocument:
        """The attachment. ``opened``: disclosures of the entry's private values."""
        return CertificateDocument(
            v=2,
            certificate=place.certificate,
            object=request.object,
            number=request.number,
            log=self._issuer.voices.origin,
            position=place.position,
            entry=to_base64(entry),
            checkpoint=place.head.note.encode(),
            proof=tuple(map(to_base64, place.path)),
            disclosures=tuple(opened),
        )

    def facts(
        self, request: CertificateRequest, place: Place, subject: Subject, before: Mapping[str, Any]
    ) -> CertificateFacts:
        """``before``: the private values of the certificate that this one supersedes."""
        registered, tree = subject.registration, place.head.checkpoint
        content = registered.digest_record
        sha256, sm3 = _digests(content)
        root = tree.root.hex()
        return CertificateFacts(
            number=request.number,
            certificate=place.certificate,
            title=request.title,
            kind=request.kind or f"{KINDS[registered.kind]} {registered.kind}",
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
            qr=self._code(request, place),
            link=f"{self._link}/certificates/{place.certificate}",
            authors=tuple(request.authors),
            holders=tuple(Holder(one["name"], one.get("party", ""), one.get("share", "")) for one in request.holders),
            created=request.created,
            published=request.published,
            references=request.printed_references(),
            human_authorship=request.authorship(),
            ai_part=_ai_part(registered),
            examined=_EXAMINED,
            declared=(_DECLARED,),
            disputes=subject.disputes,
            supersedes=request.supersedes or "",
            reason=REASONS[request.reason] if request.reason else None,
            corrections=tuple(_correction(name, before, request.private()) for name in request.corrected),
            anchors=self._anchored(),
            time_marks=self._stamped(),
            signature=self._signed,
        )

    def _code(self, request: CertificateRequest, place: Place) -> str:
        note, path = place.head.note, place.path
        return make_qr(self._registrar, place.certificate, request.number, place.position, place.leaf, path, note)

    def _anchored(self) -> tuple[Anchor, ...]:
        """The latest final anchor of each target, with its trust line."""
        return tuple(
            Anchor(
                f"chain {view.target.spec.chain_id} ({view.target.spec.vouched_by})",
                f"size {view.anchor.size}, root {view.anchor.root.hex()}",
                view.trust_line,
            )
            for view in self._anchors.final()
        )

    def _stamped(self) -> tuple[TimeMark, ...]:
        """Of each authority the newest token over a checkpoint."""
        found = [one for one in self._stamps.newest() if one.gen_time is not None]
        return tuple(
            TimeMark(
                one.authority,
                format_time((one.gen_time or 0) // 1_000_000),
                f"± {(one.accuracy or 0) / 1_000_000:g} s, size {one.size}",
                _OWN if one.own else _STANDING,
            )
            for one in found
        )


def private_values(reads: Reads, certificate: str) -> dict[str, Any]:
    """What is still kept of an earlier certificate's private values."""
    for record in records_of(reads, subject=certificate, type="certificate.issue"):
        if record.subject == certificate:
            kept = (parse_disclosure(text) for text in reads.disclosures(record.position).values())
            return {one.name: one.value for one in kept}
    return {}


def _correction(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Correction:
    return Correction(FIELDS[name], _words(before.get(name)), _words(after.get(name)))


def _words(value: Any) -> str:
    """A private value on one line."""
    if isinstance(value, dict):
        return " ".join(str(part) for part in value.values() if part)
    if isinstance(value, list):
        return "；".join(map(_words, value))
    return str(value or "")


def subject_of(reads: Reads, object_id: str) -> Subject:
    """Raises ``NotFound``."""
    found = registered_object(reads, object_id)
    return Subject(found.body, format_time(found.admitted_at), tuple(_disputes(reads, object_id)))


def _disputes(reads: Reads, object_id: str) -> Iterator[str]:
    """Every dispute about the object, with how it stands."""
    after = -1
    while page := reads.search(Search(subject=object_id, type="dispute.open", after=after)):
        for opened in page:
            state = reads.get(opened.subject)
            status = state.status if isinstance(state, DisputeState) else "open"
            yield f"{opened.subject} {in_words(status, 'zh')} {status}"
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
        f"由已备案能力{made.capability}（版本{made.version}）在任务{made.job}中生成",
        f"generated by the filed capability {made.capability} (version {made.version}) in job {made.job}",
    )


def certified_thing(request: CertificateRequest, subject: Subject) -> Ingredient:
    """The registered thing, as a certificate with a Content Credential names it."""
    registered = subject.registration
    media_type = registered.media_type or "application/octet-stream"
    return Ingredient(request.title, media_type, request.object, content_sha256(registered.digest_record))
