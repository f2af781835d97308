/** Public keys of certificates, and what they sign. */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { bigEndian, concat, equal, fromHex, toBigEndian, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { bits, integer, oid, OID, parseDer, sequence, type Der } from "./der.ts";

export type HashName = "sha256" | "sha384" | "sha512";
export const HASHES: Record<HashName, (bytes: Bytes) => Bytes> = { sha256, sha384, sha512 };
const HASH_OIDS: Record<string, HashName> = {
  "2.16.840.1.101.3.4.2.1": "sha256", "2.16.840.1.101.3.4.2.2": "sha384", "2.16.840.1.101.3.4.2.3": "sha512",
};
const DIGEST_INFO: Record<HashName, string> = {
  sha256: "3031300d060960864801650304020105000420", sha384: "3041300d060960864801650304020205000430",
  sha512: "3051300d060960864801650304020305000440",
};
const CURVES = { "1.2.840.10045.3.1.7": p256, "1.3.132.0.34": p384, "1.3.132.0.35": p521 };
const RSA_KEY = "1.2.840.113549.1.1.1";
const EC_KEY = "1.2.840.10045.2.1";
const SIGNATURES: Record<string, { kind: "rsa" | "ecdsa"; hash?: HashName }> = {
  [RSA_KEY]: { kind: "rsa" },
  "1.2.840.113549.1.1.11": { kind: "rsa", hash: "sha256" }, "1.2.840.113549.1.1.12": { kind: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { kind: "rsa", hash: "sha512" }, "1.2.840.10045.4.3.2": { kind: "ecdsa", hash: "sha256" },
  "1.2.840.10045.4.3.3": { kind: "ecdsa", hash: "sha384" }, "1.2.840.10045.4.3.4": { kind: "ecdsa", hash: "sha512" },
};

export type PublicKey = { kind: "rsa"; n: bigint; e: bigint; size: number } | { kind: "ecdsa"; curve: typeof p256; point: Bytes };

/** The hash that an AlgorithmIdentifier names; `Failed` where it is weaker than SHA-256 or none. */
export function hashAlgorithm(value: Der | undefined): HashName {
  const [name, ...parameters] = sequence(value);
  const found = HASH_OIDS[oid(name)];
  if (found === undefined) throw new Failed(`a hash that is not SHA-256, SHA-384 or SHA-512`);
  demandNull(parameters);
  return found;
}

/** No parameters, or one that is NULL. */
export function demandNull(parameters: Der[]): void {
  if (parameters.length > 1 || parameters.some((each) => !equal(each.raw, fromHex("0500")))) throw new Failed("an algorithm with parameters that mean nothing");
}

export function signatureAlgorithm(value: Der | undefined): { kind: "rsa" | "ecdsa"; hash?: HashName } {
  const [name, ...parameters] = sequence(value);
  const found = SIGNATURES[oid(name)];
  if (found === undefined) throw new Failed("a signature that is neither RSA nor ECDSA over SHA-2");
  demandNull(parameters);
  return found;
}

/** `Failed` where the key is of no kind that is accepted: RSA of 2,048 to 8,192 bits (or as many as are given), P-256, P-384, P-521. */
export function publicKey(info: Der | undefined, longest = 8192): PublicKey {
  const [algorithm, value] = sequence(info);
  const [name, parameters] = sequence(algorithm);
  const raw = bits(value);
  if (oid(name) === RSA_KEY) {
    const [n, e] = sequence(parseDer(raw)).map(integer);
    const size = n === undefined ? 0 : n.toString(2).length;
    if (n === undefined || e === undefined || size < 2048 || size > longest || e < 3n || e % 2n === 0n) throw new Failed(`an RSA key of another size than 2,048 to ${longest} bits`);
    return { kind: "rsa", n, e, size };
  }
  const curve = oid(name) === EC_KEY && parameters?.tag === OID ? CURVES[oid(parameters) as keyof typeof CURVES] : undefined;
  if (curve === undefined) throw new Failed("a key that is neither RSA nor on P-256, P-384 or P-521");
  try {
    curve.Point.fromBytes(raw);
  } catch {
    throw new Malformed("a key that is no point of its curve");
  }
  return { kind: "ecdsa", curve, point: raw };
}

export function verifyWith(key: PublicKey, hash: HashName, message: Bytes, signature: Bytes): void {
  const digest = HASHES[hash](message);
  const holds = key.kind === "rsa" ? rsaHolds(key, hash, digest, signature) : ecdsaHolds(key, digest, signature);
  if (!holds) throw new Failed("the signature does not verify");
}

/** RSASSA-PKCS1-v1_5: the encoded message, built again and compared. */
function rsaHolds(key: PublicKey & { kind: "rsa" }, hash: HashName, digest: Bytes, signature: Bytes): boolean {
  const length = Math.ceil(key.size / 8);
  const s = bigEndian(signature);
  if (signature.length !== length || s >= key.n) return false;
  const tail = concat(Uint8Array.of(0), fromHex(DIGEST_INFO[hash]), digest);
  const expected = concat(Uint8Array.of(0, 1), new Uint8Array(length - tail.length - 2).fill(0xff), tail);
  return equal(toBigEndian(power(s, key.e, key.n), length), expected);
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  let square = base % modulus;
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % modulus;
    square = (square * square) % modulus;
  }
  return result;
}

function ecdsaHolds(key: PublicKey & { kind: "ecdsa" }, digest: Bytes, signature: Bytes): boolean {
  try {
    return key.curve.verify(signature, digest, key.point, { prehash: false, lowS: false, format: "der" });
  } catch {
    return false;
  }
}
