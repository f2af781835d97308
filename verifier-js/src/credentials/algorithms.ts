/** Signatures as COSE writes them (RFC 9053 §2): under exactly the key, curve and hash that the algorithm is of. */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { type Bytes } from "../base/bytes.ts";
import { HASHES, type HashName } from "../asn1/hashes.ts";
import { holds, type SignerKey } from "../asn1/signing.ts";

export type Algorithm = { kind: "ed25519" } | { kind: "ecdsa"; hash: HashName; /** Bytes of r, and of s. */ size: number };

const CURVES = new Map([[32, p256], [48, p384], [66, p521]]);

export function verifyRaw(key: SignerKey, how: Algorithm, message: Bytes, signature: Bytes): boolean {
  if (how.kind !== "ecdsa") return holds(key, how, message, signature);
  // C2PA 13.2.1: one curve for each; a hash that is not the curve's is another algorithm.
  if (key.kind !== "ecdsa" || key.curve !== CURVES.get(how.size) || signature.length !== 2 * how.size) return false;
  try {
    return key.curve.verify(signature, HASHES[how.hash](message), key.point, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}
