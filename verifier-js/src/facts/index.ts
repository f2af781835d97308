/** The members of `facts` (section 7) that follow from what the steps established. */
import { hex } from "../base/bytes.ts";
import { formatTime } from "../base/time.ts";
import type { ClaimId } from "../report.ts";
import type { Examination } from "../steps/examination.ts";
import { captures, documents, factors } from "./factors.ts";
import { disputes, graph, standing } from "./kinds.ts";
import { covers, erased, statements, values } from "./said.ts";
import { anchors, originals } from "./things.ts";

export function factsOf(examination: Examination, heldParts: Set<string>, held: Set<ClaimId>): Record<string, object | string> {
  const { bag, head, exporter, case: { file } } = examination;
  const told: Record<string, object | string | undefined> = {
    kind: file.kind, subject: file.subject, log: file.log, exported_at: file.exported_at,
    exporter: { name: exporter.name, key: exporter.key.kid }, covers: covers(bag),
    checkpoint: head === undefined ? undefined : { origin: head.note.origin, size: Number(head.note.size), root: hex(head.note.root), signed_at: formatTime(head.time) },
    ...(held.has("entitlement") ? { statements: statements(examination) } : {}), ...(held.has("disclosure") ? { ...values(examination), erased: erased(examination) } : {}),
    originals: originals(examination, heldParts), ...(head === undefined ? {} : { anchors: anchors(examination) }),
    ...(held.has("traceability") ? { standing: standing(examination), graph: graph(examination), disputes: disputes(examination) } : {}),
    capture: some(captures(examination)), platform: some(documents(examination)), factors: some(factors(examination)),
  };
  return Object.fromEntries(Object.entries(told).filter((each): each is [string, object | string] => each[1] !== undefined));
}

function some(list: object[]): object[] | undefined {
  return list.length === 0 ? undefined : list;
}
