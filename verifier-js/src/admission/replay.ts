/** The rules over the entries that are shown, in the order of their positions (Admission 1). */
import type { EventOf } from "../events/event.ts";
import { since } from "../events/since.ts";
import type { EventType } from "../events/types.ts";
import type { Statement } from "../log/statement.ts";
import { Change } from "./change.ts";
import * as certificates from "./certificates.ts";
import * as facts from "./facts.ts";
import * as licences from "./licences.ts";
import * as log from "./log.ts";
import * as objects from "./objects.ts";
import * as parties from "./parties.ts";
import * as settlements from "./settlements.ts";
import { speaker } from "./speaker.ts";
import { demand, emptyState, Refusal, type Said, type State } from "./state.ts";

type Rule<T extends EventType> = (state: State, said: Said<T>, change: Change) => void;

const RULES: { [T in EventType]: Rule<T> } = {
  "log.key-set": log.keySetAgain,
  "log.policy": log.policy,
  "log.anchor-target": log.anchorTarget,
  "log.batch": log.batch,
  "log.freeze": log.freeze,
  "log.rotate": log.rotate,
  "log.predecessor": log.predecessor,
  "log.time": log.logTime,
  "log.map-root": log.mapRoot,
  "party.register": parties.register,
  "party.key": parties.key,
  "dispute.open": parties.openDispute,
  "dispute.resolve": parties.resolveDispute,
  "disclosure.erase": parties.erase,
  "object.register": objects.registerObject,
  "capability.file": objects.fileCapability,
  "capability.test": objects.testCapability,
  "capability.grade": objects.gradeCapability,
  "capability.approve": objects.approveCapability,
  "capability.suspend": objects.suspendCapability,
  "capability.reinstate": objects.reinstateCapability,
  "capability.revoke": objects.revokeCapability,
  "job.register": objects.registerJob,
  "job.complete": objects.completeJob,
  "licence.grant": licences.grant,
  "licence.status": licences.status,
  "licence.consent": licences.consent,
  "licence.transfer": licences.transfer,
  "certificate.issue": certificates.issueCertificate,
  "certificate.withdraw": certificates.withdrawCertificate,
  "credential.issue": certificates.issueCredential,
  "capture.record": facts.recordCapture,
  "capture.attest": facts.attestCapture,
  "custody.record": facts.recordCustody,
  "custody.accept": facts.acceptCustody,
  "platform.file": facts.filePlatform,
  "settlement.record": settlements.recordSettlement,
  "settlement.accept": settlements.acceptSettlement,
};

export interface Placed {
  position: number;
  statement: Statement;
}

export interface Admitted extends Placed {
  /** Admission time. */
  at: string;
  issuer: string;
  role: string;
}

export interface Replay {
  /** By position. */
  admitted: Map<number, Admitted>;
  /** Code by position. */
  refused: Map<number, string>;
  state: State;
}

/** Decide each entry again; `entries` stand in ascending order of position. */
export function replay(entries: Placed[]): Replay {
  const result: Replay = { admitted: new Map(), refused: new Map(), state: emptyState() };
  const seen = new Set<string>();
  let waiting: Placed[] = [];
  for (const entry of entries) {
    const repeated = seen.has(entry.statement.id);
    seen.add(entry.statement.id);
    if (repeated) result.refused.set(entry.position, "already-entered");
    else if (entry.statement.event.type === "log.batch") {
      decideBatch(result, waiting, entry);
      waiting = [];
    } else waiting.push(entry);
  }
  for (const entry of waiting) result.refused.set(entry.position, "no-batch");
  return result;
}

function decideBatch(result: Replay, waiting: Placed[], closing: Placed): void {
  const { state } = result;
  const change = new Change();
  const at = closing.statement.event.time;
  const { first, last } = (closing.statement.event as EventOf<"log.batch">).body;
  const passed: Admitted[] = [];
  for (const entry of waiting) {
    const covered = first <= entry.position && entry.position <= last && last < closing.position;
    const code = covered ? decide(state, change, entry, at, passed) : "no-batch";
    if (code !== undefined) result.refused.set(entry.position, code);
  }
  const code = decide(state, change, closing, at, passed);
  if (code !== undefined) {
    change.takeBack();
    for (const { position } of [...passed, closing]) result.refused.set(position, code);
  } else for (const entry of passed) result.admitted.set(entry.position, entry);
}

/** The code with which an entry is refused; none where it is admitted. */
function decide(state: State, change: Change, entry: Placed, at: string, passed: Admitted[]): string | undefined {
  const own = new Change();
  try {
    const role = apply(state, own, entry, at);
    passed.push({ ...entry, at, issuer: entry.statement.issuer, role });
    change.follow(own);
    return undefined;
  } catch (error) {
    own.takeBack();
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function apply(state: State, change: Change, { statement, position }: Placed, at: string): string {
  if (position === 0) {
    log.begin(state, change, statement, at);
    return "registrar";
  }
  const said = speaker(state, statement, position, at);
  const { event } = said;
  demand(state.policy !== undefined || event.type === "log.policy", "no-policy");
  demand(state.policy === undefined || since(statement.event) <= state.policy.version, "policy-too-old");
  const last = event.type === "log.batch" && state.frozen === position - 1;
  demand(state.frozen === undefined || last, "log-frozen");
  log.notInFuture(event.time, at);
  const version = state.policy?.version ?? 0;
  (RULES[event.type] as Rule<EventType>)(state, said, change);
  if (event.private !== undefined && version >= 2) {
    const names = new Set(event.private.keys());
    change.put(state.remembered, position, { speaker: said.party ?? said.issuer, subject: event.subject, names, erased: new Set() });
  }
  return said.role ?? "party";
}
