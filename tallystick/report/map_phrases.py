"""What step 13 says of histories: whole or not, under which root, and by whose word."""

from __future__ import annotations

from tallystick.report.phrase import ADD, KEEP, Phrase

_ASK = (
    "ask the exporter for what is missing; keep this bundle: it and the log's own proof contradict each other",
    "请向出具方索取缺失内容；本证据包与日志自身证明相互矛盾，请留存",
)

MAP_PHRASES: dict[str, Phrase] = {
    "completeness.withheld": Phrase(
        "whether other events up to size {size} were withheld cannot be seen from here; "
        "anyone with the log's tiles can look",
        "截至大小 {size} 是否有其他事件未予出示，从证据包无法判断；持有日志数据者均可查验",
    ),
    "map.committed": Phrase(
        "that no other event up to size {size} was withheld is what the operator commits to; anyone with the log's "
        "tiles can refute it: `tallystick verify --replay` with a copy of the log, or the audit of an auditor whom the "
        "trust file names",
        "截至大小 {size} 无其他事件未予出示，为运营方之承诺；持有日志数据者均可反驳："
        "以日志副本运行 `tallystick verify --replay`，或由信任文件所列审计方出具审计",
    ),
    "map.whole": Phrase(
        "by the map root that entry {position} states ({time}), the bundle shows all events up to size {size} of "
        "{count} histories: there are no others",
        "依第 {position} 条所载事件图根（{time}），证据包已出示截至大小 {size} 的 {count} 项历史之全部事件，别无其他",
    ),
    "map.audited": Phrase(
        "auditor {name} replayed the first {size} entries of this tree and found the same root ({time})",
        "审计方 {name} 已重演本日志前 {size} 条并得出同一根（{time}）",
    ),
    "map.replayed": Phrase(
        "replayed here from the copy that was given: the bundle shows all events up to size {size} of {count} "
        "histories",
        "已据所给副本在本机重演：证据包已出示截至大小 {size} 的 {count} 项历史之全部事件",
    ),
    "map.not-shown": Phrase(
        "under the map root of size {size}, {count} histories are not shown to be whole, the first: {first}",
        "依大小 {size} 之事件图根，有 {count} 项历史未证明完整，首项：{first}",
    ),
    "map.short": Phrase(
        "the map root covers {size} entries; the bundle shows entry {position} about its subjects, which is beyond it",
        "事件图根覆盖 {size} 条；证据包所示涉案第 {position} 条不在其内",
    ),
    "map.no-root": Phrase(
        "entry {position} states no map root that is admitted", "第 {position} 条未载有效事件图根", *ADD
    ),
    "map.bad-proof": Phrase(
        "the {relation} history of {text} is not what the map root of entry {position} says: {detail}",
        "{text} 的历史（{relation}）与第 {position} 条所载事件图根不符：{detail}",
        *KEEP,
    ),
    "map.withheld": Phrase(
        "the map root of entry {position} counts {count} events in the {relation} history of {text}, "
        "the bundle shows {shown}: events were withheld",
        "第 {position} 条所载事件图根计 {text} 的历史（{relation}）{count} 项事件，"
        "证据包仅示 {shown} 项：有事件未予出示",
        *_ASK,
    ),
    "map.hides": Phrase(
        "the map root of entry {position} counts {count} events in the {relation} history of {text}, and they are not "
        "those that stand in the log at {positions}: the operator committed to a map that is not that of its log",
        "第 {position} 条所载事件图根计 {text} 的历史（{relation}）{count} 项事件，"
        "与日志第 {positions} 条所载不符：运营方所承诺者非其日志之事件图",
        *KEEP,
    ),
    "map.lie": Phrase(
        "entry {position} states the map root {stated}, the entries before it give {found}: the operator committed to "
        "a map that is not that of its log",
        "第 {position} 条所载事件图根为 {stated}，其前各条得出 {found}：运营方所承诺者非其日志之事件图",
        *KEEP,
    ),
    "map.other-copy": Phrase(
        "the copy that was given does not hold the {size} entries of this tree",
        "所给副本不含本树的 {size} 条条目",
        "copy the log again (`python -m ledger mirror`), up to the size of this case at least",
        "请重新复制日志（`python -m ledger mirror`），至少至本案大小",
    ),
    "map.copy-has-more": Phrase(
        "the log holds events in the {relation} history of {text} that the bundle does not show: entries {positions}",
        "日志中 {text} 的历史（{relation}）另有证据包未示之事件：第 {positions} 条",
        *_ASK,
    ),
    "map.audit-bad": Phrase(
        "the line of auditor {name} over size {size} does not verify: {detail}",
        "审计方 {name} 对大小 {size} 的签名无效：{detail}",
        *KEEP,
    ),
    "map.audit-late": Phrase(
        "the audit of {name} over size {size}, signed at {time}, does not count at this time",
        "{name} 对大小 {size} 的审计签于 {time}，于本验证时点不予采信",
    ),
    "map.audit-elsewhere": Phrase(
        "the audit of {name} over size {size} is not of this tree: {detail}",
        "{name} 对大小 {size} 的审计不属于本树：{detail}",
    ),
    "map.audit-other": Phrase(
        "auditor {name} replayed the first {size} entries of this tree and found the map root {found}; the log states "
        "{stated}",
        "审计方 {name} 重演本树前 {size} 条得出事件图根 {found}，日志所载为 {stated}",
        *KEEP,
    ),
}
