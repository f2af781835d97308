"""The fixed words of a report: it prints the rule, the fact and the gap; what is lawful, a court decides."""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.report.phrases import Language

VERDICTS = {
    "proved": {
        "en": "PROVED: every required claim is proved on what the bundle holds.",
        "zh": "已证明：依证据包所载内容，各项必要主张均已证明。",
    },
    "not_proved": {
        "en": "NOT PROVED: at least one required claim is not proved.",
        "zh": "未证明：至少一项必要主张未获证明。",
    },
    "malformed": {
        "en": "MALFORMED: the file is not an evidence bundle in its proper form; nothing is proved by it.",
        "zh": "格式不符：该文件不是格式正确的证据包，不能证明任何主张。",
    },
}

OUTCOMES = {
    "proved": {"en": "proved", "zh": "已证明"},
    "not_proved": {"en": "not proved", "zh": "未证明"},
    "contradicted": {"en": "contradicted", "zh": "与证据矛盾"},
    "needs_external_fact": {"en": "needs an external fact", "zh": "须以外部事实印证"},
}

CLAIMS = {
    "integrity": {"en": "Bundle unaltered since export", "zh": "证据包自出具后未经改动"},
    "statement-signature": {"en": "Statements signed", "zh": "陈述已签名"},
    "inclusion": {"en": "Entries stand in the log", "zh": "条目已载入日志"},
    "checkpoint-signature": {"en": "Log signed its tree", "zh": "日志已对其树头签名"},
    "entitlement": {"en": "Signers entitled, on the entries shown", "zh": "依所示条目，签名者有权陈述"},
    "disclosure": {"en": "Disclosed values are the committed ones", "zh": "披露内容与承诺一致"},
    "content": {"en": "Originals are the registered ones", "zh": "原件与登记一致"},
    "traceability": {"en": "Origin traceable and complete", "zh": "来源可追溯且要素齐全"},
    "anchor": {"en": "Log anchored on a chain, history extended", "zh": "日志已上链锚定且历史延续"},
    "time": {"en": "Time", "zh": "时间"},
    "credential": {"en": "Signed files hold", "zh": "签名文件成立"},
    "completeness": {"en": "Nothing withheld", "zh": "无事件未予出示"},
    "timestamp": {"en": "Timestamp tokens hold", "zh": "时间戳令牌成立"},
}

DIVISIONS: tuple[tuple[dict[Language, str], tuple[str, ...]], ...] = (
    (
        {"en": "Carrier: is the bundle what was exported?", "zh": "载体真实性：证据包是否即所出具者"},
        ("integrity",),
    ),
    (
        {"en": "Data: unaltered since it was logged, and by whom?", "zh": "数据真实性：入账后是否未经改动、由何人作出"},
        (
            "statement-signature",
            "inclusion",
            "checkpoint-signature",
            "entitlement",
            "disclosure",
            "anchor",
            "timestamp",
            "time",
            "credential",
            "completeness",
        ),
    ),
    (
        {"en": "Content: are the originals those that were registered?", "zh": "内容：原件是否即登记者、来源如何"},
        ("content", "traceability"),
    ),
)


@dataclass(frozen=True)
class Words:
    """Headings and standing sentences in one language."""

    title: str
    about: str
    subject: str
    log: str
    exporter: str
    exported: str
    as_of: str
    trust: str
    bundle: str
    who: str
    signed: str
    recorded: str
    roles: dict[str, str]
    nothing: str
    unproved: str
    never: str
    required: str
    optional: str
    annex: str
    step: str
    time: str
    time_contradicted: str
    adverse: str
    no_adverse: str


_EN = Words(
    title="Verification report",
    about="What was verified",
    subject="Case",
    log="Log",
    exporter="Exported by",
    exported="Exported at (the exporter's word)",
    as_of="Verified as of",
    trust="Trust file",
    bundle="Bundle",
    who="Who said what",
    signed="signed by {who}",
    recorded="recorded by the service for {who}",
    roles={"log": "the log", "registrar": "the registrar", "service": "the service"},
    nothing="nothing that was proved",
    unproved="What is not proved",
    never="The truth of the content is never proved: a statement may be signed, logged, anchored and false.",
    required="required",
    optional="not required",
    annex="Technical annex",
    step="Step {step},",
    time="Time rests on the operator alone: it needs a fact from outside this bundle.",
    time_contradicted="Time is contradicted: sources of time in this bundle cannot all be right.",
    adverse="Adverse or later events on record: {count}",
    no_adverse="No adverse event is shown; whether one was withheld cannot be seen from the bundle.",
)
_ZH = Words(
    title="验证报告",
    about="验证对象",
    subject="案件标的",
    log="日志",
    exporter="出具方",
    exported="出具时间（出具方陈述）",
    as_of="验证所据时间",
    trust="信任文件",
    bundle="证据包",
    who="何人作何陈述",
    signed="由 {who} 签名",
    recorded="由服务方代 {who} 记录",
    roles={"log": "日志", "registrar": "登记机构", "service": "服务方"},
    nothing="无已证明的陈述",
    unproved="未证明事项",
    never="内容本身是否真实从未获得证明：陈述可以经签名、入账、锚定，而仍不真实。",
    required="必要",
    optional="非必要",
    annex="技术附录",
    step="第 {step} 步",
    time="时间仅依据运营方自身陈述：须以证据包以外的事实印证。",
    time_contradicted="时间存在矛盾：证据包中的时间来源不可能均属正确。",
    adverse="在案不利或后续事件 {count} 项：",
    no_adverse="未见不利事件；是否有未予出示者，从证据包无法判断。",
)


def words(language: Language) -> Words:
    """The words of a language."""
    return _ZH if language == "zh" else _EN
