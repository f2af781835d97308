"""Sources of time and whose word they are, for people."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass
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
    "token": ("timestamp authority {name} on the tree of {place} entries", "时间戳机构 {name} 对共 {place} 条的日志树"),
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


@dataclass(frozen=True)
class TimeWords:
    """Headings and standing sentences of the part about time."""

    heading: str
    heads: tuple[str, ...]
    entry_heads: tuple[str, ...]
    all_independent: str
    all_operator: str
    all_claimed: str
    zone: str
    alone: str
    no_start: str
    never: str
    nothing: str


TIME: dict[Language, TimeWords] = {
    "en": TimeWords(
        heading="When",
        heads=("Source", "On the word of", "Not before", "Not after"),
        entry_heads=("Entry", "Not before (independents)", "Not after (independents)", "As its signer says"),
        all_independent="All entries about the case: on independents' word",
        all_operator="All entries about the case: with the operator's word",
        all_claimed="All entries about the case: as their signers say",
        zone="All times are UTC: they end in Z. By a local clock the date may be another.",
        alone="Nobody independent of the operator bounds the time.",
        no_start="Nobody independent shows an earliest time: the left end stays open.",
        never="These are times at which entries stood in the log. When a work was made, none of them shows.",
        nothing="No time is shown: the steps on which it rests do not hold.",
    ),
    "zh": TimeWords(
        heading="时间",
        heads=("来源", "依据何人陈述", "不早于", "不晚于"),
        entry_heads=("条目", "不早于（独立方）", "不晚于（独立方）", "签名者自述"),
        all_independent="全部涉案条目：据独立方陈述",
        all_operator="全部涉案条目：结合运营方陈述",
        all_claimed="全部涉案条目：据签名者自述",
        zone="所有时间均为协调世界时（UTC，以 Z 结尾）；北京时间须加 8 小时，日期可能晚一天。",
        alone="没有独立于运营方的来源限定时间。",
        no_start="没有独立方证明最早时间：左端未定。",
        never="所列均为条目载入日志的时间；作品何时形成，均不能说明。",
        nothing="不展示时间：其所依据的步骤不成立。",
    ),
}
