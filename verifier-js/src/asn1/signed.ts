/** What an issuer signed: certificates of responders, lists and answers about revocation (Signed files 6). */
import { ed25519 } from "@noble/curves/ed25519.js";
import type { Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { makeKey, verify } from "../base/keys.ts";
import type { Certificate } from "./certificate.ts";
import { bits, BOOLEAN, demandTag, Fields, OCTET_STRING, oid, sequence, type Der } from "./der.ts";
import { publicKey, signatureAlgorithm, verifyWith, type PublicKey } from "./publicKey.ts";

const ED25519 = "1.3.101.112";
const LONGEST_RSA = 16_384;

export type SignerKey = PublicKey | { kind: "ed25519"; raw: Bytes };

/** Also of the kinds that sign claims: Ed25519, and longer RSA. */
export function signerKey({ keyInfo }: Certificate, longest = LONGEST_RSA): SignerKey {
  const [algorithm, value] = sequence(keyInfo);
  const [name, ...parameters] = sequence(algorithm);
  if (oid(name) !== ED25519) return publicKey(keyInfo, longest);
  const raw = Uint8Array.from(bits(value));
  if (parameters.length > 0 || raw.length !== 32 || !isPoint(raw)) throw new Malformed("an Ed25519 key of another form");
  return { kind: "ed25519", raw };
}

function isPoint(raw: Bytes): boolean {
  try {
    ed25519.Point.fromBytes(raw);
    return true;
  } catch {
    return false;
  }
}

/** By the key of this certificate, under the algorithm that is named: PKCS #1 v1.5 or ECDSA over SHA-2, or Ed25519. */
export function isSignedBy(issuer: Certificate, algorithm: Der, message: Bytes, signature: Bytes): boolean {
  try {
    demandSigned(signerKey(issuer), algorithm, message, signature);
    return true;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}

function demandSigned(key: SignerKey, algorithm: Der, message: Bytes, signature: Bytes): void {
  const [name, ...parameters] = sequence(algorithm);
  if (key.kind === "ed25519") {
    if (oid(name) !== ED25519 || parameters.length > 0) throw new Failed("another algorithm than Ed25519");
    return verify(makeKey("ed25519", key.raw), message, signature);
  }
  const { kind, hash } = signatureAlgorithm(algorithm);
  if (hash === undefined || kind !== key.kind || (kind === "ecdsa" && parameters.length > 0)) throw new Failed("another algorithm than the key has");
  verifyWith(key, hash, message, signature);
}

export interface Extension {
  name: string;
  critical: boolean;
  value: Bytes;
}

/** What says whether it is critical is: DER leaves out that something is not. */
export function extensionsOf(list: Der): Extension[] {
  return sequence(list).map((each) => {
    const fields = new Fields(sequence(each));
    const name = oid(fields.next());
    const critical = fields.optional(BOOLEAN);
    if (critical?.content[0] === 0) throw new Malformed("a default that is written out");
    const value = demandTag(fields.next(), OCTET_STRING).content;
    fields.end();
    return { name, critical: critical !== undefined, value };
  });
}

/** Each stands there once, and none must be known; what they say is not read. */
export function areUnderstood(extensions: Extension[]): boolean {
  return new Set(extensions.map(({ name }) => name)).size === extensions.length && !extensions.some(({ critical }) => critical);
}
