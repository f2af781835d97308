/** The body of each type of event (Statements 4). What a field may be beside others, the rules of admission say, and not these forms. */
import { LaterVersion } from "../base/errors.ts";
import { anyObject, base64Of, bool, digestPairForm, hexOf, identifier, integer, list, matching, name, oneOf, origin, prefix, record, text, time, word, type Form, type Of } from "../base/forms.ts";
import { keyForm } from "../base/keys.ts";
import { digestRecord } from "./digestRecord.ts";

/** Roles of the log's keys. */
export const ROLES = ["log", "log-pq", "authority", "registrar", "service", "exporter", "status"] as const;
export type Role = (typeof ROLES)[number];

/** The latest version of the rules of admission that is known here. */
export const LATEST_RULES = 4;

const PARTY = identifier("P");
const OBJECT = identifier("A");
const CAPABILITY = identifier("M");
const LICENCE = identifier("L");
const hash = hexOf(32);
const count = integer();
/** As long as the longest signature, that of ML-DSA-44. */
const signature = base64Of(2420);
const short = text(1, 80);
const label = text(1, 120);
const line = text(1, 200);
const role = oneOf(...ROLES);

const policy = record({ rules: oneOf("tallystick-admission"), version: oneOf(1, 2, 3, LATEST_RULES) });

/** Rules of a later version may have other fields too: so the version is looked at first. */
const knownPolicy: Form<Of<typeof policy>> = (value) => {
  const { version } = anyObject(value);
  if (typeof version === "number" && version > LATEST_RULES) throw new LaterVersion(`rules of admission of version ${version}`);
  return policy(value);
};

/** That a chain of the operator's has a sealer, and no other, is asked of who uses it (step 10), not of its form. */
export const anchorTarget = record(
  {
    kind: oneOf("evm"), chain_id: count, genesis: hash, contract: hexOf(20), code_hash: hash, log_id: hash, hash: oneOf("keccak256"),
    vouched_by: oneOf("operator", "chain"),
  },
  { sealer: hexOf(20) },
);
export type AnchorTarget = Of<typeof anchorTarget>;

const partyKey = record({ key: keyForm, not_before: time }, { not_after: time });

const decision = record(
  { grounds: oneOf("requirements-met", "test-failed", "security", "law", "request", "expiry", "error") },
  { effective: time },
);

const statusPlace = record({ list: line, index: integer(0, 1_048_575) });

const generation = record({
  job: identifier("J"), capability: CAPABILITY, version: short, model_signature: hash, parameters: digestPairForm, environment: digestPairForm,
});

/** A week, in milliseconds. */
const MOST_OFFSET = 604_800_000;
const clock = record({ source: label, offset: integer(-MOST_OFFSET, MOST_OFFSET), at: time });
const notary = record({ name: label, registration: label, statement: digestPairForm, at: time }, { party: PARTY });

const outcome = oneOf("suc", "fai");

export const BODIES = {
  "log.key-set": record({
    origin, prefix, registrar: PARTY, service: PARTY,
    keys: list(7, 16, record({ role, key: keyForm, not_before: time }, { proof: signature, not_after: time })),
  }),
  "log.policy": knownPolicy,
  "log.anchor-target": anchorTarget,
  "log.batch": record({ first: count, last: count, policy: count }),
  "party.register": record({
    kind: oneOf("organisation", "person", "service"),
    roles: list(1, 7, oneOf("studio", "provider", "licensee", "tester", "registrar", "auditor", "platform")),
    keys: list(0, 8, partyKey),
  }),
  "party.key": record({ action: oneOf("add", "revoke") }, { add: partyKey, revoke: hash }),
  "object.register": record(
    {
      kind: oneOf("image", "model-3d", "material", "video", "audio", "text", "data", "composite"),
      origin: oneOf("captured", "authored", "generated", "composed"),
      content: digestRecord,
      basis: list(1, 16, record(
        { kind: oneOf("declared", "object", "licence", "job") },
        { declaration: oneOf("own-work", "work-for-hire", "commission", "assignment", "public-domain", "statute"), subject: identifier() },
      )),
    },
    { generation, media_type: label },
  ),
  "capability.file": record({
    name: label, version: short, generative: bool, consumes: list(1, 16, word), produces: list(1, 16, word),
    weights: record({ sha256: hash, sm3: hash, size: count }), model_signature: base64Of(4096),
  }),
  "capability.test": record(
    { suite: digestPairForm, report: digestPairForm, result: oneOf("pass", "fail") },
    { score: matching(/[0-9]{1,6}(?:\.[0-9]{1,6})?/) },
  ),
  "capability.grade": record({ grade: oneOf("A", "B", "C", "D"), scheme: short }),
  "capability.approve": decision,
  "capability.suspend": decision,
  "capability.reinstate": decision,
  "capability.revoke": decision,
  "job.register": record(
    { capability: CAPABILITY, inputs: list(0, 256, record({ object: OBJECT, role: word })), environment: digestPairForm },
    { workflow: identifier("W") },
  ),
  "job.complete": record({ result: oneOf("done", "failed"), outputs: list(0, 256, OBJECT) }),
  "licence.grant": record(
    { object: OBJECT, title_chain: list(1, 16, identifier()), status: statusPlace },
    { holder: PARTY, parent: LICENCE, sublicences: integer(1, 16), transfer: oneOf("free", "with-consent") },
  ),
  "licence.status": record(
    {
      action: oneOf("suspend", "reinstate", "revoke", "expire", "withdraw", "commence"),
      grounds: oneOf("breach", "non-payment", "court-order", "request", "remedied", "expiry", "error", "agreement", "condition-met"),
      effective: time,
    },
    { change: count },
  ),
  "certificate.issue": record(
    { object: OBJECT, number: short },
    { supersedes: identifier("R"), reason: oneOf("reissue", "correction"), corrected: list(1, 32, text(1, 64)) },
  ),
  "certificate.withdraw": record({ grounds: oneOf("error", "request", "court-order", "dispute", "superseded") }),
  "credential.issue": record({
    form: oneOf("c2pa", "pades"), purpose: oneOf("card", "original", "certificate"), media_type: label, file: digestPairForm, size: count,
  }),
  "dispute.open": record({
    target: identifier(), claim: oneOf("authorship", "ownership", "authority", "content", "provenance", "licence", "other"),
  }),
  "dispute.resolve": record({
    outcome: oneOf("upheld", "rejected", "settled", "withdrawn"), grounds: oneOf("evidence", "agreement", "court-order", "lapse"),
  }),
  "log.freeze": record({ reason: oneOf("successor", "closure", "key-compromise", "court-order", "other") }, { successor: origin }),
  "disclosure.erase": record({
    position: count, names: list(1, 32, name),
    grounds: oneOf("consent-withdrawn", "purpose-ended", "retention-ended", "unlawful", "legal-duty", "objection"),
  }),
  "log.rotate": record({ role, key: keyForm, replaces: hash, old: signature, new: signature }, { log: base64Of(64) }),
  "log.predecessor": record({ origin, size: count, root: hash, checkpoint: hash }),
  "log.time": record({ kind: oneOf("rfc3161", "cosignature", "block"), digest: hash, source: line, number: count }),
  "log.map-root": record({ size: count, root: hash }),
  "licence.consent": record({ to: PARTY }, { until: time }),
  "licence.transfer": record({
    to: PARTY, grounds: oneOf("agreement", "succession", "merger", "court-order", "error"), effective: time, status: statusPlace,
  }),
  "capture.record": record(
    {
      method: oneOf("camera", "scanner", "screen", "microphone", "instrument", "authoring", "generation"), started: time, ended: time,
      clocks: list(0, 8, clock),
    },
    {
      tool: digestPairForm, environment: digestPairForm, model: record({ capability: CAPABILITY, version: short, signature: hash }),
      parameters: digestPairForm, stored: record({ medium: label, digest: hash, at: time }), notary, related: list(1, 16, OBJECT),
    },
  ),
  "capture.attest": record({ record: count, role: oneOf("notary", "witness") }, { statement: digestPairForm }),
  "custody.record": record(
    { event: oneOf("ing", "fix", "tra", "rep", "mig", "rec", "dea"), at: time, before: hash, after: hash, outcome, agent: label },
    { previous: count, receiver: PARTY },
  ),
  "custody.accept": record({ record: count, at: time, digest: hash, outcome }),
  "platform.file": record(
    {
      limb: oneOf("qualification", "independence", "system", "process"), title: record({ zh: line, en: line }), issuer: line, valid_from: time,
      document: digestPairForm, size: count,
    },
    { valid_until: time },
  ),
  "settlement.record": record(
    { parties: list(2, 8, PARTY) },
    { period: record({ start: time, end: time }), also: list(1, 16, LICENCE), documents: list(1, 16, digestPairForm), supersedes: count },
  ),
  "settlement.accept": record({ record: count }),
};
export type EventType = keyof typeof BODIES;
export type Bodies = { [T in EventType]: Of<(typeof BODIES)[T]> };
