/** Signatures as COSE writes them (RFC 9053 §2): under exactly the key, curve and hash that the algorithm is of. */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { makeKey, verify } from "../base/keys.ts";
import { HASHES, type HashName } from "../asn1/publicKey.ts";
import type { SignerKey } from "../asn1/signed.ts";

export type Algorithm = { kind: "ed25519" } | { kind: "ecdsa"; hash: HashName; /** Bytes of r, and of s. */ size: number };

const CURVES = new Map([[32, p256], [48, p384], [66, p521]]);

export function verifyRaw(key: SignerKey, how: Algorithm, message: Bytes, signature: Bytes): boolean {
  if (key.kind === "ed25519") return how.kind === "ed25519" && isSignedWithEd25519(key.raw, message, signature);
  if (key.kind === "rsa" || how.kind === "ed25519") return false;
  // C2PA 13.2.1: one curve for each; a hash that is not the curve's is another algorithm.
  if (key.curve !== CURVES.get(how.size) || signature.length !== 2 * how.size) return false;
  try {
    return key.curve.verify(signature, HASHES[how.hash](message), key.point, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}

function isSignedWithEd25519(raw: Bytes, message: Bytes, signature: Bytes): boolean {
  try {
    verify(makeKey("ed25519", raw), message, signature);
    return true;
  } catch (error) {
    if (error instanceof Failed || error instanceof Malformed) return false;
    throw error;
  }
}
