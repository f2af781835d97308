/** Entries: signed statements (Statements 1 to 3). */
import { hex, type Bytes } from "../base/bytes.ts";
import { Malformed } from "../base/errors.ts";
import { isVisible } from "../base/forms.ts";
import { leaf, sha256 } from "../base/hashes.ts";
import { parseCanonical } from "../base/json.ts";
import { verify, type Key } from "../base/keys.ts";
import { Failed } from "../base/errors.ts";
import { eventForm, type Event } from "../events/event.ts";
import { parseSign1, readHeader, signedBytes } from "./cose.ts";

export const LONGEST_ENTRY = 65_535;
const CONTENT_TYPE = "application/vnd.tallystick.event+json";

export interface Statement {
  issuer: string;
  /** Thumbprint of the key that is said to have signed, hex. */
  kid: string;
  alg: "ed25519" | "es256";
  event: Event;
  signed: Bytes;
  signature: Bytes;
  /** SHA-256 of what is signed, hex. */
  id: string;
  leaf: Bytes;
}

export function parseStatement(bytes: Bytes): Statement {
  const sign1 = parseSign1(bytes, LONGEST_ENTRY);
  const { alg, kid } = readHeader(sign1.protectedHeader, [1, 3, 4, 15], CONTENT_TYPE);
  const claims = sign1.protectedHeader.get(15);
  if (!(claims instanceof Map) || claims.size !== 2) throw new Malformed("CWT claims that are not iss and sub");
  const issuer = claims.get(1);
  const subject = claims.get(2);
  if (typeof issuer !== "string" || typeof subject !== "string") throw new Malformed("CWT claims that are not iss and sub");
  for (const claim of [issuer, subject])
    if (!isVisible(claim) || claim === "" || [...claim].length > 255) throw new Malformed("a CWT claim that is not visible text of 1 to 255 characters");
  if (sign1.payload === null) throw new Malformed("a statement without payload");
  const event = eventForm(parseCanonical(sign1.payload, LONGEST_ENTRY));
  if (event.subject !== subject) throw new Malformed("a statement whose sub is not the event's subject");
  const signed = signedBytes(sign1, sign1.payload);
  return { issuer, kid: hex(kid), alg, event, signed, signature: sign1.signature, id: hex(sha256(signed)), leaf: leaf(bytes) };
}

export function verifyStatement(statement: Statement, key: Key): void {
  if (key.alg !== statement.alg) throw new Failed("the statement names another algorithm than its key has");
  verify(key, statement.signed, statement.signature);
}
