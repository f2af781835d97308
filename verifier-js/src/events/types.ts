/** The body of each type of event (Statements 4). */
import { LaterVersion } from "../base/errors.ts";
import {
  anyObject, base64Of, bool, digestPairForm, hexOf, identifier, integer, list, matching, name, oneOf, origin, prefix, record, text,
  time, word, type Form, type Of,
} from "../base/forms.ts";
import { keyForm } from "../base/keys.ts";
import { digestRecord } from "./digestRecord.ts";

export const ROLES = ["log", "log-pq", "authority", "registrar", "service", "exporter", "status"] as const;
export type Role = (typeof ROLES)[number];
/** The latest version of the admission rules that is known here. */
export const LATEST_RULES = 4;

/** Milliseconds. */
const WEEK = 604_800_000;
const role = oneOf(...ROLES);
const signature = base64Of(2420);
const grounds = record(
  { grounds: oneOf("requirements-met", "test-failed", "security", "law", "request", "expiry", "error") },
  { effective: time },
);

export const anchorTarget = record(
  {
    kind: oneOf("evm"), chain_id: integer(), genesis: hexOf(32), contract: hexOf(20), code_hash: hexOf(32), log_id: hexOf(32),
    hash: oneOf("keccak256"), vouched_by: oneOf("operator", "chain"),
  },
  { sealer: hexOf(20) },
);
export type AnchorTarget = Of<typeof anchorTarget>;

const policy = record({ rules: oneOf("tallystick-admission"), version: integer(1) });

const knownPolicy: typeof policy = (value) => {
  const { version } = anyObject(value);
  if (typeof version === "number" && version > LATEST_RULES) throw new LaterVersion(`version ${version} of the admission rules`);
  return policy(value);
};

const status = record({ list: text(1, 200), index: integer(0, 1_048_575) });
const partyKey = record({ key: keyForm, not_before: time }, { not_after: time });

export const BODIES = {
  "log.key-set": record({
    origin, prefix, registrar: identifier("P"), service: identifier("P"),
    keys: list(7, 16, record({ role, key: keyForm, not_before: time }, { proof: signature, not_after: time })),
  }),
  "log.policy": knownPolicy,
  "log.anchor-target": anchorTarget,
  "log.batch": record({ first: integer(), last: integer(), policy: integer() }),
  "party.register": record({
    kind: oneOf("organisation", "person", "service"),
    roles: list(1, 7, oneOf("studio", "provider", "licensee", "tester", "registrar", "auditor", "platform")),
    keys: list(0, 8, partyKey),
  }),
  "party.key": record({ action: oneOf("add", "revoke") }, { add: partyKey, revoke: hexOf(32) }),
  "object.register": record(
    {
      kind: oneOf("image", "model-3d", "material", "video", "audio", "text", "data", "composite"),
      origin: oneOf("captured", "authored", "generated", "composed"),
      content: digestRecord,
      basis: list(1, 16, record(
        { kind: oneOf("declared", "object", "licence", "job") },
        {
          declaration: oneOf("own-work", "work-for-hire", "commission", "assignment", "public-domain", "statute"),
          subject: identifier(),
        },
      )),
    },
    {
      generation: record({
        job: identifier("J"), capability: identifier("M"), version: text(1, 80), model_signature: hexOf(32),
        parameters: digestPairForm, environment: digestPairForm,
      }),
      media_type: text(1, 120),
    },
  ),
  "capability.file": record({
    name: text(1, 120), version: text(1, 80), generative: bool, consumes: list(1, 16, word), produces: list(1, 16, word),
    weights: record({ sha256: hexOf(32), sm3: hexOf(32), size: integer() }), model_signature: base64Of(4096),
  }),
  "capability.test": record(
    { suite: digestPairForm, report: digestPairForm, result: oneOf("pass", "fail") },
    { score: matching(/[0-9]{1,6}(\.[0-9]{1,6})?/) },
  ),
  "capability.grade": record({ grade: oneOf("A", "B", "C", "D"), scheme: text(1, 80) }),
  "capability.approve": grounds,
  "capability.suspend": grounds,
  "capability.reinstate": grounds,
  "capability.revoke": grounds,
  "job.register": record(
    {
      capability: identifier("M"), inputs: list(0, 256, record({ object: identifier("A"), role: word })),
      environment: digestPairForm,
    },
    { workflow: identifier("W") },
  ),
  "job.complete": record({ result: oneOf("done", "failed"), outputs: list(0, 256, identifier("A")) }),
  "licence.grant": record(
    {
      object: identifier("A"), title_chain: list(1, 16, identifier()),
      status,
    },
    { holder: identifier("P"), parent: identifier("L"), sublicences: integer(1, 16), transfer: oneOf("free", "with-consent") },
  ),
  "licence.status": record(
    {
      action: oneOf("suspend", "reinstate", "revoke", "expire", "withdraw", "commence"),
      grounds: oneOf("breach", "non-payment", "court-order", "request", "remedied", "expiry", "error", "agreement", "condition-met"),
      effective: time,
    },
    { change: integer() },
  ),
  "certificate.issue": record(
    { object: identifier("A"), number: text(1, 80) },
    { supersedes: identifier("R"), reason: oneOf("reissue", "correction"), corrected: list(1, 32, text(1, 64)) },
  ),
  "certificate.withdraw": record({ grounds: oneOf("error", "request", "court-order", "dispute", "superseded") }),
  "credential.issue": record({
    form: oneOf("c2pa", "pades"), purpose: oneOf("card", "original", "certificate"), media_type: text(1, 120), file: digestPairForm,
    size: integer(),
  }),
  "dispute.open": record({
    target: identifier(),
    claim: oneOf("authorship", "ownership", "authority", "content", "provenance", "licence", "other"),
  }),
  "dispute.resolve": record({
    outcome: oneOf("upheld", "rejected", "settled", "withdrawn"), grounds: oneOf("evidence", "agreement", "court-order", "lapse"),
  }),
  "log.freeze": record({ reason: oneOf("successor", "closure", "key-compromise", "court-order", "other") }, { successor: origin }),
  "disclosure.erase": record({
    position: integer(), names: list(1, 32, name),
    grounds: oneOf("consent-withdrawn", "purpose-ended", "retention-ended", "unlawful", "legal-duty", "objection"),
  }),
  "log.rotate": record({ role, key: keyForm, replaces: hexOf(32), old: signature, new: signature }, { log: base64Of(64) }),
  "log.predecessor": record({ origin, size: integer(), root: hexOf(32), checkpoint: hexOf(32) }),
  "log.time": record({ kind: oneOf("rfc3161", "cosignature", "block"), digest: hexOf(32), source: text(1, 200), number: integer() }),
  "log.map-root": record({ size: integer(), root: hexOf(32) }),
  "licence.consent": record({ to: identifier("P") }, { until: time }),
  "licence.transfer": record({
    to: identifier("P"), grounds: oneOf("agreement", "succession", "merger", "court-order", "error"), effective: time, status,
  }),
  "capture.record": record(
    {
      method: oneOf("camera", "scanner", "screen", "microphone", "instrument", "authoring", "generation"), started: time, ended: time,
      clocks: list(0, 8, record({ source: text(1, 120), offset: integer(-WEEK, WEEK), at: time })),
    },
    {
      tool: digestPairForm, environment: digestPairForm, parameters: digestPairForm,
      model: record({ capability: identifier("M"), version: text(1, 80), signature: hexOf(32) }),
      stored: record({ medium: text(1, 120), digest: hexOf(32), at: time }),
      notary: record({ name: text(1, 120), registration: text(1, 120), statement: digestPairForm, at: time }, { party: identifier("P") }),
      related: list(1, 16, identifier("A")),
    },
  ),
  "capture.attest": record({ record: integer(), role: oneOf("notary", "witness") }, { statement: digestPairForm }),
  "custody.record": record(
    {
      event: oneOf("ing", "fix", "tra", "rep", "mig", "rec", "dea"), at: time, before: hexOf(32), after: hexOf(32), outcome: oneOf("suc", "fai"),
      agent: text(1, 120),
    },
    { previous: integer(), receiver: identifier("P") },
  ),
  "custody.accept": record({ record: integer(), at: time, digest: hexOf(32), outcome: oneOf("suc", "fai") }),
  "platform.file": record(
    {
      limb: oneOf("qualification", "independence", "system", "process"), title: record({ zh: text(1, 200), en: text(1, 200) }), issuer: text(1, 200),
      valid_from: time, document: digestPairForm, size: integer(),
    },
    { valid_until: time },
  ),
  "settlement.record": record(
    { parties: list(2, 8, identifier("P")) },
    {
      period: record({ start: time, end: time }), also: list(1, 16, identifier("L")), documents: list(1, 16, digestPairForm), supersedes: integer(),
    },
  ),
  "settlement.accept": record({ record: integer() }),
} satisfies Record<string, Form<unknown>>;

export type EventType = keyof typeof BODIES;
export type Bodies = { [T in EventType]: Of<(typeof BODIES)[T]> };

