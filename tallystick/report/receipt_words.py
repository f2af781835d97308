"""What ``tallystick verify-receipt`` says, in English and Chinese. Values in braces come from the evidence."""

from __future__ import annotations

from tallystick.report.phrases import Phrase

WORDS: dict[str, Phrase] = {
    "proved": Phrase("PROVED: this statement is in the log", "已证明：该声明已在日志中"),
    "not-proved": Phrase("NOT PROVED", "未证明"),
    "statement": Phrase(
        "the statement: {issuer} says {type} about {subject}, event {event_id}",
        "声明内容：{issuer} 就 {subject} 作出 {type}，事件编号 {event_id}",
    ),
    "recorded-for": Phrase(
        "recorded by the service for {party}: not signed by it", "由服务代 {party} 记录，并非其本人签名"
    ),
    "included": Phrase(
        "log {origin} signed that it stands at position {index} of {size} entries; root {root}, key {kid}",
        "日志 {origin} 签名确认：该声明位于第 {index} 位，当时共 {size} 个条目；根 {root}，密钥 {kid}",
    ),
    "confirmed": Phrase(
        "a checkpoint of this tree bears all three signatures of the log",
        "该树的检查点带有日志的全部三个签名",
    ),
    "witnessed": Phrase("cosigned by the witnesses {names}", "见证人 {names} 已联署"),
    "signed": Phrase(
        "the statement is signed by the {role} key that the trust file names", "声明由信任文件所列的{role}密钥签名"
    ),
    "log": Phrase("log's", "日志"),
    "registrar": Phrase("registrar's", "登记方"),
    "unread": Phrase("not used: {detail}", "未采用：{detail}"),
    "limits": Phrase("This does not prove:", "以上并不证明："),
    "limit-signer": Phrase(
        "that {issuer} signed it: the log says that it checked, and an evidence bundle shows it",
        "该声明确由 {issuer} 签名：日志称已核验，证据包可予证明",
    ),
    "limit-time": Phrase(
        "when: {time} is what the statement says, and a receipt bears no time",
        "时间：{time} 为声明自述，收据不含时间",
    ),
    "limit-truth": Phrase("that it is true", "声明内容属实"),
    "limit-since": Phrase(
        "that it still stands: later entries may suspend, revoke or dispute it",
        "声明至今有效：后续条目可能已将其中止、撤销或提出争议",
    ),
    "limit-view": Phrase(
        "that the log shows everybody the same: no witness is asked here",
        "日志向所有人展示同一内容：此处未查验见证人",
    ),
    "later": Phrase(
        "the statement is of a later version: install a newer tallystick to read it",
        "声明属于更高版本：请安装新版 tallystick 后阅读",
    ),
}
