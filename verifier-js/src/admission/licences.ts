/** Rules of licences: A40 to A45, A61 to A64. */
import type { Change } from "./change.ts";
import { enters, speaksForParty } from "./common.ts";
import { inOrder, isFinal, isValidAt, licensorOf, standingAt } from "./standing.ts";
import { demand, isRegistered, type Licence, type Said, type Standing, type State } from "./state.ts";

const MANDATORY = ["licensee", "asset", "use", "exclusivity", "territory", "window", "media", "sublicensing", "ai_use"];
const TERMS = [
  ...MANDATORY, "channel", "format", "language", "holdback", "count", "derivatives", "attribution", "payment", "consent", "contract",
];
const SECOND_TERMS = ["windows"];
const STEPS: Partial<Record<string, { from: Standing[]; to: Standing }>> = {
  suspend: { from: ["valid"], to: "suspended" },
  reinstate: { from: ["suspended"], to: "valid" },
  revoke: { from: ["valid", "suspended"], to: "revoked" },
  expire: { from: ["valid", "suspended"], to: "expired" },
};
const MOST_CHANGES = 256;

export function grant(state: State, said: Said<"licence.grant">, change: Change): void {
  const party = speaksForParty(said);
  const { subject, body } = said.event;
  const object = state.objects.get(body.object);
  demand(object !== undefined, "unregistered");
  demand(body.parent !== undefined || object.holder === party, "not-holder");
  if (body.parent !== undefined) demandParent(state, said, party, body.parent);
  for (const title of body.title_chain) demand(isRegistered(state, title), "unregistered");
  demand(body.title_chain.includes(body.object), "incomplete");
  const known = state.policy!.version < 3 ? TERMS : [...TERMS, ...SECOND_TERMS];
  const terms = [...(said.event.private?.keys() ?? [])];
  demand(MANDATORY.every((term) => terms.includes(term)) && terms.every((term) => known.includes(term)), "incomplete");
  const slot = newSlot(state, body.status);
  enters(state, said);
  demand(body.holder === undefined || state.parties.has(body.holder), "unregistered");
  change.put(state.licences, subject, {
    state: "valid", changes: [], grantor: party, object: body.object, sublicences: body.sublicences ?? 0, free: body.transfer === "free",
    ...(body.holder === undefined ? {} : { holder: body.holder }), ...(body.parent === undefined ? {} : { parent: body.parent }),
  });
  change.add(state.statusSlots, slot);
}

/** A41. */
function demandParent(state: State, said: Said<"licence.grant">, party: string, name: string): void {
  const { body } = said.event;
  demand(state.policy!.version >= 3, "unsupported");
  const parent = state.licences.get(name);
  demand(parent !== undefined, "unregistered");
  demand(parent.holder === party, "not-holder");
  demand(isValidAt(state, parent, said.at), "wrong-state");
  demand(parent.object === body.object, "inconsistent");
  demand(body.title_chain.includes(name), "incomplete");
  demand(parent.sublicences >= 1 && (body.sublicences ?? 0) <= parent.sublicences - 1, "exceeds-parent");
  demand(body.transfer !== "free" || parent.free, "exceeds-parent");
}

function newSlot(state: State, { list, index }: { list: string; index: number }): string {
  const slot = `${index} ${list}`;
  demand(!state.statusSlots.has(slot), "already-used");
  return slot;
}

/** The licence, where its licensor speaks or the registrar. */
function byLicensor(state: State, said: Said<"licence.status"> | Said<"licence.consent">): Licence {
  const licence = state.licences.get(said.event.subject);
  demand(licence !== undefined, "unregistered");
  if (said.role !== "registrar") demand(speaksForParty(said) === licensorOf(state, licence), "not-holder");
  return licence;
}

/** A45. */
export function status(state: State, said: Said<"licence.status">, change: Change): void {
  const licence = byLicensor(state, said);
  const { action, effective, change: position } = said.event.body;
  demand((action === "withdraw") === (position !== undefined), "incomplete");
  const step = STEPS[action];
  if (step === undefined) {
    demand(effective <= said.at, "time-in-future");
    if (action === "withdraw") withdraw(licence, position!, said.at, change);
    else {
      demand(licence.commenced !== true, "wrong-state");
      change.set(licence, "commenced", true);
    }
  } else if (state.policy!.version < 3) {
    demand(step.from.includes(licence.state), "wrong-state");
    change.set(licence, "state", step.to);
  } else {
    demand(step.from.includes(standingAt(licence, effective)), "wrong-state");
    demand(isFinal(step.to) || licence.changes.length < MOST_CHANGES, "wrong-state");
    const kept = isFinal(step.to) ? licence.changes.filter((each) => each.effective < effective) : licence.changes;
    change.set(licence, "changes", inOrder([...kept, { to: step.to, effective, position: said.position }]));
  }
}

function withdraw(licence: Licence, position: number, now: string, change: Change): void {
  const kept = licence.changes.filter((each) => each.position !== position || each.effective <= now);
  demand(kept.length < licence.changes.length, "wrong-state");
  change.set(licence, "changes", kept);
}

/** A61. */
export function consent(state: State, said: Said<"licence.consent">, change: Change): void {
  const licence = byLicensor(state, said);
  const { to, until } = said.event.body;
  demand(state.parties.has(to), "unregistered");
  change.set(licence, "consent", { to, ...(until === undefined ? {} : { until }) });
}

/** A62 to A64. */
export function transfer(state: State, said: Said<"licence.transfer">, change: Change): void {
  const { subject, body, private: values } = said.event;
  const licence = state.licences.get(subject);
  demand(licence !== undefined, "unregistered");
  const compelled = said.role === "registrar" && (body.grounds === "court-order" || body.grounds === "succession");
  if (!compelled) demand(speaksForParty(said) === licence.holder, "not-holder");
  demand(state.parties.has(body.to), "unregistered");
  demand(body.to !== licence.holder, "inconsistent");
  demand(isValidAt(state, licence, said.at), "wrong-state");
  demand(body.effective <= said.at, "time-in-future");
  if (!compelled && !licence.free) {
    const { to, until } = licence.consent ?? {};
    demand(to === body.to && (until === undefined || until > said.at), "no-consent");
  }
  demand(values?.size === 1 && values.has("licensee"), "incomplete");
  change.add(state.statusSlots, newSlot(state, body.status));
  change.set(licence, "holder", body.to);
  change.drop(licence, "consent");
}
