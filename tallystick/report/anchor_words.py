"""What ``tallystick verify-anchor`` says, in English and Chinese. Values in braces come from the evidence."""

from __future__ import annotations

from tallystick.report.phrases import Phrase

HEADS: dict[str, Phrase] = {
    "proved": Phrase("PROVED", "已证明"),
    "not_proved": Phrase("NOT PROVED", "未证明"),
    "contradicted": Phrase("CONTRADICTED", "相矛盾"),
    "needs_external_fact": Phrase("NEEDS AN EXTERNAL FACT", "尚需外部事实"),
}
WHYS: dict[str, Phrase] = {
    "proved": Phrase("the contract held this checkpoint of the log", "合约记有该日志的此检查点"),
    "external": Phrase(
        "the proof holds if the block has this hash: compare it, then name the block in the trust file",
        "若该区块确有此哈希，证明即成立：请核对后在信任文件中载明该区块",
    ),
    "unknown-target": Phrase(
        "the contract {contract} is a target neither of the trust file nor of a log that it names",
        "合约 {contract} 既非信任文件所载目标，亦非其所载日志指定的目标",
    ),
    "unknown-authority": Phrase(
        "the authority {authority} is none of the log's that the trust file knows for this size",
        "权限方 {authority} 不是信任文件所知该日志在此大小时的权限方",
    ),
    "later": Phrase("the block is dated {time}, after the time of verification", "区块时间 {time} 晚于验证所据时间"),
    "bad": Phrase("the proof does not hold: {detail}", "证明不成立：{detail}"),
}
LABELS: dict[str, Phrase] = {
    "log": Phrase("log", "日志"),
    "registry": Phrase("contract", "合约"),
    "block": Phrase("block", "区块"),
    "finality": Phrase("finality as packed (recorded, no proof)", "打包时的终局性（仅记录，非证明）"),
    "stamped": Phrase("block stamped by", "区块时间戳机构"),
    "unknown-stamp": Phrase("timestamp that says nothing here", "在此不作数的时间戳"),
    "trust": Phrase("trust file SHA-256", "信任文件 SHA-256"),
}
LIMITS = Phrase(
    "This does not prove who signed the checkpoint, nor that any entry of the log is true.",
    "以上并不证明检查点由谁签署，亦不证明日志任何条目属实。",
)
