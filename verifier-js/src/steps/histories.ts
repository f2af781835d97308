/** Histories (step 13): whether what is shown is all that the log states, and on whose word. */
import { equal, fromHex, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import type { EventOf } from "../events/event.ts";
import { verifyConsistency } from "../log/merkle.ts";
import { about, type Relation } from "../map/about.ts";
import { audited, parseAudit, type Audit } from "../map/audit.ts";
import { chainOf, verifyMapProof, type MapProof } from "../map/proof.ts";
import type { Proofs } from "../bundle/case.ts";
import type { RootProofs } from "../bundle/map.ts";
import type { Checkpoint } from "../log/note.ts";
import type { Statement } from "../log/statement.ts";
import { formatTime, parseTime } from "../base/time.ts";
import { pathName } from "./consistency.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

/** What names others because it uses them: these may stand aside in the history of what they name. */
const USES = new Set<string>(["object.register", "job.register", "job.complete", "credential.issue"]);
const BACKDATED = 300;

type Wanted = [Relation, string];
type Shown = { position: number; leaf: Bytes };

export interface HistoryFacts {
  size: number;
  auditors: { name: string; time: string }[];
  /** How many were looked at. */
  count: number;
  /** Nothing is missing from them, and nothing contradicts them. */
  whole: boolean;
}

interface Root {
  position: number;
  size: number;
  root: Bytes;
  /** Admission time of the entry that states it. */
  at: string;
}

/** What is shown in each history, by relation and text. */
export function shownHistories({ entries, case: { map } }: Examination): Map<string, Shown[]> {
  const found = new Map<string, Shown[]>();
  const put = (relation: Relation, texts: Set<string>, shown: Shown): void => {
    for (const text of texts) found.set(`${relation} ${text}`, [...(found.get(`${relation} ${text}`) ?? []), shown]);
  };
  const all = [
    ...entries.map((entry) => ({ ...entry, aside: false })),
    ...[...(map?.aside ?? [])].map(([position, statement]) => ({ position, statement, aside: true })),
  ].sort((a, b) => a.position - b.position);
  for (const { position, statement, aside } of all) {
    const { own, named } = about(payloadOf(statement));
    const shown = { position, leaf: statement.leaf };
    if (!aside || statement.event.type === "credential.issue") put("own", own, shown);
    if (!aside || USES.has(statement.event.type)) put("named", named, shown);
  }
  return found;
}

function payloadOf({ event: { type, subject, json } }: Statement) {
  return { type, subject, body: json };
}

export function wantedHistories({ replay, subjects, case: { file } }: Examination): Wanted[] {
  const own = new Set([file.log, ...[...replay.admitted.values()].map((entry) => entry.statement.event.subject), ...subjects]);
  return [...[...own].map((text): Wanted => ["own", text]), ...[...subjects].map((text): Wanted => ["named", text])];
}

/** Notes in the findings what the map shows; whether a root vouches for all of it. A root and what is shown contradict each other under whatever tree head. */
export function histories(examination: Examination, used: Set<string>, findings: Findings): HistoryFacts[] {
  const { case: { map, file }, replay, head } = examination;
  if (map === undefined) return [];
  const shown = shownHistories(examination);
  const wanted = wantedHistories(examination);
  const audits: Audit[] = [];
  map.audits.forEach((bytes, number) => {
    findings.check({ en: `audit ${number}`, zh: `审计 ${number}` }, () => { audits.push(parseAudit(bytes)); });
  });
  if (head !== undefined) for (const { size } of audits) used.add(pathName(size, head.note.size));
  return file.map!.roots.flatMap((position) => {
    const entry = replay.admitted.get(position);
    if (entry?.statement.event.type !== "log.map-root") {
      findings.add("not_proved", `no admitted entry ${position} states a root of the map`, `没有已准入的条目 ${position} 声明映射根`);
      return [];
    }
    const { size, root } = (entry.statement.event as EventOf<"log.map-root">).body;
    const stated = { position, size, root: fromHex(root), at: entry.at };
    const whole = compare(examination, stated, map.roots.get(position)!, wanted, shown, findings);
    const auditors = audits.flatMap((audit, number) => vouchers(examination, stated, audit, number, findings));
    return [{ size, auditors: whole ? auditors : [], count: wanted.length, whole }];
  });
}

/** Whether no proof is missing, and nothing about the case lies beyond the root. */
function compare(
  { subjects }: Examination, { position, size, root }: Root, proofs: RootProofs, wanted: Wanted[], shown: Map<string, Shown[]>, findings: Findings,
): boolean {
  let whole = true;
  for (const [relation, text] of everyProof(proofs, wanted)) {
    const proof = proofs[relation].get(text);
    const isWanted = wanted.some(([each, other]) => each === relation && other === text);
    const history = shown.get(`${relation} ${text}`) ?? [];
    if (isWanted && subjects.has(text) && history.some((each) => each.position >= size)) {
      findings.add("proved", `entries about ${text} stand after the ${size} that the root at ${position} covers`, `有关 ${text} 的条目位于条目 ${position} 之映射根所覆盖的 ${size} 条之后`);
      whole = false;
    }
    if (proof === undefined) {
      findings.add("proved", `no proof of what is ${relation === "own" ? "about" : "naming"} ${text} is here`, `此处没有关于 ${text} 的映射证明`);
      whole = false;
      continue;
    }
    const below = history.filter((each) => each.position < size);
    whole = findings.check({ en: `the history of ${text} under the root at ${position}`, zh: `条目 ${position} 的映射根下 ${text} 的历史` }, () => {
      const { count, chain } = verifyMapProof(proof, root, relation, text);
      if (!isWanted) return;
      if (below.length < count) throw new Failed(`${count} entries are in it, ${below.length} are shown: events were withheld`);
      if (below.length > count || !equal(chainOf(below), chain)) throw new Failed("what is shown is not what the map has: it is not the map of this log");
    }) && whole;
  }
  return whole;
}

function everyProof(proofs: RootProofs, wanted: Wanted[]): Wanted[] {
  const known = new Set(wanted.map(([relation, text]) => `${relation} ${text}`));
  const more = (["own", "named"] as const).flatMap((relation) =>
    [...(proofs[relation] as Map<string, MapProof>).keys()].filter((text) => !known.has(`${relation} ${text}`)).map((text): Wanted => [relation, text]));
  return [...wanted, ...more];
}

/** Whether the tree that was audited lies in that of step 5. */
function isOfTree({ size, tree }: Audit, head: Checkpoint, { consistency }: Proofs): boolean {
  const path = consistency.find((each) => pathName(each.from, each.to) === pathName(size, head.size))?.path ?? [];
  try {
    verifyConsistency(size, tree, head.size, head.root, path);
    return true;
  } catch (error) {
    if (error instanceof Failed) return false;
    throw error;
  }
}

/** Names of the trusted auditors whose audit is of this root. */
function vouchers({ trust, atSeconds, head, case: { proofs, file } }: Examination, stated: Root, audit: Audit, number: number, findings: Findings): HistoryFacts["auditors"] {
  return trust.auditors.flatMap((auditor) => {
    const names: HistoryFacts["auditors"] = [];
    findings.check({ en: `audit ${number} by ${auditor.name}`, zh: `${auditor.name} 的审计 ${number}` }, () => {
      const time = audited(audit, auditor);
      if (time === undefined || time > atSeconds || time < parseTime(stated.at) - BACKDATED || (auditor.notAfter !== undefined && time > parseTime(auditor.notAfter))) return;
      if (audit.origin !== file.log || audit.size !== BigInt(stated.size) || head === undefined || !isOfTree(audit, head.note, proofs)) return;
      if (!equal(audit.root, stated.root)) throw new Failed("it found another map than the log states");
      names.push({ name: auditor.name, time: formatTime(time) });
    });
    return names;
  });
}
