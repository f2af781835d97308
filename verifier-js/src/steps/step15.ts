/** Step 15: what is said of how an object came about agrees with the rest of the log (Facts 1). */
import { samePair } from "../base/hashes.ts";
import { parseTime } from "../base/time.ts";
import type { EventOf } from "../events/event.ts";
import { admitted, admittedAt, introduced, isOwn, isSigned, objectsOf, partyOf, type Examination } from "./examination.ts";
import { digestOf } from "./digest.ts";
import type { Findings } from "./findings.ts";

const SLACK = 300;
const DAY = 86_400;
const MOST_OFFSET = 300_000;

export type CaptureRecord = ReturnType<typeof records>[number];

export interface Fault {
  factor: "source" | "generation" | "storage" | "notary";
  fault: string;
}

function records(examination: Examination) {
  return admitted(examination, "capture.record").filter(({ event }) => examination.subjects.has(event.subject));
}

export function isCaptured(examination: Examination): boolean {
  return records(examination).length > 0;
}

/** Every record about a subject, and what of it does not agree. */
export function judged(examination: Examination): { record: CaptureRecord; faults: Fault[] }[] {
  return records(examination).map((record) => ({ record, faults: faultsOf(examination, record) }));
}

export function capture(examination: Examination, findings: Findings): void {
  const found = judged(examination);
  if (found.length === 0) findings.add("not_proved", "nothing is said of how the object came about", "没有关于该客体如何产生的陈述");
  for (const { record, faults } of found) {
    const { position, at, event: { subject, body } } = record;
    findings.add("proved", `entry ${position}, logged at ${at}: ${subject} came about by ${body.method}, from ${body.started} to ${body.ended}, as its holder says`,
      `条目 ${position}（${at} 入日志）：其持有人称 ${subject} 由 ${body.method} 产生，自 ${body.started} 至 ${body.ended}`);
    for (const { fault } of faults) findings.add("contradicted", `the record at ${position} does not agree with the log: ${fault}`, `条目 ${position} 的记录与日志不符：${fault}`);
    for (const said of [position, ...attestations(examination, position).map((each) => each.position)].filter((each) => !isSigned(examination, each)))
      findings.add("needs_external_fact", `entry ${said} is recorded by the service for ${partyOf(examination, said)}: ask that party`, `条目 ${said} 由平台代 ${partyOf(examination, said)} 记录：请向该方查证`);
    if (body.notary !== undefined && !isConfirmed(examination, record))
      findings.add("needs_external_fact", `ask the notary's office: ${body.notary.name}, number ${body.notary.registration}`, `请向公证机构查证：${body.notary.name}，编号 ${body.notary.registration}`);
  }
  if (found.length > 0)
    for (const object of objectsOf(examination).filter((each) => !found.some(({ record }) => record.event.subject === each)))
      findings.add("needs_external_fact", `nothing is said of how ${object} came about: ask its holder`, `没有关于 ${object} 如何产生的陈述：请向其持有人查证`);
}

/** By the very party that the record names, of the very document, with a key of its own. */
function isConfirmed(examination: Examination, record: CaptureRecord): boolean {
  const { event: { body: { notary } } } = record;
  return counting(examination, record).some(({ role, party, statement }) =>
    role === "notary" && notary !== undefined && party === notary.party && statement !== undefined && samePair(statement, notary.statement));
}

/** Attestations of another party, by a key of its own. */
export function counting(examination: Examination, { position }: CaptureRecord) {
  return attestations(examination, position).filter((each) => isOwn(examination, each.position) && each.party !== partyOf(examination, position));
}

export function attestations(examination: Examination, position: number) {
  return admitted(examination, "capture.attest").filter(({ event }) => event.body.record === position).map(({ position: own, event }) =>
    ({ position: own, role: event.body.role, statement: event.body.statement, party: partyOf(examination, own) }));
}

/** What does not agree, each by the name that the document gives it. */
function faultsOf(examination: Examination, { position, event }: CaptureRecord): Fault[] {
  const { body } = event;
  const registered = introduced(examination, "object.register", event.subject)!.body;
  const registration = parseTime(admittedAt(examination, "object.register", event.subject)!);
  const [started, ended] = [parseTime(body.started), parseTime(body.ended)];
  const notaries = attestations(examination, position).filter((each) => each.role === "notary");
  const { stored, notary } = body;
  const faults: [Fault["factor"], string, boolean][] = [
    ["source", "clock-offset", body.clocks.some((clock) => Math.abs(clock.offset) > MOST_OFFSET)],
    ["source", "clock-apart", body.clocks.some((clock) => parseTime(clock.at) < started - DAY || parseTime(clock.at) > ended + DAY)],
    ["generation", "method", (body.method === "generation") !== (registered.origin === "generated")],
    ["generation", "late", ended > registration + SLACK],
    ...ofGeneration(examination, body, registered.generation, started),
    ["storage", "bytes", stored !== undefined && stored.digest !== digestOf(registered.content) && event.private?.has("edits") !== true],
    ["storage", "stored-apart", stored !== undefined && (parseTime(stored.at) < started || parseTime(stored.at) > registration + SLACK)],
    ["notary", "notary-early", notary !== undefined && parseTime(notary.at) < started - SLACK],
    ["notary", "notary-document", notary !== undefined && notaries.some(({ statement }) => statement !== undefined && !samePair(statement, notary.statement))],
    ["notary", "notary-party", notary?.party !== undefined && notaries.some(({ party }) => party !== notary.party)],
  ];
  return faults.filter(([, , holds]) => holds).map(([factor, fault]) => ({ factor, fault }));
}

type Registered = EventOf<"object.register">["body"];

function ofGeneration(examination: Examination, body: EventOf<"capture.record">["body"], generation: Registered["generation"], started: number): ["generation", string, boolean][] {
  const { model, parameters, environment } = body;
  if (generation === undefined) return [["generation", "model", model !== undefined || parameters !== undefined]];
  const job = admittedAt(examination, "job.register", generation.job);
  const same = model !== undefined && model.capability === generation.capability && model.version === generation.version && model.signature === generation.model_signature;
  return [
    ["generation", "early", job !== undefined && started < parseTime(job) - SLACK],
    ["generation", "model", model !== undefined && !same],
    ["generation", "parameters", parameters !== undefined && !samePair(parameters, generation.parameters)],
    ["generation", "environment", environment !== undefined && !samePair(environment, generation.environment)],
  ];
}
