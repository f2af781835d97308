/** Who speaks (Admission 2). */
import { Failed } from "../base/errors.ts";
import type { Key } from "../base/keys.ts";
import { verifyStatement, type Statement } from "../log/statement.ts";
import type { Role } from "../events/types.ts";
import { demand, inForce, Refusal, type LogSelf, type Said, type State } from "./state.ts";

/** Rules A3 to A6 and A54. */
export function speaker(state: State, statement: Statement, position: number, at: string): Said {
  if (state.log === undefined) throw new Refusal("log-not-begun");
  const role = roleOf(state.log, statement.kid);
  if (role !== undefined) return logSpeaks(state.log, role, statement, position, at);
  demand(!state.log.retired.has(statement.kid), "key-retired");
  return partySpeaks(state, statement, position, at);
}

function roleOf(log: LogSelf, kid: string): Role | undefined {
  for (const [role, window] of log.keys) if (window.key.kid === kid) return role;
  return undefined;
}

/** A3 and A6. */
export function logSpeaks(log: LogSelf, role: Role, statement: Statement, position: number, at: string): Said {
  const window = log.keys.get(role)!;
  const { event, issuer } = statement;
  demand(inForce(window, at), "key-not-in-force");
  demand(role === "log" || role === "registrar" || role === "service", "not-entitled");
  demand(issuer === { log: log.origin, registrar: log.registrar, service: log.service }[role], "wrong-issuer");
  demand(event.recorded_for === undefined || role === "service", "wrong-issuer");
  demandSignature(statement, window.key);
  const party = role === "registrar" ? log.registrar : event.recorded_for?.party;
  return { event, position, at, issuer, role, ...(party === undefined ? {} : { party }) };
}

/** A4 and A6. */
function partySpeaks(state: State, statement: Statement, position: number, at: string): Said {
  const { event, issuer, kid } = statement;
  const party = state.parties.get(issuer);
  demand(party !== undefined, "unknown-signer");
  demand(event.recorded_for === undefined, "wrong-issuer");
  const window = party.keys.get(kid);
  demand(window !== undefined, "unknown-signer");
  demand(!window.revoked, "key-revoked");
  demand(inForce(window, at), "key-not-in-force");
  demandSignature(statement, window.key);
  return { event, position, at, issuer, party: issuer };
}

export function demandSignature(statement: Statement, key: Key): void {
  try {
    verifyStatement(statement, key);
  } catch (error) {
    if (error instanceof Failed) throw new Refusal("bad-signature");
    throw error;
  }
}
