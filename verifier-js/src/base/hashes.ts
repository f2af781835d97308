import { sha256 } from "@noble/hashes/sha2.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concat, hex, type Bytes } from "./bytes.ts";
import { Sm3 } from "./sm3.ts";

export { sha256 };
export const keccak = keccak_256;

/** SHA-256 and SM3 of the same bytes, in hex. */
export interface DigestPair {
  sha256: string;
  sm3: string;
}

export function digestPair(bytes: Bytes): DigestPair {
  return { sha256: hex(sha256(bytes)), sm3: hex(new Sm3().update(bytes).digest()) };
}

export function samePair(a: DigestPair, b: DigestPair): boolean {
  return a.sha256 === b.sha256 && a.sm3 === b.sm3;
}

export function leaf(bytes: Bytes): Bytes {
  return sha256.create().update(Uint8Array.of(0)).update(bytes).digest();
}

export function node(left: Bytes, right: Bytes): Bytes {
  return sha256(concat(Uint8Array.of(1), left, right));
}

/** Root of a tree whose leaves come one after another (RFC 6962 §2.1), in the memory of its height. */
export class TreeHasher {
  private readonly peaks: { hash: Bytes; leaves: number }[] = [];

  add(hash: Bytes): void {
    let peak = { hash, leaves: 1 };
    while (this.peaks.at(-1)?.leaves === peak.leaves) {
      const left = this.peaks.pop()!;
      peak = { hash: node(left.hash, peak.hash), leaves: 2 * peak.leaves };
    }
    this.peaks.push(peak);
  }

  root(): Bytes {
    if (this.peaks.length === 0) return sha256(new Uint8Array());
    return this.peaks.map((peak) => peak.hash).reduceRight((right, left) => node(left, right));
  }
}
