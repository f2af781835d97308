/** What stands at a key of a trie (yellow paper, appendix D), by the nodes on the way. */
import { equal, type Bytes } from "../base/bytes.ts";
import { Failed, Malformed } from "../base/errors.ts";
import { keccak } from "../base/hashes.ts";
import { bytesOf, decodeRlp, List, type Item } from "./rlp.ts";

/** A node of so many bytes or more is listed, under its hash; a smaller one, but the root, stands inside its parent. */
const LISTED = 32;

export function trieValue(root: Bytes, key: Bytes, proof: Bytes[]): Bytes {
  const path = [...key].flatMap((byte) => [byte >> 4, byte & 15]);
  let reference = root;
  for (const [index, raw] of proof.entries()) {
    if (!equal(keccak(raw), reference)) throw new Failed("a trie node has another hash than its parent or the header says");
    if (index > 0 && raw.length < LISTED) throw new Malformed("a listed trie node of fewer than 32 bytes, which stands inside its parent");
    const found = follow(decodeRlp(raw), path);
    if (found.value !== undefined) {
      if (index !== proof.length - 1) throw new Failed("trie nodes are left over");
      return found.value;
    }
    reference = found.reference;
  }
  throw new Failed("the trie path ends before its value");
}

type Found = { value: Bytes; reference?: never } | { reference: Bytes; value?: never };

/** Along one listed node and what stands inside it; takes what was followed from `path`. */
function follow(start: Item, path: number[]): Found {
  let node = start;
  for (;;) {
    if (!(node instanceof List)) throw new Malformed("a trie node that is no list");
    const child = node.items.length === 17 ? branch(node.items, path) : short(node.items, path);
    if ("value" in child) return { value: nonEmpty(child.value) };
    if (!(child.next instanceof List)) {
      if (child.next.length !== 32) throw new Failed("the trie holds nothing at this key");
      return { reference: child.next };
    }
    if (child.next.raw.length >= LISTED) throw new Malformed("a trie node of 32 bytes or more inside its parent");
    node = child.next;
  }
}

type Child = { value: Bytes } | { next: Item };

function branch(items: Item[], path: number[]): Child {
  const nibble = path.shift();
  return nibble === undefined ? { value: bytesOf(items[16]) } : { next: items[nibble]! };
}

function short(items: Item[], path: number[]): Child {
  if (items.length !== 2) throw new Malformed("a trie node of neither 17 nor 2 items");
  const written = bytesOf(items[0]);
  const first = written[0];
  if (first === undefined || first >> 4 > 3) throw new Malformed("a hex-prefix path of an unknown flag");
  const odd = ((first >> 4) & 1) === 1;
  const leaf = first >> 4 >= 2;
  if (!odd && (first & 15) !== 0) throw new Malformed("a hex-prefix path with a padding nibble that is not 0");
  const nibbles = [...(odd ? [first & 15] : []), ...[...written.subarray(1)].flatMap((byte) => [byte >> 4, byte & 15])];
  if (!leaf && nibbles.length === 0) throw new Malformed("an extension of an empty path");
  const value = leaf ? bytesOf(items[1]) : undefined;
  const taken = path.splice(0, nibbles.length);
  if (taken.length !== nibbles.length || taken.some((nibble, index) => nibble !== nibbles[index]) || (leaf && path.length > 0))
    throw new Failed("the trie holds another key");
  return value === undefined ? { next: items[1]! } : { value };
}

function nonEmpty(value: Bytes): Bytes {
  if (value.length === 0) throw new Failed("the trie holds an empty value at this key");
  return value;
}
