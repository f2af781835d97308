"""What ``tallystick verify-proof`` says, in English and Chinese. Values in braces come from the evidence."""

from __future__ import annotations

from tallystick.report.phrases import Phrase

WORDS: dict[str, Phrase] = {
    "proved": Phrase("PROVED: this entry is in the log", "已证明：该条目已在日志中"),
    "not-proved": Phrase("NOT PROVED", "未证明"),
    "placed": Phrase(
        "log {origin} signed that it stands at position {index} of {size} entries; root {root}",
        "日志 {origin} 签名确认：该条目位于第 {index} 位，当时共 {size} 个条目；根 {root}",
    ),
    "signed-at": Phrase("signed at {time}, by the log's own word", "签署时间 {time}，为日志自述"),
    "witnessed": Phrase("cosigned in time by the witnesses {names}", "见证人 {names} 已按时联署"),
    "extra": Phrase(
        "{size} bytes of extra data came along: nothing authenticates them", "附带额外数据 {size} 字节：未经任何认证"
    ),
    "limits": Phrase("This does not prove:", "以上并不证明："),
    "limit-truth": Phrase("who signed the entry, or that it is true", "条目由谁签名，其内容是否属实"),
    "limit-since": Phrase(
        "that it still stands: later entries may suspend, revoke or dispute it",
        "条目至今有效：后续条目可能已将其中止、撤销或提出争议",
    ),
    "limit-view": Phrase(
        "that the log shows everybody the same: no witness was asked for",
        "日志向所有人展示同一内容：未要求任何见证人",
    ),
}
