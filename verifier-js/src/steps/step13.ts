/** Step 13: later and adverse events; whether any was withheld. */
import { disputeState } from "../facts/kinds.ts";
import type { Event } from "../events/event.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";
import { histories, type HistoryFacts } from "./histories.ts";

export interface Adverse {
  position: number;
  time: string;
  type: string;
  subject: string;
  /** Whom it speaks against. */
  about: string;
  detail: string;
  /** Of a dispute: how it stands. */
  standing: string;
}

export function completeness(examination: Examination, stated: HistoryFacts[], findings: Findings): Adverse[] {
  const { replay, head } = examination;
  const adverse = [...replay.admitted.values()].filter((entry) => isAdverse(entry.statement.event)).sort((a, b) => a.position - b.position);
  for (const { position, at, statement: { event } } of adverse)
    findings.add("proved", `${at}: ${event.type} about ${event.subject} (entry ${position})`, `${at}：${event.type}，有关 ${event.subject}（条目 ${position}）`);
  const { file } = examination.case;
  if (file.adverse !== undefined && !sameNumbers(file.adverse.filter((each) => !replay.refused.has(each)), adverse.map((each) => each.position)))
    findings.add("contradicted", "the adverse entries that the index names are not those that are here", "目录所列的不利条目与此处的不利条目不符");
  const vouched = stated.filter((each) => each.auditors.length > 0).at(-1);
  if (findings.outcome === "contradicted") findings.add("contradicted", "so what is shown is not the whole of it", "因此所示并非全部");
  else if (vouched !== undefined) findings.add("proved", `these are all the events in ${vouched.count} histories up to size ${vouched.size}: ${vouched.auditors.map(({ name }) => name).join(", ")} replayed the map`,
    `截至大小 ${vouched.size}，${vouched.count} 份历史中的事件均已列出：${vouched.auditors.map(({ name }) => name).join("、")} 重放了映射`);
  else if (stated.length > 0) findings.add("needs_external_fact", `that no event was withheld up to size ${stated.at(-1)!.size} is the operator's word; anyone with the log's tiles can refute it`,
    `截至大小 ${stated.at(-1)!.size} 没有事件被隐瞒，是运营方之言；任何持有日志分块的人均可推翻`);
  else findings.add("needs_external_fact", `whether other events up to size ${head?.note.size ?? 0} were withheld cannot be seen from here; anyone with the log's tiles can look`,
    `截至大小 ${head?.note.size ?? 0} 是否有其他事件被隐瞒，从此处无法得知；任何持有日志分块的人均可查验`);
  return adverse.map(({ position, at, statement: { event } }) => ({ position, time: at, type: event.type, subject: event.subject, ...detailOf(examination, event) }));
}

export { histories };

/** Every entry from the largest root that vouches to the end of the tree is here, and admitted. */
export function reachesEnd({ replay, head }: Examination, stated: HistoryFacts[]): boolean {
  const from = Math.max(-1, ...stated.filter((each) => each.auditors.length > 0).map((each) => each.size));
  if (from < 0 || head === undefined) return false;
  const after = [...replay.admitted.keys()].filter((position) => position >= from && BigInt(position) < head.note.size);
  return BigInt(after.length) >= head.note.size - BigInt(from);
}

/** Whom an adverse event is about, and its own words. */
function detailOf(examination: Examination, event: Event): Pick<Adverse, "about" | "detail" | "standing"> {
  const about = event.subject;
  switch (event.type) {
    case "dispute.open": return { about: event.body.target, detail: event.body.claim, standing: disputeState(examination, event) };
    case "dispute.resolve": return { about, detail: `${event.body.outcome}, ${event.body.grounds}`, standing: event.body.outcome };
    case "licence.status": return { about, detail: `${event.body.action}, ${event.body.grounds}`, standing: "" };
    case "certificate.issue": return { about: event.body.supersedes!, detail: event.body.reason ?? "", standing: "" };
    case "certificate.withdraw": case "capability.suspend": case "capability.revoke": return { about, detail: event.body.grounds, standing: "" };
    case "log.freeze": return { about, detail: event.body.reason, standing: "" };
    case "capability.test": return { about, detail: event.body.result, standing: "" };
    case "party.key": return { about, detail: event.body.action, standing: "" };
    default: return { about, detail: "", standing: "" };
  }
}

function sameNumbers(some: number[], others: number[]): boolean {
  return some.length === others.length && some.every((each, index) => each === others[index]);
}

function isAdverse(event: Event): boolean {
  switch (event.type) {
    case "dispute.open": case "dispute.resolve": case "certificate.withdraw": case "capability.suspend": case "capability.revoke": return true;
    case "licence.status": return ["suspend", "revoke", "expire"].includes(event.body.action);
    case "certificate.issue": return event.body.supersedes !== undefined;
    case "party.key": return event.body.action === "revoke";
    case "capability.test": return event.body.result === "fail";
    case "log.freeze": return event.body.reason === "key-compromise" || event.body.reason === "court-order";
    default: return false;
  }
}
