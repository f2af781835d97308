/** Whose signature stands on a list, an answer or the certificate of who answers, and the extensions of the first two (Signed files 6). */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import type { Certificate } from "./certificate.ts";
import { BOOLEAN, demandTag, Fields, OCTET_STRING, oid, sequence, type Der } from "./der.ts";
import { holds, signerKey, signingAlgorithm } from "./signing.ts";

const NULL = Uint8Array.of(0x05, 0x00);
/** Issuers and those who answer for them have keys as long as claims may have. */
const LONGEST_RSA = 16_384;

/** Whether the issuer's key signed this message, under the algorithm that is named and with a key of that kind: not by RSA-PSS (Signed files 6). */
export function isSignedBy(issuer: Certificate, algorithm: Der, message: Bytes, signature: Bytes): boolean {
  try {
    const how = signingAlgorithm(algorithm);
    return how.kind !== "pss" && holds(signerKey(issuer.keyInfo, LONGEST_RSA), how, message, signature);
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
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
