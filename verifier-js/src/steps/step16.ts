/** Step 16: who kept the bytes since, without a gap, and whether they stayed the same (Facts 2). */
import type { EventOf } from "../events/event.ts";
import { admitted, introduced, isSigned, type Examination } from "./examination.ts";
import { digestOf } from "./digest.ts";
import type { Findings } from "./findings.ts";

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

export function custody(examination: Examination, findings: Findings): void {
  const found = chains(examination);
  if (found.size === 0) findings.add("not_proved", "nothing is said of who kept the bytes", "没有关于由谁保管的陈述");
  for (const [object, links] of found) follow(examination, object, links, findings);
}

function follow(examination: Examination, object: string, links: Link[], findings: Findings): void {
  const digest = digestOf(introduced(examination, "object.register", object)!.body.content);
  const good = new Set([digest]);
  let current = digest;
  let broken = false;
  let waiting = false;
  let latest = "";
  const contradicted = (position: number, en: string, zh: string): void => findings.add("contradicted", `entry ${position} about ${object}: ${en}`, `有关 ${object} 的条目 ${position}：${zh}`);
  for (const { position, event } of links) {
    const { at, outcome } = event.body;
    if (at < latest) contradicted(position, "it is dated before the entry that it follows", "其时间早于前一条目");
    if (at > latest) latest = at;
    if (!isSigned(examination, position))
      findings.add("needs_external_fact", `entry ${position} about ${object} is recorded by the service: ask the custodian`, `有关 ${object} 的条目 ${position} 由平台代记：请向保管方查证`);
    if (event.type === "custody.accept") {
      if (outcome === "suc" && event.body.digest !== current) contradicted(position, "what arrived is not what was handed over", "所收到者并非所移交者");
      if (outcome === "fai") findings.add("proved", `entry ${position}: the receiver declined; custody stayed`, `条目 ${position}：接收方拒绝，保管方未变`);
      waiting = false;
      continue;
    }
    const { before, after, event: kind } = event.body;
    if (before !== current) contradicted(position, "the bytes before it are not those that the chain had", "其前的字节与链上不符");
    if (after !== before) {
      if (kind === "mig" && outcome === "suc") good.add(after);
      else if (kind === "rec" && outcome === "suc" && good.has(after)) broken = false;
      else if (outcome === "fai") broken = true;
      else contradicted(position, "the bytes changed, and nothing that it says may change them", "字节已改变，而所述事项不应改变字节");
    }
    current = after;
    waiting = kind === "tra" && outcome === "suc";
  }
  if (waiting) findings.add("not_proved", `the last transfer of ${object} was not accepted`, `${object} 的最后一次移交未获接收`);
  if (broken) findings.add("contradicted", `the bytes of ${object} were broken, and never recovered`, `${object} 的字节曾损坏且未恢复`);
  findings.add("proved", `custody of ${object}: ${links.length} entries, from ${digest} to ${current}`, `${object} 的保管链：${links.length} 条，自 ${digest} 至 ${current}`);
}
