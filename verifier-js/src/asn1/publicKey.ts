/** Public keys and signature algorithms of certificates and of what authorities sign (RFC 3279, 4055, 5480, 8017). */
import { p256, p384, p521 } from "@noble/curves/nist.js";
import { concat, toBigEndian, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { bits, demandTag, integer, oid, parseDer, sequence, SEQUENCE, type Der } from "./der.ts";
import { demandNull, HASHES, type HashName } from "./hashes.ts";
import { PSS, pssHash } from "./pss.ts";
import { isSignedWithRsa, type RsaNumbers } from "./rsa.ts";

export type PublicKey =
  | ({ kind: "rsa" } & RsaNumbers)
  | ({ kind: "pss"; /** The one under which it signs; any where it names none. */ hash: HashName | undefined } & RsaNumbers)
  | { kind: "ecdsa"; curve: typeof p256; point: Bytes };

const RSA = "1.2.840.113549.1.1.1";
const EC = "1.2.840.10045.2.1";
const RSA_SIGNATURES = new Map<string, HashName>([
  ["1.2.840.113549.1.1.11", "sha256"], ["1.2.840.113549.1.1.12", "sha384"], ["1.2.840.113549.1.1.13", "sha512"],
]);
const ECDSA_SIGNATURES = new Map<string, HashName>([
  ["1.2.840.10045.4.3.2", "sha256"], ["1.2.840.10045.4.3.3", "sha384"], ["1.2.840.10045.4.3.4", "sha512"],
]);
const CURVES = new Map([["1.2.840.10045.3.1.7", p256], ["1.3.132.0.34", p384], ["1.3.132.0.35", p521]]);
const SMALLEST = 2048;
/** Of timestamps and documents; claims, and who answers for revocation, name a longer one (Timestamps 8). */
const LONGEST = 8192;
const LONGEST_EXPONENT = 64;

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
  if (kind === RSA) {
    demandNull(parameters);
    return { kind: "rsa", ...rsaNumbers(bits(key), longest) };
  }
  if (kind === PSS) return { kind: "pss", hash: hashOfKey(parameters), ...rsaNumbers(bits(key), longest) };
  if (kind === EC) return ecKey(parameters, bits(key));
  throw new Failed("a key that is neither RSA nor on a curve of NIST");
}

/** Parameters of a key for RSA-PSS are those of the profile, or none (Timestamps 8). */
function hashOfKey([only, ...more]: Der[]): HashName | undefined {
  if (more.length > 0) throw new Malformed("a key for RSA-PSS with something more");
  return only === undefined ? undefined : pssHash(only);
}

/** With exponent 1 everybody signs, an even one has no inverse, and a long one serves who wants a reader to reckon for hours (Timestamps 8). */
function rsaNumbers(bytes: Bytes, longest: number): RsaNumbers {
  const [modulus, exponent, ...more] = sequence(parseDer(bytes));
  const [n, e] = [integer(modulus), integer(exponent)];
  if (more.length > 0 || n <= 0n || e <= 0n) throw new Malformed("an RSA key of another form");
  const size = n.toString(2).length;
  if (size < SMALLEST || size > longest) throw new Failed(`an RSA key of ${size} bits`);
  if (n % 2n === 0n || e < 3n || e % 2n === 0n || e.toString(2).length > LONGEST_EXPONENT) throw new Failed("an RSA key with an exponent or a modulus that none has");
  return { n, e, size };
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
  if (!isSignedWith(key, hash, message, signature)) throw new Failed("a signature does not verify");
}

/** By no key that is for RSA-PSS alone. */
export function isSignedWith(key: PublicKey, hash: HashName, message: Bytes, signature: Bytes): boolean {
  if (key.kind === "ecdsa") return isSignedWithEcdsa(key, hash, message, signature);
  return key.kind === "rsa" && isSignedWithRsa(key, hash, message, signature);
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
