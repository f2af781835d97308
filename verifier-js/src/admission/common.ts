/** Rules that several types share (Admission 3). */
import { parseIdentifier } from "../base/identifiers.ts";
import type { Key } from "../base/keys.ts";
import { isValidAt } from "./standing.ts";
import { demand, isRegistered, type Said, type State } from "./state.ts";
import type { EventType } from "../events/types.ts";

export function speaksForParty(said: Said<EventType>): string {
  demand(said.party !== undefined, "no-party");
  return said.party;
}

/** The acting party, which is registered. */
export function registeredSpeaker(state: State, said: Said<EventType>): string {
  const party = speaksForParty(said);
  demand(state.parties.has(party), "unregistered");
  return party;
}

export function enters(state: State, said: Said<EventType>): void {
  demand(!isRegistered(state, said.event.subject), "already-registered");
  demand(parseIdentifier(said.event.subject).prefix === state.log!.prefix, "foreign-prefix");
}

export function byRegistrar(said: Said<EventType>): void {
  demand(said.role === "registrar", "not-entitled");
}

export function byLog(state: State, said: Said<EventType>): void {
  demand(said.role === "log", "not-entitled");
  aboutLog(state, said);
}

export function aboutLog(state: State, said: Said<EventType>): void {
  demand(said.event.subject === state.log!.origin, "wrong-subject");
}

export function mayUse(state: State, said: Said<EventType>, object: string): void {
  const known = state.objects.get(object);
  demand(known !== undefined, "unregistered");
  if (known.holder === said.party) return;
  const licensed = [...state.licences.values()].some(
    (licence) => licence.object === object && licence.holder === said.party && isValidAt(state, licence, said.at),
  );
  demand(licensed && said.party !== undefined, "not-holder");
}

/** A17: keys of parties, each new. */
export function newPartyKeys(state: State, keys: Key[]): void {
  const given = new Set<string>();
  for (const key of keys) {
    demand(key.alg === "ed25519" || key.alg === "es256", "bad-key");
    demand(!state.kids.has(key.kid) && !given.has(key.kid), "already-used");
    given.add(key.kid);
  }
}
