/** Parameters of RSA-PSS (RFC 4055 §3.1), of which one profile counts (Timestamps 8). */
import { Failed, Malformed } from "../base/errors.ts";
import { explicit, Fields, integer, oid, sequence, type Der } from "./der.ts";
import { demandNull, hashAlgorithm, type HashName } from "./hashes.ts";

export const PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const SHA1 = "1.3.14.3.2.26";
const DEFAULT_SALT = 20n;
const DEFAULT_TRAILER = 1n;
/** As long as the hash. */
const SALTS: Record<HashName, bigint> = { sha256: 32n, sha384: 48n, sha512: 64n };

/** The hash of the profile. `Malformed` where the parameters have not the form of DER, in which no default is written out; `Failed` where they are others. */
export function pssHash(parameters: Der): HashName {
  const fields = new Fields(sequence(parameters));
  const [digest, mask, salt, trailer] = [fields.optional(0xa0), fields.optional(0xa1), fields.optional(0xa2), fields.optional(0xa3)];
  fields.end();
  const hashes = [digest === undefined ? undefined : demandOther(explicit(digest, 0)), mask === undefined ? undefined : demandMask(explicit(mask, 1))];
  const length = salt === undefined ? undefined : demandCount(explicit(salt, 2), DEFAULT_SALT);
  if (trailer !== undefined) demandCount(explicit(trailer, 3), DEFAULT_TRAILER);
  if (hashes.includes(undefined) || trailer !== undefined) throw new Failed("RSA-PSS over SHA-1, with another mask than MGF1, or with another trailer");
  const [hash, masked] = hashes.map(hashAlgorithm) as [HashName, HashName];
  if (masked !== hash || length !== SALTS[hash]) throw new Failed("RSA-PSS whose mask has another hash, or whose salt another length than the hash");
  return hash;
}

/** The hash of MGF1; none of another mask. */
function demandMask(value: Der): Der | undefined {
  const [name, hash, ...more] = sequence(value);
  if (oid(name) !== MGF1) return undefined;
  if (hash === undefined || more.length > 0) throw new Malformed("MGF1 without its hash");
  return demandOther(hash);
}

function demandOther(hash: Der): Der {
  const [name, ...parameters] = sequence(hash);
  demandNull(parameters);
  if (oid(name) === SHA1) throw new Malformed("a default that is written out");
  return hash;
}

function demandCount(value: Der, byDefault: bigint): bigint {
  const found = integer(value);
  if (found < 0n || found === byDefault) throw new Malformed("a number of RSA-PSS that is below 0, or a default that is written out");
  return found;
}
