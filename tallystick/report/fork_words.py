"""What ``tallystick verify-fork`` says, in English and Chinese. Values in braces come from the evidence."""

from __future__ import annotations

from tallystick.report.phrases import Phrase

WORDS: dict[str, Phrase] = {
    "proved": Phrase("PROVED: log {origin} forked", "已证明：日志 {origin} 分叉"),
    "not-proved": Phrase("NOT PROVED", "未证明"),
    "signed": Phrase(
        "both checkpoints bear signatures of the log's keys: {keys}", "两个检查点均带有日志密钥的签名：{keys}"
    ),
    "first": Phrase("signed: {size} entries, root {root}", "已签名：共 {size} 条，根 {root}"),
    "roots": Phrase("one size has two roots", "同一大小有两个根"),
    "history": Phrase(
        "the larger tree had root {opened} at {size} entries, not the one that was signed",
        "较大的树在 {size} 条时的根为 {opened}，并非所签之根",
    ),
    "leaves": Phrase("different entries stand at position {index}", "位置 {index} 的条目不同"),
    "means": Phrase("This means:", "由此可知："),
    "means-word": Phrase(
        "nothing rests on this log's word alone: give this file to `tallystick verify --convictions`",
        "凡仅以该日志所述为据者均不足信：请以 `tallystick verify --convictions` 提交本文件",
    ),
    "limits": Phrase("This does not prove:", "以上并不证明："),
    "limit-who": Phrase(
        "who forked it: the operator, or a thief of these keys", "何人所为：系运营方，抑或窃得上述密钥之人"
    ),
    "limit-which": Phrase("which of the two histories is the true one", "两部历史何者为真"),
}
