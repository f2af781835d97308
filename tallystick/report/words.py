"""The fixed words of a report: it prints the rule, the fact and the gap; what is lawful, a court decides."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass
from tallystick.report.layout import Row
from tallystick.report.phrase import Language
from tallystick.verify.outcome import Outcome

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
    "capture": {"en": "What is said of its making agrees with the log", "zh": "形成过程的陈述与日志一致"},
    "custody": {"en": "Custody without a gap or change", "zh": "保管无间断、未改变"},
    "platform": {"en": "Documents about the platform", "zh": "平台资质文件"},
}


@dataclass(frozen=True)
class Division:
    """One of the three questions of authenticity. core: the claims on which its sentence stands; ``claims``: all."""

    heading: dict[Language, str]
    claims: tuple[str, ...]
    core: tuple[str, ...]
    says: dict[Outcome, dict[Language, str]]


DIVISIONS: tuple[Division, ...] = (
    Division(
        {"en": "Carrier: is the bundle what was exported?", "zh": "载体真实性：证据包是否即所出具者"},
        ("integrity",),
        ("integrity",),
        {
            "proved": {
                "en": "Proved: every file of the bundle is, byte for byte, what the exporter signed.",
                "zh": "已证明：证据包的每个文件与出具方签名时逐字节一致。",
            },
            "needs_external_fact": {
                "en": "Open: an external fact decides whether the files are those that the exporter signed.",
                "zh": "未定：文件是否即出具方所签署者，须以外部事实印证。",
            },
            "not_proved": {
                "en": "Not proved: nobody whom the trust file names is shown to stand for these files.",
                "zh": "未证明：未见信任文件所列者对该批文件负责。",
            },
            "contradicted": {
                "en": "Contradicted: the files are not those that were signed.",
                "zh": "与证据矛盾：文件并非签名时的文件。",
            },
        },
    ),
    Division(
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
            "platform",
        ),
        ("statement-signature", "inclusion", "checkpoint-signature", "entitlement", "disclosure", "anchor"),
        {
            "proved": {
                "en": "Proved: the entries were made with the keys named, by those entitled to, and are "
                "unaltered since "
                "they were logged. Time and completeness stand on their own lines below.",
                "zh": "已证明：各条目由所列密钥、由有权者作出，入账后未经改动。时间与完整性另见下列各行。",
            },
            "needs_external_fact": {
                "en": "Open: the entries are signed, logged and unaltered if the external fact named below holds.",
                "zh": "未定：若下列外部事实成立，则各条目已签名、已入账且未经改动。",
            },
            "not_proved": {
                "en": "Not proved: that the entries are unaltered since they were logged, or who made them.",
                "zh": "未证明：各条目入账后未经改动，或由何人作出。",
            },
            "contradicted": {
                "en": "Contradicted: something shown about the entries is false.",
                "zh": "与证据矛盾：关于条目的部分内容不实。",
            },
        },
    ),
    Division(
        {"en": "Content: are the originals those that were registered?", "zh": "内容：原件是否即登记者、来源如何"},
        ("content", "traceability", "capture", "custody"),
        ("content", "traceability"),
        {
            "proved": {
                "en": "Proved: the files given are, byte for byte, the registered ones, and their recorded origin is "
                "complete. What they show or say is not thereby true.",
                "zh": "已证明：所附文件与登记者逐字节一致，所记来源齐全。其所示、所述内容并不因此而属实。",
            },
            "needs_external_fact": {
                "en": "Open: the bundle does not hold all the bytes; compare your own copy with the registered "
                "digests.",
                "zh": "未定：证据包未附全部原件；请以自有副本与登记摘要比对。",
            },
            "not_proved": {
                "en": "Not proved: that the files are the registered ones, or where they came from.",
                "zh": "未证明：文件即登记者，或其来源。",
            },
            "contradicted": {
                "en": "Contradicted: the files given are not the registered ones.",
                "zh": "与证据矛盾：所附文件并非登记者。",
            },
        },
    ),
)


@dataclass(frozen=True)
class Words:
    """Headings and standing sentences in one language."""

    title: str
    in_short: str
    unread: str
    not_examined: str
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
    more_below: str
    no_adverse: str
    none_withheld: str
    whole: str
    whole_old: str
    unseen: str
    unseen_no_root: str
    adverse_events: str
    adverse_heads: Row
    conclusions: str
    claim_heads: Row
    one_history: str
    who_lead: str
    who_heads: Row
    more_statements: str
    custody: str
    custody_lead: str
    custody_none: str
    custody_gap: str
    more_custody: str
    custody_heads: Row
    entry: str
    custody_event: str
    custody_events: dict[str, str]
    failed: str
    joined: str
    not_joined: str
    deposited: str
    file_digest: str
    folder_digest: str
    exported_at: str
    given: dict[str, str]
    examined: str
    examiner: str
    compared: dict[str, str]
    unproved_lead: str
    unproved_heads: Row
    never_any: str
    rules: str
    rules_lead: str
    rules_heads: Row
    annex_lead: str
    asks: str
    more_lines: str
    foot: str
    made_by: str
    enclosed: str
    own_digest: str
    covers: str


_EN = Words(
    title="Verification report",
    in_short="{case}, of log {log}; verified as of {at}",
    unread="What it is about was not read; verified as of {at}",
    not_examined="Nothing else in it was examined, and no other claim is proved.",
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
    more_below="and {count} more, listed below",
    no_adverse="No adverse event is shown; whether one was withheld cannot be seen from the bundle.",
    none_withheld="No adverse event is on record up to {size} entries, {time}; of anything later this says nothing.",
    whole="up to {size} entries, {time}: no event about the case was withheld; of anything later this says nothing",
    whole_old="Nothing withheld is proved only up to {size} entries, {time}. The log went on for {behind} entries, "
    "over {days} days, to the tree of this case: a dispute or revocation among them would not show.",
    unseen="What is said of the case's standing, making and custody is by the entries shown, up to {size} entries, "
    "{time}. Of those after it in the tree of this case {count} are not shown: a revocation, dispute or transfer among "
    "them would not show.",
    unseen_no_root="What is said of the case's standing, making and custody is by the entries shown alone, under no "
    "root of the log's map. In the tree of this case {count} more are not shown: a revocation, dispute or transfer "
    "among them would not show.",
    adverse_events="Adverse and later events",
    adverse_heads=("Logged at (UTC)", "Event", "About", "Detail", "Entry"),
    conclusions="Conclusions",
    claim_heads=("Claim", "Outcome", "Why [step]"),
    one_history="That the log has no other history rests on its operator alone: no independent witness, timestamp "
    "authority or named block of another's chain vouches for it here.",
    who_lead="Times are of admission to the log, by the log's word; the last column is the signer's own word. That a "
    "statement was made is proved; that it is true is not.",
    who_heads=("Logged at (UTC)", "Entry", "Statement", "By whom", "Signer's own time"),
    more_statements="{count} more statements: `tallystick verify --json` lists all.",
    custody="Chain of custody",
    custody_lead="The bytes at each point where they meet this case.",
    custody_none="No original is named whose way could be followed.",
    custody_gap="Between these points, and before the first, only a custody record or a witness can say who held the "
    "bytes; equal digests show that they did not change.",
    more_custody="{count} more lines, which are left out above: `tallystick verify --json` lists all.",
    custody_heads=("When (UTC)", "What", "Who", "Bytes"),
    entry="entry {position}",
    custody_event="{event}: {object} {agent} {place}",
    custody_events={
        "ing": "taken in",
        "fix": "digests checked",
        "tra": "handed over",
        "rep": "copied",
        "mig": "migrated",
        "rec": "recovered",
        "dea": "given up",
        "dis": "exported",
    },
    failed="{event}, FAILED",
    joined="digests join",
    not_joined="digests do NOT join",
    deposited="registered as {object}, entry {position}",
    file_digest="SHA-256 {sha256}, {size} bytes",
    folder_digest="folder of {count} files, {size} bytes, root {root}",
    exported_at="exported (the exporter's word)",
    given={
        "included": "included in the bundle",
        "parts": "in part included in the bundle",
        "digests": "not included, digests only",
    },
    examined="examined",
    examiner="this program",
    compared={
        "proved": "same bytes: every digest computed again and equal",
        "contradicted": "NOT the registered bytes",
        "parts": "the parts given are those registered; for the rest compare your own copy",
        "needs_external_fact": "nothing to compare here: compare your own copy",
    },
    unproved_lead="For each open claim: what was found, and which fact from outside would settle it.",
    unproved_heads=("Claim", "Outcome", "Found", "What would settle it"),
    never_any="No bundle of this format proves:",
    rules="Rules of evidence: the rule, the fact, the gap",
    rules_lead="What is lawful and what is admitted, a court decides. This table only puts the facts beside the "
    "rules; beside each fact stands whether what it rests on was proved.",
    rules_heads=("Rule", "What it rests on is [step]", "Fact shown here", "Gap"),
    annex_lead="Every step, in the order of docs/evidence-format.md, section 5, with all that it found. "
    "`tallystick verify --explain STEP` says more of each.",
    asks="Asks: {what}.",
    more_lines="— and {count} more lines: `tallystick verify --json` lists all.",
    foot=(
        "Unsigned text of a program: it proves nothing by itself. Verify the bundle again with a trust file of "
        "your own."
    ),
    made_by="Made by",
    enclosed="Enclosed by the exporter, who made it under a trust file of its own choice: it is the exporter's word. "
    "Believe none of it before you have verified the bundle with a trust file of your own.",
    own_digest="not told here: a file cannot hold its own digest",
    covers="Contents but for enclosed reports",
)
_ZH = Words(
    title="验证报告",
    in_short="{case}，所属日志 {log}；验证所据时间 {at}",
    unread="未读取所涉案件；验证所据时间 {at}",
    not_examined="其余内容均未予审查，其他主张均未获证明。",
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
    more_below="另有 {count} 项，见下文",
    no_adverse="未见不利事件；是否有未予出示者，从证据包无法判断。",
    none_withheld="截至 {size} 条、{time}，在案无不利事件；此后情况不在其内。",
    whole="截至 {size} 条、{time}：无涉案事件未予出示；此后情况不在其内",
    whole_old="“无事件未予出示”仅证明至 {size} 条、{time}。此后日志又增 {behind} 条、历时 {days} 日，方至本案日志树："
    "其间如有争议或撤销，此处不能显示。",
    unseen="关于案件标的之状态、形成与保管，所述均依所出示的条目，截至 {size} 条、{time}。"
    "其后本案日志树中尚有 {count} 条未予出示：其间如有撤销、争议或移交，此处不能显示。",
    unseen_no_root="关于案件标的之状态、形成与保管，所述仅依所出示的条目，未出示日志事件图之根。"
    "本案日志树中尚有 {count} 条未予出示：其间如有撤销、争议或移交，此处不能显示。",
    adverse_events="不利与后续事件",
    adverse_heads=("入账时间（UTC）", "事件", "涉及", "内容", "条目"),
    conclusions="结论",
    claim_heads=("主张", "结果", "理由［步骤］"),
    one_history="日志是否只有这一部历史，仅凭其运营方陈述：此处没有独立的见证人、时间戳机构或他人之链上经指明的区块为之担保。",
    who_lead="时间为日志所述的入账时间；末列为签名者自述。所证明者为曾作此陈述，而非陈述属实。",
    who_heads=("入账时间（UTC）", "条目", "陈述", "由何人", "签名者自述时间"),
    more_statements="另有 {count} 项陈述：`tallystick verify --json` 列出全部。",
    custody="保管链",
    custody_lead="原件字节与本案相交的各个时点。",
    custody_none="未列出可追踪其流转的原件。",
    custody_gap="上述时点之间及之前由何人保管，须以保管记录或证人说明；摘要相同表明字节未变。",
    more_custody="另有 {count} 行，上表从略：`tallystick verify --json` 列出全部。",
    custody_heads=("时间（UTC）", "事项", "何人", "字节"),
    entry="第 {position} 条",
    custody_event="{event}：{object} {agent} {place}",
    custody_events={
        "ing": "收存",
        "fix": "校验摘要",
        "tra": "移交",
        "rep": "复制",
        "mig": "迁移",
        "rec": "恢复",
        "dea": "移除",
        "dis": "出具",
    },
    failed="{event}，失败",
    joined="摘要相接",
    not_joined="摘要不相接",
    deposited="登记为 {object}，第 {position} 条",
    file_digest="SHA-256 {sha256}，{size} 字节",
    folder_digest="文件夹，共 {count} 个文件，{size} 字节，根 {root}",
    exported_at="出具（出具方陈述）",
    given={"included": "附于证据包", "parts": "部分附于证据包", "digests": "未附原件，仅有摘要"},
    examined="审查",
    examiner="本程序",
    compared={
        "proved": "字节相同：各项摘要重新计算，均一致",
        "contradicted": "并非登记的字节",
        "parts": "所附部分与登记一致；其余请以自有副本比对",
        "needs_external_fact": "此处无可比对：请以自有副本比对",
    },
    unproved_lead="各项未定主张：所见情况，以及何种外部事实可予印证。",
    unproved_heads=("主张", "结果", "所见", "何以印证"),
    never_any="任何本格式的证据包均不能证明：",
    rules="证据规则：规则、事实、缺口",
    rules_lead="是否合法、是否采信，由法院决定。本表仅将事实与规则并列，并注明各项事实所据的证明是否成立。",
    rules_heads=("规则", "所据证明［步骤］", "此处所示事实", "缺口"),
    annex_lead="依 docs/evidence-format.md 第 5 节的次序列出各步及其全部所见。"
    "`tallystick verify --explain STEP` 另有说明。",
    asks="审查事项：{what}。",
    more_lines="— 另有 {count} 行：`tallystick verify --json` 列出全部。",
    foot="本文系程序生成的未签名文本，其自身不证明任何事项。请以自有信任文件重新验证证据包。",
    made_by="生成程序",
    enclosed=(
        "本报告由出具方随包附入，依据其自选的信任文件生成，仅为出具方陈述。请以自有信任文件验证证据包之后，再作判断。"
    ),
    own_digest="此处不载：文件不能包含自身的摘要",
    covers="除所附报告以外的内容",
)


def words(language: Language) -> Words:
    """The words of a language."""
    return _ZH if language == "zh" else _EN
