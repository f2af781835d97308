"""What step 9 says of the kind of a case: a licence and what it is, a job's node of the workflow, disputes."""

from __future__ import annotations

from tallystick.report.phrase import Phrase


def _both(name: str, en: str, zh: str) -> dict[str, Phrase]:
    """With a root of the map up to which the histories are shown, and without one."""
    return {
        f"traceability.{name}": Phrase(
            f"{en}; up to {{size}} entries, {{time}}: of anything later this says nothing",
            f"{zh}；截至 {{size}} 条、{{time}}，此后情况不在其内",
        ),
        f"traceability.{name}-no-root": Phrase(
            f"{en}; no root of the log's map shows that none came later",
            f"{zh}；未出示日志事件图之根，不能表明此后别无条目",
        ),
    }


KIND_PHRASES: dict[str, Phrase] = {
    "traceability.no-history": Phrase(
        "a case of kind {kind} shows under a root of the map that the histories it speaks of are whole; that of "
        "{subject} is not shown: a revocation or the other side of a dispute may be withheld",
        "{kind} 类案卷须以事件图之根出示所涉历史的完整性；{subject} 的历史未予出示：撤销或争议另一方的陈述可能被隐瞒",
        "export again with the map's proofs",
        "请连同事件图证明重新导出",
    ),
    **_both(
        "licence",
        "by the entries shown {licence} is {status}, by {by}",
        "依所出示的条目，{licence} 的状态为：{status}（以 {by} 的条目为准）",
    ),
    **_both(
        "graph",
        "by the entries shown, {job}: {inputs} inputs → {capability} (version {version}, grade {grade}, approved at "
        "that position) → {outputs} outputs",
        "依所出示的条目，{job}：{inputs} 个输入 → {capability}（版本 {version}，评级 {grade}，在该位置已获核准）→ "
        "{outputs} 个输出",
    ),
    **_both(
        "dispute",
        "by the entries shown, {dispute} about {target}: {status}; other disputes about it that are shown: {others}",
        "依所出示的条目，{dispute} 针对 {target}：{status}；所出示的涉及同一客体的其他争议：{others}",
    ),
}
