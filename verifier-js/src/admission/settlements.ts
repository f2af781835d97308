/** Rules of settlements: A71 to A74. They change no licence, no dispute, and nothing that is permitted. */
import type { Change } from "./change.ts";
import { registeredSpeaker } from "./common.ts";
import { licensorOf } from "./standing.ts";
import { demand, type Licence, type Said, type Settlement, type State } from "./state.ts";

const VALUES = ["amount", "shares", "rounding", "reference"];

function concerned(state: State, licence: Licence): (string | undefined)[] {
  return [licensorOf(state, licence), licence.holder];
}

/** A licence concerns its licensor and its holder; a dispute its claimant, and whom its target concerns. */
function concerns(state: State, subject: string, party: string): boolean {
  const licence = state.licences.get(subject);
  if (licence !== undefined) return concerned(state, licence).includes(party);
  const { claimant, target } = state.disputes.get(subject)!;
  const disputed = state.licences.get(target);
  return [claimant, target, state.objects.get(target)?.holder, ...(disputed === undefined ? [] : concerned(state, disputed))].includes(party);
}

function isSorted(values: string[]): boolean {
  return values.every((value, index) => index === 0 || values[index - 1]! < value);
}

export function recordSettlement(state: State, said: Said<"settlement.record">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { subject, body, private: values } = said.event;
  demand(state.licences.has(subject) || state.disputes.has(subject), "unregistered");
  demand(concerns(state, subject, party), "not-entitled");
  demand(isSorted(body.parties) && body.parties.includes(party), "inconsistent");
  for (const each of body.parties) demand(state.parties.has(each), "unregistered");
  const also = body.also ?? [];
  demand(isSorted(also) && !also.includes(subject), "inconsistent");
  for (const each of also) {
    demand(state.licences.has(each), "unregistered");
    demand(concerns(state, each, party), "not-entitled");
  }
  demand(body.period === undefined || body.period.start < body.period.end, "inconsistent");
  demand(values?.has("amount") === true && [...values.keys()].every((name) => VALUES.includes(name)), "incomplete");
  if (body.supersedes !== undefined) {
    const earlier = state.settlements.get(body.supersedes);
    demand(earlier !== undefined, "unregistered");
    demand(earlier.subject === subject && earlier.parties.join() === body.parties.join(), "inconsistent");
    demand(!earlier.superseded, "wrong-state");
  }
  change.put(state.settlements, said.position, {
    subject, parties: body.parties, agreed: new Set([party]), superseded: false, ...(body.supersedes === undefined ? {} : { supersedes: body.supersedes }),
  });
}

export function acceptSettlement(state: State, said: Said<"settlement.accept">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const settlement = state.settlements.get(said.event.body.record);
  demand(settlement !== undefined, "unregistered");
  demand(settlement.subject === said.event.subject, "wrong-subject");
  demand(settlement.parties.includes(party), "not-entitled");
  demand(!settlement.agreed.has(party) && !settlement.superseded, "wrong-state");
  const all = settlement.parties.every((each) => each === party || settlement.agreed.has(each));
  const earlier: Settlement | undefined = all && settlement.supersedes !== undefined ? state.settlements.get(settlement.supersedes) : undefined;
  demand(earlier?.superseded !== true, "wrong-state");
  change.add(settlement.agreed, party);
  if (earlier !== undefined) change.set(earlier, "superseded", true);
}
