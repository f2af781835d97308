/** Rules of objects, capabilities and jobs: A21 to A39. */
import { equal, hex, utf8 } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { samePair, sha256 } from "../base/hashes.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { encode } from "../base/json.ts";
import { verify } from "../base/keys.ts";
import type { Bodies } from "../events/types.ts";
import { parseSign1, readHeader, signedBytes } from "../log/cose.ts";
import type { Change } from "./change.ts";
import { byRegistrar, enters, mayUse, registeredSpeaker, speaksForParty } from "./common.ts";
import { isValidAt } from "./standing.ts";
import { demand, inForce, type Capability, type Party, type Said, type State } from "./state.ts";

const LETTER = { object: "A", licence: "L", job: "J" } as const;
const MODEL_TYPE = "application/vnd.tallystick.model-digest+json";

type Object = Bodies["object.register"];

export function registerObject(state: State, said: Said<"object.register">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { body } = said.event;
  for (const basis of body.basis) demandBasis(state, said, party, basis);
  if (body.origin === "generated") demandGeneration(state, party, body);
  else demand(body.generation === undefined, "inconsistent");
  if (body.origin === "composed") demand(body.basis.some((basis) => basis.kind === "object"), "incomplete");
  enters(state, said);
  const job = body.generation?.job;
  change.put(state.objects, said.event.subject, { holder: party, ...(job === undefined ? {} : { job }) });
}

/** A22. */
function demandBasis(state: State, said: Said<"object.register">, party: string, basis: Object["basis"][number]): void {
  const { kind, declaration, subject } = basis;
  if (kind === "declared") {
    demand(declaration !== undefined && subject === undefined, "incomplete");
    return;
  }
  demand(subject !== undefined && declaration === undefined, "incomplete");
  demand(parseIdentifier(subject).letter === LETTER[kind], "inconsistent");
  if (kind === "object") mayUse(state, said, subject);
  else if (kind === "licence") {
    const licence = state.licences.get(subject);
    demand(licence !== undefined, "unregistered");
    demand(licence.holder === party && isValidAt(state, licence, said.at), "not-holder");
  } else {
    const job = state.jobs.get(subject);
    demand(job !== undefined, "unregistered");
    demand(job.party === party, "not-holder");
  }
}

/** A23. */
function demandGeneration(state: State, party: string, body: Object): void {
  const { generation } = body;
  demand(generation !== undefined, "incomplete");
  const job = state.jobs.get(generation.job);
  demand(job !== undefined, "unregistered");
  demand(job.party === party, "not-holder");
  demand(job.state === "running", "wrong-state");
  demand(body.basis.some((basis) => basis.kind === "job" && basis.subject === generation.job), "incomplete");
  const same = generation.capability === job.capability && samePair(generation.environment, job.environment)
    && samePair(generation.parameters, job.parameters);
  const capability = state.capabilities.get(job.capability)!;
  demand(same && generation.version === capability.version && generation.model_signature === capability.modelSignature, "inconsistent");
}

export function fileCapability(state: State, said: Said<"capability.file">, change: Change): void {
  const party = state.parties.get(registeredSpeaker(state, said))!;
  demand(party.roles.has("provider"), "not-entitled");
  const { body, subject } = said.event;
  demand(modelSignatureHolds(party, said.at, subject, body), "bad-model-signature");
  enters(state, said);
  const modelSignature = hex(sha256(body.model_signature));
  change.put(state.capabilities, subject, { state: "filed", version: body.version, modelSignature, graded: false });
}

/** A28 and Statements 5. */
function modelSignatureHolds(party: Party, at: string, capability: string, body: Bodies["capability.file"]): boolean {
  try {
    const sign1 = parseSign1(body.model_signature, 4096);
    const { alg, kid } = readHeader(sign1.protectedHeader, [1, 3, 4], MODEL_TYPE);
    const key = party.keys.get(hex(kid));
    if (key === undefined || key.revoked || !inForce(key, at) || key.key.alg !== alg) return false;
    const expected = utf8(encode({ capability, v: 1, version: body.version, weights: { ...body.weights } }));
    if (sign1.payload === null || !equal(sign1.payload, expected)) return false;
    verify(key.key, signedBytes(sign1, sign1.payload), sign1.signature);
    return true;
  } catch (error) {
    if (error instanceof Malformed || error instanceof Failed) return false;
    throw error;
  }
}

function capabilityIn(state: State, subject: string, ...states: Capability["state"][]): Capability {
  const capability = state.capabilities.get(subject);
  demand(capability !== undefined, "unregistered");
  demand(states.includes(capability.state), "wrong-state");
  return capability;
}

export function testCapability(state: State, said: Said<"capability.test">, change: Change): void {
  if (said.role !== "registrar") {
    const party = registeredSpeaker(state, said);
    demand(state.parties.get(party)!.roles.has("tester"), "not-entitled");
  }
  const capability = capabilityIn(state, said.event.subject, "filed", "suspended");
  change.set(capability, "tested", said.event.body.result);
}

export function gradeCapability(state: State, said: Said<"capability.grade">, change: Change): void {
  byRegistrar(said);
  change.set(capabilityIn(state, said.event.subject, "filed", "suspended"), "graded", true);
}

/** A32 and A34: from the state given to approved, once tested and graded. */
function approveFrom(from: "filed" | "suspended") {
  return (state: State, said: Said<"capability.approve"> | Said<"capability.reinstate">, change: Change): void => {
    byRegistrar(said);
    const capability = capabilityIn(state, said.event.subject, from);
    demand(capability.tested === "pass" && capability.graded, "wrong-state");
    change.set(capability, "state", "approved");
  };
}

export const approveCapability = approveFrom("filed");
export const reinstateCapability = approveFrom("suspended");

export function suspendCapability(state: State, said: Said<"capability.suspend">, change: Change): void {
  byRegistrar(said);
  change.set(capabilityIn(state, said.event.subject, "approved"), "state", "suspended");
}

export function revokeCapability(state: State, said: Said<"capability.revoke">, change: Change): void {
  byRegistrar(said);
  change.set(capabilityIn(state, said.event.subject, "filed", "approved", "suspended"), "state", "revoked");
}

export function registerJob(state: State, said: Said<"job.register">, change: Change): void {
  const party = registeredSpeaker(state, said);
  const { body } = said.event;
  const capability = state.capabilities.get(body.capability);
  demand(capability !== undefined, "unregistered");
  demand(capability.state === "approved", "capability-not-approved");
  for (const input of body.inputs) mayUse(state, said, input.object);
  const parameters = said.event.private?.get("parameters");
  demand(parameters !== undefined, "incomplete");
  enters(state, said);
  const { capability: model, environment } = body;
  change.put(state.jobs, said.event.subject, { state: "running", party, capability: model, environment, parameters });
}

export function completeJob(state: State, said: Said<"job.complete">, change: Change): void {
  const { subject, body } = said.event;
  const job = state.jobs.get(subject);
  demand(job !== undefined, "unregistered");
  demand(speaksForParty(said) === job.party, "not-holder");
  demand(job.state === "running", "wrong-state");
  demand((body.result === "done") === (body.outputs.length > 0), "incomplete");
  body.outputs.forEach((output, index) => {
    const object = state.objects.get(output);
    demand(object !== undefined, "unregistered");
    demand(object.job === subject && body.outputs.indexOf(output) === index, "inconsistent");
  });
  change.set(job, "state", body.result);
}

