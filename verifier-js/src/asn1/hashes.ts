/** The hashes that count here, and how algorithms are named with them (RFC 4055 §2.1, RFC 5754). */
import { sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import type { Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { oid, sequence, type Der } from "./der.ts";

export type HashName = "sha256" | "sha384" | "sha512";

export const HASHES: Record<HashName, (bytes: Bytes) => Bytes> = { sha256, sha384, sha512 };

const NULL = 0x05;
const DIGESTS = new Map<string, HashName>([
  ["2.16.840.1.101.3.4.2.1", "sha256"], ["2.16.840.1.101.3.4.2.2", "sha384"], ["2.16.840.1.101.3.4.2.3", "sha512"],
]);

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
