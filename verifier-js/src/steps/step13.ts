/** Step 13: later and adverse events; whether any was withheld. */
import type { Event } from "../events/event.ts";
import type { Examination } from "./examination.ts";
import type { Findings } from "./findings.ts";

export interface Adverse {
  position: number;
  time: string;
  type: string;
  subject: string;
}

export function completeness({ replay, head }: Examination, findings: Findings): Adverse[] {
  const adverse = [...replay.admitted.values()].filter((entry) => isAdverse(entry.statement.event)).sort((a, b) => a.position - b.position);
  for (const { position, at, statement: { event } } of adverse)
    findings.add("proved", `${at}: ${event.type} about ${event.subject} (entry ${position})`, `${at}：${event.type}，有关 ${event.subject}（条目 ${position}）`);
  findings.add("needs_external_fact", `whether other events up to size ${head?.note.size ?? 0} were withheld cannot be seen from here; anyone with the log's tiles can look`,
    `截至大小 ${head?.note.size ?? 0} 是否有其他事件被隐瞒，从此处无法得知；任何持有日志分块的人均可查验`);
  return adverse.map(({ position, at, statement: { event } }) => ({ position, time: at, type: event.type, subject: event.subject }));
}

function isAdverse(event: Event): boolean {
  switch (event.type) {
    case "dispute.open": case "dispute.resolve": case "certificate.withdraw": case "capability.suspend": case "capability.revoke": return true;
    case "licence.status": return event.body.action !== "reinstate";
    case "party.key": return event.body.action === "revoke";
    case "capability.test": return event.body.result === "fail";
    case "log.freeze": return event.body.reason === "key-compromise" || event.body.reason === "court-order";
    default: return false;
  }
}
