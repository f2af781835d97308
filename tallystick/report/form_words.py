"""The fixed words of the forms that people sign. Each form has one language: that of the court it is for."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass
from tallystick.report.phrase import Language

BLANK = "________________"


@dataclass(frozen=True)
class FormWords:
    """What all forms of a language share. Values in braces come from the evidence."""

    draft: str
    not_proved: str
    blank: str
    foot: str
    about: str
    item: str
    value: str
    person: str
    for_person: str
    record: str
    rows: dict[str, str]
    reasons: dict[str, str]
    adverse: str
    no_adverse: str
    open_claims: str
    signature: str
    signing: tuple[str, ...]


EN = FormWords(
    draft="DRAFT, UNSIGNED. Filled in by a program from what it verified. It states nothing until a person with "
    "knowledge signs it; strike out whatever you cannot say of your own knowledge.",
    not_proved="The bundle is NOT PROVED as a whole: read the verification report before signing anything.",
    blank="{line} (left blank: {reason})",
    foot="Draft form, unsigned. Blank lines are for the person who signs; what was not proved was left blank.",
    about="{case}, of log {log}; verified as of {at}",
    item="Item",
    value="As verified",
    person="The person",
    for_person="for the person to state",
    record="The record",
    rows={
        "case": "Case",
        "log": "Log",
        "bundle": "Evidence bundle, SHA-256",
        "covers": "Its contents but for enclosed reports and forms, SHA-256",
        "trust": "Verified under the trust file, SHA-256",
        "at": "Verified as of (UTC)",
        "integrity": "The bundle is what its exporter signed",
        "entries": "Entries of the record, each signed by a key that the log declares",
        "tree": "Each entry stands in the tree of the log: size and root",
        "checkpoint": "The tree is signed by the log that the trust file names",
        "entitlement": "The rules of the log admit every entry again",
        "anchor": "The tree was held by a contract on a chain that checks consistency",
        "time": "All entries about the case stood in the log by",
        "content": "Files whose bytes were compared with the registered digests",
        "original": "{digest}: {same}",
        "head": "{size} entries, root {root}",
        "exported": "Exported from the log at",
    },
    reasons={
        "claim": "step {step} found: {outcome}",
        "word": "only {word} says {value}",
        "person": "for the person to state",
        "digests": "the bytes are not in the bundle, or were not found to be the registered ones",
        "nothing": "nothing in the bundle speaks to it",
        "own": "a file cannot hold the digest of the bundle that it is in: sha256sum tells it",
    },
    adverse="Adverse or later events on record: {count}. They are listed in the verification report and must not be "
    "left out.",
    no_adverse="The bundle shows no adverse event. That none was withheld is not stated here.",
    open_claims="Not proved, or open: {claims}.",
    signature="Signature",
    signing=("Name", "Position and employer", "Place", "Date", "Signature"),
)
ZH = FormWords(
    draft="草稿，未签名。由程序依其核验结果填写。在知情人签名之前不构成任何陈述；凡非本人所知者，请删去。",
    not_proved="证据包整体未获证明：签署任何内容之前，请先阅读验证报告。",
    blank="{line}（留空，原因：{reason}）",
    foot="表格草稿，未签名。空白处由签署人填写；未获证明者一律留空。",
    about="{case}，所属日志 {log}；验证所据时间 {at}",
    item="事项",
    value="经核验的事实",
    person="签署人",
    for_person="由签署人说明",
    record="记录",
    rows={
        "case": "案件标的",
        "log": "日志",
        "bundle": "证据包 SHA-256",
        "covers": "除所附报告与表格以外的内容 SHA-256",
        "trust": "所据信任文件 SHA-256",
        "at": "验证所据时间（UTC）",
        "integrity": "证据包即其出具方所签署者",
        "entries": "记录的条目，均由日志登记的密钥签名",
        "tree": "各条目均在日志树中：大小与根",
        "checkpoint": "日志树由信任文件所列日志签名",
        "entitlement": "重新适用日志规则，各条目均准予登记",
        "anchor": "该树曾由校验一致性的链上合约记载",
        "time": "涉案条目全部载入日志，最迟于",
        "content": "与登记摘要比对一致的文件",
        "original": "{digest}（{same}）",
        "head": "{size} 条，根 {root}",
        "exported": "自日志导出的时间",
    },
    reasons={
        "claim": "第 {step} 步结果为“{outcome}”",
        "word": "仅有{word}：{value}",
        "person": "由签署人说明",
        "digests": "证据包未附其字节，或未证明与登记一致",
        "nothing": "本证据包未见相关内容",
        "own": "文件不能包含其所在证据包的摘要，请以 sha256sum 计算",
    },
    adverse="在案不利或后续事件 {count} 项，见验证报告，不得略去。",
    no_adverse="证据包未见不利事件；是否有未予出示者，本表不作陈述。",
    open_claims="未证明或未定：{claims}。",
    signature="签署",
    signing=("姓名", "单位及职务", "地点", "日期", "签名（盖章）"),
)
WORDS: dict[Language, FormWords] = {"en": EN, "zh": ZH}

WORD_OF: dict[Language, dict[str, str]] = {
    "en": {"operator": "the operator of the log", "exporter": "the exporter"},
    "zh": {"operator": "日志运营方陈述", "exporter": "出具方陈述"},
}
"""Whose word something is that is not proved."""
