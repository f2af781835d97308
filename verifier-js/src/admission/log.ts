/** Rules of the log about itself: A9 to A15, A51, A53 to A59. */
import { concat, equal, utf8 } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { encode, type Json, type JsonObject } from "../base/json.ts";
import { keyJson, verify, type Algorithm, type Key } from "../base/keys.ts";
import { parseIdentifier } from "../base/identifiers.ts";
import { parseTime } from "../base/time.ts";
import type { EventOf } from "../events/event.ts";
import { ROLES, type Bodies, type Role } from "../events/types.ts";
import type { Statement } from "../log/statement.ts";
import type { Change } from "./change.ts";
import { aboutLog, byLog, byRegistrar } from "./common.ts";
import { logSpeaks } from "./speaker.ts";
import { demand, Refusal, type LogSelf, type Said, type State } from "./state.ts";

const FITS: Record<Role, Algorithm[]> = {
  log: ["ed25519"], "log-pq": ["ml-dsa-44"], authority: ["es256k"], registrar: ["ed25519", "es256"], service: ["ed25519", "es256"],
  exporter: ["ed25519", "es256"], status: ["ed25519", "es256"],
};
const AHEAD = 300;

/** A8. */
export function notInFuture(time: string, at: string): void {
  demand(parseTime(time) <= parseTime(at) + AHEAD, "time-in-future");
}

/** The statement at position 0: A9, A8, A10 to A12, A3, A6. */
export function begin(state: State, change: Change, statement: Statement, at: string): void {
  const { event } = statement;
  demand(event.type === "log.key-set", "log-not-begun");
  notInFuture(event.time, at);
  const log = keySet(event as EventOf<"log.key-set">, statement.issuer);
  demand(log.keys.get("registrar")!.key.kid === statement.kid, "not-entitled");
  logSpeaks(log, "registrar", statement, 0, at);
  change.set(state, "log", log);
  for (const { key } of log.keys.values()) change.add(state.kids, key.kid);
  change.put(state.parties, log.service, { roles: new Set(["platform"]), keys: new Map() });
  change.put(state.parties, log.registrar, { roles: new Set(["registrar"]), keys: new Map() });
}

/** A10 to A12. */
function keySet(event: EventOf<"log.key-set">, issuer: string): LogSelf {
  const { body } = event;
  demand(event.subject === body.origin && issuer === body.registrar, "bad-key-set");
  demand(!body.origin.startsWith(`${body.prefix}/`), "bad-key-set");
  for (const party of [body.registrar, body.service]) demand(parseIdentifier(party).prefix === body.prefix, "foreign-prefix");
  const keys = new Map(body.keys.map(({ role, key, not_before, not_after }) =>
    [role, { key, not_before, ...(not_after === undefined ? {} : { not_after }) }] as const));
  demand(body.keys.length === ROLES.length && keys.size === ROLES.length, "bad-key-set");
  const signed = concat(utf8("tallystick/key-set/v1\n"), utf8(encode(withoutProofs(event.json))));
  body.keys.forEach(({ role, key, proof }, index) => {
    demand(body.keys.every((other, place) => place === index || !equal(other.key.raw, key.raw)), "bad-key-set");
    demand(FITS[role].includes(key.alg) && proof !== undefined && holds(key, signed, proof), "bad-key-set");
  });
  return { origin: body.origin, prefix: body.prefix, registrar: body.registrar, service: body.service, keys, retired: new Set() };
}

function withoutProofs(body: JsonObject): JsonObject {
  const keys = (body.keys as JsonObject[]).map(({ proof: _, ...rest }) => rest as Json);
  return { ...body, keys };
}

function holds(key: Key, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    verify(key, message, signature);
    return true;
  } catch (error) {
    if (error instanceof Failed) return false;
    throw error;
  }
}

export function keySetAgain(): void {
  throw new Refusal("already-registered");
}

export function policy(state: State, said: Said<"log.policy">, change: Change): void {
  byRegistrar(said);
  aboutLog(state, said);
  const { version } = said.event.body;
  demand(state.policy === undefined || version >= state.policy.version, "policy-too-old");
  change.set(state, "policy", { position: said.position, version });
}

export function anchorTarget(state: State, said: Said<"log.anchor-target">, change: Change): void {
  byLog(state, said);
  const body = encode(said.event.json);
  demand(!state.targets.has(body), "already-registered");
  change.add(state.targets, body);
}

export function batch(state: State, said: Said<"log.batch">, change: Change): void {
  byLog(state, said);
  const { first, last, policy } = said.event.body;
  const before = state.lastBatch;
  demand(before === undefined || (first > before.position && said.event.time >= before.time), "bad-batch");
  demand(first <= last && last === said.position - 1 && policy === state.policy!.position, "bad-batch");
  change.set(state, "lastBatch", { position: said.position, time: said.event.time });
}

export function freeze(state: State, said: Said<"log.freeze">, change: Change): void {
  byRegistrar(said);
  aboutLog(state, said);
  demand(said.event.body.successor !== state.log!.origin, "inconsistent");
  change.set(state, "frozen", said.position);
}

export function rotate(state: State, said: Said<"log.rotate">, change: Change): void {
  byRegistrar(said);
  aboutLog(state, said);
  const log = state.log!;
  const { body } = said.event;
  const replaced = log.keys.get(body.role)!;
  demand(replaced.key.kid === body.replaces, "wrong-state");
  demand(replaced.not_before <= said.at && (replaced.not_after === undefined || said.at < replaced.not_after), "key-not-in-force");
  demand(FITS[body.role].includes(body.key.alg), "bad-key");
  demand(!state.kids.has(body.key.kid), "already-used");
  demandRotation(log, body, replaced.key);
  change.put(log.keys, body.role, { key: body.key, not_before: said.at });
  change.add(log.retired, replaced.key.kid);
  change.add(state.kids, body.key.kid);
}

/** A57. */
function demandRotation(log: LogSelf, body: Bodies["log.rotate"], replaced: Key): void {
  const said = { key: keyJson(body.key), origin: log.origin, replaces: body.replaces, role: body.role };
  const signed = concat(utf8("tallystick/rotation/v1\n"), utf8(encode(said)));
  demand((body.role === "registrar") === (body.log !== undefined), "bad-rotation");
  demand(holds(replaced, signed, body.old) && holds(body.key, signed, body.new), "bad-rotation");
  demand(body.log === undefined || holds(log.keys.get("log")!.key, signed, body.log), "bad-rotation");
}

export function predecessor(state: State, said: Said<"log.predecessor">): void {
  byRegistrar(said);
  aboutLog(state, said);
  demand(said.position === 2, "wrong-state");
  demand(said.event.body.origin !== state.log!.origin, "inconsistent");
}

export function mapRoot(state: State, said: Said<"log.map-root">, change: Change): void {
  byLog(state, said);
  const { size } = said.event.body;
  demand(size <= said.position && size > state.mapped, "inconsistent");
  change.set(state, "mapped", size);
}

export function logTime(state: State, said: Said<"log.time">, change: Change): void {
  byLog(state, said);
  const { kind, number, source, digest } = said.event.body;
  if (kind === "block") demand(/^eip155:(0|[1-9][0-9]{0,15})$/.test(source), "inconsistent");
  else demand(number <= said.position, "inconsistent");
  demand(!state.times.has(digest), "already-used");
  change.add(state.times, digest);
}

