/** The algorithms by which certificates, lists and answers are signed, and which key makes which signature (Timestamps 8). */
import type { Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { makeKey, verify } from "../base/keys.ts";
import { bits, oid, sequence, type Der } from "./der.ts";
import type { HashName } from "./hashes.ts";
import { PSS, pssHash } from "./pss.ts";
import { isSignedWith, publicKey, signatureAlgorithm, type PublicKey } from "./publicKey.ts";
import { isSignedWithPss } from "./rsa.ts";

/** The key of a certificate, Ed25519 among them. */
export type SignerKey = PublicKey | { kind: "ed25519"; raw: Bytes };

export type Signing = { kind: "rsa" | "pss" | "ecdsa"; hash: HashName } | { kind: "ed25519" };

const ED25519 = "1.3.101.112";
const ED25519_BYTES = 32;

/** `longest`: bits of an RSA key. */
export function signerKey(keyInfo: Der, longest?: number): SignerKey {
  const [algorithm, key] = sequence(keyInfo);
  const parts = sequence(algorithm);
  if (oid(parts[0]) !== ED25519) return publicKey(keyInfo, longest);
  const raw = bits(key);
  if (parts.length !== 1 || raw.length !== ED25519_BYTES) throw new Malformed("an Ed25519 key of another form");
  return { kind: "ed25519", raw };
}

/** `Malformed` where the parameters are not of the algorithm; `Failed` where it is none of these. */
export function signingAlgorithm(value: Der): Signing {
  const [name, parameters, ...more] = sequence(value);
  const text = oid(name);
  if (text === PSS) {
    if (more.length > 0) throw new Malformed("RSA-PSS with something more");
    if (parameters === undefined) throw new Failed("RSA-PSS without parameters");
    return { kind: "pss", hash: pssHash(parameters) };
  }
  if (text === ED25519) {
    if (parameters !== undefined) throw new Malformed("Ed25519 with parameters");
    return { kind: "ed25519" };
  }
  const { kind, hash } = signatureAlgorithm(value);
  if (hash === undefined) throw new Failed("an algorithm without a hash");
  return { kind, hash };
}

/** Whether a key makes such signatures: one of RSA by PKCS #1 v1.5 and by PSS, one for RSA-PSS by that alone. */
export function makes(key: SignerKey, how: Signing): boolean {
  if (how.kind !== "pss") return key.kind === how.kind;
  return key.kind === "rsa" || (key.kind === "pss" && (key.hash === undefined || key.hash === how.hash));
}

/** Whether this key made the signature, in this way. */
export function holds(key: SignerKey, how: Signing, message: Bytes, signature: Bytes): boolean {
  if (!makes(key, how)) return false;
  if (key.kind === "ed25519") return isSignedWithEd25519(key.raw, message, signature);
  if (how.kind === "ed25519") return false;
  return how.kind === "pss" && key.kind !== "ecdsa" ? isSignedWithPss(key, how.hash, message, signature) : isSignedWith(key, how.hash, message, signature);
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
