/** Rules of parties and disputes, and of what is erased: A16 to A20, A49, A50, A52. */
import type { Change } from "./change.ts";
import { byRegistrar, enters, newPartyKeys, registeredSpeaker, speaksForParty } from "./common.ts";
import { demand, isRegistered, type Said, type State, type Window } from "./state.ts";

export function register(state: State, said: Said<"party.register">, change: Change): void {
  byRegistrar(said);
  const { roles, keys } = said.event.body;
  demand(!(roles as string[]).includes("registrar"), "not-entitled");
  newPartyKeys(state, keys.map((each) => each.key));
  enters(state, said);
  const own = new Map(keys.map((each) => [each.key.kid, { ...(each as Window), revoked: false }]));
  change.put(state.parties, said.event.subject, { roles: new Set<string>(roles), keys: own });
  for (const kid of own.keys()) change.add(state.kids, kid);
}

export function key(state: State, said: Said<"party.key">, change: Change): void {
  byRegistrar(said);
  const party = state.parties.get(said.event.subject);
  demand(party !== undefined, "unregistered");
  const { action, add, revoke } = said.event.body;
  demand((action === "add") === (add !== undefined) && (action === "revoke") === (revoke !== undefined), "incomplete");
  if (add !== undefined) {
    newPartyKeys(state, [add.key]);
    change.put(party.keys, add.key.kid, { ...(add as Window), revoked: false });
    change.add(state.kids, add.key.kid);
  } else {
    const known = party.keys.get(revoke!);
    demand(known !== undefined && !known.revoked, "unregistered");
    change.set(known, "revoked", true);
  }
}

export function openDispute(state: State, said: Said<"dispute.open">, change: Change): void {
  const claimant = registeredSpeaker(state, said);
  const { target } = said.event.body;
  demand(isRegistered(state, target), "unregistered");
  enters(state, said);
  change.put(state.disputes, said.event.subject, { state: "open", claimant, target });
}

export function resolveDispute(state: State, said: Said<"dispute.resolve">, change: Change): void {
  byRegistrar(said);
  const dispute = state.disputes.get(said.event.subject);
  demand(dispute !== undefined, "unregistered");
  demand(dispute.state === "open", "wrong-state");
  change.set(dispute, "state", "resolved");
}

/** A52. */
export function erase(state: State, said: Said<"disclosure.erase">, change: Change): void {
  const { position, names } = said.event.body;
  demand(names.every((name, index) => index === 0 || names[index - 1]! < name), "bad-names");
  const entry = state.remembered.get(position);
  if (entry === undefined) {
    demand(position < state.policy!.position, "unknown-commitment");
    demand(said.role === "registrar", "not-entitled");
    return;
  }
  demand(said.event.subject === entry.subject, "wrong-subject");
  if (said.role !== "registrar") {
    const party = speaksForParty(said);
    demand(party === entry.speaker || party === entry.subject, "not-entitled");
  }
  demand(names.every((name) => entry.names.has(name)), "unknown-commitment");
  demand(names.every((name) => !entry.erased.has(name)), "already-erased");
  for (const name of names) change.add(entry.erased, name);
}
