/** RSA-PSS, by which certificates of a path may be signed (RFC 4055 §3.1, RFC 8017 §8.1.2): SHA-2 for the message and for the mask, a salt of any length. */
import { bigEndian, concat, equal, toBigEndian, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { explicit, Fields, integer, oid, sequence, type Der } from "./der.ts";
import { demandNull, hashAlgorithm, HASHES, power, type HashName, type PublicKey } from "./publicKey.ts";

const PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const SHA1 = "1.3.14.3.2.26";
const DEFAULT_SALT = 20n;
const LAST = 0xbc;

interface Pss {
  /** None: SHA-1, the default. */
  hash: Der | undefined;
  mask: Der | undefined;
  salt: bigint;
}

export function isPss(algorithm: Der): boolean {
  return oid(sequence(algorithm)[0]) === PSS;
}

/** `Malformed` where the parameters have not the form of DER: no default is written out, so no trailer, of which there is one alone. */
export function parsePss(algorithm: Der): Pss {
  const [, parameters, ...more] = sequence(algorithm);
  // RFC 4055 §3.1: where something is signed they are demanded; what is signed without them leads nowhere.
  if (parameters === undefined) throw new Failed("RSA-PSS without parameters");
  if (more.length > 0) throw new Malformed("RSA-PSS with something more");
  const fields = new Fields(sequence(parameters));
  const hash = hashOf(fields.optional(0xa0), 0);
  const mask = fields.optional(0xa1);
  const salt = fields.optional(0xa2);
  fields.end();
  const length = salt === undefined ? DEFAULT_SALT : integer(explicit(salt, 2));
  if (length < 0n || (salt !== undefined && length === DEFAULT_SALT)) throw new Malformed("a salt of another form");
  return { hash, mask: mask === undefined ? undefined : maskOf(mask), salt: length };
}

function hashOf(value: Der | undefined, tag: number): Der | undefined {
  return value === undefined ? undefined : demandOther(explicit(value, tag));
}

/** The mask of MGF1 has a hash of its own. */
function maskOf(value: Der): Der {
  const [name, hash, ...more] = sequence(explicit(value, 1));
  if (oid(name) !== MGF1) throw new Failed("RSA-PSS with a mask that is not MGF1");
  if (hash === undefined || more.length > 0) throw new Malformed("MGF1 without its hash");
  return demandOther(hash);
}

function demandOther(hash: Der): Der {
  const [name, ...parameters] = sequence(hash);
  demandNull(parameters);
  if (oid(name) === SHA1) throw new Malformed("a default that is written out");
  return hash;
}

/** Both hashes; `Failed` where one is weaker than SHA-256, as the defaults are. */
export function pssHashes({ hash, mask }: Pss): { hash: HashName; mask: HashName } {
  if (hash === undefined || mask === undefined) throw new Failed("RSA-PSS over SHA-1");
  return { hash: hashAlgorithm(hash), mask: hashAlgorithm(mask) };
}

/** RFC 8017 §9.1.2, step by step. */
export function isSignedWithPss({ n, e, size }: PublicKey & { kind: "rsa" }, pss: Pss, message: Bytes, signature: Bytes): boolean {
  const names = pssHashes(pss);
  const digest = HASHES[names.hash](message);
  const value = bigEndian(signature);
  if (signature.length !== Math.ceil(size / 8) || value >= n) return false;
  const length = Math.ceil((size - 1) / 8);
  const opened = power(value, e, n);
  if (opened >> BigInt(8 * length) !== 0n || pss.salt > BigInt(length - digest.length - 2)) return false;
  const encoded = toBigEndian(opened, length);
  const split = length - digest.length - 1;
  const [masked, hash] = [encoded.subarray(0, split), encoded.subarray(split, -1)];
  const free = 8 * length - (size - 1);
  if (encoded.at(-1) !== LAST || masked[0]! >> (8 - free) !== 0) return false;
  const mask = maskBytes(hash, split, names.mask);
  const block = masked.map((byte, place) => byte ^ mask[place]!);
  block[0]! &= 0xff >> free;
  const salt = Number(pss.salt);
  const padding = block.subarray(0, split - salt);
  if (padding.some((byte, place) => byte !== (place === padding.length - 1 ? 1 : 0))) return false;
  return equal(HASHES[names.hash](concat(new Uint8Array(8), digest, block.subarray(split - salt))), hash);
}

/** MGF1 (RFC 8017 §B.2.1). */
function maskBytes(seed: Bytes, length: number, hash: HashName): Bytes {
  const parts: Bytes[] = [];
  for (let count = 0n; parts.reduce((sum, part) => sum + part.length, 0) < length; count++) parts.push(HASHES[hash](concat(seed, toBigEndian(count, 4))));
  return concat(...parts).subarray(0, length);
}
