"""The certificate of registration: a document in Chinese and English for a judge, an opposing lawyer and a producer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credentials.certificate_facts import Bilingual, CertificateFacts, Holder, TimeMark
from credentials.sign import DIGITAL_CREATION, Ingredient, Manifest, Signed, sign_asset
from credentials.signer import ClaimSigner
from tallystick.c2pa.verdict import CERTIFICATE

if TYPE_CHECKING:
    from credentials.certificate_layout import Section

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
        "不证明所列ISAN、EIDR、DOI、ISCC等编号属于本作品：仅核验了其校验位和格式。",
        "That the ISAN, EIDR, DOI or ISCC listed is of this work: only its form and check digits were verified.",
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
_PREAMBLE = Bilingual(
    "根据申请人的申请，登记机构已将下列作品登记于可验证日志，特发此证。",
    "On application the registrar has entered the following work in a verifiable log, and certifies it.",
)
_UNDIVIDED = Bilingual("未载明份额", "share not stated")


def render_certificate(facts: CertificateFacts) -> bytes:
    """The certificate as PDF bytes, unsigned. The same facts give the same bytes."""
    # Loaded when a certificate is drawn, not when the service starts.
    from credentials.certificate_layout import Heading, render

    out = io.BytesIO()
    heading = Heading(
        number=facts.number,
        certificate=facts.certificate,
        title=facts.title,
        authority=facts.authority,
        issued=facts.issued,
        link=facts.link,
        preamble=_both(_PREAMBLE),
        signature=_both(facts.signature),
    )
    render(out, heading, list(_sections(facts)), facts.qr)
    return out.getvalue()


def issue_certificate(
    signer: ClaimSigner,
    facts: CertificateFacts,
    payload: Mapping[str, Any],
    asset: Ingredient,
    when: datetime,
    out: Path,
) -> Signed:
    """Write the certificate, signed with C2PA, to `out`: `payload` becomes the assertion, `asset` its ingredient."""
    manifest = certificate_manifest(facts, payload, asset, when)
    return sign_asset(signer, render_certificate(facts), out, manifest, "application/pdf")


def certificate_manifest(
    facts: CertificateFacts, payload: Mapping[str, Any], asset: Ingredient, when: datetime
) -> Manifest:
    """What a credential says of any picture of a certificate: PDF or card."""
    return Manifest(
        title=f"{facts.number} {facts.title}",
        assertions={CERTIFICATE: payload},
        when=when,
        source_type=DIGITAL_CREATION,
        published=True,
        ingredients=(asset,),
    )


def _sections(facts: CertificateFacts) -> Iterator[Section]:
    """The certificate from top to bottom; adverse facts stand before the technical ones."""
    from credentials.certificate_layout import Section

    yield Section("登记事项", "Registration", rows=_registration(facts))
    yield Section("争议与更替", "Disputes and succession", rows=_succession(facts))
    examined = [("已审查", "examined", _both(text)) for text in facts.examined]
    declared = [("依申请人陈述", "declared", _both(text)) for text in facts.declared]
    if examined or declared:
        yield Section("审查范围", "What was examined, and what was taken on declaration", rows=examined + declared)
    yield Section(
        "本证书不证明的事项",
        "What this certificate does not prove",
        rows=[(str(number), "", _both(text)) for number, text in enumerate(NOT_PROVED, 1)],
        warning=True,
    )
    yield Section("内容摘要", "Digests of the content", rows=_digests(facts))
    yield Section("日志证明", "Proof in the log", rows=_proof(facts))


def _registration(facts: CertificateFacts) -> list[tuple[str, str, str]]:
    rows = [
        ("作品名称", "title", facts.title),
        ("作品类别", "kind", facts.kind),
        ("作者", "authors", "\n".join(facts.authors)),
        *(("权利人", "rights holder", _holder(one)) for one in facts.holders),
        ("创作完成日期", "date of creation", facts.created),
        ("首次发表日期", "first publication", facts.published),
        ("登记日期", "date of registration", _moment(facts.registered)),
        ("登记机构", "authority", facts.authority),
        ("作品标识", "object", facts.asset),
        ("证书标识", "certificate", facts.certificate),
        *((name, "", value) for name, value in facts.references),
        ("人类创作声明", "human authorship", _both(facts.human_authorship)),
        ("人工智能部分", "AI part", _both(facts.ai_part)),
    ]
    return [row for row in rows if row[2]]


def _moment(text: str) -> str:
    """RFC 3339 in UTC; and by Beijing's clock, where the date may be the next one."""
    try:
        instant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return text
    return f"{text} (UTC)\n北京时间 {instant + timedelta(hours=8):%Y-%m-%d %H:%M:%S}"


def _holder(holder: Holder) -> str:
    share = holder.share or f"{_UNDIVIDED.zh} {_UNDIVIDED.en}"
    return "\n".join(filter(None, (f"{holder.name}　{share}", holder.party)))


def _succession(facts: CertificateFacts) -> list[tuple[str, str, str]]:
    rows = [("争议", "dispute", text) for text in facts.disputes]
    if facts.superseded_by:
        rows.append(("已被替代", "superseded by", facts.superseded_by))
    if facts.supersedes:
        rows.append(("替代证书", "supersedes", facts.supersedes))
    if facts.reason:
        rows.append(("替代原因", "reason", _both(facts.reason)))
    for one in facts.corrections:
        change = f"原为 was: {one.before or '—'}\n现为 is: {one.after or '—'}"
        rows.append((f"更正：{one.field.zh}", f"corrected: {one.field.en}", change))
    return rows or [("无", "none", _both(_NO_ADVERSE))]


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
        *(("时间戳", "timestamp", _mark(one)) for one in facts.time_marks),
        ("时间依据", "basis of time", _both(facts.time_basis)),
    ]


def _mark(mark: TimeMark) -> str:
    return f"{mark.authority}\n{mark.time} {mark.accuracy}\n{_both(mark.standing)}"


def _both(text: Bilingual | None) -> str:
    return f"{text.zh}\n{text.en}" if text else ""
