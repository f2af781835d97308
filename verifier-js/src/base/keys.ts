/** Keys (Values 9): their forms, thumbprints and signatures. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256 } from "@noble/curves/nist.js";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { base64, bigEndian, concat, equal, fromHex, hex, type Bytes } from "./bytes.ts";
import { bytesHead } from "./cbor.ts";
import { Failed, Malformed } from "./errors.ts";
import { base64Of, oneOf, record, type Form } from "./forms.ts";
import { keccak, sha256 } from "./hashes.ts";
import type { JsonObject } from "./json.ts";

export type Algorithm = "ed25519" | "es256" | "ml-dsa-44" | "es256k";

const SIZES: Record<Algorithm, number> = { ed25519: 32, es256: 65, "ml-dsa-44": 1312, es256k: 65 };
const HALF_ORDER = secp256k1.Point.Fn.ORDER / 2n;

export interface Key {
  alg: Algorithm;
  raw: Bytes;
  /** Thumbprint, hex. */
  kid: string;
}

const known = new Map<string, Key>();

/** A key of its form. */
export function makeKey(alg: Algorithm, raw: Bytes): Key {
  const name = `${alg} ${hex(raw)}`;
  let key = known.get(name);
  if (key === undefined) {
    if (raw.length !== SIZES[alg]) throw new Malformed(`a key of ${raw.length} bytes for ${alg}`);
    demandPoint(alg, raw);
    key = { alg, raw, kid: hex(sha256(coseKey(alg, raw))) };
    known.set(name, key);
  }
  return key;
}

function demandPoint(alg: Algorithm, raw: Bytes): void {
  try {
    if (alg === "ed25519") demandEd25519(raw);
    if (alg === "es256") p256.Point.fromBytes(raw);
    if (alg === "es256k") secp256k1.Point.fromBytes(raw);
  } catch {
    throw new Malformed(`a key that is no point of its curve for ${alg}`);
  }
}

/** y below 2^255 − 19, and no point of small order. Bytes of which no point decodes have their form; no signature holds under them. */
function demandEd25519(raw: Bytes): void {
  const { Point } = ed25519;
  const y = bigEndian(raw.slice().reverse()) & ((1n << 255n) - 1n);
  if (y >= Point.Fp.ORDER) throw new Malformed("y that is not below the order of the field");
  if (decodes(raw) && Point.fromBytes(raw).isSmallOrder()) throw new Malformed("a point of small order");
}

function decodes(raw: Bytes): boolean {
  try {
    ed25519.Point.fromBytes(raw);
    return true;
  } catch {
    return false;
  }
}

function coseKey(alg: Algorithm, raw: Bytes): Bytes {
  const member = (label: number, bytes: Bytes): Bytes => concat(Uint8Array.of(label), bytesHead(bytes.length), bytes);
  switch (alg) {
    case "ed25519":
      return concat(fromHex("a301012006"), member(0x21, raw));
    case "ml-dsa-44":
      return concat(fromHex("a3010703382f"), member(0x20, raw));
    default: {
      const curve = fromHex(alg === "es256" ? "2001" : "2008");
      return concat(fromHex("a40102"), curve, member(0x21, raw.subarray(1, 33)), member(0x22, raw.subarray(33)));
    }
  }
}

export const keyForm: Form<Key> = (value) => {
  const found = record({ alg: oneOf("ed25519", "es256", "ml-dsa-44", "es256k"), public: base64Of(1312) })(value);
  return makeKey(found.alg, found.public);
};

export function keyJson(key: Key): JsonObject {
  return { alg: key.alg, public: base64(key.raw) };
}

export function sameKey(a: Key, b: Key): boolean {
  return a.kid === b.kid;
}

/** Nothing, if `signature` of `message` holds; else `Failed`. */
export function verify(key: Key, message: Bytes, signature: Bytes): void {
  let holds = false;
  try {
    holds = CHECKS[key.alg](key.raw, message, signature);
  } catch {
    holds = false;
  }
  if (!holds) throw new Failed(`the signature does not verify with key ${key.kid}`);
}

const CHECKS: Record<Algorithm, (raw: Bytes, message: Bytes, signature: Bytes) => boolean> = {
  ed25519: verifyEd25519,
  es256: (raw, message, signature) => signature.length === 64 && p256.verify(signature, message, raw, { lowS: false }),
  "ml-dsa-44": (raw, message, signature) => signature.length === 2420 && ml_dsa44.verify(signature, message, raw),
  es256k: (raw, message, signature) => signature.length === 64 && secp256k1.verify(signature, message, raw, { lowS: false }),
};

/** RFC 8032 without the cofactor: the encoding of S·B − k·A is R, byte for byte. */
function verifyEd25519(raw: Bytes, message: Bytes, signature: Bytes): boolean {
  if (signature.length !== 64) return false;
  const { Point } = ed25519;
  const order = Point.Fn.ORDER;
  const s = bigEndian(Uint8Array.from(signature.subarray(32)).reverse());
  if (s >= order) return false;
  const k = bigEndian(sha512(concat(signature.subarray(0, 32), raw, message)).reverse()) % order;
  const r = Point.BASE.multiplyUnsafe(s).subtract(Point.fromBytes(raw).multiplyUnsafe(k));
  return equal(r.toBytes(), signature.subarray(0, 32));
}

/** The Ethereum address of a secp256k1 key, hex. */
export function address(raw: Bytes): string {
  return hex(keccak(raw.subarray(1)).subarray(12));
}

/** The address that signed a digest: r ‖ s ‖ v, s at most half the order, v 27 or 28, r the x coordinate itself. */
export function recoverAddress(digest: Bytes, signature: Bytes): string {
  const v = signature[64];
  if (signature.length !== 65 || (v !== 27 && v !== 28)) throw new Failed("an EVM signature that is not r, s, v");
  if (bigEndian(signature.subarray(32, 64)) > HALF_ORDER) throw new Failed("an EVM signature with a high s");
  try {
    const found = secp256k1.Signature.fromBytes(signature.subarray(0, 64), "compact").addRecoveryBit(v - 27);
    return address(found.recoverPublicKey(digest).toBytes(false));
  } catch {
    throw new Failed("an EVM signature from which no key is recovered");
  }
}
