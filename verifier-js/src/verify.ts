/** The steps in their order, the claims, the verdict (sections 5 and 6). */
import type { Bytes } from "./base/bytes.ts";
import { replay } from "./admission/replay.ts";
import { Failed, LaterVersion, Malformed, NotShown } from "./base/errors.ts";
import { parseTime } from "./base/time.ts";
import { Bag, type Progress } from "./bundle/bag.ts";
import type { Case } from "./bundle/case.ts";
import { wholeDigest } from "./bundle/whole.ts";
import type { Source } from "./bundle/source.ts";
import type { Accusation } from "./steps/accusations.ts";
import type { Examination } from "./steps/examination.ts";
import { Findings, type Outcome, type Sentence } from "./steps/findings.ts";
import { open, type Opened } from "./steps/step01.ts";
import { exporter } from "./steps/step02.ts";
import { statementSignature } from "./steps/step03.ts";
import { inclusion } from "./steps/step04.ts";
import { checkpointSignature } from "./steps/step05.ts";
import { entitlement } from "./steps/step06.ts";
import { disclosure } from "./steps/step07.ts";
import { content } from "./steps/step08.ts";
import { traceability } from "./steps/step09.ts";
import { anchor } from "./steps/step10.ts";
import { time } from "./steps/step11.ts";
import { credential } from "./steps/step12.ts";
import { completeness, histories, reachesEnd, type Adverse } from "./steps/step13.ts";
import { timestamp } from "./steps/step14.ts";
import type { HistoryFacts } from "./steps/histories.ts";
import { capture, isCaptured } from "./steps/step15.ts";
import { custody, isKept } from "./steps/step16.ts";
import { isDeclared, platform } from "./steps/step17.ts";
import { findSubjects } from "./steps/subjects.ts";
import { Words } from "./asn1/revocation.ts";
import { factOf, type SaidFact } from "./credentials/revoked.ts";
import { factsOf } from "./facts/index.ts";
import { nowadays, tail, type Nowadays, type Tail } from "./facts/nowadays.ts";
import { CLAIMS, type Claim, type ClaimId, type Report } from "./report.ts";
import type { Trust } from "./trust.ts";

export interface Reader {
  trust: Trust;
  at: string;
  /** Fork evidence and conviction proofs that the reader has. */
  accusations?: Accusation[];
  progress?: Progress;
}

/** What people are told besides the report, whose form is closed. */
export interface Beside {
  /** By position of an adverse event. */
  nowadays: Map<number, Nowadays>;
  /** Entries that are not shown from the largest root of the map that serves to the end of the tree. */
  tail?: Tail;
}

export async function verify(source: Source, reader: Reader): Promise<Report> {
  return (await examined(source, reader)).report;
}

export async function examined(source: Source, { trust, at, accusations = [], progress = () => undefined }: Reader): Promise<{ report: Report; beside: Beside }> {
  const findings = new Map(CLAIMS.map(({ id }) => [id, new Findings()]));
  const refuse = (ended: 1 | 2): { report: Report; beside: Beside } => ({
    report: report(findings, new Set(requiredClaims(trust)), {}, { trust, at, whole, ended, told: new Set() }), beside: { nowadays: new Map() },
  });
  const whole = wholeDigest(source, progress);
  const first = new Findings();
  findings.set("integrity", first);
  let opened: Opened;
  let signer: Trust["exporters"][number];
  try {
    opened = open(new Bag(source, whole), progress);
  } catch (error) {
    first.fault(partOf(error), error);
    return refuse(1);
  }
  try {
    signer = exporter(opened, trust);
    const { name, key } = signer;
    first.add("proved", `${opened.bag.payload().length} members are exactly those that exporter “${name}” (key ${key.kid}) signed`,
      `${opened.bag.payload().length} 个成员正是出具方“${name}”（密钥 ${key.kid}）所签署的内容`);
  } catch (error) {
    first.fault({ en: "the exporter's signature", zh: "出具方的签名" }, error);
    return refuse(2);
  }
  const examination = examine(opened, signer, { trust, at, accusations });
  const facts = await runSteps(examination, findings);
  const told = new Set<ClaimId>([
    ...(opened.case.file.timestamps === undefined ? [] : ["timestamp" as const]), ...(isCaptured(examination) ? ["capture" as const] : []),
    ...(isKept(examination) ? ["custody" as const] : []), ...(isDeclared(examination) ? ["platform" as const] : []),
  ]);
  return {
    report: report(findings, new Set(requiredClaims(trust, opened)), facts, { trust, at, whole, told }),
    beside: { nowadays: nowadays(examination, facts.adverse as Adverse[]), ...tail(examination) },
  };
}

function partOf(error: unknown): Sentence {
  if (error instanceof Failed) return { en: "the manifest of the bundle", zh: "证据包的清单" };
  return error instanceof Malformed || error instanceof LaterVersion || error instanceof NotShown ? { en: "a part of the bundle", zh: "证据包的某一部分" } : { en: "", zh: "" };
}

function examine(opened: Opened, signer: Trust["exporters"][number], { trust, at, accusations }: Required<Omit<Reader, "progress">>): Examination {
  const examination: Examination = {
    ...opened, words: wordsOf(opened.case), exporter: signer, trust, at, atSeconds: parseTime(at), replay: replay(opened.entries), log: trust.logs.find((log) => log.origin === opened.case.file.log),
    head: undefined, subjects: new Set(), about: [], accusations, forks: [], anchors: [], tokens: [], stamped: [],
  };
  examination.subjects = findSubjects(examination);
  examination.about = [...examination.replay.admitted.values()].filter((entry) => examination.subjects.has(entry.statement.event.subject)).map((entry) => entry.position).sort((a, b) => a - b);
  return examination;
}

/** Lists and answers by the ends of their names. */
function wordsOf({ revocation }: Case): Words {
  const ending = (end: string): Bytes[] => [...revocation].filter(([name]) => name.endsWith(end)).map(([, bytes]) => bytes);
  return new Words(ending(".crl"), ending(".ocsp"));
}

async function runSteps(examination: Examination, findings: Map<ClaimId, Findings>): Promise<Report["facts"]> {
  const of = (id: ClaimId): Findings => findings.get(id)!;
  const used = new Set<string>();
  statementSignature(examination, of("statement-signature"));
  checkpointSignature(examination, of("checkpoint-signature"));
  inclusion(examination, of("inclusion"));
  entitlement(examination, of("entitlement"));
  disclosure(examination, of("disclosure"));
  const heldParts = content(examination, of("content"));
  traceability(examination, of("traceability"));
  const stamps = timestamp(examination, used, of("timestamp"));
  const stated = histories(examination, used, of("completeness"));
  anchor(examination, used, of("anchor"));
  const when = time(examination, of("time"));
  const credentials = credential(examination, of("credential"));
  const adverse = completeness(examination, stated, of("completeness"));
  capture(examination, of("capture"));
  const kept = custody(examination, of("custody"));
  platform(examination, of("platform"));
  const held = new Set(CLAIMS.filter(({ id }) => of(id).outcome === "proved").map(({ id }) => id));
  const whole = of("completeness").outcome === "proved" && reachesEnd(examination, stated);
  for (const id of ["capture", "custody"] as const)
    if (of(id).outcome === "proved" && !whole)
      of(id).add("needs_external_fact", "that nothing else is said of it is not proved: see whether any event was withheld, up to the end of the log", "是否另有陈述尚未证明：请看直至日志末尾有无事项被隐瞒");
  return {
    ...factsOf(examination, heldParts, held), credentials, ...(examination.head === undefined ? {} : { timestamps: stamps }), adverse, ...(when === undefined ? {} : { time: when }), ...(kept.length === 0 ? {} : { custody: kept }),
    ...(of("completeness").malformed ? {} : told(stated)),
    ...(examination.case.revocation.size === 0 ? {} : { revocation: heard(examination) }),
    ...(examination.forks.length === 0 ? {} : { forks: examination.forks }),
  };
}

interface HeardFact {
  file: string;
  says: SaidFact[];
}

/** Of each member, in order, what counts of it about those who signed here: nothing, perhaps. */
function heard({ case: { revocation }, words }: Examination): HeardFact[] {
  return [...revocation.keys()].map((file) => ({ file, says: (words.heard.get(file) ?? []).map(factOf) }));
}

/** Histories of which nothing is missing, under each root. */
function told(stated: HistoryFacts[]): { histories?: object[] } {
  const whole = stated.filter((each) => each.whole).map(({ size, auditors }) => ({ size, auditors }));
  return whole.length === 0 ? {} : { histories: whole };
}

function requiredClaims(trust: Trust, opened?: Opened): ClaimId[] {
  const always = CLAIMS.filter((claim) => claim.always).map(({ id }) => id);
  const included = opened?.case.file.originals.some((each) => each.mode === "included") ?? false;
  const issued = opened?.entries.some((entry) => entry.statement.event.type === "credential.issue") ?? false;
  return [
    ...always, ...(included ? ["content" as const] : []), ...(issued ? ["credential" as const] : []), ...(trust.independentTime ? ["time" as const] : []),
    ...(trust.required as ClaimId[]),
  ];
}

const ONLY_TOLD = new Set<ClaimId>(["timestamp", "capture", "custody", "platform"]);

interface Frame {
  trust: Trust;
  at: string;
  /** SHA-256 of the bundle. */
  whole: string;
  /** The step that ended everything. */
  ended?: 1 | 2;
  /** Claims that are in the report because the case speaks of them. */
  told: Set<ClaimId>;
}

/** Rest on what (section 5), and the verdict (section 6). */
function report(findings: Map<ClaimId, Findings>, required: Set<ClaimId>, facts: Report["facts"], { trust, at, whole, ended, told }: Frame): Report {
  const shown = CLAIMS.filter(({ id }) => !ONLY_TOLD.has(id) || required.has(id) || told.has(id));
  const own = new Map(CLAIMS.map(({ id }) => [id, findings.get(id)!.outcome]));
  const failing = new Set<number>(CLAIMS.filter(({ id }) => unproved(own.get(id)!)).map(({ step }) => step));
  const claims = shown.map((claim): Claim => {
    const found = findings.get(claim.id)!;
    const missing = ended === undefined ? claim.restsOn.filter((step) => failing.has(step)) : claim.id === "integrity" ? [] : [ended];
    const evidence = [...found.evidence];
    let outcome: Outcome = found.outcome;
    if (missing.length > 0) {
      if (outcome !== "contradicted") outcome = "not_proved";
      evidence.push(ended === undefined
        ? { en: `not proved, because it rests on step ${missing.join(", ")}, which does not hold`, zh: `未证明，因其所依据的步骤 ${missing.join("、")} 不成立` }
        : { en: `not examined, because step ${ended} does not hold`, zh: `未检验，因为步骤 ${ended} 不成立` });
    }
    return { id: claim.id, step: claim.id === "integrity" ? (ended === 1 ? 1 : 2) : claim.step, outcome, required: required.has(claim.id), evidence };
  });
  const malformed = [...findings.values()].some((each) => each.malformed);
  const fine = claims.every((claim) => claim.outcome !== "contradicted" && (!claim.required || claim.outcome === "proved"));
  const verdict = malformed ? "malformed" : fine ? "proved" : "not_proved";
  const refusing = claims.find(({ id, required }) => own.get(id) === "contradicted" || (required && own.get(id) !== "proved"));
  return {
    verdict, refused_at: fine && !malformed ? null : (ended ?? refusing?.step ?? null), claims, trust_fingerprint: trust.fingerprint, at, bundle_sha256: whole, facts,
  };
}

function unproved(outcome: Outcome): boolean {
  return outcome === "not_proved" || outcome === "contradicted";
}
