/** Every word of the page, in both languages. */
import type { ClaimId } from "../report.ts";
import type { Outcome, Sentence } from "../steps/findings.ts";

export type Language = "zh" | "en";

export const CLAIM_WORDS: Record<ClaimId, Sentence> = {
  integrity: { en: "The bundle is whole, and an exporter whom the trust file names signed it", zh: "证据包完整，并由信任文件所列的出具方签署" },
  "statement-signature": { en: "Every entry is signed by a key that the log declares", zh: "每一条目均由日志所声明的密钥签名" },
  inclusion: { en: "Every entry stands in the signed tree of the log", zh: "每一条目均位于日志签名的树中" },
  "checkpoint-signature": { en: "The trusted log signed the state of the log that is shown", zh: "所示日志状态由受信任的日志签署" },
  entitlement: { en: "Whoever spoke was entitled to, at that place, by the rules", zh: "各陈述者在其位置上依规则有权陈述" },
  disclosure: { en: "What is disclosed is what was committed to", zh: "所披露内容与当初承诺一致" },
  content: { en: "The files are those that were registered", zh: "文件即所登记的文件" },
  traceability: { en: "Objects, jobs and models of the case are all there and bound to one another", zh: "本案的客体、任务与模型齐备且相互关联" },
  anchor: { en: "A contract on a chain held this log and checked that it only grew", zh: "链上合约存有该日志，并核对其只增不改" },
  time: { en: "When it stood in the log, on the word of somebody independent", zh: "何时已在日志中（凭独立者之言）" },
  credential: { en: "The signed files are those of the log, by signers who were entitled", zh: "签名文件即日志所记录者，且签名者有权签署" },
  completeness: { en: "Nothing on the subjects was withheld", zh: "有关本案主题的事项无所隐瞒" },
  capture: { en: "What is said of how it came about agrees with the log", zh: "关于其如何产生的陈述与日志相符" },
  custody: { en: "Who kept the bytes since, without a gap", zh: "此后由谁保管，有无间断" },
  platform: { en: "What the operator declares about the platform", zh: "运营方关于平台的申报" },
  timestamp: { en: "The timestamps hold, by authorities that the trust file names", zh: "时间戳成立，且出自信任文件所列时间戳机构" },
};

export const OUTCOME_WORDS: Record<Outcome, Sentence & { sign: string }> = {
  proved: { en: "proved", zh: "已证明", sign: "✓" },
  needs_external_fact: { en: "needs an external fact", zh: "尚需外部事实", sign: "?" },
  not_proved: { en: "not proved", zh: "未证明", sign: "○" },
  contradicted: { en: "contradicted", zh: "与事实矛盾", sign: "✗" },
};

/** What speaks against a case, as people say it. */
export const EVENT_WORDS: Record<string, Sentence> = {
  "dispute.open": { en: "dispute opened", zh: "提出争议" },
  "dispute.resolve": { en: "dispute resolved", zh: "争议已解决" },
  "certificate.withdraw": { en: "certificate withdrawn", zh: "证书被撤回" },
  "certificate.issue": { en: "certificate superseded by a later one", zh: "证书被后续证书取代" },
  "capability.suspend": { en: "model suspended", zh: "模型被暂停" },
  "capability.revoke": { en: "model revoked", zh: "模型被撤销" },
  "capability.test": { en: "model failed a test", zh: "模型测试未通过" },
  "licence.status": { en: "licence suspended, revoked or expired", zh: "许可被暂停、撤销或已到期" },
  "party.key": { en: "key of a party revoked", zh: "当事方密钥被撤销" },
  "log.freeze": { en: "the log was closed", zh: "日志被关闭" },
};

/** Words of the forms that stand beside an adverse event; in English they say it themselves. */
export const DETAIL_WORDS: Record<string, string> = {
  suspend: "中止", revoke: "撤销", expire: "到期", breach: "违约", "non-payment": "未付款", "court-order": "法院命令", request: "应请求", remedied: "已补救",
  expiry: "期满", error: "差错", agreement: "协议", "condition-met": "条件成就", "requirements-met": "符合要求", "test-failed": "测试未通过", security: "安全",
  law: "法律要求", dispute: "争议", superseded: "已被取代", authorship: "作者身份", ownership: "权属", authority: "权限", content: "内容", provenance: "来源",
  licence: "许可", other: "其他", upheld: "成立", rejected: "驳回", settled: "和解", withdrawn: "撤回", evidence: "证据", lapse: "逾期", reissue: "换发",
  correction: "更正", fail: "未通过", "key-compromise": "密钥泄露",
};

export const STANDING_WORDS: Record<string, Sentence> = {
  filed: { en: "filed, not approved", zh: "已备案，未批准" }, approved: { en: "approved", zh: "已批准" },
  valid: { en: "valid", zh: "有效" }, suspended: { en: "suspended", zh: "已暂停" }, revoked: { en: "revoked", zh: "已撤销" }, expired: { en: "expired", zh: "已到期" },
  open: { en: "dispute open", zh: "争议未决" }, upheld: { en: "dispute upheld", zh: "争议成立" }, rejected: { en: "dispute rejected", zh: "争议被驳回" },
  settled: { en: "dispute settled", zh: "争议已和解" }, withdrawn: { en: "dispute withdrawn", zh: "争议已撤回" },
};

export const CUSTODY_WORDS: Record<string, Sentence> = {
  ing: { en: "ingestion", zh: "接收入库" }, fix: { en: "fixity check", zh: "固定性校验" }, tra: { en: "transfer", zh: "移交" }, rep: { en: "replication", zh: "复制" },
  mig: { en: "migration", zh: "迁移" }, rec: { en: "recovery", zh: "恢复" }, dea: { en: "deaccession", zh: "注销" }, dis: { en: "export", zh: "导出" },
};

export const FACTOR_WORDS: Record<string, Sentence> = {
  source: { en: "source", zh: "来源" }, generation: { en: "making", zh: "生成" }, storage: { en: "storage", zh: "存储" }, notary: { en: "notary", zh: "公证" },
  witness: { en: "witness", zh: "见证" }, corroboration: { en: "corroboration", zh: "印证" }, qualification: { en: "qualification", zh: "资质" },
  independence: { en: "independence", zh: "中立" }, system: { en: "system", zh: "系统" }, process: { en: "process", zh: "技术与过程" },
};

export const FACTOR_STATES: Record<string, Sentence> & Record<"present" | "absent" | "inconsistent" | "afterwards" | "expired", Sentence> = {
  present: { en: "said", zh: "有陈述" }, absent: { en: "nothing said", zh: "无陈述" }, inconsistent: { en: "does not agree", zh: "不相符" },
  afterwards: { en: "declared later", zh: "事后申报" }, expired: { en: "not in force", zh: "不在有效期内" },
};

export const VERDICT_WORDS = {
  proved: {
    sign: "✓", en: "Proved", zh: "已证明",
    why: { en: "Every claim that is required is proved, and none is contradicted.", zh: "所有必需的主张均已证明，且无一与事实矛盾。" },
  },
  not_proved: {
    sign: "○", en: "Not proved", zh: "未证明",
    why: { en: "A claim that is required is not proved, or something shown is false. See where it was refused.", zh: "某项必需的主张未获证明，或所示内容有假。请看下方被拒之处。" },
  },
  malformed: {
    sign: "✗", en: "Malformed", zh: "格式不符",
    why: { en: "A part does not have the form of the format. Ask the exporter for the bundle again, by another channel.", zh: "某一部分不符合格式。请通过其他渠道向出具方重新索取证据包。" },
  },
} as const;

/** Of the lines under the verdict. */
export const FIRST_WORDS = {
  operatorsTime: { en: "Time is on the operator's word alone: nobody independent bounds it from above.", zh: "时间仅依据运营方自身陈述：没有独立方限定其上限。" },
  independentTime: { en: "It stood in the log, on the word of somebody independent, not after", zh: "据独立方陈述，入日志不晚于" },
  unknownReach: { en: "what came later is not shown here", zh: "此后情况未予出示" },
} satisfies Record<string, Sentence>;

export const WORDS = {
  title: { en: "Examine a bundle of evidence", zh: "检验证据包" },
  lead: {
    en: "This page is a whole verifier. It runs in your browser, from your disk, and sends nothing anywhere: you may unplug the network.",
    zh: "本页即完整的检验程序，在您的浏览器中从本地磁盘运行，不向任何地方发送任何内容：您可以断开网络。",
  },
  bundle: { en: "1 · The bundle (case.zip)", zh: "1 · 证据包（case.zip）" },
  trust: { en: "2 · Your trust file (trust.json)", zh: "2 · 您的信任文件（trust.json）" },
  trustNote: { en: "It comes from the court, the registrar or yourself, never with the bundle.", zh: "信任文件来自法院、登记机构或您本人，绝不随证据包而来。" },
  against: { en: "Do you have evidence that this log forked?", zh: "您是否持有该日志分叉的证据？" },
  againstNote: { en: "Fork evidence, or a proof that a court on a chain convicted the log. It is judged here, too; an accusation that does not hold changes nothing.",
    zh: "分叉证据，或链上法庭对该日志定罪的证明。其本身亦在此检验；不成立的指控不改变任何结论。" },
  againstFault: { en: "The evidence against the log could not be read; leave it out, or get it again. Found:", zh: "无法读取针对日志的证据；请将其移除或重新取得。发现：" },
  short: { en: "In short", zh: "结论摘要" },
  carrier: { en: "Carrier", zh: "载体" },
  carrierWhat: { en: "The bundle is as its exporter signed it.", zh: "证据包与其出具方所签署者一致。" },
  data: { en: "Data", zh: "数据" },
  dataWhat: { en: "What is shown stands unaltered in the log, since then and by whom as said below.", zh: "所示数据自入日志起未经改动；时间与陈述者见下文。" },
  substance: { en: "Content", zh: "内容" },
  substanceWhat: { en: "Whether what is said is true is never proved here: it is for the court.", zh: "所述内容是否属实，本程序从不证明，由法庭认定。" },
  substanceOutcome: { en: "not examined", zh: "不作检验" },
  at: { en: "3 · As of (UTC)", zh: "3 · 检验时点（UTC）" },
  examine: { en: "Examine", zh: "检验" },
  drop: { en: "Drop the file here, or choose it", zh: "将文件拖至此处，或选择文件" },
  reading: { en: "Reading and computing", zh: "正在读取与计算" },
  verdict: { en: "Verdict", zh: "结论" },
  refused: { en: "First refused at step", zh: "首先被拒于步骤" },
  fingerprint: { en: "Fingerprint of the trust file", zh: "信任文件指纹" },
  compare: {
    en: "Compare all 64 digits with the published ones, by a channel that the party who brought the file does not control. One digit that differs is another file.",
    zh: "请通过提交方无法控制的渠道，与公布的 64 位数字逐一比对；有一位不同即为另一份文件。",
  },
  publisher: { en: "Published by", zh: "发布者" },
  issued: { en: "issued", zh: "发布时间" },
  asOf: { en: "Examined as of", zh: "检验时点" },
  sha: { en: "SHA-256 of the bundle", zh: "证据包的 SHA-256" },
  about: { en: "The case", zh: "本案" },
  adverse: { en: "Later and adverse events", zh: "嗣后及不利事项" },
  when: { en: "When", zh: "时间" },
  byIndependent: { en: "on the word of somebody independent", zh: "凭独立者之言" },
  byOperator: { en: "with the operator's word", zh: "加上运营方之言" },
  bySigners: { en: "as the signers say", zh: "签名者自述" },
  notBefore: { en: "not before", zh: "不早于" },
  notAfter: { en: "not after", zh: "不晚于" },
  standing: { en: "What it is now", zh: "现状" },
  custody: { en: "Who kept the bytes", zh: "保管链" },
  exported: { en: "the export", zh: "出具" },
  kept: { en: "without a gap", zh: "连续" },
  gap: { en: "gap", zh: "中断" },
  formed: { en: "How it came about, and the platform (articles 17 and 18)", zh: "如何产生及平台（第十七条、第十八条）" },
  said: { en: "Who said what", zh: "各方陈述" },
  saidBy: { en: "signed by", zh: "签署者" },
  saidFor: { en: "recorded by the service for", zh: "由平台代记，当事方" },
  logged: { en: "logged", zh: "入日志" },
  unknownAfter: { en: "what came later is not shown here", zh: "此后之事此处未示" },
  upTo: { en: "by the map's root, up to entries", zh: "依映射根，至条目数" },
  required: { en: "What is required", zh: "必需的主张" },
  others: { en: "What is not required", zh: "非必需的主张" },
  step: { en: "step", zh: "步骤" },
  save: { en: "Save the report (JSON)", zh: "保存报告（JSON）" },
  limits: {
    en: "The truth of what the files show is never proved here; nor is anything called legally valid. Shown are the rule, the fact and the gap. A second program, in another language, must say the same of this bundle.",
    zh: "本程序从不证明文件所示内容属实，亦不作“合法有效”之判断；所示者为规则、事实与缺口。另有以其他语言编写的程序，对本证据包须得出相同结论。",
  },
  trustFault: { en: "The trust file or the time could not be read. Found:", zh: "无法读取信任文件或时间。发现：" },
  laterFault: { en: "The trust file is of a later version. Install a newer verifier. Found:", zh: "信任文件的版本更新。请安装更新的检验程序。发现：" },
  programFault: { en: "This is a defect of the verifier, not of the bundle. Please report it, and use the other verifier. Found:", zh: "这是检验程序的缺陷，而非证据包的问题。请予报告，并使用另一检验程序。发现：" },
  trustNext: { en: "Expected: the JSON file of a publisher whom you trust, unchanged. Next: get it again from its publisher.", zh: "应为您所信任的发布者的 JSON 文件原件。下一步：向发布者重新索取。" },
  notices: { en: "Software in this page, and its licences", zh: "本页所含软件及其许可" },
} satisfies Record<string, Sentence>;
