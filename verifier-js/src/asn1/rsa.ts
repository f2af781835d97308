/** RSA signatures, by a public key (RFC 8017 §8). */
import { bigEndian, concat, equal, fromHex, toBigEndian, type Bytes } from "../base/bytes.ts";
import { HASHES, type HashName } from "./hashes.ts";

export interface RsaNumbers {
  n: bigint;
  e: bigint;
  /** Bits of n. */
  size: number;
}

/** What a DigestInfo has before the digest (RFC 8017 §9.2, note 1). */
const DIGEST_INFO: Record<HashName, Bytes> = {
  sha256: fromHex("3031300d060960864801650304020105000420"),
  sha384: fromHex("3041300d060960864801650304020205000430"),
  sha512: fromHex("3051300d060960864801650304020305000440"),
};
const LAST = 0xbc;

/** §8.2.2: what should stand there is made anew and compared whole; nothing of it is parsed. */
export function isSignedWithRsa(key: RsaNumbers, hash: HashName, message: Bytes, signature: Bytes): boolean {
  const length = Math.ceil(key.size / 8);
  const info = concat(DIGEST_INFO[hash], HASHES[hash](message));
  const expected = concat(Uint8Array.of(0, 1), new Uint8Array(length - info.length - 3).fill(0xff), Uint8Array.of(0), info);
  const found = opened(key, signature);
  return found !== undefined && equal(toBigEndian(found, length), expected);
}

/** §8.1.2 and §9.1.2, step by step: one hash for message and mask, and a salt as long as it. */
export function isSignedWithPss(key: RsaNumbers, hash: HashName, message: Bytes, signature: Bytes): boolean {
  const digest = HASHES[hash](message);
  const length = Math.ceil((key.size - 1) / 8);
  const found = opened(key, signature);
  if (found === undefined || found >> BigInt(8 * length) !== 0n) return false;
  const encoded = toBigEndian(found, length);
  const split = length - digest.length - 1;
  const [masked, second] = [encoded.subarray(0, split), encoded.subarray(split, -1)];
  const free = 8 * length - (key.size - 1);
  if (encoded.at(-1) !== LAST || masked[0]! >> (8 - free) !== 0) return false;
  const mask = maskBytes(second, split, hash);
  const block = masked.map((byte, place) => byte ^ mask[place]!);
  block[0]! &= 0xff >> free;
  const padding = block.subarray(0, split - digest.length);
  if (padding.some((byte, place) => byte !== (place === padding.length - 1 ? 1 : 0))) return false;
  return equal(HASHES[hash](concat(new Uint8Array(8), digest, block.subarray(padding.length))), second);
}

/** The number that was signed; none where the signature is not one of this key's form. */
function opened({ n, e, size }: RsaNumbers, signature: Bytes): bigint | undefined {
  const value = bigEndian(signature);
  return signature.length === Math.ceil(size / 8) && value < n ? power(value, e, n) : undefined;
}

/** Of numbers that nobody hides: a public key's. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n;
  for (const bit of exponent.toString(2)) {
    result = (result * result) % modulus;
    if (bit === "1") result = (result * base) % modulus;
  }
  return result;
}

/** MGF1 (§B.2.1). */
function maskBytes(seed: Bytes, length: number, hash: HashName): Bytes {
  const parts: Bytes[] = [];
  for (let count = 0n; parts.reduce((sum, part) => sum + part.length, 0) < length; count++) parts.push(HASHES[hash](concat(seed, toBigEndian(count, 4))));
  return concat(...parts).subarray(0, length);
}
