/** Step 16: who kept the bytes since, without a gap, and whether they stayed the same (Facts 2). */
import type { EventOf } from "../events/event.ts";
import { parseTime } from "../base/time.ts";
import { admitted, admittedAt, introduced, isSigned, objectsOf, partyOf, type Examination } from "./examination.ts";
import { digestOf } from "./digest.ts";
import type { Findings, Outcome } from "./findings.ts";

const SLACK = 300;

interface Link {
  position: number;
  event: EventOf<"custody.record"> | EventOf<"custody.accept">;
}

function chains(examination: Examination): Map<string, Link[]> {
  const all: Link[] = [...admitted(examination, "custody.record"), ...admitted(examination, "custody.accept")].sort((a, b) => a.position - b.position);
  const found = new Map<string, Link[]>();
  for (const link of all) {
    const { subject } = link.event;
    if (examination.subjects.has(subject)) found.set(subject, [...(found.get(subject) ?? []), link]);
  }
  return found;
}

export function isKept(examination: Examination): boolean {
  return chains(examination).size > 0;
}

export interface CustodyLine {
  /** None: the export, by the exporter's signature. */
  position: number | null;
  at: string;
  event: string;
  agent: string;
  object: string;
  before: string;
  after: string;
  outcome: string;
  party: string | null;
  receiver: string | null;
  signed: boolean;
  continuous: boolean;
}

export function custody(examination: Examination, findings: Findings): CustodyLine[] {
  const found = chains(examination);
  if (found.size === 0) findings.add("not_proved", "nothing is said of who kept the bytes", "没有关于由谁保管的陈述");
  const told = [...found].flatMap(([object, links]) => follow(examination, object, links, findings));
  if (found.size > 0)
    for (const object of objectsOf(examination).filter((each) => !found.has(each)))
      findings.add("needs_external_fact", `nothing is said of who kept the bytes of ${object}: ask its holder`, `没有关于由谁保管 ${object} 的陈述：请向其持有人查证`);
  return told;
}

function follow(examination: Examination, object: string, links: Link[], findings: Findings): CustodyLine[] {
  const digest = digestOf(introduced(examination, "object.register", object)!.body.content);
  const registration = parseTime(admittedAt(examination, "object.register", object)!);
  let good = digest;
  let current = digest;
  let broken = false;
  let waiting = false;
  let ended = false;
  let latest = registration - SLACK;
  let held = true;
  const lines: CustodyLine[] = [];
  const told = (outcome: Outcome, position: number, en: string, zh: string): void => {
    findings.add(outcome, `entry ${position} about ${object}: ${en}`, `有关 ${object} 的条目 ${position}：${zh}`);
    if (outcome === "contradicted") held = false;
  };
  let contradicted = false;
  for (const { position, event } of links) {
    const { outcome } = event.body;
    const came = current;
    held = true;
    const tell = (): void => {
      contradicted ||= !held;
      lines.push(lineOf(examination, { position, event }, came, held && !broken));
    };
    const at = parseTime(event.body.at);
    if (at < latest) told("contradicted", position, "it is dated before the entry that it follows, or before the registration", "其时间早于前一条目或早于登记");
    latest = Math.max(latest, at);
    if (!isSigned(examination, position)) told("needs_external_fact", position, "recorded by the service: ask the custodian", "由平台代记：请向保管方查证");
    ended = false;
    if (event.type === "custody.accept") {
      if (outcome === "suc" && event.body.digest !== current) told("contradicted", position, "what arrived is not what was handed over", "所收到者并非所移交者");
      if (outcome === "fai") told("proved", position, "the receiver declined; custody stayed", "接收方拒绝，保管方未变");
      waiting = false;
      tell();
      continue;
    }
    const { before, after, event: kind } = event.body;
    const done = outcome === "suc";
    if (before !== current) told("contradicted", position, "the bytes before it are not those that the chain had", "其前的字节与链上不符");
    const changed = before !== after;
    if (kind === "fix" && !done) told("proved", position, "the check found that the bytes do not hold", "校验发现字节不符");
    else if (!done && !changed) told("proved", position, "it failed, and the bytes stayed the same", "未成功，字节未变");
    if (!done && (kind === "fix" || changed)) broken = true;
    if (done && changed && kind === "mig" && !broken) good = after;
    const explained = kind === "mig" || (kind === "rec" && after === good);
    if (done && changed && !explained) told("contradicted", position, "the bytes changed, and nothing that it says may change them", "字节已改变，而所述事项不应改变字节");
    if (done && (kind === "fix" || kind === "rec") && after === good) broken = false;
    current = after;
    waiting = kind === "tra" && done;
    ended = kind === "dea" && done;
    tell();
  }
  if (waiting) findings.add("not_proved", `the last transfer of ${object} was not accepted`, `${object} 的最后一次移交未获接收`);
  if (ended) findings.add("not_proved", `custody of ${object} ended: nobody says who had the bytes since`, `${object} 的保管已终止：此后由谁持有无人陈述`);
  if (broken) findings.add("contradicted", `the bytes of ${object} were broken, and never found or made whole again`, `${object} 的字节曾损坏，此后未经校验相符亦未恢复`);
  findings.add("proved", `custody of ${object}: ${links.length} entries, from ${digest} to ${current}`, `${object} 的保管链：${links.length} 条，自 ${digest} 至 ${current}`);
  return [...lines, exported(examination, object, current, digest, !(contradicted || broken || waiting || ended))];
}

function lineOf(examination: Examination, { position, event }: Link, came: string, continuous: boolean): CustodyLine {
  const { body } = event;
  const kept = { position, at: body.at, object: event.subject, outcome: body.outcome, party: partyOf(examination, position), signed: isSigned(examination, position), continuous };
  if (event.type === "custody.accept") return { ...kept, event: "tra", agent: "", before: came, after: event.body.digest, receiver: null };
  const { event: kind, agent, before, after, receiver } = event.body;
  return { ...kept, event: kind, agent, before, after, receiver: receiver ?? null };
}

/** The last line of each chain, by the exporter's signature. */
function exported({ exporter, case: { file } }: Examination, object: string, before: string, digest: string, continuous: boolean): CustodyLine {
  const here = file.originals.some((each) => each.object === object && each.mode !== "digests");
  return {
    position: null, at: file.exported_at, event: "dis", agent: exporter.name, object, before, after: here ? digest : before, outcome: "suc",
    party: null, receiver: null, signed: true, continuous,
  };
}
