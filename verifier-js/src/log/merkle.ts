/** Inclusion and consistency (The log 2 and 3). Sizes and indexes are bigints: a checkpoint's go up to 2^63. */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed } from "../base/errors.ts";
import { node, sha256 } from "../base/hashes.ts";

const EMPTY = sha256(new Uint8Array());

function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

function ones(value: bigint): number {
  return value.toString(2).replaceAll("0", "").length;
}

export function verifyInclusion(hash: Bytes, index: bigint, size: bigint, root: Bytes, path: Bytes[]): void {
  if (index >= size) throw new Failed(`no index ${index} in a tree of ${size} entries`);
  const inner = bitLength(index ^ (size - 1n));
  const border = ones(index >> BigInt(inner));
  if (path.length !== inner + border) throw new Failed("an inclusion path of another length");
  let found = hash;
  path.forEach((sibling, k) => {
    const right = k < inner && ((index >> BigInt(k)) & 1n) === 0n;
    found = right ? node(found, sibling) : node(sibling, found);
  });
  if (!equal(found, root)) throw new Failed("the inclusion path leads to another root");
}

export function verifyConsistency(from: bigint, a: Bytes, to: bigint, b: Bytes, path: Bytes[]): void {
  if (from > to) throw new Failed(`a tree of ${from} entries does not lie in one of ${to}`);
  if (from === to || from === 0n) {
    const expected = from === 0n ? EMPTY : b;
    if (path.length !== 0 || !equal(a, expected)) throw new Failed("two trees of one size with other roots, or a path where none belongs");
    if (from === to && !equal(a, b)) throw new Failed("two trees of one size with other roots");
    return;
  }
  const whole = from === (from & -from);
  const { older, newer } = leadFrom(from, to, whole ? a : path[0] ?? a, whole ? path : path.slice(1), path.length === 0 && !whole);
  if (!equal(older, a) || !equal(newer, b)) throw new Failed("the consistency path joins other roots");
}

/** Both roots that a path gives from its seed, with 0 < from < to. */
export function leadFrom(from: bigint, to: bigint, seed: Bytes, path: Bytes[], seedless = false): { older: Bytes; newer: Bytes } {
  const shift = ones((from & -from) - 1n);
  const inner = bitLength((from - 1n) ^ (to - 1n)) - shift;
  const border = ones((from - 1n) >> BigInt(inner + shift));
  if (seedless || path.length !== inner + border) throw new Failed("a consistency path of another length");
  const mask = (from - 1n) >> BigInt(shift);
  let older = seed;
  let newer = seed;
  path.forEach((sibling, k) => {
    if (k >= inner || ((mask >> BigInt(k)) & 1n) === 1n) {
      older = node(sibling, older);
      newer = node(sibling, newer);
    } else newer = node(newer, sibling);
  });
  return { older, newer };
}
