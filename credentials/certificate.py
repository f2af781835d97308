"""The registration certificate: a PDF in Chinese and English, with the facts of the registration signed into it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credentials.errors import TextNotPrintable
from credentials.sign import DIGITAL_CREATION, ClaimSigner, Ingredient, Manifest, Signed, sign_asset
from credentials.text import require_printable
from tallystick.c2pa.verdict import CERTIFICATE

if TYPE_CHECKING:
    from credentials.certificate_layout import Section


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Holder:
    """One rights holder and the share, for example "50 %"."""

    name: str
    party: str
    share: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a checkpoint was anchored outside the log. `time` is what that place says, RFC 3339 UTC."""

    place: str
    reference: str
    time: str


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What the certificate states. Digests and roots are lowercase hex, times RFC 3339 UTC; empty means not given.

    `references` are pairs of a name and a value (film permit number, EIDR, ISAN, ISCC, DOI, edit, runtime ...).
    """

    number: str
    title: str
    kind: str
    asset: str
    authority: str
    registered: str
    sha256: str
    sm3: str
    files: int
    size: int
    log: str
    leaf: int
    tree_size: int
    root: str
    checkpoint: str
    key: str
    qr: str
    link: str
    authors: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    created: str = ""
    published: str = ""
    references: tuple[tuple[str, str], ...] = ()
    human_authorship: Bilingual | None = None
    ai_part: Bilingual | None = None
    examined: tuple[Bilingual, ...] = ()
    declared: tuple[Bilingual, ...] = ()
    disputes: tuple[str, ...] = ()
    supersedes: str = ""
    superseded_by: str = ""
    anchors: tuple[Anchor, ...] = ()
    time_basis: Bilingual = Bilingual(
        "时间仅由日志运营者陈述；本证书中没有独立的时间来源。",
        "The time rests on the operator of the log alone; no independent source of time is part of this certificate.",
    )

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.type == "str" and not getattr(self, field.name) and field.name not in _OPTIONAL:
                raise TextNotPrintable(f"the field {field.name} of the certificate is empty")
        require_printable(_texts([getattr(self, field.name) for field in fields(self)]))


_OPTIONAL = frozenset({"created", "published", "supersedes", "superseded_by"})

NOT_PROVED = (
    Bilingual(
        "不证明作品内容真实、合法或具有独创性。",
        "That what the work shows is true, lawful or original.",
    ),
    Bilingual(
        "不证明申请人是作者或权利人；凡列为“依申请人陈述”的事项，登记机构均未审查。",
        "That the applicant is the author or holds the rights: what is listed as declared was not examined.",
    ),
    Bilingual(
        "不证明在所示时间之前作品不存在；也不证明“时间依据”所载范围以外的时间。",
        "That the work did not exist before the time shown; nor any time beyond what the basis of time says.",
    ),
    Bilingual(
        "不证明签发之后没有争议、更正、撤销或替代登记：请以最新的状态和日志为准。",
        "That no dispute, correction, withdrawal or newer registration followed: ask for the newest status and log.",
    ),
    Bilingual(
        "打印件、截图和网页本身什么也不证明：须用离线核验程序核对本文件的签名与日志证明。",
        "Anything, if all you have is a print, a screenshot or a web page: verify the signed file and its log proofs.",
    ),
    Bilingual(
        "不证明所有权，也不是法律意见；证据的采信由法院决定。",
        "Ownership. Nor is it a legal opinion: a court decides what it accepts as evidence.",
    ),
)

_NO_ADVERSE = Bilingual(
    "截至所示检查点，登记机构未见争议或替代登记。",
    "As of the checkpoint shown, the registrar knows of no dispute and no newer registration.",
)


def render_certificate(facts: CertificateFacts) -> bytes:
    """The certificate as PDF bytes, unsigned. The same facts give the same bytes."""
    # Loaded when a certificate is drawn, not when the service starts.
    from credentials.certificate_layout import render

    out = io.BytesIO()
    render(
        out,
        number=facts.number,
        title=facts.title,
        subtitle=f"{facts.authority} · {facts.registered}",
        qr=facts.qr,
        link=facts.link,
        sections=list(_sections(facts)),
    )
    return out.getvalue()


def issue_certificate(
    signer: ClaimSigner,
    facts: CertificateFacts,
    payload: Mapping[str, Any],
    asset: Ingredient,
    when: datetime,
    out: Path,
) -> Signed:
    """Write the signed certificate to `out`: `payload` becomes the certificate assertion, `asset` its ingredient."""
    manifest = Manifest(
        title=f"{facts.number} {facts.title}",
        assertions={CERTIFICATE: payload},
        when=when,
        source_type=DIGITAL_CREATION,
        published=True,
        ingredients=(asset,),
    )
    return sign_asset(signer, render_certificate(facts), out, manifest, "application/pdf")


def _sections(facts: CertificateFacts) -> Iterator[Section]:
    """The certificate from top to bottom; adverse facts stand before the technical ones."""
    from credentials.certificate_layout import Section

    yield Section("登记事项", "Registration", rows=_registration(facts))
    adverse = [("争议", "dispute", text) for text in facts.disputes]
    if facts.superseded_by:
        adverse.append(("已被替代", "superseded by", facts.superseded_by))
    if facts.supersedes:
        adverse.append(("替代", "supersedes", facts.supersedes))
    yield Section("争议与更替", "Disputes and succession", rows=adverse or [("无", "none", _both(_NO_ADVERSE))])
    examined = [("已审查", "examined", _both(text)) for text in facts.examined]
    declared = [("依申请人陈述", "declared", _both(text)) for text in facts.declared]
    if examined or declared:
        yield Section("审查范围", "What was examined, and what was taken on declaration", rows=examined + declared)
    yield Section("内容摘要", "Digests of the content", rows=_digests(facts))
    yield Section("日志证明", "Proof in the log", rows=_proof(facts))
    yield Section(
        "本证书不证明的事项",
        "What this certificate does not prove",
        rows=[(str(number), "", _both(text)) for number, text in enumerate(NOT_PROVED, 1)],
        warning=True,
    )


def _registration(facts: CertificateFacts) -> list[tuple[str, str, str]]:
    rows = [
        ("作品名称", "title", facts.title),
        ("类别", "kind", facts.kind),
        ("作品标识", "object", facts.asset),
        ("作者", "authors", "，".join(facts.authors)),
        *(("权利人", "rights holder", f"{h.name}  {h.share}\n{h.party}") for h in facts.holders),
        ("创作完成", "created", facts.created),
        ("首次发表", "first published", facts.published),
        ("登记时间", "registered", facts.registered),
        ("登记机构", "authority", facts.authority),
        *((name, "", value) for name, value in facts.references),
        ("人类创作", "human authorship", _both(facts.human_authorship)),
        ("人工智能部分", "AI part", _both(facts.ai_part)),
    ]
    return [row for row in rows if row[2]]


def _digests(facts: CertificateFacts) -> list[tuple[str, str, str]]:
    return [
        ("SHA-256", "", facts.sha256),
        ("SM3", "", facts.sm3),
        ("范围", "extent", f"{facts.files} 个文件 file(s)，{facts.size} 字节 bytes"),
    ]


def _proof(facts: CertificateFacts) -> list[tuple[str, str, str]]:
    return [
        ("日志", "log", facts.log),
        ("叶序号 / 树大小", "leaf / tree size", f"{facts.leaf} / {facts.tree_size}"),
        ("树根", "root", facts.root),
        ("签名密钥", "key", facts.key),
        ("检查点", "checkpoint", facts.checkpoint),
        *(("锚定", "anchor", f"{a.place}\n{a.reference}\n{a.time}") for a in facts.anchors),
        ("时间依据", "basis of time", _both(facts.time_basis)),
    ]


def _both(text: Bilingual | None) -> str:
    return f"{text.zh}\n{text.en}" if text else ""


def _texts(value: object) -> Iterator[str]:
    """Every text inside a value, line by line: line breaks are layout, not characters to print."""
    if isinstance(value, str):
        yield from value.split("\n")
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Bilingual | Holder | Anchor):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))
