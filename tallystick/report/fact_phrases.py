"""What steps 15 to 17 say: of how an object came about, who kept it, and what the operator declares."""

from __future__ import annotations

from tallystick.report.factor_words import FACTORS
from tallystick.report.phrase import ADD, KEEP, Phrase

_HOLDER = ("ask the holder how this came about", "请持有人说明此不一致之由来")
_KEEPER = ("ask its holder", "请向其持有人调取")
_PARTY = ("ask that party whether it said so", "请向该主体核实其是否如此陈述")
_CUSTODIAN = ("ask each custodian for its own records", "请向各保管方调取其自有记录")

_CAPTURE: dict[str, Phrase] = {
    "capture.none": Phrase("no entry shown says how the object came about", "所示条目均未记载客体的形成过程", *ADD),
    "capture.none-of": Phrase(
        "of {object}, which the case is about too, no entry shown says how it came about",
        "{object} 亦为涉案客体，所示条目均未记载其形成过程",
        *_KEEPER,
    ),
    "capture.signed": Phrase(
        "entry {position}: {party} signed that {object} was made from {started} to {ended} by its clock; logged {time}",
        "第 {position} 条：{party} 签名陈述 {object} 形成于 {started} 至 {ended}（据其时钟）；入账于 {time}",
    ),
    "capture.recorded": Phrase(
        "entry {position}: recorded by the service for {party}, that {object} was made from {started} to {ended} by "
        "its clock; logged {time}",
        "第 {position} 条：平台代 {party} 记录：{object} 形成于 {started} 至 {ended}（据其时钟）；入账于 {time}",
        *_PARTY,
    ),
    "capture.attested": Phrase(
        "entry {entry}: {party} bears entry {position} out, by its own signature",
        "第 {entry} 条：{party} 以自有签名见证第 {position} 条",
    ),
    "capture.attested-for": Phrase(
        "entry {entry}: recorded by the service for {party}, that it bears entry {position} out",
        "第 {entry} 条：平台代 {party} 记录其见证第 {position} 条",
        *_PARTY,
    ),
    "capture.notary-alone": Phrase(
        "entry {position} names a notary; no party that it names bears this very document out by its own signature",
        "第 {position} 条所称公证机构：未见所载主体以自有签名确认该份文书",
        "ask the notary's office under the registration number given",
        "请按所载公证编号向公证机构核实",
    ),
}
_AGREE: dict[str, tuple[str, str]] = {
    "clock-offset": ("its clock was more than five minutes off", "其时钟偏差超过五分钟"),
    "clock-apart": ("a clock was checked more than a day apart from it", "时钟核对时间与形成时间相距超过一日"),
    "method": (
        "its method is not what the object's registration says of its origin",
        "所述方式与客体登记的来源类型不符",
    ),
    "late": ("it ended after the object was registered", "其结束时间晚于客体登记"),
    "early": ("it began before its job was registered: it is dated back", "其开始时间早于任务登记，系倒填日期"),
    "model": ("the model is not the one of the job", "所述模型与任务所用模型不符"),
    "parameters": ("the parameters are not those of the job", "所述参数与任务参数不符"),
    "environment": ("the environment is not that of the job", "所述运行环境与任务环境不符"),
    "bytes": (
        "the first bytes kept are not those registered, and no log of edits is committed to",
        "最初保存的字节并非所登记者，且未承诺任何编辑记录",
    ),
    "stored-apart": ("the bytes were kept before it began, or after the registration", "保存时间早于形成或晚于登记"),
    "notary-early": ("the notary's statement is older than the making", "公证书早于形成时间"),
    "notary-document": ("the notary bore another document out than the one named", "公证机构所见证的文书并非所述文书"),
    "notary-party": ("another party than the notary named attests as the notary", "以公证身份见证者并非所述公证机构"),
}
_CUSTODY: dict[str, Phrase] = {
    "custody.none": Phrase("no entry shown says who kept the object", "所示条目均未记载客体的保管", *ADD),
    "custody.none-of": Phrase(
        "of {object}, which the case is about too, no entry shown says who kept it",
        "{object} 亦为涉案客体，所示条目均未记载其保管",
        *_KEEPER,
    ),
    "custody.good": Phrase(
        "of {object}, {count} entries of custody follow one another without a gap from its registration on; the last "
        "digest is {digest}",
        "{object} 自登记起 {count} 条保管记录首尾相接、无间断；最后摘要为 {digest}",
    ),
    "custody.handed": Phrase(
        "{giver} handed {object} over (entry {entry}) and {taker} took it with the same digest (entry {position})",
        "{giver} 交出 {object}（第 {entry} 条），{taker} 以相同摘要接收（第 {position} 条）",
    ),
    "custody.declined": Phrase(
        "{taker} declined {object} from {giver}: what arrived had digest {digest} (entry {position}); custody stayed",
        "{taker} 拒绝接收 {giver} 交付的 {object}：到达时摘要为 {digest}（第 {position} 条）；保管未转移",
    ),
    "custody.kept": Phrase(
        "the transfer of {object} by entry {position} was not accepted: custody stayed where it was",
        "第 {position} 条对 {object} 的移交未获接收：保管未转移",
    ),
    "custody.failed": Phrase(
        "what entry {position} tells of {object} failed, and left its digest as it was",
        "第 {position} 条对 {object} 的操作未成功，其摘要未变",
    ),
    "custody.mended": Phrase(
        "damage of {object} was told (entry {entry}); by entry {position} its digest is {digest} again",
        "{object} 曾被发现损坏（第 {entry} 条）；据第 {position} 条其摘要复为 {digest}",
    ),
    "custody.ended": Phrase(
        "gap: its custodian gave {object} up (entry {position}); nobody kept it from there to the export",
        "缺口：保管方已对 {object} 作移除处置（第 {position} 条）；此后至出具时无人保管",
        *_CUSTODIAN,
    ),
    "custody.open": Phrase(
        "gap: {taker} never accepted {object}, which entry {position} hands over to it",
        "缺口：第 {position} 条将 {object} 移交 {taker}，后者从未接收",
        *_CUSTODIAN,
    ),
    "custody.digest": Phrase(
        "entry {position} on {object} names digest {found}; by the entry before it the custodian had {expected}",
        "第 {position} 条所载 {object} 摘要为 {found}；据前一条应为 {expected}",
        *_CUSTODIAN,
    ),
    "custody.changed": Phrase(
        "by entry {position} the digest of {object} changed from {before} to {after}, and it is no migration",
        "第 {position} 条中 {object} 的摘要由 {before} 变为 {after}，而该条并非格式迁移",
        *_CUSTODIAN,
    ),
    "custody.backwards": Phrase(
        "entry {position} on {object} is dated {at}, before {before}, when it was registered or an earlier entry "
        "of custody is dated",
        "第 {position} 条关于 {object} 的日期 {at} 早于其登记时间或在先保管记录所载 {before}",
        *_CUSTODIAN,
    ),
    "custody.migrated": Phrase(
        "by entry {position} {object} was migrated: digest {before} became {after}",
        "第 {position} 条：{object} 作格式迁移，摘要由 {before} 变为 {after}",
    ),
    "custody.recovered": Phrase(
        "by entry {position} {object} was recovered: digest {before} is {after} again",
        "第 {position} 条：{object} 已恢复，摘要由 {before} 复为 {after}",
    ),
    "custody.broken": Phrase(
        "its custodian found {object} damaged, or its check failed (entry {position}), and no later entry says that it "
        "was recovered or found good",
        "保管方发现 {object} 已损坏或其校验未通过（第 {position} 条），未见恢复或复验通过的记录",
        *_CUSTODIAN,
    ),
    "custody.by-service": Phrase(
        "of {object}, the entries {positions} were recorded by the service for the custodian, not signed by it",
        "{object} 的第 {positions} 条系平台代保管方记录，并非其签名",
        *_CUSTODIAN,
    ),
    "custody.earlier-form": Phrase(
        "the bundle brings {object} as registered ({digest}); what its custodian keeps now is {kept}",
        "证据包所附为登记时的 {object}（{digest}）；保管方现存者为 {kept}",
    ),
    "custody.exported": Phrase(
        "{name} exported {object} at {time}, by its signature", "{name} 于 {time} 签名出具 {object}"
    ),
}
_PLATFORM: dict[str, Phrase] = {
    "platform.none": Phrase("no entry shown declares a document about the platform", "所示条目均未申报平台文件", *ADD),
    "platform.deposit": Phrase(
        "the case's objects were logged from {first} to {last}", "涉案客体存证时间为 {first} 至 {last}"
    ),
    "platform.document": Phrase(
        "entry {position} declares “{en}” ({zh}) of {issuer}, from {start} to {end}; the document is here "
        "(SHA-256 {digest})",
        "第 {position} 条申报“{zh}”（{en}），{issuer} 出具，有效期 {start} 至 {end}；文件在卷（SHA-256 {digest}）",
    ),
    "platform.digest": Phrase(
        "entry {position} declares “{en}” ({zh}) of {issuer}, from {start} to {end}; of the document only "
        "SHA-256 {digest}",
        "第 {position} 条申报“{zh}”（{en}），{issuer} 出具，有效期 {start} 至 {end}；仅有文件 SHA-256 {digest}",
    ),
    "platform.word": Phrase(
        "that these documents say the truth, and come from whom they name, is the operator's word",
        "上述文件内容属实、确由所述机构出具，仅为运营方之申报",
        "ask each issuer",
        "请向各出具机构核实",
    ),
    "platform.undeclared": Phrase(
        "the bundle brings a document that no entry shown declares (SHA-256 {digest})",
        "证据包所附文件未见任何申报条目（SHA-256 {digest}）",
        *KEEP,
    ),
    "platform.bytes": Phrase(
        "the document brought under SHA-256 {digest} is not the one declared",
        "以 SHA-256 {digest} 所附文件并非所申报者",
        *KEEP,
    ),
}
_STATES: dict[str, tuple[str, str]] = {
    "present": ("said (entries {positions})", "已陈述（第 {positions} 条）"),
    "absent": ("nothing is said", "未作陈述"),
}
_IN_FORCE: dict[str, tuple[str, str]] = {
    "present": (
        "a document was declared before the deposit and in force then (entries {positions})",
        "存证前已申报且当时有效（第 {positions} 条）",
    ),
    "afterwards": (
        "a document in force at the deposit by its dates was declared only afterwards (entries {positions})",
        "所载有效期涵盖存证时，但系事后申报（第 {positions} 条）",
    ),
    "expired": (
        "the documents declared were not in force at the deposit (entries {positions})",
        "所申报文件在存证时并非有效（第 {positions} 条）",
    ),
    "absent": ("no document is declared", "未申报任何文件"),
}


def _of_factors() -> dict[str, Phrase]:
    found = {}
    for name in ("source", "generation", "storage", "notary", "witness", "corroboration"):
        en, zh = FACTORS[name]
        for state, (told_en, told_zh) in _STATES.items():
            found[f"factor.{name}.{state}"] = Phrase(f"article 18, {en}: {told_en}", f"第十八条，{zh}：{told_zh}")
    for name in ("qualification", "independence", "system", "process"):
        en, zh = FACTORS[name]
        for state, (told_en, told_zh) in _IN_FORCE.items():
            found[f"limb.{name}.{state}"] = Phrase(f"article 17, {en}: {told_en}", f"第十七条，{zh}：{told_zh}")
    return found


FACT_PHRASES: dict[str, Phrase] = {
    **_CAPTURE,
    **{
        f"capture.{name}": Phrase(
            f"entry {{position}} on {{object}} does not agree with the log: {en}",
            f"第 {{position}} 条关于 {{object}} 的陈述与日志不一致：{zh}",
            *_HOLDER,
        )
        for name, (en, zh) in _AGREE.items()
    },
    **_CUSTODY,
    **_PLATFORM,
    **_of_factors(),
}
