/** The version of the rules that first knew a type, a field or a word (Admission, A7). */
import type { Event } from "./event.ts";
import type { EventType } from "./types.ts";

const SECOND = new Set<EventType>(["log.freeze", "disclosure.erase", "log.rotate", "log.predecessor", "log.time"]);
const THIRD = new Set<EventType>(["log.map-root", "licence.consent", "licence.transfer"]);
const FOURTH = new Set<EventType>(["capture.record", "capture.attest", "custody.record", "custody.accept", "platform.file", "settlement.record", "settlement.accept"]);

export function since(event: Event): number {
  if (FOURTH.has(event.type)) return 4;
  if (THIRD.has(event.type) || usesThird(event)) return 3;
  return SECOND.has(event.type) ? 2 : 1;
}

/** A field or a word of an earlier type that came with version 3. */
function usesThird(event: Event): boolean {
  switch (event.type) {
    case "licence.grant":
      return event.body.sublicences !== undefined || event.body.transfer !== undefined;
    case "licence.status": {
      const { action, grounds, change } = event.body;
      return ["withdraw", "commence"].includes(action) || ["agreement", "condition-met"].includes(grounds) || change !== undefined;
    }
    case "certificate.issue":
      return event.body.reason !== undefined || event.body.corrected !== undefined;
    case "credential.issue":
      return event.body.form === "pades";
    default:
      return false;
  }
}
