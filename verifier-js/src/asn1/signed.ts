/** Whose signature stands on a list, an answer or a certificate, and the extensions of the first two (Signed files 6). */
import { verify, makeKey } from "../base/keys.ts";
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { bits, BOOLEAN, demandTag, Fields, OCTET_STRING, oid, sequence, type Der } from "./der.ts";
import { publicKey, verifyWith, type HashName, type PublicKey } from "./publicKey.ts";

/** The key of a certificate, Ed25519 among them. */
export type SignerKey = PublicKey | { kind: "ed25519"; raw: Bytes };

const ED25519 = "1.3.101.112";
const ED25519_BYTES = 32;
const NULL = Uint8Array.of(0x05, 0x00);
/** Issuers and those who answer for them have keys as long as claims may have. */
const LONGEST_RSA = 16_384;

/** Signature algorithms that count, by their object identifiers; no others. */
const ALGORITHMS = new Map<string, { kind: "rsa" | "ecdsa"; hash: HashName } | { kind: "ed25519" }>([
  ["1.2.840.113549.1.1.11", { kind: "rsa", hash: "sha256" }], ["1.2.840.113549.1.1.12", { kind: "rsa", hash: "sha384" }],
  ["1.2.840.113549.1.1.13", { kind: "rsa", hash: "sha512" }], ["1.2.840.10045.4.3.2", { kind: "ecdsa", hash: "sha256" }],
  ["1.2.840.10045.4.3.3", { kind: "ecdsa", hash: "sha384" }], ["1.2.840.10045.4.3.4", { kind: "ecdsa", hash: "sha512" }],
  [ED25519, { kind: "ed25519" }],
]);

/** `longest`: bits of an RSA key. */
export function signerKey({ keyInfo }: Certificate, longest?: number): SignerKey {
  const [algorithm, key] = sequence(keyInfo);
  const parts = sequence(algorithm);
  if (oid(parts[0]) !== ED25519) return publicKey(keyInfo, longest);
  const raw = bits(key);
  if (parts.length !== 1 || raw.length !== ED25519_BYTES) throw new Malformed("an Ed25519 key of another form");
  return { kind: "ed25519", raw };
}

/** Whether the issuer's key signed this message, under the algorithm that is named and with a key of that kind. */
export function isSignedBy(issuer: Certificate, algorithm: Der, message: Bytes, signature: Bytes): boolean {
  try {
    const named = algorithmOf(algorithm);
    const key = signerKey(issuer, LONGEST_RSA);
    if (named?.kind !== key.kind) return false;
    if (key.kind === "ed25519") verify(makeKey("ed25519", key.raw), message, signature);
    else if (named.kind !== "ed25519") verifyWith(key, named.hash, message, signature);
    return true;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}

/** RSA with parameters NULL or none, the others with none. */
function algorithmOf(algorithm: Der): { kind: "rsa" | "ecdsa"; hash: HashName } | { kind: "ed25519" } | undefined {
  const [name, ...parameters] = sequence(algorithm);
  const found = ALGORITHMS.get(oid(name));
  if (parameters.length === 0) return found;
  return found?.kind === "rsa" && isNull(parameters) ? found : undefined;
}

/** Parameters NULL, and nothing else. */
export function isNull(parameters: Der[]): boolean {
  return parameters.length === 1 && equal(parameters[0]!.raw, NULL);
}

export interface Extension {
  name: string;
  critical: boolean;
  /** What the octet string holds; not read here. */
  value: Bytes;
}

/** Extensions (RFC 5280 §4.2): one at least, and `critical` is not written where it is false. */
export function extensionsOf(list: Der): Extension[] {
  const all = sequence(list);
  if (all.length === 0) throw new Malformed("a list of extensions without any");
  return all.map((each) => {
    const fields = new Fields(sequence(each));
    const name = oid(fields.next());
    const critical = fields.optional(BOOLEAN);
    if (critical?.content[0] === 0) throw new Malformed("a default that is written out");
    const value = demandTag(fields.next(), OCTET_STRING).content;
    fields.end();
    return { name, critical: critical !== undefined, value };
  });
}

/** None is critical, for none is read here, and none stands twice. */
export function areUnderstood(extensions: Extension[]): boolean {
  return extensions.every(({ critical }) => !critical) && new Set(extensions.map(({ name }) => name)).size === extensions.length;
}
