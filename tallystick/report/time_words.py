"""Sources of time and whose word they are, for people."""

from __future__ import annotations

from tallystick.report.phrases import Language
from tallystick.time_interval import Kind, Source, Word

SOURCES: dict[Kind, tuple[str, str]] = {
    "claimed": ("the signer's own time in entry {name}", "第 {name} 条签名者自述"),
    "batch": ("batch entry {name}", "批次条目 {name}"),
    "checkpoint": ("the log's own signature on its tree of {place} entries", "日志对共 {place} 条的日志树自行签名"),
    "witness": ("witness {name} on the tree of {place} entries", "见证人 {name} 对共 {place} 条的日志树联署"),
    "block": (
        "block {detail} of chain {name}, with the tree of {place} entries",
        "链 {name} 区块 {detail}，载有共 {place} 条的日志树",
    ),
    "token": (
        "timestamp authority {name} on the tree of {place} entries ({detail})",
        "时间戳机构 {name} 对共 {place} 条的日志树（{detail}）",
    ),
}
"""English, Chinese."""

MARKS: dict[Kind, tuple[str, str]] = {
    "witness": ("a cosignature of witness {name}, held by entry {place}", "第 {place} 条所载见证人 {name} 的联署"),
    "block": (
        "the hash of block {detail} of chain {name}, held by entry {place}",
        "第 {place} 条所载链 {name} 区块 {detail} 的哈希",
    ),
    "token": (
        "a token of timestamp authority {name}, held by entry {place}",
        "第 {place} 条所载时间戳机构 {name} 的时间戳",
    ),
}
"""What bounds from below all that stands after the entry that names it."""

WORDS: dict[Word, tuple[str, str]] = {
    "independent": ("independent of the operator, by the trust file", "信任文件认定独立于运营方"),
    "operator": ("by the operator's word", "运营方陈述"),
    "party": ("by the signer's word", "签名者陈述"),
}


def source_name(source: Source, language: Language) -> str:
    """The source, as a noun phrase."""
    table = MARKS if source.bound == "not_before" and source.kind in MARKS else SOURCES
    text = table[source.kind][0 if language == "en" else 1]
    return text.format(name=source.name, place=source.place, detail=source.detail)


def word_name(word: Word, language: Language) -> str:
    """Whose word it is."""
    return WORDS[word][0 if language == "en" else 1]
