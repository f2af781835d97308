"""What step 9 says of the kind of a case: a licence and what it is, a job's node of the workflow, disputes."""

from __future__ import annotations

from tallystick.report.phrase import Phrase

KIND_PHRASES: dict[str, Phrase] = {
    "traceability.no-history": Phrase(
        "a case of kind {kind} shows under a root of the map that the histories it speaks of are whole; that of "
        "{subject} is not shown: a revocation or the other side of a dispute may be withheld",
        "{kind} 类案卷须以事件图之根出示所涉历史的完整性；{subject} 的历史未予出示：撤销或争议另一方的陈述可能被隐瞒",
        "export again with the map's proofs",
        "请连同事件图证明重新导出",
    ),
    "traceability.licence": Phrase(
        "{licence} is {status}, by {by}, on the strength of the entries shown of the first {size}",
        "依前 {size} 条中所出示的条目，{licence} 的状态为 {status}，由 {by} 决定",
    ),
    "traceability.graph": Phrase(
        "{job}: {inputs} inputs → {capability} (version {version}, grade {grade}, approved at that position) → "
        "{outputs} outputs",
        "{job}：{inputs} 个输入 → {capability}（版本 {version}，评级 {grade}，在该位置已获核准）→ {outputs} 个输出",
    ),
    "traceability.dispute": Phrase(
        "{dispute} about {target}: {status}; other disputes about it that are shown: {others}",
        "{dispute} 针对 {target}：{status}；所出示的涉及同一客体的其他争议：{others}",
    ),
}
