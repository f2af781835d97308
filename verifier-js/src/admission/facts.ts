/** Rules of capture records, custody and the platform's documents: A65 to A70. */
import type { Change } from "./change.ts";
import { aboutLog, byRegistrar, registeredSpeaker } from "./common.ts";
import { notInFuture } from "./log.ts";
import { demand, type Custody, type Said, type State } from "./state.ts";

/** A65. */
export function recordCapture(state: State, said: Said<"capture.record">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { subject, body } = said.event;
  const object = state.objects.get(subject);
  demand(object !== undefined, "unregistered");
  demand(object.holder === party, "not-holder");
  demand(body.started <= body.ended, "inconsistent");
  notInFuture(body.ended, said.at);
  demand(body.notary?.party === undefined || state.parties.has(body.notary.party), "unregistered");
  for (const each of body.related ?? []) demand(state.objects.has(each), "unregistered");
  change.put(state.captures, said.position, { object: subject, party, attested: new Set() });
}

/** A66. */
export function attestCapture(state: State, said: Said<"capture.attest">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const capture = state.captures.get(said.event.body.record);
  demand(capture !== undefined, "unregistered");
  demand(capture.object === said.event.subject, "wrong-subject");
  demand(capture.party !== party, "inconsistent");
  demand(!capture.attested.has(party), "already-used");
  change.add(capture.attested, party);
}

/** The named entry is the latest one about the object. */
function demandLatest(custody: Custody | undefined, named: number | undefined): void {
  if (named === custody?.latest) return;
  demand(named === undefined || (custody !== undefined && named < custody.latest), "unregistered");
  demand(false, "wrong-state");
}

/** A67 and A68. */
export function recordCustody(state: State, said: Said<"custody.record">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { subject, body } = said.event;
  const object = state.objects.get(subject);
  demand(object !== undefined, "unregistered");
  const custody = state.custody.get(subject);
  demandLatest(custody, body.previous);
  demand(custody?.ended !== true, "wrong-state");
  const custodian = custody?.custodian ?? object.holder;
  demand(party === custodian, "not-holder");
  const { receiver } = body;
  demand((body.event === "tra") === (receiver !== undefined), "incomplete");
  if (receiver !== undefined) {
    demand(state.parties.has(receiver), "unregistered");
    demand(receiver !== party, "inconsistent");
  }
  notInFuture(body.at, said.at);
  const done = body.outcome === "suc";
  change.put(state.custody, subject, {
    custodian, latest: said.position, ended: body.event === "dea" && done, ...(receiver !== undefined && done ? { receiver } : {}),
  });
}

/** A69. */
export function acceptCustody(state: State, said: Said<"custody.accept">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { subject, body } = said.event;
  demand(state.objects.has(subject), "unregistered");
  const custody = state.custody.get(subject);
  demandLatest(custody, body.record);
  demand(custody?.receiver !== undefined, "wrong-state");
  demand(custody.receiver === party, "not-holder");
  notInFuture(body.at, said.at);
  change.put(state.custody, subject, { custodian: body.outcome === "suc" ? party : custody.custodian, latest: said.position, ended: custody.ended });
}

/** A70. */
export function filePlatform(state: State, said: Said<"platform.file">): void {
  byRegistrar(said);
  aboutLog(state, said);
  const { valid_from, valid_until } = said.event.body;
  demand(valid_until === undefined || valid_until > valid_from, "inconsistent");
}
