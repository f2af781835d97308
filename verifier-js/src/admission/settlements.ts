/** Rules of settlements: A71 to A74. They change no licence and no dispute. */
import type { Change } from "./change.ts";
import { registeredSpeaker } from "./common.ts";
import { licensorOf } from "./standing.ts";
import { demand, type Said, type Settlement, type State } from "./state.ts";

const VALUES = new Set(["amount", "shares", "rounding", "reference"]);

function sorted(names: string[]): boolean {
  return names.every((name, index) => index === 0 || names[index - 1]! < name);
}

/** Whether a registered licence or dispute concerns the party. */
function concerns(state: State, subject: string, party: string): boolean {
  const dispute = state.disputes.get(subject);
  if (dispute?.claimant === party) return true;
  const target = dispute?.target ?? subject;
  const licence = state.licences.get(target);
  if (licence !== undefined) return party === licensorOf(state, licence) || party === licence.holder;
  return party === target || party === state.objects.get(target)?.holder;
}

/** A71 to A73. */
export function recordSettlement(state: State, said: Said<"settlement.record">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { subject, body } = said.event;
  demand(state.licences.has(subject) || state.disputes.has(subject), "unregistered");
  demand(concerns(state, subject, party), "not-entitled");
  demand(sorted(body.parties) && body.parties.includes(party), "inconsistent");
  for (const each of body.parties) demand(state.parties.has(each), "unregistered");
  const also = body.also ?? [];
  demand(sorted(also) && !also.includes(subject), "inconsistent");
  for (const each of also) {
    demand(state.licences.has(each), "unregistered");
    demand(concerns(state, each, party), "not-entitled");
  }
  demand(body.period === undefined || body.period.start < body.period.end, "inconsistent");
  const names = [...(said.event.private?.keys() ?? [])];
  demand(names.includes("amount") && names.every((name) => VALUES.has(name)), "incomplete");
  if (body.supersedes !== undefined) {
    const old = state.settlements.get(body.supersedes);
    demand(old !== undefined, "unregistered");
    demand(old.subject === subject && old.parties.join() === body.parties.join(), "inconsistent");
    demand(!old.superseded, "wrong-state");
  }
  const made: Settlement = { subject, parties: body.parties, agreed: new Set([party]), superseded: false };
  if (body.supersedes !== undefined) made.supersedes = body.supersedes;
  change.put(state.settlements, said.position, made);
}

/** A74. */
export function acceptSettlement(state: State, said: Said<"settlement.accept">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const told = state.settlements.get(said.event.body.record);
  demand(told !== undefined, "unregistered");
  demand(told.subject === said.event.subject, "wrong-subject");
  demand(told.parties.includes(party), "not-entitled");
  demand(!told.agreed.has(party) && !told.superseded, "wrong-state");
  const old = told.supersedes === undefined ? undefined : state.settlements.get(told.supersedes);
  if (old !== undefined && told.agreed.size + 1 === told.parties.length) {
    demand(!old.superseded, "wrong-state");
    change.set(old, "superseded", true);
  }
  change.add(told.agreed, party);
}
