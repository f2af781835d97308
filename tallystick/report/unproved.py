"""What is not proved, and which fact from outside would settle it."""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.report.conclusions import why
from tallystick.report.layout import Row, Section
from tallystick.report.phrase import Language, Phrase
from tallystick.report.words import CLAIMS, OUTCOMES, words
from tallystick.verify.outcome import Claim, Report

SETTLES: dict[str, Phrase] = {
    "integrity": Phrase(
        "the same bundle from the exporter by another channel; whose key signed it",
        "经另一渠道向出具方取得的同一证据包；签名密钥的归属",
    ),
    "statement-signature": Phrase(
        "the entries that registered the keys; the signer's own confirmation", "登记各密钥的条目；签名者本人的确认"
    ),
    "inclusion": Phrase(
        "a copy of the log from its mirrors or witnesses, with the entry at its place",
        "镜像或见证人所存日志副本中该位置的条目",
    ),
    "checkpoint-signature": Phrase(
        "the log's keys by another channel; checkpoints that witnesses kept",
        "经另一渠道取得的日志公钥；见证人所存检查点",
    ),
    "entitlement": Phrase(
        "the missing entries of the log; a contract or authorisation of the signer",
        "日志中缺失的条目；签名者的合同或授权",
    ),
    "disclosure": Phrase("the value and salt from whoever kept them", "由保存者提供的原值与盐值"),
    "content": Phrase(
        "your own copy of the original, compared by `tallystick digest FILE`",
        "以 `tallystick digest FILE` 比对您自有的原件副本",
    ),
    "traceability": Phrase(
        "the missing job, capability or source entries; records of those who made the work",
        "缺失的任务、能力或来源条目；制作者的工作记录",
    ),
    "anchor": Phrase(
        "the hash of the named block from two explorers or your own node", "两个区块浏览器或自有节点所示的该区块哈希"
    ),
    "time": Phrase(
        "a publication, a delivery, a notarial act or a timestamp of an independent authority",
        "公开发表、交付记录、公证或独立机构的时间戳",
    ),
    "credential": Phrase(
        "the signed file itself, and the standing of its signer at that time", "签名文件本身，及签名人当时的资格"
    ),
    "completeness": Phrase(
        "an audit by an auditor of the trust file, or a copy of the log (`--replay`)",
        "信任文件所列审计方的审计，或日志副本（`--replay`）",
    ),
    "timestamp": Phrase(
        "the authority's certificate by another channel, or a token of an authority that you know",
        "经另一渠道取得的机构证书，或您所知机构的令牌",
    ),
    "capture": Phrase(
        "the holder's own records of the making, the device itself, the notary's office, a witness heard",
        "持有人自有的制作记录、设备原物、公证机构的答复、证人证言",
    ),
    "custody": Phrase(
        "the records of each custodian, and a receipt from whoever took the bytes over",
        "各保管方的自有记录，以及接收方的签收凭证",
    ),
    "platform": Phrase("each issuer's own answer about its document", "各出具机构对其文件的答复"),
}
"""By claim."""
ALWAYS: tuple[Phrase, ...] = (
    Phrase("That what was registered is true.", "登记内容属实。"),
    Phrase(
        "Who stood behind a key: the registrar's word, or the party's own, ties a person to it.",
        "密钥背后为何人：仅凭登记机构或主体自身的陈述与人对应。",
    ),
    Phrase("When a work was made, or by whom, before it was logged.", "作品在入账之前何时、由何人完成。"),
    Phrase("Who owns what, and whether any use was lawful.", "权利归属，以及任何使用是否合法。"),
)
"""What no bundle proves, whatever its outcome."""


def unproved_section(report: Report, language: Language) -> Section:
    """Open claims with what would settle each; then what no bundle proves."""
    w = words(language)
    opened = [claim for claim in report.claims if claim.outcome != "proved"]
    return Section(
        w.unproved,
        paragraphs=(w.never, *((w.unproved_lead,) if opened else ())),
        heads=w.unproved_heads if opened else (),
        widths=(22, 16, 34, 28),
        rows=tuple(_row(claim, language) for claim in opened),
        marks=tuple(claim.outcome for claim in opened),
        notes=tuple(_never(language)),
    )


def _row(claim: Claim, language: Language) -> Row:
    w, settles = words(language), SETTLES[claim.id]
    name = f"{CLAIMS[claim.id][language]} ({w.required if claim.required else w.optional})"
    settled = settles.zh if language == "zh" else settles.en
    return name, OUTCOMES[claim.outcome][language], why(claim, language), settled


def _never(language: Language) -> Iterable[str]:
    yield words(language).never_any
    yield from (f"— {phrase.zh if language == 'zh' else phrase.en}" for phrase in ALWAYS)
