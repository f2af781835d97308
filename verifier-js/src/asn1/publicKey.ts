/** Public keys and signature algorithms of certificates and of what authorities sign (RFC 3279, 4055, 5480, 8017). */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { bigEndian, concat, equal, fromHex, toBigEndian, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { bits, demandTag, integer, oid, parseDer, sequence, SEQUENCE, type Der } from "./der.ts";

export type HashName = "sha256" | "sha384" | "sha512";

export const HASHES: Record<HashName, (bytes: Bytes) => Bytes> = { sha256, sha384, sha512 };

export type PublicKey =
  | { kind: "rsa"; n: bigint; e: bigint; /** Bits of n. */ size: number }
  | { kind: "ecdsa"; curve: typeof p256; point: Bytes };

const NULL = 0x05;
const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const DIGESTS = new Map<string, HashName>([
  ["2.16.840.1.101.3.4.2.1", "sha256"], ["2.16.840.1.101.3.4.2.2", "sha384"], ["2.16.840.1.101.3.4.2.3", "sha512"],
]);
/** What a DigestInfo has before the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO: Record<HashName, Bytes> = {
  sha256: fromHex("3031300d060960864801650304020105000420"),
  sha384: fromHex("3041300d060960864801650304020205000430"),
  sha512: fromHex("3051300d060960864801650304020305000440"),
};
const RSA_SIGNATURES = new Map<string, HashName>([
  ["1.2.840.113549.1.1.11", "sha256"], ["1.2.840.113549.1.1.12", "sha384"], ["1.2.840.113549.1.1.13", "sha512"],
]);
const ECDSA_SIGNATURES = new Map<string, HashName>([
  ["1.2.840.10045.4.3.2", "sha256"], ["1.2.840.10045.4.3.3", "sha384"], ["1.2.840.10045.4.3.4", "sha512"],
]);
const CURVES = new Map([["1.2.840.10045.3.1.7", p256], ["1.3.132.0.34", p384], ["1.3.132.0.35", p521]]);
const SMALLEST = 2048;
/** Of timestamps and documents; claims name a longer one (Timestamps 3, Signed files 2). */
const LONGEST = 8192;
/** Of longer moduli exponents are short: a long one serves who wants a reader to reckon for hours (Timestamps 3). */
const LONG = 3072;
const LONGEST_EXPONENT = 64;

/** NULL, or nothing (RFC 4055 §2.1: both are to be accepted). */
export function demandNull(parameters: Der[]): void {
  const [only, ...more] = parameters;
  if (more.length > 0 || (only !== undefined && (only.tag !== NULL || only.content.length !== 0))) throw new Malformed("an algorithm with parameters that it does not have");
}

/** The hash of a digest algorithm, not weaker than SHA-256. */
export function hashAlgorithm(value: Der | undefined): HashName {
  const [name, ...parameters] = sequence(value);
  const found = DIGESTS.get(oid(name));
  if (found === undefined) throw new Failed("a hash that is none of SHA-256, SHA-384 and SHA-512");
  demandNull(parameters);
  return found;
}

/** Kind of key and hash; `rsaEncryption`, as CMS may name it (RFC 3370 §3.2), says no hash. */
export function signatureAlgorithm(value: Der | undefined): { kind: "rsa" | "ecdsa"; hash?: HashName } {
  const [name, ...parameters] = sequence(value);
  const text = oid(name);
  const ecdsa = ECDSA_SIGNATURES.get(text);
  if (ecdsa !== undefined) {
    if (parameters.length > 0) throw new Malformed("ECDSA with parameters (RFC 5758 §3.2)");
    return { kind: "ecdsa", hash: ecdsa };
  }
  const rsa = RSA_SIGNATURES.get(text);
  if (rsa === undefined && text !== RSA) throw new Failed("a signature that is neither RSA (PKCS #1 v1.5) nor ECDSA over SHA-2");
  demandNull(parameters);
  return rsa === undefined ? { kind: "rsa" } : { kind: "rsa", hash: rsa };
}

/** The key of a SubjectPublicKeyInfo, of a kind and size that is allowed. */
export function publicKey(info: Der | undefined, longest = LONGEST): PublicKey {
  const [algorithm, key, ...more] = sequence(info);
  if (more.length > 0) throw new Malformed("a public key with something more");
  const [name, ...parameters] = sequence(algorithm);
  const kind = oid(name);
  if (kind === RSA) return rsaKey(parameters, bits(key), longest);
  if (kind === EC) return ecKey(parameters, bits(key));
  throw new Failed("a key that is neither RSA nor on a curve of NIST");
}

function rsaKey(parameters: Der[], bytes: Bytes, longest: number): PublicKey {
  demandNull(parameters);
  const [modulus, exponent, ...more] = sequence(parseDer(bytes));
  const [n, e] = [integer(modulus), integer(exponent)];
  if (more.length > 0 || n <= 0n || e <= 0n) throw new Malformed("an RSA key of another form");
  const size = n.toString(2).length;
  if (size < SMALLEST || size > longest) throw new Failed(`an RSA key of ${size} bits`);
  // With exponent 1 everybody signs; an even one has no inverse (RFC 8017 §3.1: e is odd, from 3 to n − 1).
  const slow = size > LONG && e.toString(2).length > LONGEST_EXPONENT;
  if (e < 3n || e >= n || e % 2n === 0n || n % 2n === 0n || slow) throw new Failed("an RSA key with an exponent or a modulus that none has");
  return { kind: "rsa", n, e, size };
}

function ecKey([named, ...more]: Der[], point: Bytes): PublicKey {
  // RFC 5480 §2.1.1: only a named curve, never parameters that a forger chooses.
  const curve = named?.tag === SEQUENCE ? undefined : CURVES.get(oid(named));
  if (curve === undefined || more.length > 0) throw new Failed("a key on a curve that is not allowed");
  try {
    curve.Point.fromBytes(point);
  } catch {
    throw new Malformed("a key that is no point of its curve");
  }
  return { kind: "ecdsa", curve, point };
}

/** `Failed` unless this key made the signature: PKCS #1 v1.5 or ECDSA, as the key is. */
export function verifyWith(key: PublicKey, hash: HashName, message: Bytes, signature: Bytes): void {
  const holds = key.kind === "rsa" ? isSignedWithRsa(key, hash, message, signature) : isSignedWithEcdsa(key, hash, message, signature);
  if (!holds) throw new Failed("a signature does not verify");
}

/** RFC 8017 §8.2.2: what should stand there is made anew and compared whole; nothing of it is parsed. */
function isSignedWithRsa({ n, e, size }: PublicKey & { kind: "rsa" }, hash: HashName, message: Bytes, signature: Bytes): boolean {
  const length = Math.ceil(size / 8);
  const value = bigEndian(signature);
  if (signature.length !== length || value >= n) return false;
  const info = concat(DIGEST_INFO[hash], HASHES[hash](message));
  const expected = concat(Uint8Array.of(0, 1), new Uint8Array(length - info.length - 3).fill(0xff), Uint8Array.of(0), info);
  return equal(toBigEndian(power(value, e, n), length), expected);
}

/** Of numbers that nobody hides: a public key's. */
export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
}

/** The signature is the DER of r and s (RFC 3279 §2.2.3), either s. */
function isSignedWithEcdsa({ curve, point }: PublicKey & { kind: "ecdsa" }, hash: HashName, message: Bytes, signature: Bytes): boolean {
  try {
    const value = parseDer(signature);
    const [r, s, ...more] = demandTag(value, SEQUENCE).children;
    const [first, second] = [integer(r), integer(s)];
    const { BYTES } = curve.Point.Fn;
    if (more.length > 0 || first <= 0n || second <= 0n) return false;
    const compact = concat(toBigEndian(first, BYTES), toBigEndian(second, BYTES));
    return curve.verify(compact, HASHES[hash](message), point, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}
